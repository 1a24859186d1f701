/* SPDX-License-Identifier: Apache-2.0 */
/* The on-demand front end checks only what is asked for, so everything is asked for: keys and
 * strings are unescaped, scalars matched to the letter, containers walked to their ends. */
#include "simdjson_shim.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wshadow"
#include <simdjson.h>
#pragma GCC diagnostic pop

#include <charconv>
#include <new>

using namespace simdjson;

namespace
{

constexpr unsigned depth_limit = 1000;

struct walker {
    const json_visitor *visitor;

    void tell(int node, json_kind kind, std::string_view text) const
    {
        if (node >= 0) {
            visitor->value(visitor->user, node, kind, text.data(), text.size());
        }
    }

    /* `token` goes up to the next structural character. */
    error_code scalar(std::string_view token, int node) const
    {
        size_t size = 0;
        json_kind kind = json_scan_scalar(token.data(), token.data() + token.size(), &size);
        if (kind == JSON_INVALID ||
            token.find_first_not_of(" \t\r\n", size) != std::string_view::npos) {
            return NUMBER_ERROR;
        }
        tell(node, kind, token.substr(0, size));
        return SUCCESS;
    }

    error_code object(simdjson_result<ondemand::object> found, int node, unsigned depth) const
    {
        ondemand::object members;
        SIMDJSON_TRY(std::move(found).get(members));
        for (auto each : members) {
            ondemand::field member;
            SIMDJSON_TRY(std::move(each).get(member));
            std::string_view key;
            SIMDJSON_TRY(member.unescaped_key().get(key));
            int child = node >= 0 ? visitor->key(visitor->user, node, key.data(), key.size()) : -1;
            SIMDJSON_TRY(value(member.value(), child, depth));
        }
        return SUCCESS;
    }

    error_code array(simdjson_result<ondemand::array> found, unsigned depth) const
    {
        ondemand::array items;
        SIMDJSON_TRY(std::move(found).get(items));
        for (auto each : items) {
            ondemand::value item;
            SIMDJSON_TRY(std::move(each).get(item));
            SIMDJSON_TRY(value(item, -1, depth));
        }
        return SUCCESS;
    }

    error_code value(ondemand::value found, int node, unsigned depth) const
    {
        if (depth == depth_limit) {
            return DEPTH_ERROR;
        }
        ondemand::json_type type;
        SIMDJSON_TRY(found.type().get(type));
        switch (type) {
        case ondemand::json_type::object:
            tell(node, JSON_OBJECT, {});
            return object(found.get_object(), node, depth + 1);
        case ondemand::json_type::array:
            tell(node, JSON_ARRAY, {});
            return array(found.get_array(), depth + 1);
        case ondemand::json_type::string: {
            std::string_view text;
            SIMDJSON_TRY(found.get_string().get(text));
            tell(node, JSON_STRING, text);
            return SUCCESS;
        }
        case ondemand::json_type::number:
        case ondemand::json_type::boolean:
        case ondemand::json_type::null:
            break;
        }
        return scalar(found.raw_json_token(), node);
    }

    error_code root(ondemand::document &document, std::string_view text, bool &is_object) const
    {
        ondemand::json_type type;
        SIMDJSON_TRY(document.type().get(type));
        is_object = type == ondemand::json_type::object;
        switch (type) {
        case ondemand::json_type::object:
            SIMDJSON_TRY(object(document.get_object(), 0, 1));
            break;
        case ondemand::json_type::array:
            SIMDJSON_TRY(array(document.get_array(), 1));
            break;
        case ondemand::json_type::string:
            SIMDJSON_TRY(document.get_string().error());
            break;
        case ondemand::json_type::number:
        case ondemand::json_type::boolean:
        case ondemand::json_type::null:
            return scalar(text.substr(text.find_first_not_of(" \t\r\n")), -1);
        }
        bool is_at_end = document.current_location().error() == OUT_OF_BOUNDS;
        return is_at_end ? SUCCESS : TRAILING_CONTENT;
    }
};

} // namespace

struct json_parser {
    ondemand::parser parser;
};

extern "C" json_parser *json_parser_create(void)
{
    return new (std::nothrow) json_parser;
}

extern "C" void json_parser_destroy(json_parser *parser)
{
    delete parser;
}

extern "C" bool json_parser_reserve(json_parser *parser, size_t size)
{
    return parser->parser.allocate(size) == SUCCESS;
}

extern "C" size_t json_parser_memory(size_t size)
{
    /* A structural index of 4 bytes a byte, and the unescaped strings: 5/3 of the document. */
    return size * 4 + size * 5 / 3 + 4096;
}

extern "C" json_outcome json_parser_walk(json_parser *parser, const char *bytes, size_t size,
                                         const json_visitor *visitor, const char **reason)
{
    *reason = "";
    ondemand::document document;
    walker walk{visitor};
    bool is_object = false;
    error_code error = parser->parser.iterate(bytes, size, size + SIMDJSON_PADDING).get(document);
    if (error == SUCCESS) {
        error = walk.root(document, {bytes, size}, is_object);
    }
    if (error == SUCCESS) {
        return is_object ? JSON_WALKED : JSON_NOT_OBJECT;
    }
    *reason = error_message(error);
    return error == UTF8_ERROR ? JSON_BAD_UTF8
           : error == MEMALLOC ? JSON_NO_MEMORY
                               : JSON_MALFORMED;
}

extern "C" bool json_is_utf8(const char *bytes, size_t size)
{
    return validate_utf8(bytes, size);
}

extern "C" bool json_to_double(const char *bytes, size_t size, double *number)
{
    return std::from_chars(bytes, bytes + size, *number).ec == std::errc();
}
