/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/envelope.h"

#include <string.h>
#include <strings.h>
#include <sysexits.h>

/* How long the quoted string at the start of text is, with its quotes; 0 if it does not end. */
static size_t quoted_length(const char *text, size_t length)
{
    for (size_t i = 1; i < length; i++) {
        if (text[i] == '"')
            return i + 1;
        if (text[i] == '\\')
            i++;
    }
    return 0;
}

/* <@relay1,@relay2:local@domain>: RFC 5321 says to ignore the route (appendix C). */
static void skip_route(const char **text, size_t *length)
{
    const char *colon = *length > 0 && **text == '@' ? memchr(*text, ':', *length) : NULL;

    if (colon != NULL) {
        *length -= (size_t)(colon + 1 - *text);
        *text = colon + 1;
    }
}

static struct envelope split(const char *text, size_t length)
{
    struct envelope envelope = {.local = text};
    const char *at;

    if (length > 0 && text[0] == '"')
        envelope.local_length = quoted_length(text, length);
    else if ((at = memrchr(text, '@', length)) != NULL)
        envelope.local_length = (size_t)(at - text);
    else
        envelope.local_length = length;
    if (envelope.local_length < length && text[envelope.local_length] == '@') {
        envelope.domain = text + envelope.local_length + 1;
        envelope.domain_length = length - envelope.local_length - 1;
    } else if (envelope.local_length != length) {
        envelope.local_length = 0;
    }
    if (envelope.local_length == 0)
        envelope.local = NULL;
    return envelope;
}

struct envelope envelope_parse(const char *argument)
{
    size_t length = strlen(argument);

    if (length > 0 && argument[0] == '<') {
        if (length < 2 || argument[length - 1] != '>')
            return (struct envelope){.local = NULL};
        argument++;
        length -= 2;
    }
    if (length == 0)
        return (struct envelope){.is_null = true};
    skip_route(&argument, &length);
    return split(argument, length);
}

/* --- what may be handed to an MTA --- */

/* Well-formed UTF-8 (RFC 3629): the length of the character at text, 0 if it is none. */
static size_t utf8_length(const unsigned char *text, size_t length)
{
    size_t wanted = text[0] >= 0xf0 ? 4 : text[0] >= 0xe0 ? 3 : 2;

    if (text[0] < 0xc2 || text[0] > 0xf4 || length < wanted)
        return 0;
    for (size_t i = 1; i < wanted; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    }
    /* Overlong forms, surrogates, and what lies beyond Unicode. */
    if ((text[0] == 0xe0 && text[1] < 0xa0) || (text[0] == 0xed && text[1] > 0x9f) ||
        (text[0] == 0xf0 && text[1] < 0x90) || (text[0] == 0xf4 && text[1] > 0x8f))
        return 0;
    return wanted;
}

/* The length of the character at text if a local part may hold it, else 0. */
static size_t portable_character(const char *text, size_t length, bool quoted, bool smtputf8)
{
    unsigned char octet = (unsigned char)text[0];

    if (octet >= 0x80)
        return smtputf8 ? utf8_length((const unsigned char *)text, length) : 0;
    if (octet < 0x20 || octet == 0x7f)
        return 0;
    if (!quoted)
        return strchr(" \"(),:;<>@[\\]", octet) == NULL;
    if (octet == '"')
        return 0;
    if (octet != '\\')
        return 1;
    return length > 1 && text[1] >= 0x20 && text[1] < 0x7f ? 2 : 0;
}

static bool is_portable_local(const char *local, size_t length, bool smtputf8)
{
    bool quoted = local[0] == '"';
    size_t i = 0;

    if (quoted) {
        local++;
        length = length < 2 ? 0 : length - 2;
    } else if (local[0] == '.' || local[length - 1] == '.' || memmem(local, length, "..", 2)) {
        return false;
    }
    while (i < length) {
        size_t taken = portable_character(local + i, length - i, quoted, smtputf8);
        if (taken == 0)
            return false;
        i += taken;
    }
    return i > 0;
}

bool envelope_move(struct envelope envelope, const char *domain, bool smtputf8,
                   char out[ENVELOPE_ADDRESS_SIZE], struct failure *why)
{
    size_t domain_length = strlen(domain);

    if (envelope.local == NULL)
        return failure_set(why, EX_DATAERR, "the envelope sender is not an address");
    if (envelope.local_length + 1 + domain_length > ENVELOPE_ADDRESS_MAX)
        return failure_set(why, EX_DATAERR, "at %s the address is longer than %d octets", domain,
                           ENVELOPE_ADDRESS_MAX);
    if (!is_portable_local(envelope.local, envelope.local_length, smtputf8))
        return failure_set(why, EX_DATAERR, "the local part is not one that every MTA keeps");
    memcpy(out, envelope.local, envelope.local_length);
    out[envelope.local_length] = '@';
    memcpy(out + envelope.local_length + 1, domain, domain_length + 1);
    return true;
}

bool envelope_is_at(struct envelope envelope, const char *domain)
{
    size_t length = envelope.domain_length;

    if (envelope.domain == NULL || envelope.local == NULL)
        return false;
    if (length > 0 && envelope.domain[length - 1] == '.')
        length--;
    return strlen(domain) == length && strncasecmp(envelope.domain, domain, length) == 0;
}
