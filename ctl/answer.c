/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/answer.h"

#include <stdio.h>
#include <string.h>

#include "common/moment.h"

static bool is_unsettled(const struct mail_from *record)
{
    return record->domain[0] != '\0' &&
           (record->status == MAIL_FROM_PENDING || record->status == MAIL_FROM_TEMPORARY_FAILURE);
}

static void stamp(struct mail_from *record, const struct settings_ses *section, int64_t now)
{
    record->source = MAIL_FROM_SES;
    (void)snprintf(record->section, sizeof record->section, "%s", section->title);
    record->checked = now;
    record->refresh_after = moment_after(
        now, is_unsettled(record) ? section->refresh_unsettled_after : section->refresh_after);
    record->expire_after = moment_after(now, section->expire_after);
    record->last_error[0] = '\0';
}

void answer_apply(struct mail_from *record, const struct api_v1_mail_from *answer,
                  const struct settings_ses *section, int64_t now)
{
    bool has_domain = answer->domain[0] != '\0';
    bool same = record->checked != 0 && strcmp(record->domain, answer->domain) == 0 &&
                (!has_domain || record->status == answer->status);

    (void)snprintf(record->domain, sizeof record->domain, "%s", answer->domain);
    record->status = has_domain ? answer->status : MAIL_FROM_PENDING;
    record->behavior = answer->behavior;
    if (!same)
        record->status_since = now;
    stamp(record, section, now);
}

void answer_apply_put(struct mail_from *record, const char *domain,
                      enum mail_from_behavior behavior, const struct settings_ses *section,
                      int64_t now)
{
    (void)snprintf(record->domain, sizeof record->domain, "%s", domain);
    record->status = MAIL_FROM_PENDING;
    record->behavior = behavior;
    record->status_since = now;
    stamp(record, section, now);
    record->refresh_after = now;
}
