/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Postfix with content filters: does outbound mail meet this milter once on its way through them,
 * and does inbound mail stay what it is?
 */
#ifndef CTL_CHECK_FILTER_H
#define CTL_CHECK_FILTER_H

#include "ctl/check.h"
#include "ctl/listener.h"

/* Their ways back are marked. */
void check_filters(const struct check *check, const struct listeners *listeners);

#endif
