/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * What a supervisor is told, in the protocol of sd_notify(3): a datagram to $NOTIFY_SOCKET. Without
 * that variable nothing is told, and nothing here fails. One thread at a time.
 */
#ifndef COMMON_NOTIFY_H
#define COMMON_NOTIFY_H

enum { NOTIFY_STATUS_MAX = 500 };

/* Takes what the supervisor set out of the environment, so that no child speaks for the program.
 * A second call begins anew. To be called in the process that is to be known, before any thread is
 * started, and before a filter that forbids sockets. */
void notify_open(void);

void notify_ready(void);
void notify_reloading(void); /* to be followed by notify_ready */
void notify_stopping(void);

/* One line for a person; sent only if it is another than before. Longer ones are cut, what is not
 * printable ASCII becomes '?'. */
void notify_status(const char *text);

/* The program does its work: feeds the watchdog, if there is one, as often as that wants. To be
 * called at least three times in its interval; once a second is enough for ones from 3 s. */
void notify_alive(void);

#endif
