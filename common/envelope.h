/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The envelope sender (RFC 5321, 4.1.2): taken apart, and put together with another domain. What
 * either MTA would "repair" on its own instead of taking it as it is, is not portable here; the
 * forms were measured with Postfix 3.7 and Sendmail 8.17. Pure.
 */
#ifndef COMMON_ENVELOPE_H
#define COMMON_ENVELOPE_H

#include "common/identity.h"

enum {
    ENVELOPE_ADDRESS_MAX = 254, /* RFC 5321, 4.5.3.1.3: 256 octets with the angle brackets */
    ENVELOPE_ADDRESS_SIZE = ENVELOPE_ADDRESS_MAX + 1
};

/* Points into the text that was parsed. */
struct envelope {
    const char *local; /* as written, with its quotes; NULL if there is no usable local part */
    size_t local_length;
    const char *domain; /* as written; NULL for an address without one */
    size_t domain_length;
    bool is_null; /* <> */
};

/* The address without its angle brackets, if it has both: moves *address, returns its length. */
size_t envelope_bare(const char **address);

/* argument: what MAIL FROM brought, with or without <>, with or without a source route; also the
 * empty string of a null sender submitted through sendmail(1). Never fails: what is no address has
 * no local part. */
struct envelope envelope_parse(const char *argument);

/* The content of the local part, without quotes. Fails if there is none, or none that both MTAs
 * take unchanged. smtputf8: did MAIL FROM ask for SMTPUTF8 (RFC 6531)? */
bool envelope_content(struct envelope envelope, bool smtputf8, char content[LOCAL_PART_MAX],
                      size_t *length, struct failure *why);

/* Puts a local part, written the one way that both MTAs keep (common/local_part.h), and a domain
 * (canonical form) together. Fails if the outcome is not an address that both take unchanged. */
bool envelope_join(char out[ENVELOPE_ADDRESS_SIZE], const char *content, size_t content_length,
                   const char *domain, struct failure *why);

/* Is the envelope sender in this domain (canonical form) already? */
bool envelope_is_at(struct envelope envelope, const char *domain);

#endif
