/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * A request to mailfrom-sync to fetch an identity now, left by mailfromctl as a note in the store:
 * "refresh/IDENTITY", or "refresh/" and an asterisk for all. mailfrom-sync removes it when it has
 * done so. The text is the time of the request.
 */
#ifndef COMMON_REFRESH_REQUEST_H
#define COMMON_REFRESH_REQUEST_H

#include "common/store.h"

#define REFRESH_REQUEST_ALL "*"

/* identity: in canonical form, or REFRESH_REQUEST_ALL. now: milliseconds since the epoch. Inside
 * store_update. */
bool refresh_request_put(struct store *store, const char *identity, int64_t now,
                         struct failure *why);
bool refresh_request_remove(struct store *store, const char *identity, struct failure *why);

/* Is it still there? */
enum store_result refresh_request_find(struct store *store, const char *identity,
                                       struct failure *why);

/* Calls visit for each request until it returns false; visit must not use the store. */
bool refresh_request_each(struct store *store,
                          bool (*visit)(void *context, const char *identity, int64_t requested),
                          void *context, struct failure *why);

#endif
