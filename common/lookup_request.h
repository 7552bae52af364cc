/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * A request to mailfrom-sync to look up the MX of a local identity before all others that are due,
 * left by mailfromctl as a note in the store: "look-up/IDENTITY". mailfrom-sync removes it when it
 * has done so. It is about the order only: the identity is made due as well, so nothing is lost
 * with the note.
 */
#ifndef COMMON_LOOKUP_REQUEST_H
#define COMMON_LOOKUP_REQUEST_H

#include "common/store.h"

/* identity: in canonical form. Inside store_update. */
bool lookup_request_put(struct store *store, const char *identity, struct failure *why);
bool lookup_request_remove(struct store *store, const char *identity, struct failure *why);

/* Calls visit for each request until it returns false; visit must not use the store. */
bool lookup_request_each(struct store *store, bool (*visit)(void *context, const char *identity),
                         void *context, struct failure *why);

#endif
