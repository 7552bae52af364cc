/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Metrics and health over HTTP, in one thread of its own that the mail path never waits for. GET
 * and HEAD only; few connections, small requests, short waits. What names identities is for this
 * machine only: by the peer's address, without a proxy, under an address or the machine's own name,
 * so that no page in a browser gets at it. The only includer of microhttpd.h.
 */
#ifndef MILTER_METRICS_SERVER_H
#define MILTER_METRICS_SERVER_H

#include "common/lookup.h"
#include "common/settings.h"

/* Binds the address of the settings, if there is one; before the privileges are dropped. It does
 * not listen yet. */
bool metrics_server_bind(const struct settings *settings, struct failure *why);

/* After socket_open: from here on, whoever connects is served sooner or later. */
bool metrics_server_listen(struct failure *why);

/* Serves, if it listens; once the program is in the background, for a thread is started. */
bool metrics_server_start(struct lookup *lookup, struct failure *why);

/* Does it serve? Then the mail path counts. Does not change while that runs. */
bool metrics_server_is_on(void);

void metrics_server_stop(void);

#endif
