/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/envelope.h"

#include <string.h>
#include <strings.h>
#include <sysexits.h>

#include "common/local_part.h"
#include "common/utf8.h"

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

size_t envelope_bare(const char **address)
{
    size_t length = strlen(*address);

    if (length < 2 || (*address)[0] != '<' || (*address)[length - 1] != '>')
        return length;
    (*address)++;
    return length - 2;
}

struct envelope envelope_parse(const char *argument)
{
    const char *address = argument;
    size_t length = envelope_bare(&address);

    if (address == argument && *argument == '<')
        return (struct envelope){.local = NULL};
    if (length == 0)
        return (struct envelope){.is_null = true};
    skip_route(&address, &length);
    return split(address, length);
}

/* --- what may be handed to an MTA --- */

static bool is_portable(const char *text, size_t length, bool smtputf8)
{
    for (size_t i = 0; i < length;) {
        size_t taken = 1;
        if ((unsigned char)text[i] >= 0x80)
            taken = smtputf8 ? utf8_length(text + i, length - i) : 0;
        if (taken == 0)
            return false;
        i += taken;
    }
    return true;
}

static const char not_an_address[] = "the envelope sender is not an address";

bool envelope_content(struct envelope envelope, bool smtputf8, char content[LOCAL_PART_MAX],
                      size_t *length, struct failure *why)
{
    if (envelope.local == NULL || local_part_read(content, length, envelope.local,
                                                  envelope.local_length) != envelope.local_length)
        return failure_set(why, EX_DATAERR, "%s", not_an_address);
    return is_portable(content, *length, smtputf8) ||
           failure_set(why, EX_DATAERR,
                       "the local part is not ASCII, nor UTF-8 sent with SMTPUTF8");
}

bool envelope_join(char out[ENVELOPE_ADDRESS_SIZE], const char *content, size_t content_length,
                   const char *domain, struct failure *why)
{
    char local[LOCAL_PART_MAX];
    size_t length = local_part_write(local, content, content_length);

    if (length == 0)
        return failure_set(why, EX_DATAERR, "%s", not_an_address);
    if (length + 1 + strlen(domain) > ENVELOPE_ADDRESS_MAX)
        return failure_set(why, EX_DATAERR, "at %s the address is longer than %d octets", domain,
                           ENVELOPE_ADDRESS_MAX);
    memcpy(out, local, length);
    out[length] = '@';
    strcpy(out + length + 1, domain);
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
