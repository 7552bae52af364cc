/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The mail path: libmilter's callbacks, translated into a judgement and back.
 */
#ifndef MILTER_MILTER_H
#define MILTER_MILTER_H

#include "common/lookup.h"
#include "milter/front.h"

/* Registers the callbacks with libmilter, which comes before socket_open. */
bool milter_register(struct failure *why);

/* What the front has to know of the callbacks. */
extern const struct front_policy milter_front_policy;

/* What the callbacks look identities up in, and whether they count messages and take their time
 * (see counters.h). Before smfi_main, and for as long as that runs. */
void milter_use(struct lookup *lookup, bool counting);

/* How many verdicts are being worked out at this moment. Any thread. */
unsigned milter_in_progress(void);

#endif
