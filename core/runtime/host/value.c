/* SPDX-License-Identifier: Apache-2.0 */
/* Buffers, formatting and templates for plugins. */
#include "runtime/host/host.h"

#include <string.h>

enum { BUFFER_FIRST = 4096 };

enum sluice_status host_buffer_reserve(sluice_host_ref host, struct sluice_buffer *buffer,
                                       size_t extra)
{
    return host_buffer_grow(&instance_of(host)->step->account, buffer, extra);
}

enum sluice_status host_buffer_grow(struct account *account, struct sluice_buffer *buffer,
                                    size_t extra)
{
    if (buffer->capacity - buffer->size >= extra && buffer->data)
        return SLUICE_OK;
    if (extra > SIZE_MAX / 4 - buffer->size)
        return SLUICE_FATAL;
    size_t capacity = buffer->capacity ? buffer->capacity : BUFFER_FIRST;
    while (capacity - buffer->size < extra)
        capacity += capacity / 2;
    char *data = account_resize(account, buffer->data, capacity);
    if (!data)
        return SLUICE_FATAL;
    buffer->data = data;
    buffer->capacity = capacity;
    return SLUICE_OK;
}

void host_buffer_free(sluice_host_ref host, struct sluice_buffer *buffer)
{
    (void)host;
    account_free(buffer->data);
    *buffer = (struct sluice_buffer){0};
}

static enum sluice_status append(sluice_host_ref host, struct sluice_buffer *buffer,
                                 const struct text *text)
{
    if (text->has_failed || host_buffer_reserve(host, buffer, text->size) != SLUICE_OK)
        return SLUICE_FATAL;
    if (text->size)
        memcpy(buffer->data + buffer->size, text->data, text->size);
    buffer->size += text->size;
    return SLUICE_OK;
}

enum sluice_status host_format_value(sluice_host_ref host, const struct sluice_column *column,
                                     int64_t row, struct sluice_buffer *buffer)
{
    struct text text = {0};
    format_value(column, row, &text);
    enum sluice_status status = append(host, buffer, &text);
    text_reset(&text);
    return status;
}

enum sluice_status host_template_render(sluice_host_ref host,
                                        const struct sluice_template *template_,
                                        const struct sluice_batch *batch, int64_t row,
                                        bool is_path, struct sluice_buffer *buffer)
{
    struct text text = {0};
    enum sluice_status status =
        template_render(template_, batch, row, is_path, &text, instance_of(host)->error);
    if (status == SLUICE_OK)
        status = append(host, buffer, &text);
    text_reset(&text);
    return status;
}
