/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/return_path.h"
#include "common/utf8.h"

#include <string.h>
#include <strings.h>

enum {
    SECONDS_A_DAY = 24 * 60 * 60,
    DAYS = 1024,
    PRVS_DIGITS = 10,
    PRVS_SIGNATURE_BITS = 30,
    PRVS_SIZE = sizeof "prvs=XXXXXXXXXX=" - 1,
    SRS_DIGITS = 8,
    SRS_DAY_DIGITS = 2,
    SRS_PREFIX_SIZE = sizeof "SRS0=HHHHHHHH=TT=" - 1,
    FOLDED_LOCAL_MAX = 3 * LOCAL_PART_MAX /* of octets, no letter becomes more */
};

const char *const return_form_words[RETURN_FORM_COUNT] = {
    [RETURN_NONE] = "none",
    [RETURN_PLAIN] = "plain",
    [RETURN_PRVS] = "prvs",
    [RETURN_SRS] = "srs",
};

static const char hexadecimal[] = "0123456789abcdef";
static const char base32[] = "abcdefghijklmnopqrstuvwxyz234567"; /* RFC 4648, lower case */

int64_t return_path_day(int64_t seconds)
{
    return seconds / SECONDS_A_DAY;
}

/* ASCII only, whatever the locale: both ends must agree. */
static char fold(char letter)
{
    unsigned char octet = (unsigned char)letter;

    return (char)(octet >= 'A' && octet <= 'Z' ? octet + ('a' - 'A') : octet);
}

/* --- digits --- */

/* bits: of each digit, most significant first. */
static void write_digits(char *out, size_t count, const char *alphabet, unsigned bits,
                         uint64_t number)
{
    while (count-- > 0) {
        out[count] = alphabet[number & ((1U << bits) - 1)];
        number >>= bits;
    }
}

static bool read_digits(uint64_t *number, const char *text, size_t count, const char *alphabet,
                        unsigned bits)
{
    *number = 0;
    for (size_t i = 0; i < count; i++) {
        const char *digit = text[i] == '\0' ? NULL : strchr(alphabet, fold(text[i]));
        if (digit == NULL)
            return false;
        *number = *number << bits | (uint64_t)(digit - alphabet);
    }
    return true;
}

/* --- the signature --- */

static size_t append_folded(char *out, size_t used, const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        out[used + i] = fold(text[i]);
    return used + length;
}

/* Of a local part outside ASCII, Postfix folds all letters, as Unicode has it (full case folding:
 * one letter may become two). */
static size_t append_local(char out[], size_t used, const char *text, size_t length)
{
    char folded[FOLDED_LOCAL_MAX];
    size_t folded_length = utf8_fold(folded, sizeof folded, text, length);

    return append_folded(out, used, folded_length > 0 ? folded : text,
                         folded_length > 0 ? folded_length : length);
}

/* Cut to the first 30 or 40 bits. The fields are held apart by NUL, which none of them has. */
static bool make_signature(uint64_t *signature, enum return_form form, unsigned day,
                           const struct return_original *original, const char *mail_from_domain,
                           const struct return_secret *secret)
{
    enum { NUMBERS_MAX = sizeof "A\0001023\0" };
    char text[NUMBERS_MAX + FOLDED_LOCAL_MAX + 1 + LOCAL_PART_MAX + 1 + IDENTITY_DOMAIN_MAX];
    unsigned char mac[RETURN_MAC_SIZE];
    size_t domain_length = strlen(mail_from_domain);
    size_t used;

    if (original->local_length > LOCAL_PART_MAX || original->domain_length > LOCAL_PART_MAX ||
        domain_length > IDENTITY_DOMAIN_MAX)
        return false;
    used =
        (size_t)snprintf(text, sizeof text, "%c%c%u", form == RETURN_PRVS ? 'A' : 'B', '\0', day);
    text[used++] = '\0';
    used = append_local(text, used, original->local, original->local_length);
    text[used++] = '\0';
    used = append_folded(text, used, original->domain, original->domain_length);
    text[used++] = '\0';
    used = append_folded(text, used, mail_from_domain, domain_length);
    if (!return_secret_mac(secret, text, used, mac))
        return false;
    *signature = (uint64_t)mac[0] << 24 | (uint64_t)mac[1] << 16 | (uint64_t)mac[2] << 8 | mac[3];
    *signature = form == RETURN_PRVS ? *signature >> 2 : *signature << 8 | mac[4];
    return true;
}

/* --- writing --- */

static bool fits(const char *content, size_t length)
{
    char written[LOCAL_PART_MAX];
    size_t written_length = local_part_write(written, content, length);

    return written_length > 0 && written_length <= RETURN_LOCAL_MAX;
}

static size_t append(char *out, size_t used, const char *text, size_t length)
{
    memcpy(out + used, text, length);
    return used + length;
}

