/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/store_tally.h"
#include "common/store_key.h"

enum { BY_STATUS = 's', BY_EXPIRY = 'x', STATUS_KEY = 3, EXPIRY_KEY = STORE_TALLY_KEY_SIZE };
_Static_assert(EXPIRY_KEY == 1 + STORE_KEY_TIME_SIZE, "a time fits behind the first octet");

size_t store_tally_status_key(unsigned char key[STORE_TALLY_KEY_SIZE],
                              const struct mail_from *record)
{
    key[0] = BY_STATUS;
    key[1] = (unsigned char)record->source;
    key[2] = record->domain[0] == '\0' ? STORE_TALLY_NO_DOMAIN : (unsigned char)record->status;
    return STATUS_KEY;
}

size_t store_tally_expiry_key(unsigned char key[STORE_TALLY_KEY_SIZE],
                              const struct mail_from *record)
{
    if (record->expire_after <= 0)
        return 0;
    key[0] = BY_EXPIRY;
    store_key_write_time(key + 1, record->expire_after);
    return EXPIRY_KEY;
}

bool store_tally_add(struct store_tally *tally, const unsigned char *key, size_t length,
                     uint64_t count, int64_t now)
{
    int64_t expires;

    if (length == STATUS_KEY && key[0] == BY_STATUS && key[1] < MAIL_FROM_SOURCE_COUNT &&
        key[2] < STORE_TALLY_STATUS_COUNT)
        tally->records[key[1]][key[2]] += count;
    if (length != EXPIRY_KEY || key[0] != BY_EXPIRY)
        return true;
    expires = store_key_read_time(key + 1);
    if (now <= expires) {
        tally->next_expiry = expires;
        return false;
    }
    tally->expired += count;
    return true;
}

uint64_t store_tally_all(const struct store_tally *tally)
{
    uint64_t all = 0;

    for (size_t i = 0; i < MAIL_FROM_SOURCE_COUNT; i++)
        for (size_t j = 0; j < STORE_TALLY_STATUS_COUNT; j++)
            all += tally->records[i][j];
    return all;
}

uint64_t store_tally_with_domain(const struct store_tally *tally, enum mail_from_source source)
{
    uint64_t sum = 0;

    for (int status = 0; status < MAIL_FROM_STATUS_COUNT; status++)
        sum += tally->records[source][status];
    return sum;
}
