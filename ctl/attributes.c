/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/attributes.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include <cjson/cJSON.h>

#include "common/log.h"
#include "common/moment.h"
#include "common/settings_text.h"
#include "common/word.h"
#include "ctl/document.h"
#include "ctl/identities.h"
#include "ses/json.h"

enum {
    SHOWN_MAX = 100, /* octets of a word from the text that a failure shows */
    SHOWN_SIZE = 4 * SHOWN_MAX + 8
};

enum { TOP_ATTRIBUTES, TOP_METADATA, TOP_COUNT };
static const char *const top_names[TOP_COUNT] = {"MailFromDomainAttributes", "ResponseMetadata"};

enum {
    ENTRY_DOMAIN,
    ENTRY_STATUS,
    ENTRY_BEHAVIOR,
    ENTRY_BEHAVIOR_V2,
    ENTRY_FEEDBACK,
    ENTRY_RECORD,
    ENTRY_COUNT
};
static const char *const entry_names[ENTRY_COUNT] = {
    "MailFromDomain",      "MailFromDomainStatus",     "BehaviorOnMXFailure",
    "BehaviorOnMxFailure", "FeedbackForwardingStatus", "Record"};

enum {
    RECORD_SOURCE,
    RECORD_SECTION,
    RECORD_VERIFIED,
    RECORD_FEEDBACK,
    RECORD_SINCE,
    RECORD_CHECKED,
    RECORD_REFRESH,
    RECORD_EXPIRE,
    RECORD_ERROR,
    RECORD_FORMER,
    RECORD_FOUND,
    RECORD_FOUND_AT,
    RECORD_UNCLEAR,
    RECORD_COUNT
};
static const char *const record_names[RECORD_COUNT] = {
    "Source",      "Section", "Verified",     "FeedbackForwardingStatus",
    "StatusSince", "Checked", "RefreshAfter", "ExpireAfter",
    "LastError",   "Former",  "Found",        "FoundAt",
    "UnclearSince"};

static const char *shown(const char *text, char out[SHOWN_SIZE])
{
    (void)log_escape(out, out + SHOWN_SIZE, text, SHOWN_MAX);
    return out;
}

/* Puts the members of an object in the order of a table of their names; NULL for absent ones. */
static bool take_members(const cJSON *object, const char *const names[], int count,
                         const cJSON *members[], struct failure *why)
{
    char name[SHOWN_SIZE];

    for (int i = 0; i < count; i++)
        members[i] = NULL;
    if (!cJSON_IsObject(object))
        return failure_set(why, EX_DATAERR, "an object { .. } is expected here");
    for (const cJSON *member = object->child; member != NULL; member = member->next) {
        int i = word_find(names, (size_t)count, member->string);
        if (i < 0)
            return failure_set(why, EX_DATAERR, "unknown field \"%s\"",
                               shown(member->string, name));
        if (members[i] != NULL)
            return failure_set(why, EX_DATAERR, "%s is given twice", names[i]);
        members[i] = member;
    }
    return true;
}

/* The text of a member; "" for one that is absent or null. */
static bool take_text(const cJSON *member, const char **text, struct failure *why)
{
    *text = "";
    if (member == NULL || cJSON_IsNull(member))
        return true;
    if (!cJSON_IsString(member))
        return failure_set(why, EX_DATAERR, "%s must be a string", member->string);
    *text = member->valuestring;
    return true;
}

/* other_words: a second spelling, or NULL. An empty text leaves *value as it is. */
static bool take_word(const cJSON *member, const char *const words[],
                      const char *const other_words[], size_t count, int *value,
                      struct failure *why)
{
    char choice[128];
    char name[SHOWN_SIZE];
    const char *text;
    int found;

    if (!take_text(member, &text, why))
        return false;
    if (text[0] == '\0')
        return true;
    found = word_find(words, count, text);
    if (found < 0 && other_words != NULL)
        found = word_find(other_words, count, text);
    if (found < 0) {
        word_choice(words, count, choice, sizeof choice);
        return failure_set(why, EX_DATAERR, "%s is \"%s\", but must be %s", member->string,
                           shown(text, name), choice);
    }
    *value = found;
    return true;
}

