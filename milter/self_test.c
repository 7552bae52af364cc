/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "milter/self_test.h"
#include "common/log.h"
#include "milter/front.h"
#include "milter/socket.h"

#include <pthread.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

/* A negotiation of protocol version 6 that offers every action and step of SMFI_CURR_ACTS and
 * SMFI_CURR_PROT, and the end. */
static const char negotiation[] = "\0\0\0\15O\0\0\0\6\0\0\1\377\0\37\377\377";
static const char quit[] = "\0\0\0\1Q";

/* The answer is read to its end: then libmilter has read everything. */
static void negotiate(int connection)
{
    char answer[200];

    if (send(connection, negotiation, sizeof negotiation - 1, MSG_NOSIGNAL) < 0 ||
        recv(connection, answer, sizeof answer, 0) <= 0 ||
        send(connection, quit, sizeof quit - 1, MSG_NOSIGNAL) < 0)
        return;
    while (recv(connection, answer, sizeof answer, 0) > 0)
        continue;
    if (!front_is_in_effect())
        log_write(LOG_WARNING, "libmilter does not read through this program here: it is slower, "
                               "and trusts whoever connects");
}

static void *run(void *unused)
{
    int connection = socket_connect();

    (void)unused;
    if (connection >= 0) {
        negotiate(connection);
        (void)close(connection);
    }
    return NULL;
}

void self_test_start(void)
{
    pthread_t thread;

    if (front_is_built && pthread_create(&thread, NULL, run, NULL) == 0)
        (void)pthread_detach(thread);
}
