/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/identity.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include <idn2.h>
#include <stdio.h>

enum { LABEL_MAX = 63 };

const char *const identity_kind_words[2] = {
    [IDENTITY_ADDRESS] = "address",
    [IDENTITY_DOMAIN] = "domain",
};

/* --- domains --- */

static bool is_label_octet(unsigned char octet)
{
    /* The underscore is no host name's, but From domains with one exist, and their parents may
     * well be identities. */
    return (octet >= 'a' && octet <= 'z') || (octet >= '0' && octet <= '9') || octet == '-' ||
           octet == '_';
}

static bool are_labels(const char *domain, size_t length)
{
    size_t label = 0;

    if (length == 0 || length > IDENTITY_DOMAIN_MAX)
        return false;
    for (size_t i = 0; i <= length; i++) {
        if (i < length && domain[i] != '.') {
            label++;
            if (!is_label_octet((unsigned char)domain[i]) || (label == 1 && domain[i] == '-'))
                return false;
        } else {
            if (label == 0 || label > LABEL_MAX || domain[i - 1] == '-')
                return false;
            label = 0;
        }
    }
    return true;
}

/* U-labels to A-labels. The text is known to hold no NUL. */
static bool to_a_labels(char out[IDENTITY_DOMAIN_MAX + 1], const char *text, size_t length,
                        bool *out_of_memory)
{
    char input[IDENTITY_INPUT_MAX + 1];
    uint8_t *converted = NULL;
    size_t converted_length;
    bool fits;
    int error;

    memcpy(input, text, length);
    input[length] = '\0';
    error =
        idn2_lookup_u8((const uint8_t *)input, &converted, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
    *out_of_memory = error == IDN2_MALLOC;
    if (error != IDN2_OK)
        return false;
    /* The dot at the end may have been one of another script. */
    converted_length = strlen((const char *)converted);
    converted_length -=
        converted_length > 0 && converted[converted_length - 1] == '.' && text[length - 1] != '.';
    fits = converted_length <= IDENTITY_DOMAIN_MAX;
    if (fits) {
        memcpy(out, converted, converted_length);
        out[converted_length] = '\0';
    }
    idn2_free(converted);
    return fits;
}

/* Lower case without the locale's opinion; false where an octet is not ASCII. */
static bool lower_ascii(char *out, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        unsigned char octet = (unsigned char)text[i];
        if (octet >= 0x80)
            return false;
        out[i] = (char)(octet >= 'A' && octet <= 'Z' ? octet + ('a' - 'A') : octet);
    }
    out[length] = '\0';
    return true;
}

bool identity_parse_domain(char out[IDENTITY_DOMAIN_MAX + 1], const char *text, size_t length,
                           struct failure *why)
{
    bool out_of_memory = false;

    if (length > IDENTITY_INPUT_MAX || memchr(text, '\0', length) != NULL)
        return failure_set(why, EX_DATAERR, "domain name too long or with a NUL octet");
    if (length > 0 && text[length - 1] == '.')
        length--;
    /* Names in ASCII are taken as they are: an A-label that IDNA2008 would not make exists in the
     * DNS all the same. */
    if ((length <= IDENTITY_DOMAIN_MAX && lower_ascii(out, text, length)) ||
        to_a_labels(out, text, length, &out_of_memory)) {
        if (are_labels(out, strlen(out)))
            return true;
    }
    if (out_of_memory)
        return failure_set(why, EX_OSERR, "out of memory");
    return failure_set(why, EX_DATAERR, "\"%.*s\" is not a domain name",
                       (int)(length < 300 ? length : 300), text);
}

/* --- addresses --- */

/* Takes the local part at the start of text; returns how much of text it was, 0 if it is none. */
static size_t take_local(struct identity *identity, const char *text, size_t length)
{
    char content[LOCAL_PART_MAX];
    size_t content_length = 0;
    size_t taken = local_part_read(content, &content_length, text, length);

    identity->length = taken == 0 ? 0 : local_part_write(identity->text, content, content_length);
    return identity->length == 0 ? 0 : taken;
}

