/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The credentials in use: found where AWS users expect them to be, and kept fresh. The order: the
 * environment; a role of the profile (AssumeRole); a web identity; the shared credentials file;
 * credential_process; the config file; the container; the instance metadata. A profile that a
 * setting names comes before the environment.
 *
 * Secrets are in struct keys alone, and wiped. Not for several threads at once.
 */
#ifndef SES_CREDENTIALS_H
#define SES_CREDENTIALS_H

#include "ses/provider.h"

struct credentials {
    const char *profile; /* the setting, NULL or "" for none */
    const struct environment *environment;
    const struct call_transport *transport;
    const char *region; /* for STS; may be set later */
    struct keys keys;
    bool loaded;
    bool overdue_is_fine; /* the instance metadata themselves hand out old keys */
    int64_t refresh_at;   /* 0: never */
    bool is_told;         /* that they cannot be refreshed */
};

/* The pointers stay the caller's, and in use. */
void credentials_init(struct credentials *credentials, const char *profile,
                      const struct environment *environment,
                      const struct call_transport *transport);
void credentials_reset(struct credentials *credentials);

/* The keys to sign with, valid until the next call, for OUTCOME_OK. OUTCOME_NO_CREDENTIALS: there
 * are none, or a person has to act; what kept them away and passes by itself has its own class.
 * Refreshes them 15 minutes before they expire, or at half of a shorter life; if that fails and the
 * old ones hold, it logs a warning, gives the old ones and tries again a minute later. now: seconds
 * since the epoch. */
enum outcome credentials_get(struct credentials *credentials, int64_t now, const struct keys **keys,
                             struct failure *why);

/* AWS knows the keys in use and does not permit what is asked: they are looked for again before the
 * next call, for somebody may put others in their place. Those in use stay until others are found.
 */
void credentials_doubt(struct credentials *credentials);

/* Looks for new keys at once, because AWS refused those in use. If it fails the old ones stay. */
enum outcome credentials_renew(struct credentials *credentials, int64_t now, struct failure *why);

#endif
