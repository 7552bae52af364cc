/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "sync/outage.h"

#include <limits.h>

bool outage_is_on(const struct outage *outage)
{
    return outage->run >= OUTAGE_RUN;
}

enum outage_news outage_add(struct outage *outage, bool is_clear, int64_t now)
{
    bool was_on = outage_is_on(outage);

    if (is_clear) {
        outage->run = 0;
        return was_on ? OUTAGE_ENDED : OUTAGE_NOTHING;
    }
    if (outage->run == 0)
        outage->since = now;
    if (outage->run < UINT_MAX)
        outage->run++;
    if (was_on)
        return OUTAGE_NOTHING;
    return outage_is_on(outage) ? OUTAGE_BEGAN : OUTAGE_ONE;
}
