/* SPDX-License-Identifier: Apache-2.0 */
/* Recursive descent over the words; every test is tied to the type of its column at once. */
#include "condition.h"
#include "condition_words.h"

#include "records/text_value.h"

#include <string.h>

struct parsing {
    struct condition *condition;
    const struct sluice_schema *schema;
    struct words words;
    struct word word; /* at hand */
    struct text_reader reader;
    int depth;
    struct sluice_error *error;
};

static enum sluice_status parse_any(struct parsing *parsing, int *node);

static enum sluice_status fail(struct parsing *parsing, const char *expected)
{
    const struct word *word = &parsing->word;
    const struct sluice_host *host = parsing->condition->host;
    char shown[80];
    const char *found =
        word->kind == WORD_END ? "the end" : excerpt(word->text.bytes, word->text.size, shown);
    sluice_fail(host, parsing->error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID,
                "the condition cannot be read at character %zu, `%s`: expected %s", word->at + 1,
                found, expected);
    return SLUICE_CONFIG;
}

static enum sluice_status fail_memory(struct parsing *parsing)
{
    return sluice_fail(parsing->condition->host, parsing->error, SLUICE_FATAL,
                       SLUICE_CODE_OVER_BUDGET, "no memory for a condition: raise settings.memory");
}

static void advance(struct parsing *parsing)
{
    parsing->word = words_next(&parsing->words);
}

static bool take_word(struct parsing *parsing, const char *name)
{
    bool is_it = word_is(&parsing->word, name);
    if (is_it) {
        advance(parsing);
    }
    return is_it;
}

static bool take_symbol(struct parsing *parsing, const char *symbol)
{
    bool is_it = word_is_symbol(&parsing->word, symbol);
    if (is_it) {
        advance(parsing);
    }
    return is_it;
}

static enum sluice_status add_node(struct parsing *parsing, struct condition_node node, int *at)
{
    struct condition *condition = parsing->condition;
    if (condition->node_count == CONDITION_NODES) {
        return sluice_fail(condition->host, parsing->error, SLUICE_CONFIG,
                           SLUICE_CODE_CONFIG_INVALID,
                           "the condition has more than %d tests and words between them: use "
                           "column in (…), or several steps",
                           CONDITION_NODES);
    }
    *at = condition->node_count++;
    condition->nodes[*at] = node;
    return SLUICE_OK;
}

static enum sluice_status negate(struct parsing *parsing, int *node)
{
    return add_node(parsing, (struct condition_node){.kind = CONDITION_NOT, .left = *node}, node);
}

/* ---- values ---- */

static const char *value_text(enum sluice_type type)
{
    switch (type) {
    case SLUICE_TYPE_STRING:
        return "a text in quotes, as the column is a string";
    case SLUICE_TYPE_TIMESTAMP:
        return "a time in quotes, in the format of the column";
    case SLUICE_TYPE_INT64:
        return "a whole number, as the column is an int64";
    case SLUICE_TYPE_FLOAT64:
        return "a number, as the column is a float64";
    case SLUICE_TYPE_BOOL:
        return "true or false, as the column is a bool";
    case SLUICE_TYPE_BINARY:
    case SLUICE_TYPE_NONE:
        break;
    }
    return "is null or is not null: binary columns have no other test";
}

static bool is_word_for(const struct word *word, enum sluice_type type)
{
    if (type == SLUICE_TYPE_STRING || type == SLUICE_TYPE_TIMESTAMP) {
        return word->kind == WORD_TEXT;
    }
    if (type == SLUICE_TYPE_BOOL) {
        return word_is(word, "true") || word_is(word, "false");
    }
    return word->kind == WORD_NUMBER;
}

static bool grow_values(struct condition *condition)
{
    if (condition->value_count < condition->value_capacity) {
        return true;
    }
    size_t capacity = condition->value_capacity ? condition->value_capacity * 2 : 8;
    struct condition_value *grown =
        sluice_resize(condition->host, condition->values, capacity * sizeof *grown);
    if (grown) {
        condition->values = grown;
        condition->value_capacity = capacity;
    }
    return grown != NULL;
}

