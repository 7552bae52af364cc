/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ses/api_v1.h"

#include "ses/call.h"
#include "ses/xml.h"

#include "common/word.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sysexits.h>

enum { KEY_SIZE = 512, WORD_SIZE = 320 };

const char *const api_v1_verification_words[API_VERIFICATION_COUNT] = {
    "Pending", "Success", "Failed", "TemporaryFailure", "NotStarted"};

/* The identities that were asked for, and how well each has been matched so far. */
struct asked {
    const char *const *identities;
    size_t count;
    enum { UNMATCHED, FOLDED, EXACT } matched[API_V1_IDENTITIES_MAX];
};

/* One reply being read. The entry's texts are kept until its end, for their order is not promised.
 */
struct reading {
    struct asked asked;
    const char *map; /* the element that holds the entries */
    bool has_map;
    char key[KEY_SIZE];
    char domain[WORD_SIZE];
    char status[WORD_SIZE]; /* of the MAIL FROM domain, or of the verification */
    char behavior[WORD_SIZE];
    bool has_value;
    const char *misshapen; /* a field that is no plain text, NULL for none */
    bool is_nameless;      /* an entry says nothing of whom it is */
    void (*take_entry)(const struct reading *reading, size_t index);
    struct api_v1_mail_from *mail_from;
    struct api_v1_verification *verification;
};

bool api_v1_write_identities(char body[API_V1_BODY_SIZE], const char *action,
                             const char *const identities[], size_t count, struct failure *why)
{
    if (count == 0 || count > API_V1_IDENTITIES_MAX)
        return failure_set(why, EX_DATAERR, "%s takes 1 to %d identities, not %zu", action,
                           API_V1_IDENTITIES_MAX, count);
    (void)snprintf(body, API_V1_BODY_SIZE, "Action=%s&Version=2010-12-01", action);
    for (size_t i = 0; i < count; i++) {
        size_t used = strlen(body);
        int length =
            snprintf(body + used, API_V1_BODY_SIZE - used, "&Identities.member.%zu=", i + 1);
        if ((size_t)length >= API_V1_BODY_SIZE - used ||
            !call_encode(body, API_V1_BODY_SIZE, identities[i]))
            return failure_set(why, EX_DATAERR, "%s: the identities are too long", action);
    }
    return true;
}

/* Local parts are compared exactly: SES's are case sensitive. */
static bool is_same_but_case_of_domain(const char *a, const char *b)
{
    const char *at_a = strrchr(a, '@'), *at_b = strrchr(b, '@');
    size_t local = at_a != NULL ? (size_t)(at_a - a) : 0;

    if ((at_a == NULL) != (at_b == NULL))
        return false;
    if (at_a != NULL && ((size_t)(at_b - b) != local || memcmp(a, b, local) != 0))
        return false;
    return strcasecmp(a + local, b + local) == 0;
}

/* What a reply says of an identity exactly as it was asked for counts more than of one that differs
 * in case. Several identities of the call may be the same but for that. */
static void match(struct reading *reading)
{
    struct asked *asked = &reading->asked;

    for (size_t i = 0; i < asked->count; i++) {
        bool exact = strcmp(asked->identities[i], reading->key) == 0;
        if (!exact && (asked->matched[i] == EXACT ||
                       !is_same_but_case_of_domain(asked->identities[i], reading->key)))
            continue;
        asked->matched[i] = exact ? EXACT : FOLDED;
        reading->take_entry(reading, i);
    }
}

static void clear_entry(struct reading *reading)
{
    reading->key[0] = '\0';
    reading->domain[0] = '\0';
    reading->status[0] = '\0';
    reading->behavior[0] = '\0';
    reading->has_value = false;
    reading->misshapen = NULL;
}

/* A text that is too long for what it should be is cut, and then is no word of SES's. */
static void copy(char *out, size_t size, const char *text)
{
    (void)snprintf(out, size, "%s", text);
}

/* The field whose text should stand where there is an element: its text would read as empty, and an
 * empty field is one that is not set. */
static const char *find_misshapen(const char *path)
{
    static const char *const fields[] = {"MailFromDomain", "MailFromDomainStatus",
                                         "BehaviorOnMXFailure", "VerificationStatus"};
    const char *slash = strrchr(path, '/');

    for (size_t i = 0; slash != NULL && i < sizeof fields / sizeof fields[0]; i++) {
        size_t length = strlen(fields[i]);
        if ((size_t)(slash - path) > length && slash[-1 - (ptrdiff_t)length] == '/' &&
            memcmp(slash - length, fields[i], length) == 0)
            return fields[i];
    }
    return NULL;
}

static void take_end_of_entry(struct reading *reading)
{
    reading->is_nameless = reading->is_nameless || reading->key[0] == '\0';
    match(reading);
    clear_entry(reading);
}

static void leave(void *context, const char *path, const char *text)
{
    struct reading *reading = context;

    if (reading->misshapen == NULL)
        reading->misshapen = find_misshapen(path);
    if (xml_path_ends(path, reading->map))
        reading->has_map = true;
    else if (xml_path_ends(path, "entry/key"))
        copy(reading->key, sizeof reading->key, text);
    else if (xml_path_ends(path, "value/MailFromDomain"))
        copy(reading->domain, sizeof reading->domain, text);
    else if (xml_path_ends(path, "value/MailFromDomainStatus") ||
             xml_path_ends(path, "value/VerificationStatus"))
        copy(reading->status, sizeof reading->status, text);
    else if (xml_path_ends(path, "value/BehaviorOnMXFailure"))
        copy(reading->behavior, sizeof reading->behavior, text);
    else if (xml_path_ends(path, "entry/value"))
        reading->has_value = true;
    else if (xml_path_ends(path, "entry"))
        take_end_of_entry(reading);
}

