// SPDX-License-Identifier: Apache-2.0
// What the bare programs share: a click parsed by simdjson, and written as a line of JSON or CSV.
// No framework: no batches, no errors but a count, one thread. It is the bound sluice is held to.
#pragma once

#include <simdjson.h>

#include <array>
#include <cstring>
#include <string>
#include <string_view>

namespace bare {

enum class format { json, csv };

inline constexpr std::array<std::string_view, 6> fields = {"user_id", "timestamp", "url",
                                                           "country", "city",      "user_agent"};

// The first `count` fields of a line, in the order of `fields`: for JSON as they stand in it,
// for CSV without escapes.
class click {
public:
    std::array<std::string_view, fields.size()> values;

    // False for what is not an object with these fields, each a string. `line` is followed by
    // SIMDJSON_PADDING readable bytes.
    bool parse(const char *line, size_t size, size_t count, format target)
    {
        simdjson::ondemand::document document;
        simdjson::padded_string_view view(line, size, size + simdjson::SIMDJSON_PADDING);
        simdjson::ondemand::object object;
        if (parser.iterate(view).get(document) || document.get_object().get(object)) {
            return false;
        }
        for (size_t i = 0; i < count; i++) {
            simdjson::ondemand::value value;
            if (object.find_field_unordered(fields[i]).get(value)) {
                return false;
            }
            if (target == format::json) {
                values[i] = value.raw_json_token();
                if (values[i].front() != '"') {
                    return false;
                }
                values[i] = values[i].substr(0, values[i].rfind('"') + 1);
            } else if (value.get_string().get(values[i])) {
                return false;
            }
        }
        return true;
    }

private:
    simdjson::ondemand::parser parser;
};

inline void append_json(std::string &out, const click &row, size_t count)
{
    char separator = '{';
    for (size_t i = 0; i < count; i++) {
        out.push_back(separator);
        out.push_back('"');
        out.append(fields[i]);
        out.append("\":", 2);
        out.append(row.values[i]);
        separator = ',';
    }
    out.append("}\n", 2);
}

// Whether a value needs quotes in CSV: 16 bytes at a time, as any loop that is to be a bound would.
inline bool needs_quotes(std::string_view value)
{
    typedef unsigned char block __attribute__((vector_size(16)));
    typedef unsigned long words __attribute__((vector_size(16)));
    size_t at = 0;
    for (; at + sizeof(block) <= value.size(); at += sizeof(block)) {
        block bytes;
        std::memcpy(&bytes, value.data() + at, sizeof bytes);
        words found = reinterpret_cast<words>((bytes == '"') | (bytes == ',') | (bytes == '\n') |
                                              (bytes == '\r'));
        if ((found[0] | found[1]) != 0) {
            return true;
        }
    }
    for (; at < value.size(); at++) {
        char byte = value[at];
        if (byte == '"' || byte == ',' || byte == '\n' || byte == '\r') {
            return true;
        }
    }
    return false;
}

inline void append_csv(std::string &out, const click &row, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        std::string_view value = row.values[i];
        if (!needs_quotes(value)) {
            out.append(value);
        } else {
            out.push_back('"');
            for (size_t quote; (quote = value.find('"')) != std::string_view::npos;) {
                out.append(value.substr(0, quote + 1)).push_back('"');
                value.remove_prefix(quote + 1);
            }
            out.append(value).push_back('"');
        }
        out.push_back(i + 1 == count ? '\n' : ',');
    }
}

inline void append(std::string &out, const click &row, size_t count, format target)
{
    if (target == format::json) {
        append_json(out, row, count);
    } else {
        append_csv(out, row, count);
    }
}

inline std::string header(size_t count, format target)
{
    std::string line;
    for (size_t i = 0; target == format::csv && i < count; i++) {
        line.append(fields[i]).push_back(i + 1 == count ? '\n' : ',');
    }
    return line;
}

} // namespace bare
