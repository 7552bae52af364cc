/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Records on their way into the store, packed and sorted by key: a million of them need about
 * 150 MB, and the store takes keys in order fastest.
 */
#ifndef CTL_BATCH_H
#define CTL_BATCH_H

#include "ctl/attributes.h"

struct batch;

struct batch *batch_new(void); /* NULL: out of memory */
void batch_free(struct batch *batch);

/* Adds a copy of the item. Fails with EX_OSERR: out of memory. */
bool batch_add(struct batch *batch, const struct attributes_item *item, struct failure *why);

/* Sorts by key, in the order of the store. Fails with EX_DATAERR if two keys are equal. */
bool batch_sort(struct batch *batch, struct failure *why);

size_t batch_count(const struct batch *batch);

/* The key holds as long as the batch. */
const char *batch_get(const struct batch *batch, size_t index, struct mail_from *record,
                      struct attributes_given *given);

/* The key alone. */
const char *batch_key(const struct batch *batch, size_t index);

#endif
