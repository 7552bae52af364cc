/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * How many connections the peers of the milter's socket may have.
 *
 * Out of descriptors, libmilter's listener calls accept(2) in a loop without a pause, and the
 * program could neither open its store again nor answer about its state. So the program defines
 * accept(2) itself (milter/front.c), as milter/signals.h does with sigwait(3), by this one: some
 * descriptors are kept for the program's own needs, whoever connects beyond that is hung up on at
 * once, and a failure that would come again right away is waited out.
 */
#ifndef MILTER_PEERS_H
#define MILTER_PEERS_H

#include <sys/socket.h>

/* Takes as many descriptors as the system gives. To be called before any thread is started. */
void peers_init(void);

/* As accept(2). */
int peers_accept(int listener, struct sockaddr *address, socklen_t *length);

#endif
