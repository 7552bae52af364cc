/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Identities (an email address or a domain, in the words of SES) and the keys under which the
 * identity of a sender is looked up. Knows nothing of the store.
 *
 * Canonical form, in which identities are stored and compared: domains as lower-case A-labels
 * (IDNA2008, RFC 5891) without the last dot; local parts exactly as given, octet by octet, except
 * that quotes stand only where RFC 5321 needs them ("a"@x is a@x, a..b@x is "a..b"@x).
 */
#ifndef COMMON_IDENTITY_H
#define COMMON_IDENTITY_H

#include "common/failure.h"
#include "common/local_part.h"

#include <stddef.h>

enum {
    IDENTITY_DOMAIN_MAX = 253,  /* RFC 1035: 255 octets on the wire */
    IDENTITY_INPUT_MAX = 2048,  /* octets of text that are looked at at all: U-labels are longer */
    IDENTITY_SHOWN_SIZE = 2048, /* with U-labels */
    IDENTITY_SIZE = LOCAL_PART_MAX + 1 + IDENTITY_DOMAIN_MAX + 1
};

enum identity_kind { IDENTITY_ADDRESS, IDENTITY_DOMAIN };
extern const char *const identity_kind_words[2]; /* "address", "domain" */

struct identity {
    char text[IDENTITY_SIZE]; /* canonical form, terminated */
    size_t length;
    size_t domain; /* where in text the domain begins; 0 for a domain identity */
    enum identity_kind kind;
};

/* Reads an address or a domain from text of the given length and brings it into canonical form.
 * Fails (EX_DATAERR, or EX_OSERR without memory) on anything that is not one: empty, too long,
 * control characters, a local part or domain that is no RFC 5321 mailbox or host name, a name that
 * IDNA2008 refuses, invalid UTF-8. Address literals (a@[192.0.2.1]) are addresses that can have no
 * identity, and fail too. */
bool identity_parse(struct identity *identity, const char *text, size_t length,
                    struct failure *why);

/* Brings a domain alone into canonical form. Same rules, same failures. */
bool identity_parse_domain(char out[IDENTITY_DOMAIN_MAX + 1], const char *text, size_t length,
                           struct failure *why);

/* The domain of an identity: of an address, the part after the @. */
const char *identity_domain(const struct identity *identity);

/* Is name, in canonical form, a true subdomain of parent, label by label? Equal is not. */
bool identity_is_subdomain(const char *name, const char *parent);

/* The keys for a sender, most granular first: a+l@m.x.org, a@m.x.org (if strip_label), m.x.org,
 * x.org, org. Each key is terminated and holds until the next call. */
struct identity_keys {
    const struct identity *sender;
    const char *next_domain;
    bool strip_label;
    enum { IDENTITY_KEY_ADDRESS, IDENTITY_KEY_LABEL, IDENTITY_KEY_DOMAIN } step;
    char stripped[IDENTITY_SIZE];
};

void identity_keys_init(struct identity_keys *keys, const struct identity *sender,
                        bool strip_label);

/* The next key, its length in *length, or NULL after the last. */
const char *identity_keys_next(struct identity_keys *keys, size_t *length);

/* Writes a canonical identity, or a domain, with U-labels in the place of A-labels, for people to
 * read: UTF-8 that identity_parse takes back. False if it has none, or none that IDNA2008 knows. */
bool identity_with_u_labels(const char *text, char out[IDENTITY_SHOWN_SIZE]);

#endif
