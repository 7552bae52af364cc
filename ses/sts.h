/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Temporary credentials for a role, from the Security Token Service.
 */
#ifndef SES_STS_H
#define SES_STS_H

#include "ses/provider.h"

enum { STS_TOKEN_FILE_MAX = 20000 };

struct sts_role {
    const char *arn;
    const char *session_name;     /* NULL: one of our own */
    const char *external_id;      /* NULL for none */
    const char *duration_seconds; /* NULL: STS's default */
};

/* AssumeRole, signed with the source's keys. */
enum outcome sts_assume_role(const struct provider *provider, const struct sts_role *role,
                             const struct keys *source, struct keys *keys, struct failure *why);

/* AssumeRoleWithWebIdentity, unsigned; the token is read from the file each time. */
enum outcome sts_assume_role_with_web_identity(const struct provider *provider,
                                               const struct sts_role *role, const char *token_file,
                                               struct keys *keys, struct failure *why);

/* Reads the reply of either. */
bool sts_read_keys(struct keys *keys, const char *provider, const char *xml, size_t length,
                   struct failure *why);

#endif
