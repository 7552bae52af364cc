/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/dmarc_record.h"

#include <string.h>
#include <strings.h>
#include <sysexits.h>

const char *const dmarc_policy_words[DMARC_POLICY_COUNT] = {
    [DMARC_POLICY_NONE] = "none",
    [DMARC_POLICY_QUARANTINE] = "quarantine",
    [DMARC_POLICY_REJECT] = "reject",
};

static const char white[] = " \t";

struct tag {
    char name[DMARC_TAG_MAX + 1];
    char value[DMARC_VALUE_MAX + 1];
};

/* What has been seen: p may be missing where reports are asked for. */
struct reading {
    struct dmarc_record *record;
    bool policy;
    bool subdomain_policy;
    bool reports;
};

/* Without the white space around it. */
static bool copy_trimmed(char *out, size_t maximum, const char *text, size_t length)
{
    size_t skipped = strspn(text, white);

    skipped = skipped < length ? skipped : length;
    text += skipped;
    length -= skipped;
    while (length > 0 && strchr(white, text[length - 1]) != NULL)
        length--;
    if (length > maximum)
        return false;
    memcpy(out, text, length);
    out[length] = '\0';
    return true;
}

static bool take_tag(struct tag *tag, const char **cursor, struct failure *why)
{
    size_t length = strcspn(*cursor, ";");
    size_t name = strcspn(*cursor, "=");
    const char *text = *cursor;

    *cursor += length;
    *cursor += **cursor == ';';
    if (name >= length)
        return failure_set(why, EX_DATAERR, "\"%.*s\" is not a tag of DMARC",
                           length > DMARC_TAG_MAX ? DMARC_TAG_MAX : (int)length, text);
    if (!copy_trimmed(tag->name, DMARC_TAG_MAX, text, name) ||
        !copy_trimmed(tag->value, DMARC_VALUE_MAX, text + name + 1, length - name - 1))
        return failure_set(why, EX_DATAERR, "a tag of DMARC is too long");
    return true;
}

static bool find_policy(enum dmarc_policy *policy, const char *word)
{
    for (int i = 0; i < DMARC_POLICY_COUNT; i++) {
        if (strcasecmp(word, dmarc_policy_words[i]) != 0)
            continue;
        *policy = (enum dmarc_policy)i;
        return true;
    }
    return false;
}

/* What is wrong in a tag counts as its default, but for p. */
static bool note_tag(struct reading *reading, const struct tag *tag, struct failure *why)
{
    struct dmarc_record *record = reading->record;

    if (strcasecmp(tag->name, "p") == 0) {
        reading->policy = find_policy(&record->policy, tag->value);
        return reading->policy ||
               failure_set(why, EX_DATAERR, "p=%.32s is not a policy", tag->value);
    }
    if (strcasecmp(tag->name, "sp") == 0)
        reading->subdomain_policy = find_policy(&record->subdomain_policy, tag->value);
    if (strcasecmp(tag->name, "aspf") == 0)
        record->strict_spf = strcasecmp(tag->value, "s") == 0;
    if (strcasecmp(tag->name, "adkim") == 0)
        record->strict_dkim = strcasecmp(tag->value, "s") == 0;
    if (strcasecmp(tag->name, "rua") == 0)
        reading->reports = tag->value[0] != '\0';
    if (strcasecmp(tag->name, "psd") == 0 && tag->value[0] != '\0' && tag->value[1] == '\0' &&
        strchr("ynYN", tag->value[0]) != NULL)
        record->psd = (char)(tag->value[0] | 0x20);
    return true;
}

static bool read_tags(struct reading *reading, const char *text, struct failure *why)
{
    struct tag tag = {{0}, {0}};

    for (unsigned count = 0; text[strspn(text, white)] != '\0'; count++) {
        if (count == DMARC_TAGS_MAX)
            return failure_set(why, EX_DATAERR, "more than %d tags", DMARC_TAGS_MAX);
        if (!take_tag(&tag, &text, why) || !note_tag(reading, &tag, why))
            return false;
    }
    return true;
}

/* v, white space, =, white space, DMARC1, in this case. The length, 0 if it is not so. */
static size_t version_length(const char *text)
{
    size_t length = 1 + strspn(text + (*text != '\0'), white);

    if (text[0] != 'v' || text[length] != '=')
        return 0;
    length++;
    length += strspn(text + length, white);
    if (strncmp(text + length, "DMARC1", 6) != 0)
        return 0;
    length += 6;
    length += strspn(text + length, white);
    if (text[length] == ';')
        return length + 1;
    return text[length] == '\0' ? length : 0;
}

bool dmarc_is_record(const char *text)
{
    return version_length(text) > 0;
}

bool dmarc_record_read(struct dmarc_record *record, const char *text, struct failure *why)
{
    struct reading reading = {.record = record};
    size_t version = version_length(text);

    *record = (struct dmarc_record){.psd = 'u'};
    if (version == 0)
        return failure_set(why, EX_DATAERR, "not a DMARC record");
    if (!read_tags(&reading, text + version, why))
        return false;
    if (!reading.policy && !reading.reports)
        return failure_set(why, EX_DATAERR, "there is no p=");
    if (!reading.subdomain_policy)
        record->subdomain_policy = record->policy;
    return true;
}
