/* SPDX-License-Identifier: Apache-2.0 */
/* libyaml's messages speak of tokens and contexts; the frequent ones are put into the words of
 * somebody who writes pipeline files. The others come as they are. */
#include "pipeline/file/syntax.h"

#include "pipeline/file/encoding.h"

#include <string.h>

struct wording {
    const char *problem;
    const char *words;
};

static const struct wording wordings[] = {
    {"mapping values are not allowed in this context",
     "a `:` in a place where no key can stand: wrong indentation, or text with `: ` in it that "
     "needs quotes"},
    {"did not find expected key",
     "a key was expected here: check the indentation, and that a list and keys are not mixed"},
    {"did not find expected '-' indicator",
     "the next list item (`- `) was expected here: check the indentation"},
    {"did not find expected ',' or '}'", "`,` or `}` was expected here: a `{` is not closed"},
    {"did not find expected ',' or ']'", "`,` or `]` was expected here: a `[` is not closed"},
    {"did not find expected node content", "a value was expected here"},
    {"could not find expected ':'", "a key without its `:`"},
    {"found unexpected end of stream", "the file ends inside a quoted text"},
    {"found unexpected document indicator", "`---` or `...` inside a quoted text"},
    {"found character that cannot start any token",
     "this character cannot start a value: put the text in quotes"},
    {"found unknown escape character",
     "unknown escape after `\\`: in double quotes a backslash is written `\\\\`; in single quotes "
     "it stands for itself"},
    {"block sequence entries are not allowed in this context",
     "a list item (`- `) cannot start here: check the indentation"},
    {"did not find expected <document start>",
     "text after the end of the file's one document: check the indentation"},
    {"found duplicate %YAML directive", "the %YAML line is there twice"},
    {"found incompatible YAML document", "the %YAML line asks for a version other than 1.1 or 1.2"},
};

/* The byte that stands at a mark; 0 behind the end. */
static char byte_at(const char *bytes, size_t size, const yaml_mark_t *mark)
{
    size_t line = 0;
    size_t at = 0;
    while (at < size && line < mark->line) {
        size_t line_break = line_break_size(bytes + at, size - at);
        line += line_break > 0;
        at += line_break ? line_break : 1;
    }
    for (size_t column = 0; at < size && column < mark->column; column++) {
        at++;
        while (at < size && ((unsigned char)bytes[at] & 0xC0) == 0x80)
            at++;
    }
    return at < size ? bytes[at] : '\0';
}

static const char *plain_words(const char *problem)
{
    for (size_t i = 0; i < sizeof(wordings) / sizeof(wordings[0]); i++) {
        if (strcmp(wordings[i].problem, problem) == 0)
            return wordings[i].words;
    }
    return problem;
}

void report_syntax(const char *file, const yaml_parser_t *parser, const char *bytes, size_t size,
                   struct diagnostics *diagnostics)
{
    const char *problem = parser->problem ? parser->problem : "this is not valid YAML";
    struct span span = {
        .mark = {file, (int)parser->problem_mark.line + 1, (int)parser->problem_mark.column + 1}};
    if (parser->error == YAML_READER_ERROR)
        span.mark = mark_at(file, bytes, size, parser->problem_offset);
    else if (byte_at(bytes, size, &parser->problem_mark) == '\t')
        problem = "a tab cannot indent in YAML: use spaces";
    span.end_line = span.mark.line;
    span.end_column = span.mark.column + 1;
    int begun = (int)parser->context_mark.line + 1;
    if (parser->context && begun < span.mark.line)
        diagnostics_error(diagnostics, &span, "%s (in what begins at line %d)",
                          plain_words(problem), begun);
    else
        diagnostics_error(diagnostics, &span, "%s", plain_words(problem));
}
