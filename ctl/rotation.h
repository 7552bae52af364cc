/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The order of the secrets that sign return paths. The first signs; each of the others is needed
 * until the bounces have come that belong to what it signed, and then gives way to a new one. The
 * date of a secret is the day from which it signs, or could; it tells when the one behind it
 * stopped. All days are days since the epoch. Pure, but for memory.
 */
#ifndef CTL_ROTATION_H
#define CTL_ROTATION_H

#include "common/return_secrets.h"

/* The first day on which the secret is not needed any more; 0: it signs, or a date is missing that
 * would tell. lifetime: of return paths, in days. */
int64_t rotation_free_from(const struct return_secrets *secrets, size_t index, int lifetime);

/* Fills `rotated` (from return_secrets_new) with a new secret, of today, and those of `secrets`
 * that are still needed. The new one comes first and signs, or with verify_only second. Fails with
 * EX_TEMPFAIL if all are needed and there are RETURN_SECRETS_MAX of them; EX_CONFIG if no date
 * tells when that will change. */
bool rotation_add(struct return_secrets *rotated, const struct return_secrets *secrets,
                  const char *text, bool verify_only, int lifetime, int64_t today,
                  struct failure *why);

/* Fills `rotated` with all of the secrets, the one with this id first and dated today. Fails with
 * EX_UNAVAILABLE if there is none. */
bool rotation_promote(struct return_secrets *rotated, const struct return_secrets *secrets,
                      const char *id, int64_t today, struct failure *why);

/* The index of the secret with this id, -1 for none. */
int rotation_find(const struct return_secrets *secrets, const char *id);

#endif
