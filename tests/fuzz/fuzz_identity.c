/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Input: an address or a domain. It is read as an identity, as a local part and as the argument of
 * MAIL FROM. Canonical form must be stable, each key must be an identity itself, and an address
 * that is handed to an MTA must read back as the one that was meant.
 */
#include "common/envelope.h"
#include "common/identity.h"
#include "common/local_part.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char target[] = "m.example";

static void require(bool holds)
{
    if (!holds)
        abort();
}

static bool is_clean(const char *text)
{
    for (; *text != '\0'; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f)
            return false;
    }
    return true;
}

static void check_keys(const struct identity *identity)
{
    struct identity_keys keys;
    struct identity again;
    struct failure why;
    size_t before = IDENTITY_SIZE;
    size_t length = 0;
    const char *key;

    identity_keys_init(&keys, identity, true);
    while ((key = identity_keys_next(&keys, &length)) != NULL) {
        /* Of a.+b the label leaves a., which takes quotes and may get longer by them. */
        require(length == strlen(key) && (length < before || key == keys.stripped));
        require(identity_parse(&again, key, length, &why));
        require(strcmp(again.text, key) == 0);
        before = length;
    }
}

static void check_identity(const char *text, size_t length)
{
    struct identity identity;
    struct identity again;
    struct failure why = {.text = ""};

    if (!identity_parse(&identity, text, length, &why)) {
        require(why.text[0] != '\0' && is_clean(why.text));
        return;
    }
    require(identity.length == strlen(identity.text) && identity.length < IDENTITY_SIZE);
    require(is_clean(identity.text));
    require((identity.kind == IDENTITY_DOMAIN) == (identity.domain == 0));
    require(strlen(identity_domain(&identity)) <= IDENTITY_DOMAIN_MAX);
    require(identity_parse(&again, identity.text, identity.length, &why));
    require(strcmp(identity.text, again.text) == 0);
    check_keys(&identity);
}

static void check_local_part(const char *text, size_t length)
{
    char content[LOCAL_PART_MAX];
    char again[LOCAL_PART_MAX];
    char written[LOCAL_PART_MAX];
    size_t content_length = 0;
    size_t again_length = 0;
    size_t written_length;

    if (local_part_read(content, &content_length, text, length) == 0)
        return;
    require(content_length <= LOCAL_PART_MAX);
    written_length = local_part_write(written, content, content_length);
    if (written_length == 0)
        return;
    require(local_part_read(again, &again_length, written, written_length) == written_length);
    require(again_length == content_length && memcmp(again, content, content_length) == 0);
}

/* To another domain, as a rewrite without a return path does. */
static bool move(struct envelope envelope, const char *domain, bool smtputf8,
                 char out[ENVELOPE_ADDRESS_SIZE], struct failure *why)
{
    char content[LOCAL_PART_MAX];
    size_t length = 0;

    return envelope_content(envelope, smtputf8, content, &length, why) &&
           envelope_join(out, content, length, domain, why);
}

static void check_envelope(const char *argument, bool smtputf8)
{
    struct envelope envelope = envelope_parse(argument);
    char moved[ENVELOPE_ADDRESS_SIZE];
    char again[ENVELOPE_ADDRESS_SIZE];
    struct failure why;

    require(!envelope.is_null || envelope.local == NULL);
    if (!move(envelope, target, smtputf8, moved, &why))
        return;
    require(strlen(moved) <= ENVELOPE_ADDRESS_MAX && is_clean(moved));
    for (const char *at = moved; !smtputf8 && *at != '\0'; at++)
        require((unsigned char)*at < 0x80);
    envelope = envelope_parse(moved);
    require(envelope_is_at(envelope, target));
    require(move(envelope, target, smtputf8, again, &why));
    require(strcmp(moved, again) == 0);
    check_identity(moved, strlen(moved));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);

    require(text != NULL);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    check_identity(text, size);
    check_local_part(text, size);
    check_envelope(text, false);
    check_envelope(text, true);
    free(text);
    return 0;
}
