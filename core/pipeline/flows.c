/* SPDX-License-Identifier: Apache-2.0 */
/* The top of a pipeline file: its name, settings, schemas and flows with their triggers. */
#include "pipeline/draft.h"

#include <stddef.h>
#include <string.h>

const struct sluice_option settings_rows[] = {
    {.name = "state",
     .kind = SLUICE_OPTION_PATH,
     .default_text = "state",
     .offset = offsetof(struct settings_plan, state),
     .text = "Folder for checkpoints and what each member keeps, or a place that all members reach: "
             "s3://bucket/prefix (state-s3).",
     .example = "/var/lib/sluice"},
    {.name = "checkpoint",
     .kind = SLUICE_OPTION_DURATION,
     .default_text = "30s",
     .minimum = 10,
     .maximum = INT64_C(86400000),
     .offset = offsetof(struct settings_plan, checkpoint_ms),
     .text = "How often a continuous flow takes a checkpoint.",
     .example = "10s"},
    {.name = "memory",
     .kind = SLUICE_OPTION_SIZE,
     .default_text = "1GiB",
     .minimum = INT64_C(1) << 20,
     .maximum = INT64_MAX,
     .offset = offsetof(struct settings_plan, memory_bytes),
     .unit = "bytes",
     .text = "Memory budget of the pipeline. transform-session and transform-agg move to disk what "
             "does not fit; another step that needs more fails with an error.",
     .example = "4GiB"},
    {.name = "spill",
     .kind = SLUICE_OPTION_PATH,
     .offset = offsetof(struct settings_plan, spill),
     .text = "Folder for what steps move to disk when `memory` is short; without it the member's "
             "folder in the state, or, where that is not a folder, TMPDIR.",
     .example = "/var/tmp/sluice"},
    {.name = "lanes",
     .kind = SLUICE_OPTION_INT,
     .default_text = "0",
     .minimum = 0,
     .maximum = 64,
     .offset = offsetof(struct settings_plan, lanes),
     .text = "Threads that a flow's parallel steps run in; 0: one a processor.",
     .example = "4"},
    {.name = "channel",
     .kind = SLUICE_OPTION_SIZE,
     .default_text = "4MiB",
     .minimum = 1,
     .maximum = INT64_MAX,
     .offset = offsetof(struct settings_plan, channel_bytes),
     .unit = "bytes",
     .text = "Bound of one channel between lanes; one batch always fits.",
     .example = "16MiB"},
    {.name = "member",
     .kind = SLUICE_OPTION_STRING,
     .offset = offsetof(struct settings_plan, member),
     .text = "Static id of this process among those that run the pipeline; without it the "
             "environment variable SLUICE_MEMBER, else one is drawn and kept in the state folder.",
     .example = "worker-1"},
    {.name = "shutdown",
     .kind = SLUICE_OPTION_DURATION,
     .default_text = "30s",
     .minimum = 1,
     .maximum = INT64_C(86400000),
     .offset = offsetof(struct settings_plan, shutdown_ms),
     .text = "Time for draining and the last checkpoint after SIGTERM.",
     .example = "1m"},
    {.name = "metrics",
     .kind = SLUICE_OPTION_STRING,
     .offset = offsetof(struct settings_plan, metrics),
     .text = "Address and port at which the process serves /metrics, /healthz and /readyz; without an "
             "address the loopback, without this nothing is served. `--metrics` goes before it.",
     .example = "127.0.0.1:9464"},
    {.name = "metrics_certificate",
     .kind = SLUICE_OPTION_PATH,
     .offset = offsetof(struct settings_plan, metrics_certificate),
     .text = "PEM file with the certificate, and those between it and its root: metrics are served by "
             "HTTPS then.",
     .example = "/etc/sluice/metrics.pem"},
    {.name = "metrics_key",
     .kind = SLUICE_OPTION_PATH,
     .offset = offsetof(struct settings_plan, metrics_key),
     .text = "PEM file with the certificate's key.",
     .example = "/etc/sluice/metrics.key"},
    {.name = "metrics_token",
     .kind = SLUICE_OPTION_SECRET,
     .offset = offsetof(struct settings_plan, metrics_token),
     .text = "Bearer token that a client has to send.",
     .example = "${file:/run/secrets/metrics-token}"},
    {.name = "metrics_user",
     .kind = SLUICE_OPTION_STRING,
     .offset = offsetof(struct settings_plan, metrics_user),
     .text = "User name that a client may send instead of the token (basic authentication).",
     .example = "prometheus"},
    {.name = "metrics_password",
     .kind = SLUICE_OPTION_SECRET,
     .offset = offsetof(struct settings_plan, metrics_password),
     .text = "Password of metrics_user.",
     .example = "${file:/run/secrets/metrics-password}"},
};
const size_t settings_row_count = sizeof(settings_rows) / sizeof(settings_rows[0]);

