/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ses/client.h"

#include "ses/credentials.h"
#include "ses/location.h"
#include "ses/secret.h"

#include "common/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

enum { CONNECT_TIMEOUT = 5000, FIRST_BYTE_TIMEOUT = 15000, TIMEOUT = 30000 };

struct ses_client {
    struct ses_client_settings settings;
    struct call_transport transport;
    struct credentials credentials;
    struct location location;
    bool is_located;
    bool is_doubtful; /* it is to be looked up again */
    bool is_told;     /* that it cannot be */
    int64_t skew;     /* how far AWS's clock is ahead of ours */
    unsigned long requests;
    struct outcome_error error;
};

static int64_t read_clock(void *context)
{
    (void)context;
    return (int64_t)time(NULL);
}

static void set_defaults(struct ses_client *client)
{
    struct ses_client_settings *settings = &client->settings;

    if (settings->environment == NULL)
        settings->environment = &environment_process;
    if (settings->clock == NULL)
        settings->clock = read_clock;
    client->transport.connect_timeout =
        settings->connect_timeout > 0 ? settings->connect_timeout : CONNECT_TIMEOUT;
    client->transport.first_byte_timeout =
        settings->first_byte_timeout > 0 ? settings->first_byte_timeout : FIRST_BYTE_TIMEOUT;
    client->transport.timeout = settings->timeout > 0 ? settings->timeout : TIMEOUT;
    client->transport.stop = settings->stop;
    client->transport.stop_context = settings->stop_context;
}

struct ses_client *ses_client_new(const struct ses_client_settings *settings, struct failure *why)
{
    struct ses_client *client = calloc(1, sizeof *client);

    if (client == NULL) {
        (void)failure_set(why, EX_OSERR, "out of memory");
        return NULL;
    }
    client->settings = *settings;
    set_defaults(client);
    client->transport.http = http_new(why);
    if (client->transport.http == NULL) {
        free(client);
        return NULL;
    }
    credentials_init(&client->credentials, settings->profile, client->settings.environment,
                     &client->transport);
    return client;
}

void ses_client_free(struct ses_client *client)
{
    if (client == NULL)
        return;
    credentials_reset(&client->credentials);
    http_free(client->transport.http);
    free(client);
}

static int64_t now_at_aws(const struct ses_client *client)
{
    return client->settings.clock(client->settings.clock_context) + client->skew;
}

static struct location_settings location_settings(const struct ses_client *client)
{
    const struct ses_client_settings *settings = &client->settings;

    return (struct location_settings){.profile = settings->profile,
                                      .region = settings->region,
                                      .endpoint = settings->endpoint,
                                      .ca_file = settings->ca_file,
                                      .environment = settings->environment};
}

static void use_location(struct ses_client *client, const struct location *location)
{
    client->location = *location;
    client->transport.ca_file =
        client->location.ca_file[0] != '\0' ? client->location.ca_file : NULL;
    client->credentials.region = client->location.region;
}

/* What worked once is kept where files are half written, or the metadata do not answer. */
static enum outcome keep_location(struct ses_client *client, const struct failure *why)
{
    if (!client->is_told)
        log_write(LOG_WARNING, "%s; region, endpoint and CA file stay as they were", why->text);
    client->is_told = true;
    return OUTCOME_OK;
}

static enum outcome locate(struct ses_client *client, struct failure *why)
{
    struct location_settings settings = location_settings(client);
    struct location location;
    enum outcome outcome;

    if (client->is_located && !client->is_doubtful)
        return OUTCOME_OK;
    client->is_doubtful = false;
    outcome = location_find(&location, &settings, &client->transport, why);
    if (outcome != OUTCOME_OK)
        return client->is_located && outcome != OUTCOME_STOPPED ? keep_location(client, why)
                                                                : outcome;
    use_location(client, &location);
    client->is_located = true;
    client->is_told = false;
    return outcome;
}

/* *sent: the request went out, so the outcome is SES's. */
static enum outcome attempt(struct ses_client *client, struct call *call, struct http_reply *reply,
                            bool *sent, int64_t *date, struct failure *why)
{
    int64_t now = now_at_aws(client);
    enum outcome outcome = credentials_get(&client->credentials, now, &call->keys, why);

    *sent = outcome == OUTCOME_OK;
    if (!*sent)
        return outcome;
    client->requests++;
    return call_perform(call, &client->transport, now, reply, &client->error, date, why);
}

/* Does AWS's clock explain the refusal, and is it another than we took it for? */
static bool correct_clock(struct ses_client *client, int64_t date)
{
    int64_t skew = call_skew(&client->error, date, now_at_aws(client));

    client->skew += skew;
    return skew != 0;
}

