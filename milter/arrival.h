/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * How a message came in, by what the MTA says in macros. MTAs put words and numbers where they know
 * nothing ("unknown", port 0), so a single one of them proves nothing. Pure.
 */
#ifndef MILTER_ARRIVAL_H
#define MILTER_ARRIVAL_H

#include <stdbool.h>

/* Did it come from sendmail(1) on this machine? The values of {client_addr}, {client_port} and
 * {daemon_port}, NULL for what the MTA does not say. */
bool arrival_is_submission(const char *client, const char *client_port, const char *daemon_port);

#endif
