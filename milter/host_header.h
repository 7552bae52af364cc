/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Whom a request over HTTP was meant for. A web page may have its own name point at an address of
 * this machine (DNS rebinding): the browser then connects from here, but says that name. Pure.
 */
#ifndef MILTER_HOST_HEADER_H
#define MILTER_HOST_HEADER_H

#include <stdbool.h>

/* host: the Host field, with or without a port. True for an IP address, localhost, and own_name,
 * the name of this machine: no one else decides where these lead. */
bool host_header_is_safe(const char *host, const char *own_name);

/* name: of a field of the request. Does a proxy add it? */
bool host_header_is_of_proxy(const char *name);

#endif