/* Fresh credentials help where a session has expired, or where other keys are found than those that
 * AWS knows no more. */
static bool renew_credentials(struct ses_client *client, enum outcome *outcome, struct failure *why)
{
    char before[KEYS_ACCESS_MAX + 1];
    struct failure reason;
    enum outcome renewed;

    if (!outcome_may_be_rotation(client->error.code))
        return false;
    (void)snprintf(before, sizeof before, "%s", client->credentials.keys.access_key);
    renewed = credentials_renew(&client->credentials, now_at_aws(client), &reason);
    if (renewed != OUTCOME_OK) {
        struct failure refusal = *why;
        if (outcome_passes(renewed) || renewed == OUTCOME_STOPPED)
            *outcome = renewed;
        return failure_set(why, refusal.exit_code, "%.400s; and there are no others: %.500s",
                           refusal.text, reason.text);
    }
    return *outcome == OUTCOME_EXPIRED_TOKEN ||
           strcmp(before, client->credentials.keys.access_key) != 0;
}

/* At most two requests: what the second one still finds wrong is set right for the next call. */
static enum outcome repeat(struct ses_client *client, struct call *call, struct http_reply *reply,
                           struct failure *why)
{
    bool corrected = false, renewed = false, sent = false;
    enum outcome outcome;
    int64_t date = 0;

    for (int request = 1; request <= 2; request++) {
        outcome = attempt(client, call, reply, &sent, &date, why);
        if (outcome == OUTCOME_OK || !sent)
            return outcome;
        if (!corrected && correct_clock(client, date))
            corrected = true;
        else if (!renewed && renew_credentials(client, &outcome, why))
            renewed = true;
        else
            break;
    }
    if (corrected && outcome_may_be_skew(client->error.code))
        return OUTCOME_CLOCK_SKEW;
    return outcome;
}

/* Also of what is told of a success: a field may show what it was sent. */
static void cut_secrets(const struct ses_client *client, char *text)
{
    secret_cut_keys(text, &client->credentials.keys);
}

static enum outcome finish(const struct ses_client *client, enum outcome outcome,
                           const char *operation, struct failure *why)
{
    if (outcome != OUTCOME_OK)
        cut_secrets(client, why->text);
    if (outcome_exit_code(outcome) != 0)
        why->exit_code = outcome_exit_code(outcome);
    if (outcome != OUTCOME_OK)
        (void)failure_prefix(why, "%s", operation);
    return outcome;
}

/* Somebody may mend the AWS files that led here. */
static void look_again(struct ses_client *client, enum outcome outcome)
{
    if (outcome == OUTCOME_OK)
        return;
    client->is_doubtful = true;
    if (outcome == OUTCOME_ACCESS_DENIED)
        credentials_doubt(&client->credentials);
}

static enum outcome perform(struct ses_client *client, struct call *call, const char *operation,
                            struct http_reply *reply, struct failure *why)
{
    enum outcome outcome;

    memset(&client->error, 0, sizeof client->error);
    outcome = locate(client, why);
    if (outcome == OUTCOME_OK) {
        call->region = client->location.region;
        call->service = "ses";
        outcome = repeat(client, call, reply, why);
    }
    look_again(client, outcome);
    return finish(client, outcome, operation, why);
}

/* What is common to the two v1 calls: *reply has to be reset after OUTCOME_OK. */
static enum outcome post_form(struct ses_client *client, const char *action,
                              const char *const identities[], size_t count,
                              struct http_reply *reply, struct failure *why)
{
    char *body = malloc(API_V1_BODY_SIZE);
    struct call call = {.method = "POST",
                        .endpoint = &client->location.v1,
                        .path = "/",
                        .query = "",
                        .content_type = API_V1_CONTENT_TYPE,
                        .body = body,
                        .read_error = api_v1_read_error};
    enum outcome outcome = OUTCOME_LOCAL;

    if (body == NULL)
        (void)failure_set(why, EX_OSERR, "out of memory");
    else if (api_v1_write_identities(body, action, identities, count, why))
        outcome = perform(client, &call, action, reply, why);
    free(body);
    return outcome;
}

enum outcome ses_client_get_mail_from(struct ses_client *client, const char *const identities[],
                                      size_t count, struct api_v1_mail_from answers[],
                                      struct failure *why)
{
    static const char action[] = "GetIdentityMailFromDomainAttributes";
    struct http_reply reply;
    enum outcome outcome = post_form(client, action, identities, count, &reply, why);
    bool fine;

