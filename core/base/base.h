/* SPDX-License-Identifier: Apache-2.0 */
/* Room base: what every room stands on, with libc alone below it.
 *
 *   error    the object behind `struct sluice_error`
 *   text     growable text that never fails halfway: it remembers that memory ran out
 *   arena    memory that goes all at once: plans, parse trees
 *   account  bytes counted against a budget, in a tree: instance → pipeline
 *   clock    wall and monotonic time
 *   files    whole-file read, durable replacement, folders
 *
 * Nothing here keeps global state. An account is for any thread, the rest for one at a time. */
#ifndef SLUICE_BASE_BASE_H
#define SLUICE_BASE_BASE_H

#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>

#include <sluice/types.h>

#define PRINTF_LIKE(format_at, first_at) __attribute__((format(printf, format_at, first_at)))

/* ---- error ---- */

/* NULL when memory is out. */
struct sluice_error *error_create(void);
void error_destroy(struct sluice_error *error); /* NULL is allowed */
/* Back to OK, no message, no fields. */
void error_reset(struct sluice_error *error);
/* Clears, sets, and returns the status. Without memory for the message status and code stand. */
enum sluice_status error_set(struct sluice_error *error, enum sluice_status status,
                             enum sluice_code code, const char *format, ...) PRINTF_LIKE(4, 5);
enum sluice_status error_set_list(struct sluice_error *error, enum sluice_status status,
                                  enum sluice_code code, const char *format, va_list arguments);
void error_set_field(struct sluice_error *error, enum sluice_error_field field, const char *format,
                     ...) PRINTF_LIKE(3, 4);
void error_set_field_list(struct sluice_error *error, enum sluice_error_field field,
                          const char *format, va_list arguments);
void error_add_cause(struct sluice_error *error, const char *format, ...) PRINTF_LIKE(2, 3);
void error_add_cause_list(struct sluice_error *error, const char *format, va_list arguments);
void error_set_retry_after(struct sluice_error *error, int64_t delay_ms);
void error_copy(struct sluice_error *to, const struct sluice_error *from);

enum sluice_status error_status(const struct sluice_error *error);
enum sluice_code error_code(const struct sluice_error *error);
const char *error_message(const struct sluice_error *error); /* "" when none */
const char *error_field(const struct sluice_error *error, enum sluice_error_field field); /* NULL */
const char *error_causes(const struct sluice_error *error);     /* "" or "a; b" */
int64_t error_retry_after_ms(const struct sluice_error *error); /* -1: none */
const char *error_code_name(enum sluice_code code);             /* "json_malformed" */
const char *error_code_meaning(enum sluice_code code);
const char *error_field_name(enum sluice_error_field field); /* "topic" */

/* ---- text ---- */

/* Zero-initialised is empty. data is NUL-terminated once anything was appended. */
struct text {
    char *data;
    size_t size;
    size_t capacity;
    bool has_failed; /* memory ran out: later appends do nothing */
};

void text_append(struct text *text, const char *string);
void text_append_bytes(struct text *text, const char *bytes, size_t size);
void text_append_char(struct text *text, char character);
void text_printf(struct text *text, const char *format, ...) PRINTF_LIKE(2, 3);
void text_printf_list(struct text *text, const char *format, va_list arguments);
void text_clear(struct text *text);            /* empty, memory kept */
void text_reset(struct text *text);            /* frees */
const char *text_get(const struct text *text); /* "" when empty */

/* One line: message, then " (topic=clicks partition=3 offset=17)", then ": cause; cause". */
void error_format(const struct sluice_error *error, struct text *text);

/* ---- arena ---- */

struct arena;

struct arena *arena_create(void);
void arena_destroy(struct arena *arena);             /* NULL is allowed */
void *arena_alloc(struct arena *arena, size_t size); /* zeroed, aligned for any type; NULL */
char *arena_copy(struct arena *arena, const char *bytes, size_t size); /* NUL-terminated */
char *arena_print(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);

/* ---- account ---- */

/* Bytes held by somebody. A charge goes to all parents or to none. limit 0: unbounded. */
struct account {
    atomic_llong used_bytes;
    atomic_llong peak_bytes;
    int64_t limit_bytes;
    struct account *parent;
};

void account_init(struct account *account, int64_t limit_bytes, struct account *parent);
bool account_charge(struct account *account, int64_t bytes); /* false: over a limit, not counted */
void account_discharge(struct account *account, int64_t bytes);

/* Counted memory with a hidden header; NULL over the budget or without memory. SLUICE_PADDING
 * readable bytes stand behind each block. The account must outlive the block. */
void *account_alloc(struct account *account, size_t size);
void *account_resize(struct account *account, void *memory, size_t size);
void account_free(void *memory); /* NULL is allowed */

/* ---- clock ---- */

int64_t clock_wall_ms(void);
int64_t clock_wall_us(void);
int64_t clock_monotonic_ms(void);
int64_t clock_monotonic_ns(void);
/* A condition whose timed waits go on as they should when somebody sets the clock. */
void condition_init(pthread_cond_t *condition);
/* Waits at most wait_ms, which must be below a century. False: that time is over. */
bool condition_wait(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t wait_ms);
uint64_t random_seed(void); /* from the system */

/* ---- files ---- */

/* Statuses: OK, FATAL with code not_found, permission_denied or io_error; the path is in the
 * error's object field. */
enum sluice_status file_read_all(const char *path, size_t limit_bytes, struct text *content,
                                 struct sluice_error *error);
/* Temp file in the same folder (".NAME.<16 hex digits>.tmp"), fsync, rename, fsync of the folder.
 */
enum sluice_status file_replace(const char *path, const char *bytes, size_t size,
                                struct sluice_error *error);
enum sluice_status file_remove(const char *path, struct sluice_error *error);   /* absent is OK */
enum sluice_status folder_create(const char *path, struct sluice_error *error); /* as mkdir -p */
enum sluice_status folder_sync(const char *path, struct sluice_error *error);

/* ---- numbers ---- */

/* Whole decimal text to a number; false on rubbish, overflow or empty. No spaces, no hexadecimal,
 * no NaN or infinity. Too small a number is a zero or subnormal, too large a one is false. The
 * process keeps LC_NUMERIC at "C". */
bool parse_int64(const char *bytes, size_t size, int64_t *value);
bool parse_float64(const char *bytes, size_t size, double *value);

/* ---- fault points ---- */

/* An instruction of the checkpoint protocol at which tests kill the process: fault_point.c. Nothing
 * in builds without SLUICE_FAULT_POINTS. Any thread. */
#ifdef SLUICE_FAULT_POINTS
void fault_point(const char *name);
#else
static inline void fault_point(const char *name)
{
    (void)name;
}
#endif

#endif
