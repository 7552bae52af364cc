/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * What a list says of identities, taken over into the store and into what the account knows: which
 * there are, whose they are, whether they may send.
 */
#ifndef SYNC_SIGHTING_H
#define SYNC_SIGHTING_H

#include "sync/account.h"

/* What a page says of one identity, and what the store had of it. */
struct sighting {
    char key[IDENTITY_SIZE];
    const char *name;
    enum identity_kind kind;
    enum api_sending sending;
    bool verified; /* as SES says, else as it was */
    bool verified_changed;
    enum ownership ownership;
    struct mail_from record; /* means nothing for OWNERSHIP_NONE */
};

struct sightings {
    struct account *account;
    struct sighting *items;
    size_t count;
    size_t unsaid; /* of how many it does not say whether they may send */
};

/* Room for so many; out of memory is logged. Reset it in any case. */
bool sightings_init(struct sightings *sightings, struct account *account, size_t capacity);
void sightings_reset(struct sightings *sightings);

/* name: as SES spells it; stays the caller's, and in use. One that is no identity is logged and
 * passed over. */
void sightings_add(struct sightings *sightings, const char *name, enum api_sending sending);

/* All of it, in one transaction. False: the store failed, which is logged. */
bool sightings_take_over(struct sightings *sightings);

#endif
