/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * One set of AWS keys, with how long it holds. Secret: whoever has one wipes it with keys_reset.
 */
#ifndef SES_KEYS_H
#define SES_KEYS_H

#include "ses/outcome.h"

#include "common/failure.h"

#include <stddef.h>
#include <stdint.h>

enum { KEYS_ACCESS_MAX = 128, KEYS_SECRET_MAX = 256, KEYS_TOKEN_MAX = 12 * 1024 };

struct keys {
    char access_key[KEYS_ACCESS_MAX + 1];
    char secret_key[KEYS_SECRET_MAX + 1];
    char session_token[KEYS_TOKEN_MAX + 1]; /* "" for none */
    int64_t expiration;                     /* seconds since the epoch, 0 for never */
    const char *provider; /* where they are from, a constant: "environment", "imds", .. */
};

/* Copies what a provider found. token may be NULL. EX_CONFIG if a key is missing, too long, or has
 * white space or control characters in it; the text names the part and never shows it. */
bool keys_set(struct keys *keys, const char *provider, const char *access_key,
              const char *secret_key, const char *session_token, struct failure *why);

void keys_reset(struct keys *keys);

/* Do they hold at this time, in seconds since the epoch? EX_CONFIG: since when they don't. */
bool keys_check_expiration(const struct keys *keys, int64_t now, struct failure *why);

/* Reads what credential_process prints, and fills *keys. EX_PROTOCOL on anything else. */
bool keys_read_process(struct keys *keys, const char *json, size_t length, struct failure *why);

/* The same for what the container endpoint and the instance metadata reply. OUTCOME_OK;
 * OUTCOME_MALFORMED_REPLY for anything else; or if it names an error what that error is. */
enum outcome keys_read_metadata(struct keys *keys, const char *provider, const char *json,
                                size_t length, struct failure *why);

#endif