static bool take_bool(const cJSON *member, bool *value, struct failure *why)
{
    if (member == NULL)
        return true;
    if (!cJSON_IsBool(member))
        return failure_set(why, EX_DATAERR, "%s must be true or false", member->string);
    *value = cJSON_IsTrue(member);
    return true;
}

/* An absent member leaves *moment as it is; null means never. */
static bool take_moment(const cJSON *member, int64_t *moment, struct failure *why)
{
    if (member == NULL)
        return true;
    *moment = 0;
    if (cJSON_IsNull(member))
        return true;
    if (!cJSON_IsString(member) || !moment_parse(member->valuestring, moment))
        return failure_set(why, EX_DATAERR,
                           "%s must be a time such as 2026-11-22T10:00:00Z, or null",
                           member->string);
    return true;
}

/* A text of max octets at most; out has room for one more. */
static bool copy_text(const cJSON *member, char *out, size_t max, struct failure *why)
{
    const char *text;

    if (!take_text(member, &text, why))
        return false;
    if (strlen(text) > max)
        return failure_set(why, EX_DATAERR, "%s is longer than %zu octets", member->string, max);
    memcpy(out, text, strlen(text) + 1);
    return true;
}

static bool take_domain(const cJSON *member, struct attributes_item *item, struct failure *why)
{
    const char *domain;

    if (!take_text(member, &domain, why))
        return false;
    if (domain[0] == '\0')
        return true;
    if (!identity_parse_domain(item->record.domain, domain, strlen(domain), why))
        return failure_prefix(why, "MailFromDomain");
    return mail_from_check_domain(&item->identity, item->record.domain, why);
}

/* A status without a domain means nothing, whatever it is: SES leaves it out, and emulators put
 * what they like. */
static bool take_status(const cJSON *const members[ENTRY_COUNT], struct mail_from *record,
                        struct failure *why)
{
    const char *status;
    int value = -1;

    if (!take_text(members[ENTRY_STATUS], &status, why))
        return false;
    if (record->domain[0] == '\0')
        return true;
    if (status[0] == '\0')
        return failure_set(why, EX_DATAERR, "MailFromDomain stands without MailFromDomainStatus");
    if (!take_word(members[ENTRY_STATUS], mail_from_status_words, mail_from_status_words_v2,
                   MAIL_FROM_STATUS_COUNT, &value, why))
        return false;
    record->status = (enum mail_from_status)value;
    return true;
}

static bool take_behavior(const cJSON *const members[ENTRY_COUNT], struct mail_from *record,
                          struct failure *why)
{
    const cJSON *member = members[ENTRY_BEHAVIOR];
    int value = MAIL_FROM_USE_DEFAULT_VALUE;

    if (member == NULL)
        member = members[ENTRY_BEHAVIOR_V2];
    else if (members[ENTRY_BEHAVIOR_V2] != NULL)
        return failure_set(why, EX_DATAERR, "%s is given twice", member->string);
    if (!take_word(member, mail_from_behavior_words, mail_from_behavior_words_v2,
                   MAIL_FROM_BEHAVIOR_COUNT, &value, why))
        return false;
    record->behavior = (enum mail_from_behavior)value;
    return true;
}

/* Export has it in "Record", which a put does not read otherwise. */
static bool take_feedback(const cJSON *const members[ENTRY_COUNT], struct attributes_item *item,
                          struct failure *why)
{
    const cJSON *beside = members[ENTRY_FEEDBACK];
    const cJSON *within =
        cJSON_GetObjectItemCaseSensitive(members[ENTRY_RECORD], record_names[RECORD_FEEDBACK]);
    bool is_on = true;
    bool is_on_within = true;

    if (!take_bool(beside, &is_on, why))
        return false;
    if (!take_bool(within, &is_on_within, why))
        return failure_prefix(why, "%s", entry_names[ENTRY_RECORD]);
    if (beside != NULL && within != NULL && is_on != is_on_within)
        return failure_set(why, EX_DATAERR, "%s is %s, but that of %s is %s", beside->string,
                           is_on ? "true" : "false", entry_names[ENTRY_RECORD],
                           is_on_within ? "true" : "false");
    item->record.feedback_off = !is_on || !is_on_within;
    item->given.feedback = beside != NULL || within != NULL;
    return true;
}

