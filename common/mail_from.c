/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/mail_from.h"
#include "common/checksum.h"

#include <string.h>
#include <sysexits.h>

const char *const mail_from_status_words[MAIL_FROM_STATUS_COUNT] = {
    [MAIL_FROM_PENDING] = "Pending",
    [MAIL_FROM_SUCCESS] = "Success",
    [MAIL_FROM_FAILED] = "Failed",
    [MAIL_FROM_TEMPORARY_FAILURE] = "TemporaryFailure",
};

const char *const mail_from_status_words_v2[MAIL_FROM_STATUS_COUNT] = {
    [MAIL_FROM_PENDING] = "PENDING",
    [MAIL_FROM_SUCCESS] = "SUCCESS",
    [MAIL_FROM_FAILED] = "FAILED",
    [MAIL_FROM_TEMPORARY_FAILURE] = "TEMPORARY_FAILURE",
};

const char *const mail_from_behavior_words[MAIL_FROM_BEHAVIOR_COUNT] = {
    [MAIL_FROM_USE_DEFAULT_VALUE] = "UseDefaultValue",
    [MAIL_FROM_REJECT_MESSAGE] = "RejectMessage",
};

const char *const mail_from_behavior_words_v2[MAIL_FROM_BEHAVIOR_COUNT] = {
    [MAIL_FROM_USE_DEFAULT_VALUE] = "USE_DEFAULT_VALUE",
    [MAIL_FROM_REJECT_MESSAGE] = "REJECT_MESSAGE",
};

const char *const mail_from_source_words[MAIL_FROM_SOURCE_COUNT] = {
    [MAIL_FROM_SES] = "ses",
    [MAIL_FROM_LOCAL] = "local",
    [MAIL_FROM_FILE] = "file",
};

bool mail_from_check_domain(const struct identity *identity, const char *domain,
                            struct failure *why)
{
    if (identity_is_subdomain(domain, identity_domain(identity)))
        return true;
    return failure_set(why, EX_DATAERR,
                       "Provided MAIL-FROM domain <%s> is not subdomain of the domain of the "
                       "identity <%s>.",
                       domain, identity_domain(identity));
}

/* The coded form: single octets, times, texts, a checksum; integers little-endian. */
enum { FLAG_VERIFIED = 1, FLAG_FEEDBACK_OFF = 2, FLAGS_ALL = 3 };
enum {
    CODE_VERSION = 1,
    CODE_TIMES = 11,
    CODE_TIME_COUNT = 6,
    CODE_TEXTS = CODE_TIMES + CODE_TIME_COUNT * 8,
    CODE_CHECKSUM = 8
};
_Static_assert(CODE_TEXTS + IDENTITY_DOMAIN_MAX + MAIL_FROM_ERROR_MAX + MAIL_FROM_SECTION_MAX +
                       MAIL_FROM_FOUND_MAX + CODE_CHECKSUM <=
                   MAIL_FROM_CODED_MAX,
               "the longest record fits");
_Static_assert(IDENTITY_DOMAIN_MAX <= 255 && MAIL_FROM_ERROR_MAX <= 255 &&
                   MAIL_FROM_SECTION_MAX <= 255 && MAIL_FROM_FOUND_MAX <= 255,
               "the length of a text fits into an octet");

static void write_integer(unsigned char *out, uint64_t value)
{
    for (int i = 0; i < 8; i++)
        out[i] = (unsigned char)(value >> (8 * i));
}

static uint64_t read_integer(const unsigned char *in)
{
    uint64_t value = 0;

    for (int i = 0; i < 8; i++)
        value |= (uint64_t)in[i] << (8 * i);
    return value;
}

static size_t append(unsigned char *out, size_t length, unsigned char *coded_length,
                     const char *text)
{
    *coded_length = (unsigned char)strlen(text);
    memcpy(out + length, text, *coded_length);
    return length + *coded_length;
}