bool identity_parse(struct identity *identity, const char *text, size_t length, struct failure *why)
{
    size_t taken;

    if (length == 0 || length > IDENTITY_INPUT_MAX)
        return failure_set(why, EX_DATAERR, "an identity has 1 to %d octets, not %zu",
                           IDENTITY_INPUT_MAX, length);
    identity->length = 0;
    identity->domain = 0;
    identity->kind = IDENTITY_DOMAIN;
    if (memchr(text, '@', length) != NULL) {
        taken = take_local(identity, text, length);
        if (taken == 0 || taken >= length || text[taken] != '@')
            return failure_set(why, EX_DATAERR, "\"%.*s\" is not an email address",
                               (int)(length < 300 ? length : 300), text);
        identity->kind = IDENTITY_ADDRESS;
        identity->text[identity->length++] = '@';
        identity->domain = identity->length;
        text += taken + 1;
        length -= taken + 1;
    }
    if (!identity_parse_domain(identity->text + identity->domain, text, length, why))
        return false;
    identity->length += strlen(identity->text + identity->domain);
    return true;
}

const char *identity_domain(const struct identity *identity)
{
    return identity->text + identity->domain;
}

bool identity_is_subdomain(const char *name, const char *parent)
{
    size_t name_length = strlen(name);
    size_t parent_length = strlen(parent);

    return name_length > parent_length + 1 && parent_length > 0 &&
           name[name_length - parent_length - 1] == '.' &&
           strcmp(name + name_length - parent_length, parent) == 0;
}

/* --- keys --- */

void identity_keys_init(struct identity_keys *keys, const struct identity *sender, bool strip_label)
{
    keys->sender = sender;
    keys->next_domain = identity_domain(sender);
    keys->strip_label = strip_label;
    keys->step = sender->kind == IDENTITY_ADDRESS ? IDENTITY_KEY_ADDRESS : IDENTITY_KEY_DOMAIN;
}

/* a+label@domain without +label. A label is what follows the first plus sign. */
static bool strip_label(struct identity_keys *keys, size_t *length)
{
    const struct identity *sender = keys->sender;
    char content[LOCAL_PART_MAX];
    size_t content_length = 0;
    const char *plus;

    (void)local_part_read(content, &content_length, sender->text, sender->domain - 1);
    plus = memchr(content, '+', content_length);
    *length =
        plus == NULL ? 0 : local_part_write(keys->stripped, content, (size_t)(plus - content));
    if (*length == 0)
        return false;
    strcpy(keys->stripped + *length, sender->text + sender->domain - 1);
    *length += sender->length - sender->domain + 1;
    return true;
}

const char *identity_keys_next(struct identity_keys *keys, size_t *length)
{
    const char *domain = keys->next_domain;
    const char *dot;

    switch (keys->step) {
    case IDENTITY_KEY_ADDRESS:
        keys->step = keys->strip_label ? IDENTITY_KEY_LABEL : IDENTITY_KEY_DOMAIN;
        *length = keys->sender->length;
        return keys->sender->text;
    case IDENTITY_KEY_LABEL:
        keys->step = IDENTITY_KEY_DOMAIN;
        if (strip_label(keys, length))
            return keys->stripped;
        break;
    case IDENTITY_KEY_DOMAIN:
        break;
    }
    if (*domain == '\0')
        return NULL;
    *length = keys->sender->length - (size_t)(domain - keys->sender->text);
    dot = memchr(domain, '.', *length);
    keys->next_domain = dot == NULL ? domain + *length : dot + 1;
    return domain;
}

bool identity_with_u_labels(const char *text, char out[IDENTITY_SHOWN_SIZE])
{
    const char *at = strrchr(text, '@');
    const char *domain = at == NULL ? text : at + 1;
    char back[IDENTITY_DOMAIN_MAX + 1];
    char *labels = NULL;
    bool out_of_memory;
    bool good;

    if (strstr(domain, "xn--") == NULL || idn2_to_unicode_8z8z(domain, &labels, 0) != IDN2_OK)
        return false;
    good = strlen(labels) <= IDENTITY_INPUT_MAX / 2 && strcmp(labels, domain) != 0 &&
           to_a_labels(back, labels, strlen(labels), &out_of_memory) && strcmp(back, domain) == 0;
    if (good)
        (void)snprintf(out, IDENTITY_SHOWN_SIZE, "%.*s%s", (int)(domain - text), text, labels);
    idn2_free(labels);
    return good;
}