static bool take_section(const cJSON *member, char out[MAIL_FROM_SECTION_MAX + 1],
                         struct failure *why)
{
    const char *text;

    if (!take_text(member, &text, why))
        return false;
    if (!settings_text_is_good_title(text))
        return failure_set(why, EX_DATAERR, "%s is not a title of a section", member->string);
    (void)snprintf(out, MAIL_FROM_SECTION_MAX + 1, "%s", text);
    return true;
}

static bool take_record(const cJSON *object, int64_t now, struct attributes_item *item,
                        struct failure *why)
{
    struct mail_from *record = &item->record;
    const cJSON *members[RECORD_COUNT];
    int source = (int)record->source;
    int former = MAIL_FROM_LOCAL;

    if (object == NULL)
        return true;
    if (!take_members(object, record_names, RECORD_COUNT, members, why) ||
        !take_word(members[RECORD_SOURCE], mail_from_source_words, NULL, MAIL_FROM_SOURCE_COUNT,
                   &source, why) ||
        !take_section(members[RECORD_SECTION], record->section, why) ||
        !take_bool(members[RECORD_VERIFIED], &record->verified, why) ||
        !take_moment(members[RECORD_SINCE], &record->status_since, why) ||
        !take_moment(members[RECORD_CHECKED], &record->checked, why) ||
        !take_moment(members[RECORD_REFRESH], &record->refresh_after, why) ||
        !take_moment(members[RECORD_EXPIRE], &record->expire_after, why) ||
        !copy_text(members[RECORD_ERROR], record->last_error, MAIL_FROM_ERROR_MAX, why) ||
        !take_word(members[RECORD_FORMER], mail_from_source_words, NULL, MAIL_FROM_SOURCE_COUNT,
                   &former, why) ||
        !copy_text(members[RECORD_FOUND], record->found, MAIL_FROM_FOUND_MAX, why) ||
        !take_moment(members[RECORD_FOUND_AT], &record->found_at, why) ||
        !take_moment(members[RECORD_UNCLEAR], &record->unclear_since, why))
        return failure_prefix(why, "%s", entry_names[ENTRY_RECORD]);
    record->source = (enum mail_from_source)source;
    record->former = (enum mail_from_source)former;
    /* A local one that nobody looked up yet is due; null says that nobody shall. */
    if (record->source == MAIL_FROM_LOCAL && record->domain[0] != '\0' &&
        members[RECORD_REFRESH] == NULL)
        record->refresh_after = now;
    item->given.since = members[RECORD_SINCE] != NULL;
    return true;
}

/* The identity, and what a put sets. */
static bool take_attributes(const cJSON *entry, const cJSON *members[ENTRY_COUNT],
                            struct attributes_item *item, struct failure *why)
{
    if (!identity_parse(&item->identity, entry->string, strlen(entry->string), why) ||
        !identities_check_new(&item->identity, why) ||
        !take_members(entry, entry_names, ENTRY_COUNT, members, why) ||
        !take_domain(members[ENTRY_DOMAIN], item, why) ||
        !take_behavior(members, &item->record, why) || !take_feedback(members, item, why))
        return false;
    item->record.kind = item->identity.kind;
    item->given.mail_from = members[ENTRY_DOMAIN] != NULL || members[ENTRY_BEHAVIOR] != NULL ||
                            members[ENTRY_BEHAVIOR_V2] != NULL;
    return true;
}

static bool take_entry(const cJSON *entry, int64_t now, struct attributes_item *item,
                       struct failure *why)
{
    const cJSON *members[ENTRY_COUNT];
    char name[SHOWN_SIZE];

    *item = (struct attributes_item){.record = {.source = MAIL_FROM_FILE,
                                                .former = MAIL_FROM_LOCAL,
                                                .verified = true,
                                                .status_since = now,
                                                .checked = now}};
    return (take_attributes(entry, members, item, why) &&
            take_status(members, &item->record, why) &&
            take_record(members[ENTRY_RECORD], now, item, why)) ||
           failure_prefix(why, "identity \"%s\"", shown(entry->string, name));
}

