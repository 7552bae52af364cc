/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Where the records in the store come from: one source for each section `ses', one for the local
 * identities, and one each for what has other origins. What there is of each, and how mailfrom-sync
 * is doing with it.
 */
#ifndef CTL_SOURCE_H
#define CTL_SOURCE_H

#include "common/instance.h"
#include "common/settings.h"
#include "common/source_state.h"
#include "ses/endpoint.h"

struct source {
    enum mail_from_source kind;
    char title[MAIL_FROM_SECTION_MAX + 1]; /* of the section; "" for the other kinds */
    const struct settings_ses *section;    /* NULL: not in the settings, or of another kind */
    const struct settings *local;          /* of the local source; NULL for others */
    char region[ENDPOINT_REGION_MAX + 1];  /* "" if it is not known */
    struct source_state state;
    struct instance sync; /* the same for all sources */
    bool silent;          /* it runs, and wrote nothing of this source for long */
    int64_t late_by;      /* for so long the identity waits that is the most overdue; 0: none */
    struct {
        uint64_t all;
        uint64_t by_status[MAIL_FROM_STATUS_COUNT];
        uint64_t without_domain;
        uint64_t unverified; /* whatever else they are */
        uint64_t refresh_failed;
        uint64_t near_expiry; /* a tenth of expire-after is left, or less */
        uint64_t expired;
        uint64_t feedback_off;
        uint64_t unclear; /* local ones whose last look-up said nothing definite */
    } count;
    int64_t next_expiry; /* of the first record that has not expired; 0: none expires */
};

struct sources {
    struct source *list; /* the sections in their order, the local one if there is anything to it,
                            then what else the store has */
    size_t count;
};

/* now: milliseconds since the epoch. Reset after success and failure. */
bool sources_read(struct sources *sources, const struct settings *settings, struct store *store,
                  int64_t now, struct failure *why);
void sources_reset(struct sources *sources);

/* Does mailfrom-sync keep it? */
bool source_is_kept(const struct source *source);

/* Local identities have a MAIL FROM domain, but the settings don't say which MX is expected. */
bool source_is_unchecked(const struct source *source);

/* Are look-ups behind, by more than a while? */
bool source_is_late(const struct source *source);

/* Is there something that somebody should see to? mailfrom-sync does not run, is silent, fails, or
 * is behind, records are near their expiry, or their section is gone from the settings. That local
 * ones are not checked may be meant so. */
bool source_is_well(const struct source *source);

#endif
