/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Input: what credential_process prints, or what a metadata service replies.
 */
#include "ses/keys.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check(const struct keys *keys)
{
    require(keys->access_key[0] != '\0' && keys->secret_key[0] != '\0');
    for (const char *c = keys->session_token; *c != '\0'; c++)
        require(*c > ' ' && *c <= '~');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *json = malloc(size > 0 ? size : 1);
    struct failure why;
    struct keys keys;

    require(json != NULL);
    if (size > 0)
        memcpy(json, data, size);
    if (keys_read_process(&keys, json, size, &why))
        check(&keys);
    if (keys_read_metadata(&keys, "fuzz", json, size, &why) == OUTCOME_OK)
        check(&keys);
    free(json);
    return 0;
}
