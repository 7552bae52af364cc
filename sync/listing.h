/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Which identities an account has, and whether they may send. An identity that two complete lists
 * in a row are without leaves the store; a list of which a page failed, or an item cannot be read,
 * says nothing of the missing.
 */
#ifndef SYNC_LISTING_H
#define SYNC_LISTING_H

#include "sync/account.h"

/* Makes one call: begins a list, or goes on with the open one. */
void listing_step(struct account *account);

/* Is there an identity that the last list was without, and another list would tell? */
bool listing_has_doubt(const struct account *account);

#endif
