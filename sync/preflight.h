/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * What of the settings can never work, found when they are loaded and not at the first use: a
 * region or an endpoint that is none, a file, a program or an AWS profile that is not there.
 */
#ifndef SYNC_PREFLIGHT_H
#define SYNC_PREFLIGHT_H

#include "common/failure.h"
#include "common/settings.h"

/* EX_CONFIG, with the section and the setting. What this process may not look at passes: the user
 * that mailfrom-sync becomes may. */
bool preflight_check(const struct settings *settings, struct failure *why);

#endif
