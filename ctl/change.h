/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * What a put did in SES, carried into the store.
 */
#ifndef CTL_CHANGE_H
#define CTL_CHANGE_H

#include "common/settings.h"
#include "common/store.h"
#include "ses/api_v1.h"

struct change {
    const struct identity *identity;
    const struct settings *settings;
    const struct settings_ses *section;
    const char *domain; /* what was put, "" for cleared */
    enum mail_from_behavior behavior;
    const struct api_v1_mail_from *current; /* what SES has, if nothing was put; else NULL */
    bool verified;
};

/* Brings the record up to date, or makes one; and asks mailfrom-sync, if it runs, to look after it.
 * A record of another source is left alone, and so is a store that is missing (NULL) or empty: with
 * one record in it, the milter would take all other identities for unknown. kept: is there a
 * record of this identity from SES now? */
bool change_keep(const struct change *change, struct store *store, bool *kept, struct failure *why);

#endif
