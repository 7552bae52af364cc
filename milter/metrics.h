/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The metrics in the text format of Prometheus: those of mailfrom-milter itself, and those that
 * mailfrom-sync leaves in the store. No identity and no address is in them. Pure.
 */
#ifndef MILTER_METRICS_H
#define MILTER_METRICS_H

#include "milter/counters.h"
#include "milter/store_view.h"

#include <stdio.h>

#define METRICS_CONTENT_TYPE "text/plain; version=0.0.4; charset=utf-8"

/* started: when mailfrom-milter was, seconds since the epoch. */
void metrics_write(FILE *out, const struct counters *counters, const struct store_view *view,
                   int64_t started);

#endif