static enum sluice_status take_value(struct parsing *parsing, const struct sluice_field *field)
{
    struct condition *condition = parsing->condition;
    const struct word *word = &parsing->word;
    struct value value;
    if (!is_word_for(word, field->type)) {
        return fail(parsing, value_text(field->type));
    }
    bool is_bool = field->type == SLUICE_TYPE_BOOL;
    if (!is_bool && text_to_value(&parsing->reader, field, word->text.bytes, word->text.size,
                                  &value, parsing->error) != SLUICE_OK) {
        return fail(parsing, value_text(field->type));
    }
    if (!grow_values(condition)) {
        return fail_memory(parsing);
    }
    condition->values[condition->value_count++] =
        (struct condition_value){.text = word->text,
                                 .integer = is_bool ? word_is(word, "true") : value.integer,
                                 .number = is_bool ? 0 : value.number};
    advance(parsing);
    return SLUICE_OK;
}

/* ---- tests ---- */

static enum sluice_status take_list(struct parsing *parsing, const struct sluice_field *field)
{
    if (!take_symbol(parsing, "(")) {
        return fail(parsing, "( and the values behind `in`");
    }
    enum sluice_status status;
    do {
        status = take_value(parsing, field);
    } while (status == SLUICE_OK && take_symbol(parsing, ","));
    if (status == SLUICE_OK && !take_symbol(parsing, ")")) {
        return fail(parsing, ", or ) behind a value");
    }
    return status;
}

struct comparison {
    const char *symbol;
    enum condition_kind kind;
    bool is_negated;
};

static const struct comparison comparisons[] = {
    {"=", CONDITION_EQUAL, false}, {"!=", CONDITION_EQUAL, true}, {"<", CONDITION_LESS, false},
    {">=", CONDITION_LESS, true},  {">", CONDITION_MORE, false},  {"<=", CONDITION_MORE, true},
};

/* One of = != < <= > >=. False where the word at hand is none. */
static bool take_comparison(struct parsing *parsing, struct condition_node *node, bool *is_negated)
{
    for (size_t i = 0; i < sizeof comparisons / sizeof comparisons[0]; i++) {
        if (take_symbol(parsing, comparisons[i].symbol)) {
            node->kind = comparisons[i].kind;
            *is_negated = comparisons[i].is_negated;
            return true;
        }
    }
    return false;
}

/* starts with, contains: words between a string and a text. */
static bool take_text_test(struct parsing *parsing, struct condition_node *node)
{
    if (take_word(parsing, "contains")) {
        node->kind = CONDITION_CONTAINS;
        return true;
    }
    node->kind = CONDITION_STARTS;
    return take_word(parsing, "starts") && take_word(parsing, "with");
}

static enum sluice_status take_null_test(struct parsing *parsing, struct condition_node *node,
                                         bool *is_negated)
{
    node->kind = CONDITION_IS_NULL;
    *is_negated = take_word(parsing, "not");
    return take_word(parsing, "null") ? SLUICE_OK : fail(parsing, "null or not null behind `is`");
}

/* What stands behind the column. */
static enum sluice_status take_test(struct parsing *parsing, const struct sluice_field *field,
                                    struct condition_node *node, bool *is_negated)
{
    if (take_word(parsing, "is")) {
        return take_null_test(parsing, node, is_negated);
    }
    if (take_comparison(parsing, node, is_negated)) {
        return take_value(parsing, field);
    }
    *is_negated = take_word(parsing, "not");
    if (take_word(parsing, "in")) {
        node->kind = CONDITION_IN;
        return take_list(parsing, field);
    }
    if (field->type == SLUICE_TYPE_STRING && take_text_test(parsing, node)) {
        return take_value(parsing, field);
    }
    if (field->type != SLUICE_TYPE_BOOL || *is_negated) {
        return fail(parsing, "=, !=, <, <=, >, >=, in, is, or behind a string starts with or "
                             "contains");
    }
    if (!grow_values(parsing->condition)) {
        return fail_memory(parsing);
    }
    node->kind = CONDITION_EQUAL; /* a bool column by itself */
    parsing->condition->values[parsing->condition->value_count++] =
        (struct condition_value){.integer = 1};
    return SLUICE_OK;
}

static enum sluice_status parse_test(struct parsing *parsing, int *at)
{
    const struct sluice_field *field = NULL;
    struct word name = parsing->word;
    for (size_t i = 0; name.kind == WORD_NAME && i < parsing->schema->field_count; i++) {
        const struct sluice_field *candidate = sluice_schema_field(parsing->schema, i);
        field = strcmp(candidate->name, name.text.bytes) == 0 ? candidate : field;
    }
    if (!field) {
        return fail(parsing, "a column of the input, not or (");
    }
    advance(parsing);
    struct condition_node node = {.column = name.text.bytes,
                                  .first_value = parsing->condition->value_count};
    bool is_negated = false;
    enum sluice_status status = take_test(parsing, field, &node, &is_negated);
    node.value_count = parsing->condition->value_count - node.first_value;
    if (status == SLUICE_OK) {
        status = add_node(parsing, node, at);
    }
    return status == SLUICE_OK && is_negated ? negate(parsing, at) : status;
}

