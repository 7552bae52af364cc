/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The identities that a command line names, in canonical form, each once, sorted.
 */
#ifndef CTL_IDENTITIES_H
#define CTL_IDENTITIES_H

#include "common/identity.h"

struct identities {
    struct identity *list;
    size_t count;
};

/* Fails with EX_DATAERR and names the one that is none. Reset after success and failure. */
bool identities_read(struct identities *identities, char *const names[], int count,
                     struct failure *why);
void identities_reset(struct identities *identities);

/* Can it be an identity at SES? Longer local parts occur as senders, never as identities. Fails
 * with EX_DATAERR. */
bool identities_check_new(const struct identity *identity, struct failure *why);

/* A single one. The same failure. */
bool identities_read_one(struct identity *identity, const char *name, struct failure *why);

#endif
