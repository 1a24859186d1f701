/* SPDX-License-Identifier: Apache-2.0 */
/* Where to listen, as text and as a socket. */
#ifndef SLUICE_SERVE_ADDRESS_H
#define SLUICE_SERVE_ADDRESS_H

#include "base/base.h"

enum { HOST_SIZE = 256, PORT_SIZE = 8 };

struct listen_address {
    char host[HOST_SIZE]; /* "127.0.0.1" where the text has none */
    char port[PORT_SIZE];
};

/* "127.0.0.1:9464", "[::1]:9464", ":9464". False where it is none of these. */
bool address_parse(const char *text, struct listen_address *address);

struct listener {
    int socket; /* listens; the caller's */
    bool is_loopback;
    struct text authority; /* "127.0.0.1:9464", with the port that it got */
};

enum sluice_status listener_open(const char *text, struct listener *listener,
                                 struct sluice_error *error);

#endif