    if (outcome != OUTCOME_OK)
        return outcome;
    fine = api_v1_read_mail_from(reply.body, reply.body_length, identities, count, answers, why);
    http_reply_reset(&reply);
    for (size_t i = 0; i < count; i++)
        cut_secrets(client, answers[i].error);
    return fine ? OUTCOME_OK : finish(client, OUTCOME_MALFORMED_REPLY, action, why);
}

enum outcome ses_client_get_verification(struct ses_client *client, const char *const identities[],
                                         size_t count, struct api_v1_verification answers[],
                                         struct failure *why)
{
    static const char action[] = "GetIdentityVerificationAttributes";
    struct http_reply reply;
    enum outcome outcome = post_form(client, action, identities, count, &reply, why);
    bool fine;

    if (outcome != OUTCOME_OK)
        return outcome;
    fine = api_v1_read_verification(reply.body, reply.body_length, identities, count, answers, why);
    http_reply_reset(&reply);
    for (size_t i = 0; i < count; i++)
        cut_secrets(client, answers[i].error);
    return fine ? OUTCOME_OK : finish(client, OUTCOME_MALFORMED_REPLY, action, why);
}

enum outcome ses_client_list(struct ses_client *client, unsigned page_size, const char *next_token,
                             struct api_v2_page *page, struct failure *why)
{
    static const char operation[] = "ListEmailIdentities";
    char query[API_V2_QUERY_SIZE];
    struct http_reply reply;
    struct call call = {.method = "GET",
                        .endpoint = &client->location.v2,
                        .path = API_V2_IDENTITIES_PATH,
                        .query = query,
                        .read_error = api_v2_read_error};
    enum outcome outcome;
    bool fine;

    if (!api_v2_write_list_query(query, page_size, next_token, why))
        return OUTCOME_LOCAL;
    outcome = perform(client, &call, operation, &reply, why);
    if (outcome != OUTCOME_OK)
        return outcome;
    fine = api_v2_read_page(page, reply.body, reply.body_length, why);
    http_reply_reset(&reply);
    for (size_t i = 0; fine && i < page->count; i++)
        cut_secrets(client, page->listed[i].name);
    return fine ? OUTCOME_OK : finish(client, OUTCOME_MALFORMED_REPLY, operation, why);
}

enum outcome ses_client_get_identity(struct ses_client *client, const char *identity,
                                     struct api_v2_identity *answer, struct failure *why)
{
    static const char operation[] = "GetEmailIdentity";
    char path[API_V2_PATH_SIZE];
    struct http_reply reply;
    struct call call = {.method = "GET",
                        .endpoint = &client->location.v2,
                        .path = path,
                        .query = "",
                        .read_error = api_v2_read_error};
    enum outcome outcome;
    bool fine;

    if (!api_v2_write_path(path, identity, "", why))
        return OUTCOME_LOCAL;
    outcome = perform(client, &call, operation, &reply, why);
    if (outcome != OUTCOME_OK)
        return outcome;
    fine = api_v2_read_identity(answer, reply.body, reply.body_length, why);
    http_reply_reset(&reply);
    cut_secrets(client, answer->mail_from.error);
    return fine ? OUTCOME_OK : finish(client, OUTCOME_MALFORMED_REPLY, operation, why);
}

enum outcome ses_client_put_mail_from(struct ses_client *client, const char *identity,
                                      const char *domain, enum mail_from_behavior behavior,
                                      struct failure *why)
{
    char path[API_V2_PATH_SIZE], body[API_V2_BODY_SIZE];
    struct http_reply reply;
    struct call call = {.method = "PUT",
                        .endpoint = &client->location.v2,
                        .path = path,
                        .query = "",
                        .content_type = API_V2_CONTENT_TYPE,
                        .body = body,
                        .read_error = api_v2_read_error};
    enum outcome outcome;

    if (!api_v2_write_path(path, identity, "/mail-from", why) ||
        !api_v2_write_mail_from(body, domain, behavior, why))
        return OUTCOME_LOCAL;
    outcome = perform(client, &call, "PutEmailIdentityMailFromAttributes", &reply, why);
    if (outcome == OUTCOME_OK)
        http_reply_reset(&reply);
    return outcome;
}

const struct outcome_error *ses_client_error(const struct ses_client *client)
{
    return &client->error;
}

unsigned long ses_client_requests(const struct ses_client *client)
{
    return client->requests;
}

const char *ses_client_region(const struct ses_client *client)
{
    return client->location.region;
}
