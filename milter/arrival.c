/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "milter/arrival.h"

#include <stddef.h>
#include <string.h>

static bool is_none(const char *port)
{
    return port == NULL || strcmp(port, "0") == 0;
}

bool arrival_is_submission(const char *client, const char *client_port, const char *daemon_port)
{
    /* Postfix's cleanup says 127.0.0.1, port 0, and port 0 of the listener, which there was none
     * (old ones do not name it). Its smtpd says port 0 too of a client whose port nobody knows,
     * after XCLIENT or PROXY, but has a listener. */
    return is_none(daemon_port) && client != NULL && strcmp(client, "127.0.0.1") == 0 &&
           client_port != NULL && is_none(client_port);
}
