/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The settings in force, and the secrets that they name. A message is judged by those that it
 * acquired, also when they are replaced meanwhile. Any thread.
 */
#ifndef MILTER_LIVE_SETTINGS_H
#define MILTER_LIVE_SETTINGS_H

#include "common/return_secrets.h"
#include "common/settings.h"

struct live_settings;

/* Puts settings into force and takes them and the secrets, which are NULL where there are no return
 * paths. False: out of memory, and the old ones stay. */
bool live_settings_take(struct settings *settings, struct return_secrets *secrets);

struct live_settings *live_settings_acquire(void);
const struct settings *live_settings_get(const struct live_settings *live);
const struct return_secrets *live_settings_secrets(const struct live_settings *live);
void live_settings_release(struct live_settings *live);

#endif
