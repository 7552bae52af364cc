/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * One account of SES as a source of records: what it does next, and doing it. Used by one thread.
 */
#ifndef SYNC_SES_SOURCE_H
#define SYNC_SES_SOURCE_H

#include "sync/account.h"

/* Makes the next call if its time has come; else returns when that will be, in milliseconds since
 * the epoch. 0: a call was made. */
int64_t ses_source_step(struct account *account, int64_t now);

/* Makes everything due, for a run that is to refresh all once. */
void ses_source_want_all(struct account *account);

/* Since then: is everything listed and fetched, or is there a failure that another try will hardly
 * mend? */
enum ses_source_progress { SES_SOURCE_AT_WORK, SES_SOURCE_DONE, SES_SOURCE_FAILED };
enum ses_source_progress ses_source_progress(struct account *account, int64_t since);

/* How many identities SES refused, or did not know, when they were last asked for. */
size_t ses_source_refused(const struct account *account);

#endif
