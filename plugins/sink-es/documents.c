/* SPDX-License-Identifier: Apache-2.0 */
#include "documents.h"

#include "bulk/document_id.h"

#include <string.h>

/* Rows that are encoded at a time. */
#define BLOCK_ROWS 256

struct documents {
    const struct sluice_host *host;
    const struct es_options *options;
    const struct index_pattern *pattern;
    struct sluice_encoder *encoder;
    bool has_run_version;
    int64_t run_version;

    const struct sluice_batch *batch;
    int64_t row_count;
    int64_t next_row;
    struct sluice_column *id_columns;
    struct sluice_column version_column;

    struct sluice_buffer block; /* JSON lines of some rows */
    int64_t block_end;          /* first row behind them */
    size_t block_at;            /* line of next_row */

    struct sluice_buffer index;
    struct sluice_buffer id;
    struct sluice_buffer scratch;
    char hash[DOCUMENT_ID_DIGITS];
};

static enum sluice_status fail_budget(const struct sluice_host *host, struct sluice_error *error)
{
    return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                       "the memory budget has no room for documents; raise settings.memory");
}

enum sluice_status documents_create(const struct sluice_host *host,
                                    const struct es_options *options,
                                    const struct index_pattern *pattern,
                                    struct documents **documents, struct sluice_error *error)
{
    *documents = NULL;
    struct documents *made = sluice_alloc(host, sizeof(*made));
    if (!made) {
        return fail_budget(host, error);
    }
    memset(made, 0, sizeof(*made));
    made->host = host;
    made->options = options;
    made->pattern = pattern;
    const struct sluice_run *run = sluice_this_run(host);
    made->has_run_version = run->is_batch && options->action == ES_INDEX && es_has_id(options) &&
                            !es_is_set(options->version);
    made->run_version = (int64_t)run->run;
    made->id_columns = sluice_alloc(host, (options->id.count + 1) * sizeof(struct sluice_column));
    enum sluice_status status =
        made->id_columns ? sluice_encoder_create(host, options->format, sluice_input_schema(host),
                                                 &made->encoder, error)
                         : fail_budget(host, error);
    if (status != SLUICE_OK) {
        documents_destroy(made);
        return status;
    }
    *documents = made;
    return SLUICE_OK;
}

void documents_destroy(struct documents *documents)
{
    if (!documents) {
        return;
    }
    const struct sluice_host *host = documents->host;
    sluice_encoder_destroy(host, documents->encoder);
    sluice_free(host, documents->id_columns);
    sluice_buffer_free(host, &documents->block);
    sluice_buffer_free(host, &documents->index);
    sluice_buffer_free(host, &documents->id);
    sluice_buffer_free(host, &documents->scratch);
    sluice_free(host, documents);
}

static enum sluice_status find_column(const struct documents *documents, const char *name,
                                      struct sluice_column *column, struct sluice_error *error)
{
    int index = sluice_batch_find(documents->host, documents->batch, name);
    if (index < 0) {
        return sluice_fail(documents->host, error, SLUICE_FATAL, SLUICE_CODE_INTERNAL,
                           "a batch came without the column %s", name);
    }
    sluice_batch_column(documents->host, documents->batch, index, column);
    return SLUICE_OK;
}

enum sluice_status documents_begin(struct documents *documents, const struct sluice_batch *batch,
                                   struct sluice_error *error)
{
    const struct es_options *options = documents->options;
    enum sluice_status status = SLUICE_OK;
    documents->batch = batch;
    documents->row_count = sluice_batch_rows(documents->host, batch);
    documents->next_row = 0;
    documents->block_end = 0;
    for (size_t i = 0; status == SLUICE_OK && i < options->id.count; i++) {
        status = find_column(documents, options->id.items[i], &documents->id_columns[i], error);
    }
    if (status == SLUICE_OK && es_is_set(options->version)) {
        status = find_column(documents, options->version, &documents->version_column, error);
    }
    return status;
}

/* ---- one row ---- */

static enum sluice_status encode_block(struct documents *documents, struct sluice_error *error)
{
    int32_t rows[BLOCK_ROWS];
    int64_t count = 0;
    for (; count < BLOCK_ROWS && documents->next_row + count < documents->row_count; count++) {
        rows[count] = (int32_t)(documents->next_row + count);
    }
    documents->block.size = 0;
    documents->block_at = 0;
    documents->block_end = documents->next_row + count;
    enum sluice_status status =
        sluice_encoder_begin(documents->host, documents->encoder, &documents->block, error);
    return status == SLUICE_OK
               ? sluice_encoder_encode(documents->host, documents->encoder, documents->batch, rows,
                                       count, &documents->block, error)
               : status;
}

