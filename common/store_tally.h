/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * How many records of each kind the store has, and when they expire, without reading them. The
 * store keeps a counter for each kind and for each second in which records expire; here is what
 * these are called and what they add up to. Pure.
 */
#ifndef COMMON_STORE_TALLY_H
#define COMMON_STORE_TALLY_H

#include "common/mail_from.h"

/* Beside SES's statuses: a record without a MAIL FROM domain. */
enum { STORE_TALLY_NO_DOMAIN = MAIL_FROM_STATUS_COUNT, STORE_TALLY_STATUS_COUNT };

struct store_tally {
    uint64_t records[MAIL_FROM_SOURCE_COUNT][STORE_TALLY_STATUS_COUNT];
    uint64_t expired;
    int64_t next_expiry; /* of the first that has not expired; 0: none expires */
};

enum { STORE_TALLY_KEY_SIZE = 9 };

/* The counter of records of this source and status. Returns the length of the key. */
size_t store_tally_status_key(unsigned char key[STORE_TALLY_KEY_SIZE],
                              const struct mail_from *record);

/* The counter of records that expire when this one does; 0: it never does. In the order of their
 * keys these counters come after the others, and the earliest first. */
size_t store_tally_expiry_key(unsigned char key[STORE_TALLY_KEY_SIZE],
                              const struct mail_from *record);

/* Adds a counter. now: seconds since the epoch. False: what comes after it does not count. */
bool store_tally_add(struct store_tally *tally, const unsigned char *key, size_t length,
                     uint64_t count, int64_t now);

/* Those that have a MAIL FROM domain. */
uint64_t store_tally_with_domain(const struct store_tally *tally, enum mail_from_source source);

uint64_t store_tally_all(const struct store_tally *tally);

#endif
