/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * In place of front.c, without ./configure --with-front: libmilter reads by itself.
 */
#include "milter/front.h"
#include "milter/peers.h"

const bool front_is_built = false;
const struct front_limits front_limits;

void front_use(int listener, const struct front_policy *policy, const struct front_limits *limits)
{
    (void)listener;
    (void)policy;
    (void)limits;
}

bool front_is_in_effect(void)
{
    return false;
}

/* In place of the C library's. Its only caller is libmilter's listener. */
int accept(int fd, struct sockaddr *addr, socklen_t *addr_len)
{
    return peers_accept(fd, addr, addr_len);
}
