/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The secrets that sign return paths: the setting secrets-file. One per line, the first signs, all
 * verify; a comment after # may say when it was created. Never changes once it was read, so any
 * thread may sign.
 *
 *     5f0c6ee1d5b0431c8f27cf2f1a2b9d5c   # created 2026-11-27
 */
#ifndef COMMON_RETURN_SECRETS_H
#define COMMON_RETURN_SECRETS_H

#include "common/failure.h"

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum {
    RETURN_SECRETS_MAX = 4,      /* each one is tried for a return path that is forged */
    RETURN_SECRET_TEXT_MIN = 16, /* printable ASCII without spaces */
    RETURN_SECRET_TEXT_MAX = 256,
    RETURN_SECRET_ID_SIZE = 5,
    RETURN_MAC_SIZE = 32
};

struct return_secret {
    char text[RETURN_SECRET_TEXT_MAX + 1];
    char id[RETURN_SECRET_ID_SIZE]; /* four hexadecimal digits of its SHA-256, for people */
    int64_t created;                /* days since the epoch, 0 for unknown */
    void *mac;                      /* the state of HMAC once it has the key */
};

struct return_secrets {
    size_t count; /* 1 to RETURN_SECRETS_MAX */
    struct return_secret items[RETURN_SECRETS_MAX];
};

/* Reads the file. It must belong to root or to this process's user, must not be writable by its
 * group, and must be closed to others. Fails with EX_NOINPUT (missing), EX_NOPERM (not permitted,
 * or the mode is too open) or EX_CONFIG (file and line); no failure ever shows a secret. */
bool return_secrets_read(struct return_secrets **secrets, const char *file, struct failure *why);

/* The same from a file that is open, which should be unbuffered: stdio would keep a copy of the
 * secrets. name is what failures call it. */
bool return_secrets_load(struct return_secrets **secrets, FILE *in, const char *name,
                         struct failure *why);

/* The same from any stream, whoever may read it. */
bool return_secrets_parse(struct return_secrets **secrets, FILE *in, const char *name,
                          struct failure *why);

/* Without a secret, for return_secrets_add. NULL: out of memory. */
struct return_secrets *return_secrets_new(void);

/* Adds a secret behind the others. False: it is none, there are too many, or memory ran out. */
bool return_secrets_add(struct return_secrets *secrets, const char *text, int64_t created,
                        struct failure *why);

void return_secrets_free(struct return_secrets *secrets); /* wipes them; NULL is fine */

/* The id that a secret with this text has. False: out of memory. */
bool return_secret_id(char id[RETURN_SECRET_ID_SIZE], const char *text);

/* HMAC-SHA-256 (RFC 2104). False: out of memory. */
bool return_secret_mac(const struct return_secret *secret, const void *text, size_t length,
                       unsigned char out[RETURN_MAC_SIZE]);

#endif
