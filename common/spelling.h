/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * How SES spells an identity, where that is not the canonical form ("Example.COM"): kept for calls
 * to SES, in a note of the store, "spelling/IDENTITY". Nothing is decided by it.
 */
#ifndef COMMON_SPELLING_H
#define COMMON_SPELLING_H

#include "common/store.h"

/* identity: in canonical form. name: as SES spells it; the canonical form takes the note away, as
 * NULL does. Inside store_update. */
bool spelling_put(struct store *store, const char *identity, const char *name, struct failure *why);

/* *name: as SES spells it, else the canonical form. False: the store failed. */
bool spelling_get(struct store *store, const char *identity, char name[IDENTITY_SIZE],
                  struct failure *why);

/* Calls visit for each that is kept until it returns false; visit must not use the store. */
bool spelling_each(struct store *store,
                   bool (*visit)(void *context, const char *identity, const char *name),
                   void *context, struct failure *why);

#endif
