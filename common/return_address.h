/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Return paths, both ways: which address an envelope sender becomes at a MAIL FROM domain, and
 * whose bounce it is that comes to one. The milter and `mailfromctl return-path` call the very
 * same. The forms are in common/return_path.h; here is which of them counts, with the settings and
 * the store. Any thread.
 */
#ifndef COMMON_RETURN_ADDRESS_H
#define COMMON_RETURN_ADDRESS_H

#include "common/lookup.h"
#include "common/return_path.h"
#include "common/settings.h"

/* What return paths depend on. */
struct return_scene {
    const struct settings *settings;
    const struct return_secrets *secrets; /* NULL: there are no return paths */
    struct lookup *lookup;
    int64_t now; /* seconds since the epoch */
};

/* For how many days a return path is accepted after the day on which it was signed. */
int return_lifetime_days(const struct settings *settings);

/* What went away from the index of the store before this has no bounces under way any more. */
int64_t return_gone_after(const struct settings *settings, int64_t now);

/* --- out --- */

struct return_sender {
    enum return_form form;
    char content[LOCAL_PART_MAX]; /* of the new local part */
    size_t length;
};

/* identity_domain: of the identity whose MAIL FROM domain it is, canonical form; NULL for the
 * default MAIL FROM domain. With RETURN_NONE the local part stays as it is, bounces are lost, and
 * *why says why it cannot be signed. */
void return_address_make(struct return_sender *sender, const struct return_original *original,
                         const char *mail_from_domain, const char *identity_domain,
                         const struct return_scene *scene, struct failure *why);

/* --- back --- */

enum return_result {
    RETURN_ELSEWHERE, /* no address of ours: nothing to log or to count */
    RETURN_OK,
    RETURN_EXPIRED,
    RETURN_FORGED,       /* signed by none of our secrets */
    RETURN_UNKNOWN,      /* unsigned, and not a mailbox */
    RETURN_FEEDBACK_OFF, /* the identity has feedback forwarding off */
    RETURN_POSTMASTER,
    RETURN_UNAVAILABLE /* the store cannot be read: ask again later */
};
enum { RETURN_RESULT_COUNT = RETURN_UNAVAILABLE + 1 };
extern const char *const return_result_words[RETURN_RESULT_COUNT];

struct return_answer {
    enum return_result result;
    enum return_form form;
    char address[IDENTITY_SIZE];  /* where the mail goes; "" for nowhere */
    char original[IDENTITY_SIZE]; /* the sender that it was made from; "" if nothing proves it */
    char mail_from_domain[IDENTITY_DOMAIN_MAX + 1];
    char key[RETURN_SECRET_ID_SIZE]; /* the secret that signed it, "" for none */
    int64_t signed_on;               /* days since the epoch, of a signature that is right */
    bool bounces_only;               /* only the null sender may write to it */
    struct failure detail;           /* for RETURN_UNAVAILABLE */
};

/* address: as an MTA asks for it, quoted or not; may hold any octets. */
void return_address_read(struct return_answer *answer, const char *address, size_t length,
                         const struct return_scene *scene);

/* Is it a MAIL FROM domain whose bounces come to this gateway? Its canonical form goes to
 * `canonical`. */
enum lookup_result return_domain_find(char canonical[IDENTITY_DOMAIN_MAX + 1], const char *domain,
                                      size_t length, const struct return_scene *scene,
                                      struct failure *why);

#endif
