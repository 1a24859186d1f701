/* SPDX-License-Identifier: Apache-2.0 */
/* Finds credentials, region and endpoint in the environment and in the profile files. */
#include "aws/aws.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#define PROFILE_FILE_LIMIT (1024 * 1024)

static const char *environment(const char *name)
{
    const char *value = getenv(name);
    return value && value[0] ? value : NULL;
}

static const char *profile_name(void)
{
    const char *name = environment("AWS_PROFILE");
    return name ? name : "default";
}

static void profile_path(struct counted_text *path, const char *variable, const char *file)
{
    const char *named = environment(variable);
    const char *home = environment("HOME");
    if (named) {
        counted_add(path, named);
    } else if (home) {
        counted_print(path, "%s/.aws/%s", home, file);
    }
}

/* Sections are "[name]" in the credentials file, "[profile name]" or "[default]" in the config. */
static void profile_section(struct counted_text *section, bool is_config)
{
    const char *name = profile_name();
    counted_print(section, "%s%s", is_config && strcmp(name, "default") != 0 ? "profile " : "",
                  name);
}

/* An absent or unreadable file is an empty one: the message at the end names where we looked. */
static void read_file(const char *path, struct counted_text *content)
{
    FILE *file = path[0] ? fopen(path, "rbe") : NULL;
    if (!file) {
        return;
    }
    char bytes[4096];
    size_t size;
    while ((size = fread(bytes, 1, sizeof bytes, file)) > 0 &&
           content->buffer.size < PROFILE_FILE_LIMIT) {
        counted_add_bytes(content, bytes, size);
    }
    OPENSSL_cleanse(bytes, sizeof bytes);
    fclose(file);
}

static void wipe_text(struct counted_text *text)
{
    if (text->buffer.data) {
        OPENSSL_cleanse(text->buffer.data, text->buffer.size);
    }
    counted_free(text);
}

static void wipe_string(const struct sluice_host *host, char *string)
{
    if (string) {
        OPENSSL_cleanse(string, strlen(string));
        sluice_free(host, string);
    }
}

void aws_credentials_reset(const struct sluice_host *host, struct aws_credentials *credentials)
{
    wipe_string(host, credentials->access_key);
    wipe_string(host, credentials->secret_key);
    wipe_string(host, credentials->session_token);
    *credentials = (struct aws_credentials){0};
}

static bool is_same(const char *one, const char *other)
{
    return one && other ? strcmp(one, other) == 0 : one == other;
}

bool aws_credentials_equal(const struct aws_credentials *one, const struct aws_credentials *other)
{
    return is_same(one->access_key, other->access_key) &&
           is_same(one->secret_key, other->secret_key) &&
           is_same(one->session_token, other->session_token);
}

static enum sluice_status
set_credentials(const struct sluice_host *host, struct aws_credentials *credentials,
                struct sluice_string access_key, struct sluice_string secret_key,
                struct sluice_string session_token, struct sluice_error *error)
{
    credentials->access_key = counted_copy(host, access_key.bytes, access_key.size);
    credentials->secret_key = counted_copy(host, secret_key.bytes, secret_key.size);
    if (session_token.size > 0) {
        credentials->session_token = counted_copy(host, session_token.bytes, session_token.size);
    }
    if (!credentials->access_key || !credentials->secret_key ||
        (session_token.size > 0 && !credentials->session_token)) {
        aws_credentials_reset(host, credentials);
        return sluice_fail(host, error, SLUICE_FATAL, SLUICE_CODE_OUT_OF_MEMORY,
                           "no memory for credentials");
    }
    return SLUICE_OK;
}

static struct sluice_string view(const char *string)
{
    return (struct sluice_string){string ? string : "", string ? strlen(string) : 0};
}

