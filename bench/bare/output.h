// SPDX-License-Identifier: Apache-2.0
// A file that the bare programs write, in blocks, as it is or compressed by zlib or zstd.
#pragma once

#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace bare {

[[noreturn]] inline void fail(const char *what)
{
    std::perror(what);
    std::exit(1);
}

class output {
public:
    static constexpr size_t block = 256 * 1024;

    // compression: none, gzip or zstd.
    output(const char *path, const std::string &compression, int level)
        : file(open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644)), compressed(block)
    {
        if (file < 0) {
            fail(path);
        }
        if (compression == "gzip") {
            deflateInit2(&gzip, level, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
            kind = &output::put_gzip;
        } else if (compression == "zstd") {
            zstd = ZSTD_createCCtx();
            ZSTD_CCtx_setParameter(zstd, ZSTD_c_compressionLevel, level);
            kind = &output::put_zstd;
        }
        text.reserve(2 * block);
    }

    // Rows are appended here; then written() is called.
    std::string text;

    void written()
    {
        if (text.size() >= block) {
            (this->*kind)(false);
            text.clear();
        }
    }

    void finish()
    {
        (this->*kind)(true);
        if (close(file) != 0) {
            fail("close");
        }
    }

private:
    void put(const void *bytes, size_t size)
    {
        for (const char *at = static_cast<const char *>(bytes); size > 0;) {
            ssize_t done = write(file, at, size);
            if (done < 0) {
                fail("write");
            }
            at += done;
            size -= static_cast<size_t>(done);
        }
    }

    void put_plain(bool) { put(text.data(), text.size()); }

    void put_gzip(bool last)
    {
        gzip.next_in = reinterpret_cast<Bytef *>(text.data());
        gzip.avail_in = static_cast<uInt>(text.size());
        int answer;
        do {
            gzip.next_out = reinterpret_cast<Bytef *>(compressed.data());
            gzip.avail_out = static_cast<uInt>(compressed.size());
            answer = deflate(&gzip, last ? Z_FINISH : Z_NO_FLUSH);
            put(compressed.data(), compressed.size() - gzip.avail_out);
        } while (gzip.avail_out == 0 || (last && answer != Z_STREAM_END));
    }

    void put_zstd(bool last)
    {
        ZSTD_inBuffer in = {text.data(), text.size(), 0};
        size_t left;
        do {
            ZSTD_outBuffer out = {compressed.data(), compressed.size(), 0};
            left = ZSTD_compressStream2(zstd, &out, &in, last ? ZSTD_e_end : ZSTD_e_continue);
            put(compressed.data(), out.pos);
        } while (last ? left > 0 : in.pos < in.size);
    }

    int file;
    void (output::*kind)(bool) = &output::put_plain;
    z_stream gzip = {};
    ZSTD_CCtx *zstd = nullptr;
    std::vector<char> compressed;
};

} // namespace bare