size_t mail_from_encode(const struct mail_from *record, const char *key, size_t key_length,
                        unsigned char out[MAIL_FROM_CODED_MAX])
{
    const int64_t times[CODE_TIME_COUNT] = {record->status_since,  record->checked,
                                            record->refresh_after, record->expire_after,
                                            record->found_at,      record->unclear_since};
    size_t length = CODE_TEXTS;

    out[0] = CODE_VERSION;
    out[1] = (unsigned char)record->kind;
    out[2] = (unsigned char)record->source;
    out[3] = (unsigned char)((record->verified ? FLAG_VERIFIED : 0) |
                             (record->feedback_off ? FLAG_FEEDBACK_OFF : 0));
    out[4] = (unsigned char)record->status;
    out[5] = (unsigned char)record->behavior;
    out[10] = (unsigned char)record->former;
    for (int i = 0; i < CODE_TIME_COUNT; i++)
        write_integer(out + CODE_TIMES + (ptrdiff_t)8 * i, (uint64_t)times[i]);
    length = append(out, length, &out[6], record->domain);
    length = append(out, length, &out[7], record->last_error);
    length = append(out, length, &out[8], record->section);
    length = append(out, length, &out[9], record->found);
    write_integer(out + length, checksum_of(key, key_length, out, length));
    return length + CODE_CHECKSUM;
}

static bool is_coded(const unsigned char *in, size_t length, const char *key, size_t key_length)
{
    size_t coded;

    if (length < CODE_TEXTS + CODE_CHECKSUM || length > MAIL_FROM_CODED_MAX ||
        in[0] != CODE_VERSION)
        return false;
    coded = length - CODE_CHECKSUM;
    return CODE_TEXTS + (size_t)in[6] + in[7] + in[8] + in[9] == coded &&
           read_integer(in + coded) == checksum_of(key, key_length, in, coded);
}

static const unsigned char *take(char *out, const unsigned char *text, unsigned char length)
{
    memcpy(out, text, length);
    out[length] = '\0';
    return text + length;
}

bool mail_from_decode(struct mail_from *record, const char *key, size_t key_length,
                      const void *value, size_t length)
{
    const unsigned char *in = value;
    const unsigned char *texts;

    if (!is_coded(in, length, key, key_length))
        return false;
    /* A checksum is no proof: whoever can write the file can make one. */
    if (in[1] > IDENTITY_DOMAIN || in[2] >= MAIL_FROM_SOURCE_COUNT || in[3] > FLAGS_ALL ||
        in[4] >= MAIL_FROM_STATUS_COUNT || in[5] >= MAIL_FROM_BEHAVIOR_COUNT ||
        in[6] > IDENTITY_DOMAIN_MAX || in[7] > MAIL_FROM_ERROR_MAX ||
        in[8] > MAIL_FROM_SECTION_MAX || in[9] > MAIL_FROM_FOUND_MAX ||
        in[10] >= MAIL_FROM_SOURCE_COUNT ||
        memchr(in + CODE_TEXTS, '\0', (size_t)in[6] + in[7] + in[8] + in[9]) != NULL)
        return false;
    record->kind = (enum identity_kind)in[1];
    record->source = (enum mail_from_source)in[2];
    record->verified = (in[3] & FLAG_VERIFIED) != 0;
    record->feedback_off = (in[3] & FLAG_FEEDBACK_OFF) != 0;
    record->status = (enum mail_from_status)in[4];
    record->behavior = (enum mail_from_behavior)in[5];
    record->former = (enum mail_from_source)in[10];
    record->status_since = (int64_t)read_integer(in + CODE_TIMES);
    record->checked = (int64_t)read_integer(in + CODE_TIMES + 8);
    record->refresh_after = (int64_t)read_integer(in + CODE_TIMES + 16);
    record->expire_after = (int64_t)read_integer(in + CODE_TIMES + 24);
    record->found_at = (int64_t)read_integer(in + CODE_TIMES + 32);
    record->unclear_since = (int64_t)read_integer(in + CODE_TIMES + 40);
    texts = take(record->domain, in + CODE_TEXTS, in[6]);
    texts = take(record->last_error, texts, in[7]);
    texts = take(record->section, texts, in[8]);
    (void)take(record->found, texts, in[9]);
    return true;
}
