/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "sync/trouble.h"

#include <stdio.h>
#include <string.h>

bool trouble_add(struct trouble *trouble, enum outcome outcome, const char *code, int64_t now,
                 double random)
{
    enum backoff backoff = backoff_of(outcome);
    bool is_same =
        trouble->failures > 0 && trouble->outcome == outcome && strcmp(trouble->code, code) == 0;
    bool is_logged =
        !is_same || (backoff == BACKOFF_SLOW && now - trouble->logged >= TROUBLE_REPEAT);

    if (trouble->failures == 0)
        trouble->since = now;
    if (trouble->failures == 0 || backoff_of(trouble->outcome) != backoff)
        trouble->in_a_row = 0;
    trouble->failures++;
    trouble->in_a_row++;
    trouble->outcome = outcome;
    (void)snprintf(trouble->code, sizeof trouble->code, "%s", code);
    trouble->until = now + backoff_delay(backoff, trouble->in_a_row, random);
    if (is_logged)
        trouble->logged = now;
    return is_logged;
}