/* ---- and, or, not ---- */

static enum sluice_status parse_one(struct parsing *parsing, int *at)
{
    enum sluice_status status;
    if (parsing->depth == CONDITION_DEPTH) {
        return fail(parsing, "an end: the condition is nested too deep");
    }
    parsing->depth++;
    if (take_word(parsing, "not")) {
        status = parse_one(parsing, at);
        status = status == SLUICE_OK ? negate(parsing, at) : status;
    } else if (take_symbol(parsing, "(")) {
        status = parse_any(parsing, at);
        if (status == SLUICE_OK && !take_symbol(parsing, ")")) {
            status = fail(parsing, "and, or, or )");
        }
    } else {
        status = parse_test(parsing, at);
    }
    parsing->depth--;
    return status;
}

/* Both sides of an `and` or `or`: the right one needs truths of its own. */
static enum sluice_status join(struct parsing *parsing, enum condition_kind kind,
                               enum sluice_status (*parse)(struct parsing *, int *), int *left)
{
    int right = 0;
    enum sluice_status status = parse(parsing, &right);
    return status == SLUICE_OK
               ? add_node(parsing,
                          (struct condition_node){.kind = kind, .left = *left, .right = right},
                          left)
               : status;
}

static enum sluice_status parse_all(struct parsing *parsing, int *at)
{
    enum sluice_status status = parse_one(parsing, at);
    while (status == SLUICE_OK && take_word(parsing, "and")) {
        status = join(parsing, CONDITION_AND, parse_one, at);
    }
    return status;
}

static enum sluice_status parse_any(struct parsing *parsing, int *at)
{
    enum sluice_status status = parse_all(parsing, at);
    while (status == SLUICE_OK && take_word(parsing, "or")) {
        status = join(parsing, CONDITION_OR, parse_all, at);
    }
    return status;
}

/* ---- the whole ---- */

/* How many truths a node needs at once beyond its own. Nesting is bounded, so this is, too. */
static int depth_of(const struct condition *condition, int at)
{
    const struct condition_node *node = &condition->nodes[at];
    if (node->column) {
        return 0;
    }
    int left = depth_of(condition, node->left);
    if (node->kind == CONDITION_NOT) {
        return left;
    }
    int right = depth_of(condition, node->right) + 1;
    return left > right ? left : right;
}

static enum sluice_status parse(struct parsing *parsing, const char *text)
{
    struct condition *condition = parsing->condition;
    size_t size = strlen(text);
    condition->text = sluice_alloc(condition->host, 2 * size + 2);
    if (!condition->text) {
        return fail_memory(parsing);
    }
    parsing->words = (struct words){.text = text, .room = condition->text};
    enum sluice_status status = text_reader_init(&parsing->reader, condition->host, parsing->error);
    if (status == SLUICE_OK) {
        advance(parsing);
        status = parse_any(parsing, &condition->root);
    }
    if (status == SLUICE_OK && parsing->word.kind != WORD_END) {
        status = fail(parsing, "and, or, or the end");
    }
    if (status == SLUICE_OK) {
        condition->depth = depth_of(condition, condition->root);
    }
    text_reader_reset(&parsing->reader);
    return status;
}

enum sluice_status condition_create(const struct sluice_host *host, const char *text,
                                    const struct sluice_schema *schema,
                                    struct condition **condition, struct sluice_error *error)
{
    *condition = NULL;
    struct condition *made = sluice_alloc(host, sizeof *made);
    struct parsing parsing = {.condition = made, .schema = schema, .error = error};
    if (!made) {
        return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OVER_BUDGET,
                           "no memory for a condition: raise settings.memory");
    }
    memset(made, 0, sizeof *made);
    made->host = host;
    enum sluice_status status = parse(&parsing, text);
    if (status != SLUICE_OK) {
        if (status == SLUICE_CONFIG) {
            sluice_error_at(host, error, SLUICE_AT_OPTION, "where");
        }
        condition_destroy(made);
        return status;
    }
    *condition = made;
    return SLUICE_OK;
}

void condition_destroy(struct condition *condition)
{
    if (!condition) {
        return;
    }
    for (int depth = 0; depth <= CONDITION_DEPTH * 2; depth++) {
        sluice_free(condition->host, condition->truths[depth]);
    }
    sluice_free(condition->host, condition->values);
    sluice_free(condition->host, condition->text);
    sluice_free(condition->host, condition);
}
