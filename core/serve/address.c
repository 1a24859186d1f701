/* SPDX-License-Identifier: Apache-2.0 */
#include "serve/address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 64, PORT_MAX = 65535 };

static bool copy_host(const char *text, size_t size, char host[HOST_SIZE])
{
    if (size >= HOST_SIZE) {
        return false;
    }
    memcpy(host, text, size);
    host[size] = '\0';
    return true;
}

bool address_parse(const char *text, struct listen_address *address)
{
    static const char loopback[] = "127.0.0.1";
    const char *colon = strrchr(text, ':');
    int64_t port = 0;
    if (!colon || strlen(colon + 1) >= PORT_SIZE ||
        !parse_int64(colon + 1, strlen(colon + 1), &port) || port < 0 || port > PORT_MAX) {
        return false;
    }
    snprintf(address->port, sizeof(address->port), "%d", (int)port);
    size_t size = (size_t)(colon - text);
    if (size == 0) {
        return copy_host(loopback, strlen(loopback), address->host);
    }
    if (text[0] == '[') {
        return size > 2 && text[size - 1] == ']' && copy_host(text + 1, size - 2, address->host);
    }
    return !memchr(text, ':', size) && copy_host(text, size, address->host);
}

static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *four = (const struct sockaddr_in *)(const void *)address;
        return ntohl(four->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
    }
    const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)(const void *)address;
    return IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
}

/* A listening socket, or -1 with errno. */
static int open_socket(const struct addrinfo *found)
{
    int one = 1;
    int made = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (made < 0) {
        return -1;
    }
    setsockopt(made, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (bind(made, found->ai_addr, found->ai_addrlen) != 0 || listen(made, BACKLOG) != 0) {
        int kept = errno;
        close(made);
        errno = kept;
        return -1;
    }
    return made;
}

static void print_authority(struct listener *listener)
{
    struct sockaddr_storage bound;
    socklen_t size = sizeof(bound);
    char host[INET6_ADDRSTRLEN] = "";
    char port[PORT_SIZE] = "";
    struct sockaddr *address = (struct sockaddr *)&bound;
    getsockname(listener->socket, address, &size);
    getnameinfo(address, size, host, sizeof(host), port, sizeof(port),
                NI_NUMERICHOST | NI_NUMERICSERV);
    text_printf(&listener->authority, bound.ss_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host,
                port);
}

enum sluice_status listener_open(const char *text, struct listener *listener,
                                 struct sluice_error *error)
{
    struct listen_address address;
    struct addrinfo wanted = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE};
    struct addrinfo *found = NULL;
    *listener = (struct listener){.socket = -1};
    if (!address_parse(text, &address)) {
        return error_set(error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID,
                         "`%s` is no address to listen at: write ADDRESS:PORT, as in "
                         "127.0.0.1:9464, or :PORT",
                         text);
    }
    int failure = getaddrinfo(address.host, address.port, &wanted, &found);
    if (failure != 0) {
        return error_set(error, SLUICE_CONFIG, SLUICE_CODE_CONFIG_INVALID,
                         "cannot listen at %s: %s", text, gai_strerror(failure));
    }
    listener->socket = open_socket(found);
    int number = errno;
    listener->is_loopback = is_loopback(found->ai_addr);
    freeaddrinfo(found);
    if (listener->socket < 0) {
        char reason[128];
        return error_set(error, SLUICE_CONFIG, SLUICE_CODE_IO_ERROR,
                         "cannot listen at %s: %s%s", text,
                         strerror_r(number, reason, sizeof(reason)),
                         number == EADDRINUSE ? ": another process has the port, choose another"
                                              : "");
    }
    print_authority(listener);
    return SLUICE_OK;
}
