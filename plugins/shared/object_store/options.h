/* SPDX-License-Identifier: Apache-2.0 */
/* The options of a plugin that works on an object store. */
#ifndef SHARED_OBJECT_STORE_OPTIONS_H
#define SHARED_OBJECT_STORE_OPTIONS_H

#include "http/http.h"

struct object_store_options {
    const char *endpoint;
    const char *region;
    bool force_path_style;
    struct http_options http;
};

#define OBJECT_STORE_OPTION_ROWS(type, member)                                                     \
    {.name = "endpoint",                                                                           \
     .kind = SLUICE_OPTION_STRING,                                                                 \
     .offset = offsetof(type, member.endpoint),                                                    \
     .text = "URL of an S3-compatible server; without it AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL "   \
             "or Amazon's own.",                                                                   \
     .example = "http://minio.internal:9000"},                                                     \
        {.name = "region",                                                                         \
         .kind = SLUICE_OPTION_STRING,                                                             \
         .offset = offsetof(type, member.region),                                                  \
         .text =                                                                                   \
             "Region of the bucket; without it AWS_REGION, AWS_DEFAULT_REGION or the profile's.",  \
         .example = "eu-central-1"},                                                               \
        {.name = "force_path_style",                                                               \
         .kind = SLUICE_OPTION_BOOL,                                                               \
         .default_text = "false",                                                                  \
         .offset = offsetof(type, member.force_path_style),                                        \
         .text =                                                                                   \
             "Put the bucket into the path instead of the host name. Always so with an endpoint "  \
             "of one's own.",                                                                      \
         .example = "true"},                                                                       \
        HTTP_OPTION_ROWS(type, member.http)

#endif