static const char *const file_keys[] = {"pipeline", "settings", "schemas", "flows"};
static const char *const flow_keys[] = {"steps", "every", "after", "lanes", "dead_letter"};

bool is_good_name(const char *name)
{
    size_t size = strlen(name);
    static const char allowed[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-";
    return size >= 1 && size <= 64 && strspn(name, allowed) == size && strcmp(name, ".") != 0 &&
           strcmp(name, "..") != 0;
}

static void check_keys(struct draft *draft, const struct node *mapping, const char *of,
                       const char *const *known, size_t known_count)
{
    for (size_t i = 0; i < mapping->count; i++) {
        const struct node *key = mapping->keys[i];
        size_t at = 0;
        while (at < known_count && strcmp(known[at], key->text) != 0)
            at++;
        if (at < known_count)
            continue;
        const char *hint = did_you_mean(draft->arena, key->text, known, known_count);
        if (!*hint)
            hint = arena_print(draft->arena, "; it takes %s",
                               list_names(draft->arena, known, known_count, known_count));
        diagnostics_error(draft->diagnostics, &key->span, "unknown key `%s` in %s%s", key->text, of,
                          hint ? hint : "");
    }
}

static void read_name(struct draft *draft)
{
    const struct node *node = node_get(draft->root, "pipeline", NULL);
    draft->name_node = node;
    draft->name = "";
    if (!node) {
        diagnostics_error(draft->diagnostics, &draft->root->span,
                          "the file needs a name: `pipeline: NAME`");
    } else if (node->kind != NODE_SCALAR) {
        diagnostics_error(draft->diagnostics, &node->span, "`pipeline` must be a name, not %s",
                          node_describe(draft->arena, node));
    } else if (!node->is_placeholder && !is_good_name(node->text)) {
        diagnostics_error(draft->diagnostics, &node->span,
                          "the pipeline's name must be 1 to 64 letters, digits, `.`, `_` or `-`, "
                          "not %s",
                          node_describe(draft->arena, node));
    } else {
        draft->name = node->text;
    }
}

static void read_settings(struct draft *draft)
{
    struct node *key = NULL;
    const struct node *node = node_get(draft->root, "settings", &key);
    struct option_reader reader = {
        .arena = draft->arena, .diagnostics = draft->diagnostics, .loader = draft->loader};
    struct option_table table = {"settings", settings_rows, settings_row_count,
                                 sizeof(struct settings_plan)};
    const struct settings_plan *settings =
        options_read(&reader, &table, node, key ? &key->span : &draft->root->span);
    if (!settings)
        return;
    draft->settings = *settings;
    struct node *state = node ? (struct node *)(uintptr_t)node_get(node, "state", NULL) : NULL;
    state_read(draft, state);
    state_read_member(draft, state, node_get(node, "member", NULL));
}

struct flow_options {
    int64_t every_ms;
    int64_t lanes;
};

static const struct sluice_option every_row = {.name = "every",
                                               .kind = SLUICE_OPTION_DURATION,
                                               .minimum = 10,
                                               .maximum = INT64_MAX,
                                               .offset = offsetof(struct flow_options, every_ms),
                                               .text = "Runs the flow at this interval.",
                                               .example = "5m"};
static const struct sluice_option lanes_row = {.name = "lanes",
                                               .kind = SLUICE_OPTION_INT,
                                               .minimum = 1,
                                               .maximum = 64,
                                               .offset = offsetof(struct flow_options, lanes),
                                               .text = "Threads of this flow's parallel steps.",
                                               .example = "4"};

/* One of a flow's own options, by its row; 0 where absent or wrong. */
static int64_t read_flow_option(struct draft *draft, struct draft_flow *flow,
                                const struct sluice_option *row)
{
    const struct node *node = node_get(flow->body, row->name, NULL);
    const char *owner = arena_print(draft->arena, "flow `%s`", flow->name);
    int64_t value = 0;
    struct option_place place = {owner ? owner : "a flow", row, &value};
    struct option_reader reader = {.arena = draft->arena, .diagnostics = draft->diagnostics};
    if (!node || scalar_read(&reader, &place, node))
        return value;
    flow->is_broken = true;
    return 0;
}

static void read_trigger(struct draft *draft, struct draft_flow *flow)
{
    struct node *after_key = NULL;
    const struct node *every = node_get(flow->body, "every", NULL);
    const struct node *after = node_get(flow->body, "after", &after_key);
    flow->every_ms = read_flow_option(draft, flow, &every_row);
    flow->lanes = read_flow_option(draft, flow, &lanes_row);
    if (every)
        flow->trigger = FLOW_EVERY;
    if (!after)
        return;
    flow->trigger = FLOW_AFTER;
    flow->after = after;
    if (every) {
        flow->is_broken = true;
        diagnostics_error(draft->diagnostics, &after_key->span,
                          "flow `%s` has both `every` and `after`: a flow has one trigger",
                          flow->name);
    }
    if (after->kind != NODE_SCALAR || after->is_secret) {
        flow->is_broken = true;
        flow->after = NULL;
        diagnostics_error(draft->diagnostics, &after->span,
                          "`after` must be the name of one flow, not %s",
                          node_describe(draft->arena, after));
    }
}

static void read_flow(struct draft *draft, struct draft_flow *flow)
{
    if (!is_good_name(flow->name)) {
        flow->is_broken = true;
        diagnostics_error(draft->diagnostics, &flow->key->span,
                          "a flow's name must be 1 to 64 letters, digits, `.`, `_` or `-`");
    }
    if (flow->body->kind != NODE_MAPPING) {
        flow->is_broken = true;
        diagnostics_error(draft->diagnostics, &flow->body->span,
                          "flow `%s` must be a mapping with `steps`, not %s", flow->name,
                          node_describe(draft->arena, flow->body));
        return;
    }
    const char *of = arena_print(draft->arena, "flow `%s`", flow->name);
    check_keys(draft, flow->body, of ? of : "a flow", flow_keys,
               sizeof(flow_keys) / sizeof(flow_keys[0]));
    read_trigger(draft, flow);
    const struct node *steps = node_get(flow->body, "steps", NULL);
    const struct node *dead_letter = node_get(flow->body, "dead_letter", NULL);
    if (steps && steps->kind == NODE_SEQUENCE && steps->count > 0) {
        steps_read(draft, flow, steps, dead_letter);
        return;
    }
    flow->is_broken = true;
    if (!steps)
        diagnostics_error(draft->diagnostics, &flow->key->span, "flow `%s` has no `steps`",
                          flow->name);
    else
        diagnostics_error(draft->diagnostics, &steps->span,
                          "`steps` must be a list of steps (`- plugin: {options}`), not %s",
                          steps->kind == NODE_SEQUENCE ? "an empty list"
                                                       : node_describe(draft->arena, steps));
}

static void read_flows(struct draft *draft)
{
    const struct node *flows = node_get(draft->root, "flows", NULL);
    if (!flows) {
        diagnostics_error(draft->diagnostics, &draft->root->span, "the file has no `flows`");
        return;
    }
    if (flows->kind != NODE_MAPPING || flows->count == 0) {
        diagnostics_error(
            draft->diagnostics, &flows->span, "`flows` must be a mapping of names to flows, not %s",
            flows->kind == NODE_MAPPING ? "an empty one" : node_describe(draft->arena, flows));
        return;
    }
    draft->flows = arena_alloc(draft->arena, flows->count * sizeof(*draft->flows));
    if (!draft->flows) {
        diagnostics_fail(draft->diagnostics);
        return;
    }
    draft->flow_count = flows->count;
    for (size_t i = 0; i < flows->count; i++) {
        struct draft_flow *flow = &draft->flows[i];
        *flow = (struct draft_flow){
            .name = flows->keys[i]->text, .key = flows->keys[i], .body = flows->items[i]};
        read_flow(draft, flow);
    }
}

bool draft_read(struct draft *draft)
{
    if (draft->root->kind != NODE_MAPPING) {
        diagnostics_error(draft->diagnostics, &draft->root->span,
                          "a pipeline file is a mapping with `pipeline` and `flows`, not %s",
                          node_describe(draft->arena, draft->root));
        return false;
    }
    check_keys(draft, draft->root, "a pipeline file", file_keys,
               sizeof(file_keys) / sizeof(file_keys[0]));
    read_name(draft);
    read_settings(draft);
    draft->schemas =
        schemas_read(draft->arena, node_get(draft->root, "schemas", NULL), draft->diagnostics);
    read_flows(draft);
    return !diagnostics_has_failed(draft->diagnostics);
}
