/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "milter/peers.h"
#include "common/log_limit.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

enum { RESERVE = 64 }; /* for store, metrics, and log */

static int last_descriptor = INT_MAX; /* that a connection may have */

static int last_of(rlim_t limit)
{
    rlim_t reserve = limit / 4 < RESERVE ? limit / 4 : RESERVE;

    return limit > INT_MAX ? INT_MAX : (int)(limit - reserve) - 1;
}

void peers_init(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return;
    if (limit.rlim_cur != limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
        (void)getrlimit(RLIMIT_NOFILE, &limit);
    }
    last_descriptor = last_of(limit.rlim_cur);
}

/* The lowest free number is given out: if it is that high, all below are in use. */
static int hang_up(int connection)
{
    static struct log_limit limit;

    (void)close(connection);
    log_limited(&limit, LOG_ERR,
                "too many connections: %d descriptors are in use; hung up on the MTA, which takes "
                "its default action",
                connection);
    errno = ECONNABORTED; /* which libmilter passes over */
    return -1;
}

static void wait_out(int error)
{
    static const struct timespec pause = {.tv_nsec = 100 * 1000000L};
    static struct log_limit limit;

    log_limited(&limit, LOG_ERR, "cannot accept connections: %s; trying again", strerror(error));
    (void)nanosleep(&pause, NULL);
}

static bool is_lack(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

int peers_accept(int listener, struct sockaddr *address, socklen_t *length)
{
    int connection = accept4(listener, address, length, SOCK_CLOEXEC);
    int error = errno;

    if (connection > last_descriptor)
        return hang_up(connection);
    if (connection < 0 && is_lack(error)) {
        wait_out(error);
        errno = error;
    }
    return connection;
}