static bool read_reply(struct reading *reading, const char *xml, size_t length, struct failure *why)
{
    if (reading->asked.count > API_V1_IDENTITIES_MAX)
        return failure_set(why, EX_DATAERR, "more than %d identities", API_V1_IDENTITIES_MAX);
    if (!xml_parse(xml, length, leave, reading, why))
        return false;
    return reading->has_map || failure_set(why, EX_PROTOCOL, "the reply has no %s", reading->map);
}

static void reject(char error[MAIL_FROM_ERROR_MAX + 1], enum api_answer *answer, const char *what,
                   const char *text)
{
    char shown[MAIL_FROM_ERROR_MAX / 2] = "";

    outcome_escape(shown, sizeof shown, text);
    (void)snprintf(error, MAIL_FROM_ERROR_MAX + 1, "SES replies with an unknown %s: \"%s\"", what,
                   shown);
    *answer = API_UNREADABLE;
}

/* What keeps the entry as a whole from being read; NULL for nothing. */
static const char *bad_shape(const struct reading *reading)
{
    return reading->has_value ? reading->misshapen : "value";
}

/* An entry without a name may be that of any identity that has none: these are not unknown to SES.
 */
static void doubt(const struct reading *reading, size_t index, char error[MAIL_FROM_ERROR_MAX + 1],
                  enum api_answer *answer)
{
    if (reading->is_nameless && reading->asked.matched[index] == UNMATCHED)
        reject(error, answer, "key", "");
}

static bool take_domain(struct api_v1_mail_from *answer, const struct reading *reading)
{
    struct failure why;
    int status = word_find(mail_from_status_words, MAIL_FROM_STATUS_COUNT, reading->status);

    if (!identity_parse_domain(answer->domain, reading->domain, strlen(reading->domain), &why)) {
        answer->domain[0] = '\0';
        reject(answer->error, &answer->answer, "MailFromDomain", reading->domain);
    } else if (status < 0) {
        reject(answer->error, &answer->answer, "MailFromDomainStatus", reading->status);
    } else {
        answer->status = (enum mail_from_status)status;
    }
    return answer->answer == API_ANSWERED;
}

/* Without a domain the status means nothing, whatever it is: "Pending" has been seen there. */
static void take_mail_from(const struct reading *reading, size_t index)
{
    struct api_v1_mail_from *answer = &reading->mail_from[index];
    int behavior = MAIL_FROM_USE_DEFAULT_VALUE;

    memset(answer, 0, sizeof *answer);
    answer->answer = API_ANSWERED;
    if (bad_shape(reading) != NULL) {
        reject(answer->error, &answer->answer, bad_shape(reading), "not a text");
        return;
    }
    if (reading->domain[0] != '\0' && !take_domain(answer, reading))
        return;
    if (reading->behavior[0] != '\0')
        behavior = word_find(mail_from_behavior_words, MAIL_FROM_BEHAVIOR_COUNT, reading->behavior);
    if (behavior < 0)
        reject(answer->error, &answer->answer, "BehaviorOnMXFailure", reading->behavior);
    else
        answer->behavior = (enum mail_from_behavior)behavior;
}

static void take_verification(const struct reading *reading, size_t index)
{
    struct api_v1_verification *answer = &reading->verification[index];
    int status = word_find(api_v1_verification_words, API_VERIFICATION_COUNT, reading->status);

    memset(answer, 0, sizeof *answer);
    answer->answer = API_ANSWERED;
    if (bad_shape(reading) != NULL)
        reject(answer->error, &answer->answer, bad_shape(reading), "not a text");
    else if (status < 0)
        reject(answer->error, &answer->answer, "VerificationStatus", reading->status);
    else
        answer->status = (enum api_verification)status;
}

bool api_v1_read_mail_from(const char *xml, size_t length, const char *const identities[],
                           size_t count, struct api_v1_mail_from answers[], struct failure *why)
{
    struct reading reading = {.asked = {.identities = identities, .count = count},
                              .map = "MailFromDomainAttributes",
                              .take_entry = take_mail_from,
                              .mail_from = answers};

    memset(answers, 0, count * sizeof answers[0]);
    if (!read_reply(&reading, xml, length, why))
        return false;
    for (size_t i = 0; i < count; i++)
        doubt(&reading, i, answers[i].error, &answers[i].answer);
    return true;
}

bool api_v1_read_verification(const char *xml, size_t length, const char *const identities[],
                              size_t count, struct api_v1_verification answers[],
                              struct failure *why)
{
    struct reading reading = {.asked = {.identities = identities, .count = count},
                              .map = "VerificationAttributes",
                              .take_entry = take_verification,
                              .verification = answers};

    memset(answers, 0, count * sizeof answers[0]);
    if (!read_reply(&reading, xml, length, why))
        return false;
    for (size_t i = 0; i < count; i++)
        doubt(&reading, i, answers[i].error, &answers[i].answer);
    return true;
}

static void leave_error(void *context, const char *path, const char *text)
{
    struct outcome_error *error = context;

    if (xml_path_ends(path, "Error/Code"))
        outcome_set_code(error, text);
    else if (xml_path_ends(path, "Error/Message"))
        outcome_set_message(error, text);
    else if (xml_path_ends(path, "RequestId"))
        (void)snprintf(error->request_id, sizeof error->request_id, "%.79s", text);
}

void api_v1_read_error(struct outcome_error *error, const struct http_reply *reply)
{
    struct failure ignored;

    if (!xml_parse(reply->body, reply->body_length, leave_error, error, &ignored))
        memset(error, 0, sizeof *error);
}