bool return_path_sign(char out[LOCAL_PART_MAX], size_t *out_length, enum return_form form,
                      const struct return_original *original, const char *mail_from_domain,
                      const struct return_secrets *secrets, int64_t day)
{
    unsigned date = (unsigned)(day & (DAYS - 1));
    uint64_t signature;
    size_t used = 0;

    if (SRS_PREFIX_SIZE + original->domain_length + 1 + original->local_length > LOCAL_PART_MAX ||
        !make_signature(&signature, form, date, original, mail_from_domain, &secrets->items[0]))
        return false;
    if (form == RETURN_PRVS) {
        used = append(out, used, "prvs=", 5);
        write_digits(out + used, PRVS_DIGITS, hexadecimal, 4,
                     (uint64_t)date << PRVS_SIGNATURE_BITS | signature);
        used += PRVS_DIGITS;
    } else {
        used = append(out, used, "SRS0=", 5);
        write_digits(out + used, SRS_DIGITS, base32, 5, signature);
        used += SRS_DIGITS;
        out[used++] = '=';
        write_digits(out + used, SRS_DAY_DIGITS, base32, 5, date);
        used += SRS_DAY_DIGITS;
        out[used++] = '=';
        used = append(out, used, original->domain, original->domain_length);
    }
    out[used++] = '=';
    *out_length = append(out, used, original->local, original->local_length);
    return fits(out, *out_length);
}

bool return_path_is_too_long_to_sign(const char *content, size_t length)
{
    char written[LOCAL_PART_MAX];
    size_t written_length = local_part_write(written, content, length);

    return written_length > 0 && PRVS_SIZE + written_length > RETURN_LOCAL_MAX;
}

/* --- reading --- */

static bool begins_with(const char *content, size_t length, const char *prefix)
{
    return length >= strlen(prefix) && strncasecmp(content, prefix, strlen(prefix)) == 0;
}

static bool read_prvs(struct return_tag *tag, const char *content, size_t length)
{
    uint64_t number;

    if (length <= PRVS_SIZE || content[PRVS_SIZE - 1] != '=' ||
        !read_digits(&number, content + 5, PRVS_DIGITS, hexadecimal, 4))
        return false;
    tag->form = RETURN_PRVS;
    tag->day = (unsigned)(number >> PRVS_SIGNATURE_BITS);
    tag->signature = number & ((1U << PRVS_SIGNATURE_BITS) - 1);
    tag->original = (struct return_original){content + PRVS_SIZE, length - PRVS_SIZE, NULL, 0};
    return true;
}

static bool read_srs(struct return_tag *tag, const char *content, size_t length)
{
    const char *domain = content + SRS_PREFIX_SIZE;
    const char *end = content + length;
    const char *equals;
    uint64_t day;

    if (length <= SRS_PREFIX_SIZE || content[5 + SRS_DIGITS] != '=' || domain[-1] != '=' ||
        !read_digits(&tag->signature, content + 5, SRS_DIGITS, base32, 5) ||
        !read_digits(&day, domain - 1 - SRS_DAY_DIGITS, SRS_DAY_DIGITS, base32, 5))
        return false;
    equals = memchr(domain, '=', (size_t)(end - domain));
    if (equals == NULL || equals == domain || equals + 1 == end)
        return false;
    tag->form = RETURN_SRS;
    tag->day = (unsigned)day;
    tag->original = (struct return_original){equals + 1, (size_t)(end - equals - 1), domain,
                                             (size_t)(equals - domain)};
    return true;
}

void return_path_read(struct return_tag *tag, const char *content, size_t length)
{
    bool is_whole = false;

    *tag = (struct return_tag){.form = RETURN_NONE, .original = {content, length, NULL, 0}};
    if (begins_with(content, length, "prvs="))
        is_whole = read_prvs(tag, content, length);
    else if (begins_with(content, length, "SRS0="))
        is_whole = read_srs(tag, content, length);
    else if (!begins_with(content, length, "SRS0") && !begins_with(content, length, "SRS1"))
        tag->form = RETURN_PLAIN;
    if (!is_whole && tag->form != RETURN_PLAIN)
        tag->form = RETURN_NONE; /* a damaged tag is never taken for a plain address */
}

int return_path_verify(const struct return_tag *tag, const char *domain, size_t domain_length,
                       const char *mail_from_domain, const struct return_secrets *secrets)
{
    struct return_original original = tag->original;

    original.domain = domain;
    original.domain_length = domain_length;
    for (size_t i = 0; i < secrets->count; i++) {
        uint64_t signature;
        /* In one comparison of two numbers: its time tells nothing of where they differ. */
        if (make_signature(&signature, tag->form, tag->day, &original, mail_from_domain,
                           &secrets->items[i]) &&
            signature == tag->signature)
            return (int)i;
    }
    return -1;
}

int return_path_age(const struct return_tag *tag, int64_t today)
{
    int age = (int)((today - tag->day) & (DAYS - 1));

    return age == DAYS - 1 ? -1 : age;
}
