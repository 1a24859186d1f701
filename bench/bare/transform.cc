// SPDX-License-Identifier: Apache-2.0
// transform IN OUT json|csv FIELDS COUNTRY: lines of JSON → parsed → the first FIELDS fields, of rows
// that are not of this country → a file. Prints how many lines were taken and refused.

#include <cstdio>
#include <vector>

#include "click.h"
#include "output.h"

namespace {

constexpr size_t read_size = 1024 * 1024;
constexpr size_t country = 3; // place in bare::fields

struct transform {
    bare::click row;
    bare::output out;
    bare::format target;
    size_t count;
    std::string left_out; // with the quotes that JSON has around it
    size_t taken = 0, refused = 0;

    void line(const char *text, size_t size)
    {
        if (!row.parse(text, size, count, target)) {
            refused++;
        } else if (row.values[country] != left_out) {
            taken++;
            bare::append(out.text, row, count, target);
            out.written();
        }
    }
};

// Lines of the first `size` bytes; gives how many bytes were whole lines.
size_t lines(transform &work, const char *text, size_t size)
{
    size_t at = 0;
    while (const void *end = std::memchr(text + at, '\n', size - at)) {
        size_t length = static_cast<size_t>(static_cast<const char *>(end) - (text + at));
        work.line(text + at, length);
        at += length + 1;
    }
    return at;
}

void run(transform &work, int in)
{
    std::vector<char> buffer(2 * read_size + simdjson::SIMDJSON_PADDING);
    size_t kept = 0;
    while (true) {
        ssize_t got = read(in, buffer.data() + kept, buffer.size() - simdjson::SIMDJSON_PADDING - kept);
        if (got < 0) {
            bare::fail("read");
        }
        kept += static_cast<size_t>(got);
        size_t done = lines(work, buffer.data(), kept);
        kept -= done;
        std::memmove(buffer.data(), buffer.data() + done, kept);
        if (got == 0) {
            break;
        }
    }
    if (kept > 0) {
        work.line(buffer.data(), kept);
    }
}

} // namespace

int main(int argc, char **argv)
{
    if (argc != 6) {
        std::fprintf(stderr, "usage: transform IN OUT json|csv FIELDS COUNTRY\n");
        return 2;
    }
    int in = open(argv[1], O_RDONLY);
    if (in < 0) {
        bare::fail(argv[1]);
    }
    bare::format target = std::string(argv[3]) == "csv" ? bare::format::csv : bare::format::json;
    std::string left_out = argv[5];
    if (target == bare::format::json) {
        left_out = '"' + left_out + '"';
    }
    transform work{{}, {argv[2], "none", 0}, target, std::stoul(argv[4]), left_out};
    work.out.text = bare::header(work.count, target);
    run(work, in);
    work.out.finish();
    std::printf("%zu taken, %zu refused\n", work.taken, work.refused);
    return 0;
}
