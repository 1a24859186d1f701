/* SPDX-License-Identifier: Apache-2.0 */
/* Which compression a file has: by its first bytes, then by its name. */
#include "compression/compression.h"

#include <string.h>
#include <strings.h>

const char *const compression_read_names[] = {"auto", "none", "gzip", "zstd", NULL};
const char *const compression_write_names[] = {"none", "gzip", "zstd", NULL};

const char *compression_extension(enum compression compression)
{
    switch (compression) {
    case COMPRESSION_GZIP:
        return ".gz";
    case COMPRESSION_ZSTD:
        return ".zst";
    case COMPRESSION_AUTO:
    case COMPRESSION_NONE:
        break;
    }
    return "";
}

static bool ends_with(const char *name, const char *ending)
{
    size_t size = strlen(name);
    size_t ending_size = strlen(ending);
    return size >= ending_size && strcasecmp(name + size - ending_size, ending) == 0;
}

static bool starts_with(const char *bytes, size_t size, const char *magic, size_t magic_size)
{
    return size >= magic_size && memcmp(bytes, magic, magic_size) == 0;
}

/* The four bytes of a zstd frame, or of a skippable one (0x184D2A50 .. 5F, little endian). */
static bool is_zstd(const char *bytes, size_t size)
{
    if (starts_with(bytes, size, "\x28\xb5\x2f\xfd", 4)) {
        return true;
    }
    return size >= 4 && ((unsigned char)bytes[0] & 0xf0) == 0x50 &&
           memcmp(bytes + 1, "\x2a\x4d\x18", 3) == 0;
}

enum compression compression_detect(const char *name, const char *bytes, size_t size)
{
    if (starts_with(bytes, size, "\x1f\x8b\x08", 3)) {
        return COMPRESSION_GZIP;
    }
    if (is_zstd(bytes, size)) {
        return COMPRESSION_ZSTD;
    }
    if (name && (ends_with(name, ".gz") || ends_with(name, ".gzip"))) {
        return COMPRESSION_GZIP;
    }
    if (name && (ends_with(name, ".zst") || ends_with(name, ".zstd"))) {
        return COMPRESSION_ZSTD;
    }
    return COMPRESSION_NONE;
}
