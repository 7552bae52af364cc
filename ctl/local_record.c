/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/local_record.h"

#include <stdio.h>
#include <string.h>

#include "common/moment.h"

void local_record_init(struct mail_from *record, enum identity_kind kind)
{
    *record = (struct mail_from){.kind = kind,
                                 .source = MAIL_FROM_LOCAL,
                                 .former = MAIL_FROM_LOCAL,
                                 .verified = true,
                                 .status = MAIL_FROM_PENDING,
                                 .behavior = MAIL_FROM_USE_DEFAULT_VALUE};
}

/* Without what was found, the store has the record before all that were looked up already. */
static void forget_found(struct mail_from *record)
{
    record->found[0] = '\0';
    record->found_at = 0;
    record->unclear_since = 0;
    record->last_error[0] = '\0';
}

static enum local_record_change begin(struct mail_from *record, const char *domain,
                                      enum mail_from_behavior behavior, int64_t now)
{
    (void)snprintf(record->domain, sizeof record->domain, "%s", domain);
    record->behavior = behavior;
    record->status = MAIL_FROM_PENDING;
    record->status_since = now;
    record->checked = 0;
    record->refresh_after = domain[0] == '\0' ? 0 : now;
    forget_found(record);
    return domain[0] == '\0' ? LOCAL_RECORD_CLEARED : LOCAL_RECORD_ANEW;
}

enum local_record_change local_record_put(struct mail_from *record, const char *domain,
                                          enum mail_from_behavior behavior, bool force, int64_t now)
{
    bool is_begun = domain[0] == '\0' || (record->status != MAIL_FROM_FAILED && !force);

    if (strcmp(record->domain, domain) != 0 || !is_begun)
        return begin(record, domain, behavior, now);
    if (record->behavior == behavior)
        return LOCAL_RECORD_SAME;
    record->behavior = behavior;
    return domain[0] == '\0' ? LOCAL_RECORD_CLEARED : LOCAL_RECORD_BEHAVIOR;
}

bool local_record_switch_feedback(struct mail_from *record, bool off)
{
    bool changes = record->feedback_off != off;

    record->feedback_off = off;
    return changes;
}

void local_record_adopt(struct mail_from *record, int64_t now)
{
    record->former = record->source;
    record->source = MAIL_FROM_LOCAL;
    record->refresh_after = record->domain[0] == '\0' ? 0 : now;
    record->expire_after = 0;
    forget_found(record);
}

void local_record_give_back(struct mail_from *record, const struct settings_ses *section,
                            int64_t now)
{
    record->source = record->former;
    record->refresh_after = section == NULL ? 0 : now;
    record->expire_after = section == NULL ? 0 : moment_after(now, section->expire_after);
    forget_found(record);
}

bool local_record_hurry(struct mail_from *record, int64_t now)
{
    if (record->domain[0] == '\0')
        return false;
    record->refresh_after = now;
    return true;
}
