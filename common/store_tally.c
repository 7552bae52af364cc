/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/store_tally.h"

enum { BY_STATUS = 's', BY_EXPIRY = 'x', STATUS_KEY = 3, EXPIRY_KEY = STORE_TALLY_KEY_SIZE };

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
    uint64_t time = (uint64_t)record->expire_after;

    if (record->expire_after <= 0)
        return 0;
    key[0] = BY_EXPIRY;
    for (size_t i = 1; i < EXPIRY_KEY; i++)
        key[i] = (unsigned char)(time >> 8 * (EXPIRY_KEY - 1 - i));
    return EXPIRY_KEY;
}

static int64_t read_time(const unsigned char *octets)
{
    uint64_t time = 0;

    for (size_t i = 0; i < EXPIRY_KEY - 1; i++)
        time = time << 8 | octets[i];
    return (int64_t)time;
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
    expires = read_time(key + 1);
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
