/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "sync/outage.h"

#include "common/checksum.h"

#include <limits.h>
#include <string.h>

static enum outage_news take_clear(struct outage *outage)
{
    bool was_on = outage->is_on;

    outage->run = 0;
    outage->count = 0;
    outage->broken = 0;
    outage->is_on = false;
    return was_on ? OUTAGE_ENDED : OUTAGE_NOTHING;
}

/* Two of one checksum count as one, which only makes the verdict later. Of more domains than there
 * is room for, the latest are known. */
static void add_domain(struct outage *outage, const char *domain, bool was_clear)
{
    uint64_t checksum = checksum_of("", 0, domain, strlen(domain));

    for (unsigned i = 0; i < outage->count && i < OUTAGE_DOMAINS_MAX; i++) {
        if (outage->domains[i] == checksum)
            return;
    }
    outage->domains[outage->count++ % OUTAGE_DOMAINS_MAX] = checksum;
    outage->broken += was_clear;
}

/* A domain that was broken before says nothing about the others, unless there are none. */
static bool is_everybody(const struct outage *outage, uint64_t domains)
{
    bool all = domains <= OUTAGE_DOMAINS_MAX && outage->count >= domains;

    return outage->run >= OUTAGE_RUN && (all || outage->broken >= OUTAGE_RUN);
}

enum outage_news outage_add(struct outage *outage, const char *domain, enum outage_before before,
                            bool is_clear, uint64_t domains, int64_t now)
{
    if (is_clear)
        return take_clear(outage);
    if (outage->run == 0)
        outage->since = now;
    if (outage->run < UINT_MAX)
        outage->run++;
    add_domain(outage, domain, before == OUTAGE_CLEAR);
    if (outage->is_on)
        return OUTAGE_NOTHING;
    outage->is_on = is_everybody(outage, domains);
    if (outage->is_on)
        return OUTAGE_BEGAN;
    return before == OUTAGE_UNCLEAR ? OUTAGE_ONE : OUTAGE_NOTHING;
}
