/* SPDX-License-Identifier: Apache-2.0 */
/* What a client has to send in `Authorization`. Pure. */
#ifndef SLUICE_SERVE_CREDENTIALS_H
#define SLUICE_SERVE_CREDENTIALS_H

#include "serve/serve.h"

struct credentials {
    struct text bearer; /* the whole header value: "Bearer …"; empty: not taken */
    struct text basic;  /* "Basic …" */
};

/* False without memory. */
bool credentials_init(struct credentials *credentials, const struct http_settings *settings);
void credentials_reset(struct credentials *credentials);
bool credentials_are_asked(const struct credentials *credentials);
/* `header`: NULL where there is none. Takes the same time wherever the first difference is. */
bool credentials_match(const struct credentials *credentials, const char *header);

#endif