static bool take_put(const cJSON *entry, struct attributes_item *item, struct failure *why)
{
    const cJSON *members[ENTRY_COUNT];
    char name[SHOWN_SIZE];
    bool good;

    *item = (struct attributes_item){.record = {.source = MAIL_FROM_LOCAL}};
    good = take_attributes(entry, members, item, why);
    if (good && item->record.domain[0] == '\0' && item->record.behavior == MAIL_FROM_REJECT_MESSAGE)
        good = failure_set(why, EX_DATAERR,
                           "without a MAIL FROM domain there is nothing to reject for");
    return good || failure_prefix(why, "identity \"%s\"", shown(entry->string, name));
}

/* The object that holds the entries; NULL for a failure. */
static const cJSON *find_entries(const cJSON *root, struct failure *why)
{
    static const char wanted[] = "what `aws ses get-identity-mail-from-domain-attributes' prints";
    const cJSON *members[TOP_COUNT];

    if (!take_members(root, top_names, TOP_COUNT, members, why)) {
        (void)failure_prefix(why, "not %s", wanted);
        return NULL;
    }
    if (cJSON_IsObject(members[TOP_ATTRIBUTES]))
        return members[TOP_ATTRIBUTES];
    (void)failure_set(why, EX_DATAERR, "not %s: no object \"%s\"", wanted,
                      top_names[TOP_ATTRIBUTES]);
    return NULL;
}

/* The tree of a text that is one JSON value and nothing else. */
static cJSON *parse(const char *text, size_t length, struct failure *why)
{
    const char *end = text;
    bool out_of_memory;
    cJSON *root = json_read(text, length, &end, &out_of_memory);

    if (out_of_memory) {
        (void)failure_set(why, EX_OSERR, "out of memory");
        return NULL;
    }
    if (root == NULL) {
        (void)document_refuse(text, (size_t)(end - text), why,
                              "not JSON, cut short or nested too deep");
        return NULL;
    }
    while (end < text + length && strchr(" \t\r\n", *end) != NULL)
        end++;
    if (end == text + length)
        return root;
    cJSON_Delete(root);
    (void)document_refuse(text, (size_t)(end - text), why, "something follows after the JSON");
    return NULL;
}

/* The tree, and the object in it that holds the entries. NULL for a failure. */
static cJSON *open_tree(const char *text, size_t length, const cJSON **entries, struct failure *why)
{
    cJSON *root = document_check(text, length, why) ? parse(text, length, why) : NULL;

    *entries = root == NULL ? NULL : find_entries(root, why);
    if (*entries != NULL)
        return root;
    cJSON_Delete(root);
    return NULL;
}

bool attributes_read(const char *text, size_t length, int64_t now,
                     bool (*take)(void *context, const struct attributes_item *item,
                                  struct failure *why),
                     void *context, struct failure *why)
{
    struct attributes_item item;
    const cJSON *entries;
    cJSON *root = open_tree(text, length, &entries, why);
    bool good = root != NULL;

    for (const cJSON *entry = good ? entries->child : NULL; good && entry != NULL;
         entry = entry->next)
        good = take_entry(entry, now, &item, why) && take(context, &item, why);
    cJSON_Delete(root);
    return good;
}

bool attributes_read_puts(const char *text, size_t length,
                          bool (*take)(void *context, const struct attributes_item *item,
                                       struct failure *why),
                          void (*refuse)(void *context, const struct failure *reason),
                          void *context, struct failure *why)
{
    struct attributes_item item;
    const cJSON *entries;
    cJSON *root = open_tree(text, length, &entries, why);
    bool good = root != NULL;

    for (const cJSON *entry = good ? entries->child : NULL; good && entry != NULL;
         entry = entry->next) {
        if (take_put(entry, &item, why))
            good = take(context, &item, why);
        else if (why->exit_code == EX_OSERR)
            good = false;
        else
            refuse(context, why);
    }
    cJSON_Delete(root);
    return good;
}
