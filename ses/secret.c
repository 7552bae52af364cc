/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ses/secret.h"

#include <string.h>

enum { TELLING = 16 };

static size_t common_length(const char *a, const char *b)
{
    size_t length = 0;

    while (a[length] != '\0' && a[length] == b[length])
        length++;
    return length;
}

void secret_cut(char *text, const char *secret)
{
    size_t whole = strlen(secret);
    size_t telling = whole < TELLING ? whole : TELLING;

    for (; telling > 0 && *text != '\0'; text++) {
        if (common_length(text, secret) >= telling) {
            *text = '\0';
            return;
        }
    }
}

void secret_cut_keys(char *text, const struct keys *keys)
{
    secret_cut(text, keys->session_token);
    secret_cut(text, keys->secret_key);
}