/* AGAIN: not here. */
static enum sluice_status load_environment(const struct sluice_host *host,
                                           struct aws_credentials *credentials,
                                           struct sluice_error *error)
{
    const char *access_key = environment("AWS_ACCESS_KEY_ID");
    const char *secret_key = environment("AWS_SECRET_ACCESS_KEY");
    if (!access_key && !secret_key) {
        return SLUICE_AGAIN;
    }
    if (!access_key || !secret_key) {
        return sluice_fail(host, error, SLUICE_CONFIG, SLUICE_CODE_AUTH_FAILED,
                           "%s is set but %s is not: set both or none",
                           access_key ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY",
                           access_key ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID");
    }
    credentials->is_fixed = true;
    return set_credentials(host, credentials, view(access_key), view(secret_key),
                           view(environment("AWS_SESSION_TOKEN")), error);
}

static enum sluice_status load_profile(const struct sluice_host *host, const char *path,
                                       bool is_config, struct aws_credentials *credentials,
                                       struct sluice_error *error)
{
    struct counted_text content, section;
    struct sluice_string access_key, secret_key, session_token;
    counted_init(&content, host);
    counted_init(&section, host);
    read_file(path, &content);
    profile_section(&section, is_config);
    const char *bytes = counted_get(&content);
    size_t size = content.has_failed ? 0 : content.buffer.size;
    enum sluice_status status = SLUICE_AGAIN;
    if (aws_profile_value(bytes, size, counted_get(&section), "aws_access_key_id", &access_key) &&
        aws_profile_value(bytes, size, counted_get(&section), "aws_secret_access_key",
                          &secret_key) &&
        access_key.size > 0 && secret_key.size > 0) {
        aws_profile_value(bytes, size, counted_get(&section), "aws_session_token", &session_token);
        status = set_credentials(host, credentials, access_key, secret_key, session_token, error);
    }
    wipe_text(&content);
    counted_free(&section);
    return status;
}

enum sluice_status aws_credentials_load(const struct sluice_host *host,
                                        struct aws_credentials *credentials,
                                        struct sluice_error *error)
{
    *credentials = (struct aws_credentials){0};
    enum sluice_status status = load_environment(host, credentials, error);
    if (status != SLUICE_AGAIN) {
        return status;
    }
    struct counted_text shared_path, config_path;
    counted_init(&shared_path, host);
    counted_init(&config_path, host);
    profile_path(&shared_path, "AWS_SHARED_CREDENTIALS_FILE", "credentials");
    profile_path(&config_path, "AWS_CONFIG_FILE", "config");
    status = load_profile(host, counted_get(&shared_path), false, credentials, error);
    if (status == SLUICE_AGAIN) {
        status = load_profile(host, counted_get(&config_path), true, credentials, error);
    }
    if (status == SLUICE_AGAIN) {
        status = sluice_fail(host, error, SLUICE_CONFIG, SLUICE_CODE_AUTH_FAILED,
                             "no credentials: looked for AWS_ACCESS_KEY_ID and "
                             "AWS_SECRET_ACCESS_KEY in the environment, and for profile \"%s\" in "
                             "%s and %s",
                             profile_name(), counted_get(&shared_path), counted_get(&config_path));
    }
    counted_free(&shared_path);
    counted_free(&config_path);
    return status;
}

static void add_profile_region(struct counted_text *region, const char *variable, const char *file,
                               bool is_config)
{
    struct counted_text path, section, content;
    struct sluice_string value;
    counted_init(&path, region->host);
    counted_init(&section, region->host);
    counted_init(&content, region->host);
    profile_path(&path, variable, file);
    profile_section(&section, is_config);
    read_file(counted_get(&path), &content);
    if (!content.has_failed && aws_profile_value(counted_get(&content), content.buffer.size,
                                                 counted_get(&section), "region", &value)) {
        counted_add_bytes(region, value.bytes, value.size);
    }
    wipe_text(&content);
    counted_free(&section);
    counted_free(&path);
}

enum sluice_status aws_region_find(const char *option, struct counted_text *region,
                                   struct sluice_error *error)
{
    const char *named = option && option[0] ? option : environment("AWS_REGION");
    named = named ? named : environment("AWS_DEFAULT_REGION");
    if (named) {
        counted_add(region, named);
    } else {
        add_profile_region(region, "AWS_CONFIG_FILE", "config", true);
        if (region->buffer.size == 0) {
            add_profile_region(region, "AWS_SHARED_CREDENTIALS_FILE", "credentials", false);
        }
    }
    return counted_check(region, error);
}

const char *aws_endpoint_find(const char *option)
{
    if (option && option[0]) {
        return option;
    }
    const char *endpoint = environment("AWS_ENDPOINT_URL_S3");
    return endpoint ? endpoint : environment("AWS_ENDPOINT_URL");
}