static enum sluice_status take_json(struct documents *documents, struct sluice_string *json,
                                    struct sluice_error *error)
{
    if (documents->next_row == documents->block_end) {
        enum sluice_status status = encode_block(documents, error);
        if (status != SLUICE_OK) {
            return status;
        }
    }
    size_t left = documents->block.size - documents->block_at;
    const char *line = left ? documents->block.data + documents->block_at : "";
    const char *end = memchr(line, '\n', left);
    if (!end || line[0] != '{') {
        sluice_fail(documents->host, error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID,
                    "format: the codec %s does not write one JSON object a line, which is what a "
                    "search server takes; use json",
                    sluice_codec_name(documents->host, documents->options->format));
        sluice_error_at(documents->host, error, SLUICE_AT_OPTION, "format");
        return SLUICE_CONFIG;
    }
    *json = (struct sluice_string){line, (size_t)(end - line)};
    documents->block_at += json->size + 1;
    return SLUICE_OK;
}

static enum sluice_status render(struct documents *documents,
                                 const struct sluice_template *template_, int64_t row,
                                 const char *what, struct sluice_buffer *buffer,
                                 struct sluice_error *error)
{
    buffer->size = 0;
    enum sluice_status status =
        sluice_template_render(documents->host, template_, documents->batch, row, false, buffer);
    if (status == SLUICE_REJECT) {
        return sluice_fail(documents->host, error, SLUICE_REJECT, SLUICE_CODE_FIELD_MISSING,
                           "a value that the %s needs is null", what);
    }
    return status == SLUICE_OK ? SLUICE_OK : fail_budget(documents->host, error);
}

static enum sluice_status name_index(struct documents *documents, int64_t row,
                                     struct sluice_string *index, struct sluice_error *error)
{
    if (documents->pattern->is_literal) {
        *index = documents->pattern->prefix;
        return SLUICE_OK;
    }
    enum sluice_status status =
        render(documents, documents->options->index, row, "index name", &documents->index, error);
    if (status != SLUICE_OK) {
        return status;
    }
    *index = (struct sluice_string){documents->index.data, documents->index.size};
    const char *fault = index_name_fault(index->size ? index->bytes : "", index->size);
    if (fault) {
        int shown = index->size < 300 ? (int)index->size : 300;
        return sluice_fail(documents->host, error, SLUICE_REJECT, SLUICE_CODE_KEY_UNSAFE,
                           "the index name \"%.*s\" is not allowed: %s", shown,
                           index->size ? index->bytes : "", fault);
    }
    return SLUICE_OK;
}

static enum sluice_status make_id(struct documents *documents, int64_t row,
                                  struct sluice_string *id, struct sluice_error *error)
{
    const struct es_options *options = documents->options;
    *id = (struct sluice_string){"", 0};
    if (options->id.count > 0) {
        if (document_id_hash(documents->host, documents->id_columns, options->id.count, row,
                             &documents->scratch, documents->hash) != SLUICE_OK) {
            return fail_budget(documents->host, error);
        }
        *id = (struct sluice_string){documents->hash, sizeof(documents->hash)};
        return SLUICE_OK;
    }
    if (!options->id_template) {
        return SLUICE_OK;
    }
    enum sluice_status status =
        render(documents, options->id_template, row, "document id", &documents->id, error);
    if (status != SLUICE_OK) {
        return status;
    }
    *id = (struct sluice_string){documents->id.data, documents->id.size};
    if (id->size == 0) {
        return sluice_fail(documents->host, error, SLUICE_REJECT, SLUICE_CODE_FIELD_MISSING,
                           "the document id would be empty");
    }
    if (id->size > ES_LONGEST_ID) {
        document_id_shorten(id->bytes, id->size, documents->hash);
        *id = (struct sluice_string){documents->hash, sizeof(documents->hash)};
    }
    return SLUICE_OK;
}

static enum sluice_status take_version(struct documents *documents, struct document *document,
                                       struct sluice_error *error)
{
    const struct sluice_column *column = &documents->version_column;
    const char *name = documents->options->version;
    document->has_version = documents->has_run_version;
    document->version = documents->run_version;
    if (!es_is_set(name)) {
        return SLUICE_OK;
    }
    if (sluice_column_is_null(column, document->row)) {
        return sluice_fail(documents->host, error, SLUICE_REJECT, SLUICE_CODE_FIELD_MISSING,
                           "the version column %s is null", name);
    }
    document->has_version = true;
    document->version = sluice_column_int64(column, document->row);
    if (document->version < 0) {
        return sluice_fail(documents->host, error, SLUICE_REJECT, SLUICE_CODE_NUMBER_RANGE,
                           "the version %lld in column %s is negative",
                           (long long)document->version, name);
    }
    return SLUICE_OK;
}

enum sluice_status documents_next(struct documents *documents, struct document *document,
                                  struct sluice_error *error)
{
    int64_t row = documents->next_row;
    *document = (struct document){.batch = documents->batch, .row = row};
    enum sluice_status status = take_json(documents, &document->json, error);
    if (status != SLUICE_OK) {
        return status;
    }
    documents->next_row++;
    status = name_index(documents, row, &document->index, error);
    if (status == SLUICE_OK) {
        status = make_id(documents, row, &document->id, error);
    }
    return status == SLUICE_OK ? take_version(documents, document, error) : status;
}
