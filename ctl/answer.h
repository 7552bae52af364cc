/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * What SES said of an identity, as the record that the store keeps. Pure.
 */
#ifndef CTL_ANSWER_H
#define CTL_ANSWER_H

#include "common/settings.h"
#include "ses/api_v1.h"

/* Brings the record up to date: source, section, attributes and clocks. The status keeps its time
 * if neither it nor the domain has changed. Kind and verified stay as they are; for an identity
 * that is new they have to be filled before, and the rest zero. now: seconds since the epoch. */
void answer_apply(struct mail_from *record, const struct api_v1_mail_from *answer,
                  const struct settings_ses *section, int64_t now);

/* The same for what was just put, "" for cleared: Pending, and due at once. */
void answer_apply_put(struct mail_from *record, const char *domain,
                      enum mail_from_behavior behavior, const struct settings_ses *section,
                      int64_t now);

#endif
