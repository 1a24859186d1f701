/* SPDX-License-Identifier: Apache-2.0 */
#include "planned.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct loader *loader;
static char folder[] = "/tmp/sluice-planned-XXXXXX";

int planned_begin(void **state)
{
    (void)state;
    struct sluice_error *error = error_create();
    assert_int_equal(loader_create(PLANNED_PLUGINS, &loader, error), SLUICE_OK);
    error_destroy(error);
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chdir(folder), 0);
    return 0;
}

int planned_end(void **state)
{
    (void)state;
    loader_destroy(loader);
    unlink("t.yaml");
    unlink("u.yaml");
    unlink("secret");
    return chdir("/") || rmdir(folder);
}

struct loader *planned_loader(void)
{
    return loader;
}

void write_file(const char *path, const char *bytes, size_t size)
{
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static struct planned plan_request(const struct plan_request *request)
{
    struct planned planned = {.diagnostics = diagnostics_create()};
    assert_non_null(planned.diagnostics);
    planned.status = plan_create(request, loader, planned.diagnostics, &planned.plan);
    diagnostics_print(planned.diagnostics, false, &planned.printed);
    assert_true((planned.status == SLUICE_OK) == (planned.plan != NULL));
    assert_true((planned.status == SLUICE_OK) ==
                (diagnostics_error_count(planned.diagnostics) == 0));
    return planned;
}

struct planned plan_files(const char *const *files, size_t count)
{
    return plan_request(&(struct plan_request){.files = files, .file_count = count});
}

struct planned plan_bytes(const char *bytes, size_t size, bool is_check, const char *only_flow)
{
    static const char *const files[] = {"t.yaml"};
    write_file(files[0], bytes, size);
    return plan_request(&(struct plan_request){
        .files = files, .file_count = 1, .is_check = is_check, .only_flow = only_flow});
}

struct planned plan_text(const char *text)
{
    return plan_bytes(text, strlen(text), false, NULL);
}

void planned_reset(struct planned *planned)
{
    plan_destroy(planned->plan);
    diagnostics_destroy(planned->diagnostics);
    text_reset(&planned->printed);
}
