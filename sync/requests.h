/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Requests of mailfromctl to fetch identities now: found in the store, made due, and removed when
 * they are done.
 */
#ifndef SYNC_REQUESTS_H
#define SYNC_REQUESTS_H

#include "sync/account.h"

/* What the accounts tell each other, so that the last one removes the request. */
struct requests;

struct requests *requests_new(size_t accounts, struct failure *why);
void requests_free(struct requests *requests); /* NULL is fine */

/* Looks for requests and sees to those that concern the account. */
void requests_look(struct account *account, int64_t now);

#endif
