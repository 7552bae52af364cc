/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/batch.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "common/log.h"
#include "common/store_key.h"

struct parcel {
    size_t key_length;
    size_t coded_length;
    struct attributes_given given;
    char octets[]; /* the key, NUL, the coded record */
};

struct batch {
    struct parcel **parcels;
    size_t count;
    size_t size;
};

struct batch *batch_new(void)
{
    return calloc(1, sizeof(struct batch));
}

void batch_free(struct batch *batch)
{
    if (batch == NULL)
        return;
    for (size_t i = 0; i < batch->count; i++)
        free(batch->parcels[i]);
    free(batch->parcels);
    free(batch);
}

static bool make_room(struct batch *batch)
{
    size_t size = batch->size == 0 ? 64 : 2 * batch->size;
    struct parcel **parcels;

    if (batch->count < batch->size)
        return true;
    parcels = reallocarray(batch->parcels, size, sizeof(struct parcel *));
    if (parcels == NULL)
        return false;
    batch->parcels = parcels;
    batch->size = size;
    return true;
}

bool batch_add(struct batch *batch, const struct attributes_item *item, struct failure *why)
{
    const char *key = item->identity.text;
    size_t key_length = item->identity.length;
    unsigned char coded[MAIL_FROM_CODED_MAX];
    size_t length = mail_from_encode(&item->record, key, key_length, coded);
    struct parcel *parcel = malloc(sizeof *parcel + key_length + 1 + length);

    if (parcel == NULL || !make_room(batch)) {
        free(parcel);
        return failure_set(why, EX_OSERR, "out of memory after %zu identities", batch->count);
    }
    *parcel =
        (struct parcel){.key_length = key_length, .coded_length = length, .given = item->given};
    memcpy(parcel->octets, key, key_length + 1);
    memcpy(parcel->octets + key_length + 1, coded, length);
    batch->parcels[batch->count++] = parcel;
    return true;
}

static int compare(const void *a, const void *b)
{
    const struct parcel *const *left = a;
    const struct parcel *const *right = b;

    return store_key_compare((*left)->octets, (*right)->octets);
}

bool batch_sort(struct batch *batch, struct failure *why)
{
    char shown[4 * IDENTITY_SIZE + 8];

    if (batch->count > 1)
        qsort(batch->parcels, batch->count, sizeof(struct parcel *), compare);
    for (size_t i = 1; i < batch->count; i++) {
        if (compare(&batch->parcels[i - 1], &batch->parcels[i]) != 0)
            continue;
        (void)log_escape(shown, shown + sizeof shown, batch->parcels[i]->octets, IDENTITY_SIZE);
        return failure_set(why, EX_DATAERR,
                           "identity \"%s\": given twice (the case of a domain makes no "
                           "difference, nor does its last dot); leave one of them out",
                           shown);
    }
    return true;
}

size_t batch_count(const struct batch *batch)
{
    return batch->count;
}

const char *batch_key(const struct batch *batch, size_t index)
{
    return batch->parcels[index]->octets;
}

const char *batch_get(const struct batch *batch, size_t index, struct mail_from *record,
                      struct attributes_given *given)
{
    const struct parcel *parcel = batch->parcels[index];
    const char *key = parcel->octets;

    (void)mail_from_decode(record, key, parcel->key_length, key + parcel->key_length + 1,
                           parcel->coded_length);
    *given = parcel->given;
    return key;
}
