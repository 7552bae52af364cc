/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Points in time as AWS writes them in replies (ISO 8601). Pure.
 */
#ifndef SES_TIMESTAMP_H
#define SES_TIMESTAMP_H

#include <stdbool.h>
#include <stdint.h>

/* "2026-01-02T03:04:05Z", also with a fraction of a second (dropped) and with an offset instead of
 * the Z. Fills *seconds since the epoch. False for anything else. */
bool timestamp_parse(const char *text, int64_t *seconds);

#endif
