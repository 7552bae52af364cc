/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The attributes of identities, fetched in batches and taken over into the store. A batch that is
 * refused is divided until the one identity that is to blame stands alone.
 */
#ifndef SYNC_BATCH_H
#define SYNC_BATCH_H

#include "sync/account.h"

/* Makes one call, if an identity is due. */
void batch_step(struct account *account);

#endif
