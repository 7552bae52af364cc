/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The pair of a MAIL FROM domain and the domain of an identity that has it: where bounces may
 * belong. Here is how the store writes it, and what it keeps of it. Pure.
 */
#ifndef COMMON_RETURN_PAIR_H
#define COMMON_RETURN_PAIR_H

#include "common/identity.h"
#include "common/store_key.h"

/* The MAIL FROM domain, NUL, and an octet: how much of its end is the domain of the identity. It is
 * a true subdomain of that by SES's rule, so it is in no more pairs than it has parents. */
struct return_pair {
    unsigned char key[IDENTITY_DOMAIN_MAX + 2];
    size_t size;
};

/* False for a MAIL FROM domain that breaks SES's rule, which no program of ours puts into a record.
 * identity: in canonical form. */
bool return_pair_init(struct return_pair *pair, const char *identity, const char *mail_from_domain);

/* The domain of the identity, within the key of a pair; NULL if it is none. As text, the key is the
 * MAIL FROM domain. */
const char *return_pair_domain(const void *key, size_t size);

/* The key that says when a pair has gone: NUL, the time, the key of the pair. Returns its size. */
enum {
    RETURN_PAIR_GONE_HEAD = 1 + STORE_KEY_TIME_SIZE,
    RETURN_PAIR_GONE_SIZE = RETURN_PAIR_GONE_HEAD + IDENTITY_DOMAIN_MAX + 2
};
size_t return_pair_write_gone(unsigned char key[RETURN_PAIR_GONE_SIZE],
                              const struct return_pair *pair, int64_t since);

struct return_entry {
    uint64_t references; /* how many records have the pair */
    uint64_t
        feedback_off; /* how many of them have it off; 0 or 1, as the last one, if it is gone */
    int64_t since;    /* when it went, seconds since the epoch; 0: it has references */
};

/* Can it be true? */
bool return_entry_check(const struct return_entry *entry);

#endif
