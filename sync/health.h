/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * How the sources are doing, as one line for a person who asks the supervisor.
 */
#ifndef SYNC_HEALTH_H
#define SYNC_HEALTH_H

#include "sync/shared_store.h"

#include "common/settings.h"

#include <stddef.h>

/* Reads the notes of the sources. A line that is too long is cut. Any thread. */
void health_describe(struct shared_store *shared, const struct settings *settings, char *out,
                     size_t size);

#endif
