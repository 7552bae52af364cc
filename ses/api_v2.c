/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ses/api_v2.h"

#include "ses/call.h"
#include "ses/json.h"

#include "common/word.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

const char *const api_v2_verification_words[API_VERIFICATION_COUNT] = {
    "PENDING", "SUCCESS", "FAILED", "TEMPORARY_FAILURE", "NOT_STARTED"};

bool api_v2_write_path(char path[API_V2_PATH_SIZE], const char *identity, const char *suffix,
                       struct failure *why)
{
    size_t used;

    (void)snprintf(path, API_V2_PATH_SIZE, API_V2_IDENTITIES_PATH "/");
    /* A segment of dots only would be taken out of the path on its way. */
    if (strspn(identity, ".") == strlen(identity))
        return failure_set(why, EX_DATAERR, "\"%.80s\" is not an identity", identity);
    if (!call_encode(path, API_V2_PATH_SIZE, identity))
        return failure_set(why, EX_DATAERR, "the identity is too long");
    used = strlen(path);
    if (snprintf(path + used, API_V2_PATH_SIZE - used, "%s", suffix) >=
        (int)(API_V2_PATH_SIZE - used))
        return failure_set(why, EX_DATAERR, "the identity is too long");
    return true;
}

bool api_v2_write_list_query(char query[API_V2_QUERY_SIZE], unsigned page_size,
                             const char *next_token, struct failure *why)
{
    bool has_token = next_token != NULL && next_token[0] != '\0';

    (void)snprintf(query, API_V2_QUERY_SIZE, "%sPageSize=%u", has_token ? "NextToken=" : "",
                   page_size);
    if (!has_token)
        return true;
    (void)snprintf(query, API_V2_QUERY_SIZE, "NextToken=");
    if (strlen(next_token) > API_V2_TOKEN_MAX || !call_encode(query, API_V2_QUERY_SIZE, next_token))
        return failure_set(why, EX_DATAERR, "the NextToken is too long");
    (void)snprintf(query + strlen(query), API_V2_QUERY_SIZE - strlen(query), "&PageSize=%u",
                   page_size);
    return true;
}

/* Canonical domains need no escapes in JSON. */
bool api_v2_write_mail_from(char body[API_V2_BODY_SIZE], const char *domain,
                            enum mail_from_behavior behavior, struct failure *why)
{
    char canonical[IDENTITY_DOMAIN_MAX + 1];

    if (domain == NULL || domain[0] == '\0') {
        (void)snprintf(body, API_V2_BODY_SIZE, "{}");
        return true;
    }
    if (!identity_parse_domain(canonical, domain, strlen(domain), why))
        return failure_prefix(why, "MAIL FROM domain");
    (void)snprintf(body, API_V2_BODY_SIZE,
                   "{\"MailFromDomain\":\"%s\",\"BehaviorOnMxFailure\":\"%s\"}", canonical,
                   mail_from_behavior_words_v2[behavior]);
    return true;
}

static const cJSON *member(const cJSON *object, const char *name)
{
    return cJSON_GetObjectItemCaseSensitive(object, name);
}

/* MANAGED_DOMAIN is a domain; a type yet unknown is told by the name. */
static enum identity_kind kind_of(const cJSON *object, const char *name)
{
    const char *type = json_text(object, "IdentityType");

    if (type != NULL && strcmp(type, "EMAIL_ADDRESS") == 0)
        return IDENTITY_ADDRESS;
    if (type != NULL && strstr(type, "DOMAIN") != NULL)
        return IDENTITY_DOMAIN;
    return name != NULL && strchr(name, '@') != NULL ? IDENTITY_ADDRESS : IDENTITY_DOMAIN;
}

static enum api_sending sending_of(const cJSON *object, const char *name)
{
    const cJSON *flag = member(object, name);

    if (!cJSON_IsBool(flag))
        return API_SENDING_UNSAID;
    return cJSON_IsTrue(flag) ? API_SENDING_YES : API_SENDING_NO;
}

static bool take_listed(struct api_v2_listed *listed, const cJSON *item)
{
    const char *name = json_text(item, "IdentityName");

    if (name == NULL || strlen(name) >= sizeof listed->name)
        return false;
    memset(listed, 0, sizeof *listed);
    (void)snprintf(listed->name, sizeof listed->name, "%s", name);
    listed->kind = kind_of(item, name);
    listed->sending = sending_of(item, "SendingEnabled");
    return true;
}

static bool take_items(struct api_v2_page *page, const cJSON *items, struct failure *why)
{
    int size = cJSON_GetArraySize(items);
    const cJSON *item;

    if (size == 0)
        return true;
    page->listed = calloc((size_t)size, sizeof page->listed[0]);
    if (page->listed == NULL)
        return failure_set(why, EX_OSERR, "out of memory");
    cJSON_ArrayForEach(item, items)
    {
        if (take_listed(&page->listed[page->count], item))
            page->count++;
        else
            page->passed_over++;
    }
    return true;
}

