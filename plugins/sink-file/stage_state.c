/* SPDX-License-Identifier: Apache-2.0 */
#include "stage_state.h"

#include <string.h>

enum { VERSION = 1 };

struct state_head {
    uint32_t version;
    uint32_t mode;
    uint64_t nonce;
    int64_t size;
    uint32_t path_size;
    uint32_t temporary_size;
};

enum sluice_status stage_state_write(const struct sluice_host *host,
                                     const struct stage_state *state,
                                     struct sluice_state_writer *writer, struct sluice_error *error)
{
    struct state_head head = {.version = VERSION,
                              .mode = (uint32_t)state->mode,
                              .nonce = state->nonce,
                              .size = state->size,
                              .path_size = (uint32_t)strlen(state->path),
                              .temporary_size = (uint32_t)strlen(state->temporary)};
    if (sluice_state_write(host, writer, &head, sizeof head) != SLUICE_OK ||
        sluice_state_write(host, writer, state->path, head.path_size) != SLUICE_OK ||
        sluice_state_write(host, writer, state->temporary, head.temporary_size) != SLUICE_OK) {
        return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                           "no memory to note the file's length in the checkpoint");
    }
    return SLUICE_OK;
}

static bool read_text(const struct sluice_host *host, struct sluice_state_reader *reader,
                      char text[PATH_MAX], uint32_t size)
{
    if (size >= PATH_MAX || sluice_state_read(host, reader, text, size) != size) {
        return false;
    }
    text[size] = '\0';
    return true;
}

enum sluice_status stage_state_read(const struct sluice_host *host, struct stage_state *state,
                                    struct sluice_state_reader *reader, struct sluice_error *error)
{
    struct state_head head;
    bool has_head = sluice_state_read(host, reader, &head, sizeof head) == sizeof head;
    if (has_head && head.version != VERSION) {
        return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_STATE_VERSION,
                           "the checkpoint was written by another version of sink-file (%u)",
                           head.version);
    }
    if (!has_head || !read_text(host, reader, state->path, head.path_size) ||
        !read_text(host, reader, state->temporary, head.temporary_size)) {
        return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_STATE_CORRUPT,
                           "sink-file's part of the checkpoint is damaged");
    }
    state->mode = (enum file_mode)head.mode;
    state->nonce = head.nonce;
    state->size = head.size;
    return SLUICE_OK;
}
