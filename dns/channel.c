/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
/* c-ares 1.34 calls deprecated what 1.18, that of Debian 12, has alone: the socket functions, and
 * ares_query, whose successor hands on what it made of the octets, where we read them ourselves. It
 * goes on having them; this is its own word for not being told. */
#define CARES_NO_DEPRECATED

#include "dns/channel.h"

#include <ares.h>
#include <limits.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

enum {
    PAYLOAD_MAX = 1232,      /* octets over UDP that no path fragments: dnsflagday.net/2020 */
    CHANNEL_QUESTIONS = 250, /* of 65536 ids: what a forger may try meanwhile is hopeless */
    CLASS_IN = 1
};

struct channel {
    ares_channel ares;
    struct server server;
    unsigned asked; /* ever */
    unsigned open;
    unsigned queries; /* that went out */
};

struct call {
    struct channel *channel;
    channel_ended *ended;
    void *context;
};

bool channel_start(void)
{
    return ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS;
}

void channel_stop(void)
{
    ares_library_cleanup();
}

/* One try, and every answer passed on as it is: what follows from it is decided above. Sockets that
 * are idle are closed, so that the next question has another port. */
static bool open_ares(ares_channel *ares, int64_t timeout, bool edns)
{
    static char lookups[] = "b", no_file[] = "/dev/null";
    struct ares_options options = {.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES |
                                            ARES_FLAG_NOCHECKRESP | (edns ? ARES_FLAG_EDNS : 0),
                                   .timeout = timeout > INT_MAX ? INT_MAX : (int)timeout,
                                   .tries = 1,
                                   .lookups = lookups,
                                   .resolvconf_path = no_file,
                                   .ednspsz = PAYLOAD_MAX};

    return ares_init_options(ares, &options,
                             ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES |
                                 ARES_OPT_DOMAINS | ARES_OPT_LOOKUPS | ARES_OPT_RESOLVCONF |
                                 ARES_OPT_EDNSPSZ) == ARES_SUCCESS;
}

static bool set_server(ares_channel ares, const struct server *server)
{
    struct ares_addr_port_node address = {
        .family = server->family, .udp_port = server->port, .tcp_port = server->port};

    memcpy(&address.addr, &server->address, sizeof server->address);
    return ares_set_servers_ports(ares, &address) == ARES_SUCCESS;
}

/* The system calls as they are, but that c-ares knows no interfaces, and that queries are counted:
 * each is a buffer of its own. */
static ares_socket_t open_socket(int family, int type, int protocol, void *context)
{
    int socket_ = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
    int one = 1;

    (void)context;
    if (socket_ >= 0 && type == SOCK_STREAM)
        (void)setsockopt(socket_, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    return socket_;
}

static int close_socket(ares_socket_t socket, void *context)
{
    (void)context;
    return close(socket);
}

static int connect_socket(ares_socket_t socket, const struct sockaddr *unscoped,
                          ares_socklen_t length, void *context)
{
    const struct channel *channel = context;
    struct sockaddr_storage address;

    (void)unscoped;
    (void)length;
    length = server_address(&channel->server, &address);
    return connect(socket, (const struct sockaddr *)&address, length);
}

static ares_ssize_t receive(ares_socket_t socket, void *data, size_t size, int flags,
                            struct sockaddr *from, ares_socklen_t *from_length, void *context)
{
    (void)context;
    return recvfrom(socket, data, size, flags, from, from_length);
}

static ares_ssize_t send_queries(ares_socket_t socket, const struct iovec *queries, int count,
                                 void *context)
{
    struct channel *channel = context;

    channel->queries += (unsigned)count;
    return writev(socket, queries, count);
}

static const struct ares_socket_functions socket_functions = {
    open_socket, close_socket, connect_socket, receive, send_queries};

struct channel *channel_open(const struct server *server, int64_t timeout, bool edns)
{
    struct channel *channel = calloc(1, sizeof *channel);

    if (channel == NULL || !open_ares(&channel->ares, timeout, edns)) {
        free(channel);
        return NULL;
    }
    if (!set_server(channel->ares, server)) {
        channel_close(channel);
        return NULL;
    }
    channel->server = *server;
    ares_set_socket_functions(channel->ares, &socket_functions, channel);
    return channel;
}

void channel_close(struct channel *channel)
{
    ares_destroy(channel->ares);
    free(channel);
}

static enum dns_result reason_of(int status)
{
    switch (status) {
    case ARES_ETIMEOUT:
    case ARES_EDESTRUCTION:
        return DNS_TIMEOUT;
    case ARES_EBADNAME:
        return DNS_MALFORMED;
    case ARES_ENOTFOUND: /* .onion, which c-ares never asks for: RFC 7686 */
        return DNS_NXDOMAIN;
    default:
        return DNS_UNREACHABLE;
    }
}

/* The status tells no more than the reply, if there is one. */
static void end_call(void *context, int status, int timeouts, unsigned char *octets, int length)
{
    struct call call = *(struct call *)context;

    (void)timeouts;
    free(context);
    call.channel->open--;
    if (octets == NULL || length <= 0)
        call.ended(call.context, reason_of(status), NULL, 0);
    else
        call.ended(call.context, DNS_FOUND, octets, (size_t)length);
}

bool channel_ask(struct channel *channel, const char *name, enum dns_type type,
                 channel_ended *ended, void *context)
{
    struct call *call = malloc(sizeof *call);

    if (call == NULL)
        return false;
    *call = (struct call){channel, ended, context};
    channel->asked++;
    channel->open++;
    ares_query(channel->ares, name, CLASS_IN, (int)type, end_call, call);
    return true;
}

unsigned channel_take_queries(struct channel *channel)
{
    unsigned queries = channel->queries;

    channel->queries = 0;
    return queries;
}

unsigned channel_open_questions(const struct channel *channel)
{
    return channel->open;
}

bool channel_is_worn(const struct channel *channel)
{
    return channel->asked >= CHANNEL_QUESTIONS;
}

void channel_list_sockets(const struct channel *channel, struct pollfd sockets[CHANNEL_SOCKETS])
{
    ares_socket_t found[ARES_GETSOCK_MAXNUM];
    int bits = ares_getsock(channel->ares, found, CHANNEL_SOCKETS);

    for (int i = 0; i < CHANNEL_SOCKETS; i++) {
        short events = (short)((ARES_GETSOCK_READABLE(bits, i) ? POLLIN : 0) |
                               (ARES_GETSOCK_WRITABLE(bits, i) ? POLLOUT : 0));
        sockets[i] = (struct pollfd){.fd = events != 0 ? found[i] : -1, .events = events};
    }
}

/* An error and the end of a connection show in reading. */
void channel_process(struct channel *channel, const struct pollfd sockets[CHANNEL_SOCKETS])
{
    for (int i = 0; i < CHANNEL_SOCKETS; i++) {
        bool readable = (sockets[i].revents & ~POLLOUT) != 0;
        bool writable = (sockets[i].revents & POLLOUT) != 0;
        if (readable || writable)
            ares_process_fd(channel->ares, readable ? sockets[i].fd : ARES_SOCKET_BAD,
                            writable ? sockets[i].fd : ARES_SOCKET_BAD);
    }
}

void channel_expire(struct channel *channel)
{
    ares_process_fd(channel->ares, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}
