/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The parts of `mailfromctl check'. Each puts its findings, and nothing stops one but that there is
 * no memory.
 */
#ifndef CTL_CHECK_H
#define CTL_CHECK_H

#include "common/settings.h"
#include "common/store.h"
#include "ctl/address.h"
#include "ctl/finding.h"
#include "ctl/inquiry.h"
#include "ctl/socket_name.h"

struct check {
    const struct settings *settings;
    struct store *store; /* NULL: it could not be opened */
    struct findings *findings;
    struct inquiry *inquiry;
    struct addresses addresses;
    const char *postfix_config; /* NULL: Postfix's own */
    const char *sendmail_cf;
    int64_t now; /* milliseconds since the epoch */
};

/* The milter's socket, and the MTAs that should connect to it. */
void check_socket(const struct check *check);
void check_postfix(const struct check *check);
void check_sendmail(const struct check *check);

/* Next hops that are SES, and settings that do not fit. */
void check_relay(const struct check *check);

/* Return paths: what the settings, the milter that runs and the MTAs have for them. Nothing where
 * the settings have none. */
void check_return_path(const struct check *check);

/* What the settings name, in the DNS: MX and SPF of the default MAIL FROM domain, and the addresses
 * of expected-mx. */
void check_default(const struct check *check);
void check_expected_mx(const struct check *check);

/* Where the settings have none: does the MTA accept the bounces of identities all the same? Asks
 * the DNS where it is not known whose identities they are. */
void check_bounces(const struct check *check);

/* Connects to a socket of mailfrom-milter. *descriptor is to be closed. False: the finding says
 * what is in the way; its level changes only where that is nothing but the rights of the caller. */
bool check_connection(const struct socket_name *name, int *descriptor, struct finding *finding);

/* Sendmail takes a socket for unsafe if others may write to a directory above it. */
void check_sendmail_directories(const struct check *check, const char *path);

/* Records, sources, settings, permissions. */
void check_store(const struct check *check);

/* key: an identity of the store, with its record. */
void check_identity(const struct check *check, const char *key, const struct mail_from *record);

/* Its parts that ask the DNS. expected: what its MX record has to be. */
enum check_gateway { GATEWAY_SES, GATEWAY_OWN, GATEWAY_UNKNOWN };
struct check_expectation {
    enum check_gateway gateway;       /* who sends with the MAIL FROM domain */
    char mx[IDENTITY_DOMAIN_MAX + 1]; /* of SES; "" if the region is not known */
};
struct check_expectation check_expect(const struct settings *settings,
                                      const struct mail_from *record);
void check_mx(const struct check *check, const char *key, const struct mail_from *record,
              const struct check_expectation *expectation);
/* The MX of a domain that is nobody's but the gateway's: it has no status. */
void check_mx_of_default(const struct check *check, const char *key, const char *domain);
void check_spf(const struct check *check, const char *key, const struct mail_from *record,
               const struct check_expectation *expectation);
void check_dmarc(const struct check *check, const char *key, const struct mail_from *record);

#endif
