/* SPDX-License-Identifier: Apache-2.0 */
/* Text to a typed value: CSV cells, defaults of absent fields, strings in JSON. */
#ifndef SLUICE_RECORDS_TEXT_VALUE_H
#define SLUICE_RECORDS_TEXT_VALUE_H

#include <sluice/service.h>

/* One value on its way into a column. The bytes are borrowed. */
struct value {
    bool is_null;
    bool boolean;      /* BOOL */
    int64_t integer;   /* INT64, TIMESTAMP */
    double number;     /* FLOAT64 */
    const char *bytes; /* STRING, BINARY */
    size_t size;
};

/* Reads numbers with a point whatever the process's locale is. */
struct text_reader {
    const struct sluice_host *host;
    void *number_locale;
    struct sluice_buffer scratch; /* decoded binary of the last value */
};

enum sluice_status text_reader_init(struct text_reader *reader, const struct sluice_host *host,
                                    struct sluice_error *error);
void text_reader_reset(struct text_reader *reader);

/* The whole text is the value (integers and floats in JSON's or C's decimal way; bool true or
 * false; timestamp by the field's format; binary as base64; strings as they are, already known to
 * be UTF-8). REJECT with type_mismatch, number_range or timestamp_invalid. A value's bytes stand
 * in the text, or in the reader until its next call. */
enum sluice_status text_to_value(struct text_reader *reader, const struct sluice_field *field,
                                 const char *text, size_t size, struct value *value,
                                 struct sluice_error *error);

/* Decimal digits with an optional sign. 0: done; 1: not an integer; 2: beyond 64 bits. */
enum integer_answer { INTEGER_OK = 0, INTEGER_NOT, INTEGER_RANGE };
enum integer_answer text_to_int64(const char *text, size_t size, int64_t *value);

/* As the pipeline file calls it: "int64". */
const char *type_text(enum sluice_type type);

/* At most 64 bytes of a value for an error message, with "…" where it was longer; control bytes
 * and broken UTF-8 shown as '?'. Returns `text`. */
char *excerpt(const char *bytes, size_t size, char text[80]);

#endif