static bool take_page(struct api_v2_page *page, const cJSON *json, struct failure *why)
{
    const cJSON *items = member(json, "EmailIdentities");
    const char *token = json_text(json, "NextToken");

    if (!cJSON_IsArray(items))
        return failure_set(why, EX_PROTOCOL, "the reply has no EmailIdentities");
    if (cJSON_GetArraySize(items) > API_V2_PAGE_MAX)
        return failure_set(why, EX_PROTOCOL, "the page has more than %d identities",
                           API_V2_PAGE_MAX);
    if (json_is_no_text(json, "NextToken"))
        return failure_set(why, EX_PROTOCOL, "the NextToken is not a text");
    if (token != NULL && strlen(token) > API_V2_TOKEN_MAX)
        return failure_set(why, EX_PROTOCOL, "the NextToken is longer than %d octets",
                           API_V2_TOKEN_MAX);
    (void)snprintf(page->next_token, sizeof page->next_token, "%s", token != NULL ? token : "");
    return take_items(page, items, why);
}

bool api_v2_read_page(struct api_v2_page *page, const char *json, size_t length,
                      struct failure *why)
{
    cJSON *object = json_parse(json, length, why);
    bool fine;

    memset(page, 0, sizeof *page);
    if (object == NULL)
        return false;
    fine = take_page(page, object, why);
    json_free(object);
    if (!fine)
        api_v2_page_reset(page);
    return fine;
}

void api_v2_page_reset(struct api_v2_page *page)
{
    free(page->listed);
    memset(page, 0, sizeof *page);
}

static void reject(struct api_v1_mail_from *mail_from, const char *what, const char *text)
{
    char shown[MAIL_FROM_ERROR_MAX / 2] = "";

    outcome_escape(shown, sizeof shown, text != NULL ? text : "");
    (void)snprintf(mail_from->error, sizeof mail_from->error,
                   "SES replies with an unknown %s: \"%s\"", what, shown);
    mail_from->answer = API_UNREADABLE;
}

/* Of another type than SES has: absent it is not. */
static bool reject_types(struct api_v1_mail_from *mail_from, const cJSON *object)
{
    static const char *const names[] = {"MailFromDomain", "MailFromDomainStatus",
                                        "BehaviorOnMxFailure"};
    static const char text[] = "not a text";

    if (object != NULL && !cJSON_IsNull(object) && !cJSON_IsObject(object))
        reject(mail_from, "MailFromAttributes", "not an object");
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (json_is_no_text(object, names[i]))
            reject(mail_from, names[i], text);
    }
    return mail_from->answer == API_UNREADABLE;
}

static void take_domain(struct api_v1_mail_from *mail_from, const cJSON *object, const char *domain)
{
    const char *word = json_text(object, "MailFromDomainStatus");
    int status =
        word != NULL ? word_find(mail_from_status_words_v2, MAIL_FROM_STATUS_COUNT, word) : -1;
    struct failure why;

    if (!identity_parse_domain(mail_from->domain, domain, strlen(domain), &why)) {
        mail_from->domain[0] = '\0';
        reject(mail_from, "MailFromDomain", domain);
    } else if (status < 0) {
        reject(mail_from, "MailFromDomainStatus", word);
    } else {
        mail_from->status = (enum mail_from_status)status;
    }
}

/* The block, its members and their texts may each be absent: so emulators say that there is none.
 */
static void take_mail_from(struct api_v1_mail_from *mail_from, const cJSON *object)
{
    const char *domain = json_text(object, "MailFromDomain");
    const char *word = json_text(object, "BehaviorOnMxFailure");
    int behavior = word != NULL
                       ? word_find(mail_from_behavior_words_v2, MAIL_FROM_BEHAVIOR_COUNT, word)
                       : (int)MAIL_FROM_USE_DEFAULT_VALUE;

    mail_from->answer = API_ANSWERED;
    if (reject_types(mail_from, object))
        return;
    if (domain != NULL)
        take_domain(mail_from, object, domain);
    if (behavior < 0)
        reject(mail_from, "BehaviorOnMxFailure", word);
    else
        mail_from->behavior = (enum mail_from_behavior)behavior;
}

bool api_v2_read_identity(struct api_v2_identity *identity, const char *json, size_t length,
                          struct failure *why)
{
    cJSON *object = json_parse(json, length, why);
    bool fine;

    memset(identity, 0, sizeof *identity);
    if (object == NULL)
        return false;
    fine = cJSON_IsObject(object);
    if (fine) {
        identity->kind = kind_of(object, NULL);
        identity->sending = sending_of(object, "VerifiedForSendingStatus");
        take_mail_from(&identity->mail_from, member(object, "MailFromAttributes"));
    }
    json_free(object);
    return fine || failure_set(why, EX_PROTOCOL, "the reply is not an object");
}

static const char *first_text(const cJSON *object, const char *const names[])
{
    const char *text = NULL;

    for (; *names != NULL && text == NULL; names++)
        text = json_text(object, *names);
    return text;
}

void api_v2_read_error(struct outcome_error *error, const struct http_reply *reply)
{
    static const char *const codes[] = {"__type", "code", "Code", NULL};
    static const char *const messages[] = {"message", "Message", NULL};
    struct failure ignored;
    cJSON *object = json_parse(reply->body, reply->body_length, &ignored);

    outcome_set_code(error,
                     reply->error_type[0] != '\0' ? reply->error_type : first_text(object, codes));
    outcome_set_message(error, first_text(object, messages));
    json_free(object);
}
