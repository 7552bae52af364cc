/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Drives ses/client for the tests: each argument is one call, all of them through one client; each
 * call prints one line. The settings of the client come from SES_CALL_* variables.
 *
 *     mail-from=ID,ID..   verification=ID,..   list=SIZE   get=ID   put=ID,DOMAIN,0|1   clear=ID
 *     keys    the access key and provider in use     advance=SECONDS    the clock goes on
 *     pause   until a line comes in
 */
#include "ses/client.h"
#include "ses/credentials.h"

#include "common/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int64_t advanced;

static int64_t read_clock(void *context)
{
    (void)context;
    return (int64_t)time(NULL) + advanced;
}

static bool stop_at_once(void *context)
{
    (void)context;
    return getenv("SES_CALL_STOP") != NULL;
}

static long number(const char *name)
{
    const char *value = getenv(name);

    return value != NULL ? strtol(value, NULL, 10) : 0;
}

static size_t split(char *text, const char *words[], size_t max)
{
    size_t count = 0;

    for (char *word = strtok(text, ","); word != NULL && count < max; word = strtok(NULL, ","))
        words[count++] = word;
    return count;
}

static void print_outcome(struct ses_client *client, const char *what, enum outcome outcome,
                          const struct failure *why)
{
    printf("%s %s requests=%lu region=%s", what, outcome_words[outcome],
           ses_client_requests(client), ses_client_region(client));
    if (outcome != OUTCOME_OK)
        printf(" exit=%d code=%s why=%s", why->exit_code, ses_client_error(client)->code,
               why->text);
}

static void print_mail_from(const char *identity, const struct api_v1_mail_from *answer)
{
    printf(" [%s %s", identity,
           answer->answer == API_UNKNOWN    ? "unknown"
           : answer->answer == API_ANSWERED ? "answered"
                                            : answer->error);
    if (answer->answer == API_ANSWERED)
        printf(" %s %s %s", answer->domain[0] != '\0' ? answer->domain : "-",
               answer->domain[0] != '\0' ? mail_from_status_words[answer->status] : "-",
               mail_from_behavior_words[answer->behavior]);
    printf("]");
}

static void call_mail_from(struct ses_client *client, char *arguments)
{
    static struct api_v1_mail_from answers[API_V1_IDENTITIES_MAX];
    const char *identities[API_V1_IDENTITIES_MAX + 1];
    size_t count = split(arguments, identities, API_V1_IDENTITIES_MAX + 1);
    struct failure why;
    enum outcome outcome = ses_client_get_mail_from(client, identities, count, answers, &why);

    print_outcome(client, "mail-from", outcome, &why);
    for (size_t i = 0; i < count && outcome == OUTCOME_OK; i++)
        print_mail_from(identities[i], &answers[i]);
}

static void call_verification(struct ses_client *client, char *arguments)
{
    static struct api_v1_verification answers[API_V1_IDENTITIES_MAX];
    const char *identities[API_V1_IDENTITIES_MAX];
    size_t count = split(arguments, identities, API_V1_IDENTITIES_MAX);
    struct failure why;
    enum outcome outcome = ses_client_get_verification(client, identities, count, answers, &why);

    print_outcome(client, "verification", outcome, &why);
    for (size_t i = 0; i < count && outcome == OUTCOME_OK; i++)
        printf(" [%s %s]", identities[i],
               answers[i].answer == API_ANSWERED  ? api_v1_verification_words[answers[i].status]
               : answers[i].answer == API_UNKNOWN ? "unknown"
                                                  : answers[i].error);
}

static const char *sending(enum api_sending sending, const char *yes, const char *no)
{
    return sending == API_SENDING_YES ? yes : sending == API_SENDING_NO ? no : "unsaid";
}

static void call_list(struct ses_client *client, char *arguments)
{
    unsigned size = (unsigned)strtoul(arguments, NULL, 10);
    struct api_v2_page page = {.next_token = ""};
    enum outcome outcome;
    struct failure why;
    size_t count = 0;
    unsigned pages = 0;

    do {
        char token[API_V2_TOKEN_MAX + 1];
        (void)snprintf(token, sizeof token, "%s", page.next_token);
        outcome = ses_client_list(client, size, token, &page, &why);
        if (outcome != OUTCOME_OK)
            break;
        for (size_t i = 0; i < page.count && getenv("SES_CALL_NAMES") != NULL; i++)
            printf("(%s %s %s)", page.listed[i].name, identity_kind_words[page.listed[i].kind],
                   sending(page.listed[i].sending, "enabled", "disabled"));
        count += page.count;
        pages++;
        (void)snprintf(token, sizeof token, "%s", page.next_token);
        api_v2_page_reset(&page);
        (void)snprintf(page.next_token, sizeof page.next_token, "%s", token);
    } while (page.next_token[0] != '\0');
    print_outcome(client, "list", outcome, &why);
    printf(" pages=%u identities=%zu", pages, count);
}

static void call_get(struct ses_client *client, char *identity)
{
    struct api_v2_identity answer;
    struct failure why;
    enum outcome outcome = ses_client_get_identity(client, identity, &answer, &why);

    print_outcome(client, "get", outcome, &why);
    if (outcome != OUTCOME_OK)
        return;
    printf(" %s %s", identity_kind_words[answer.kind],
           sending(answer.sending, "verified", "unverified"));
    print_mail_from(identity, &answer.mail_from);
}

static void call_put(struct ses_client *client, char *arguments)
{
    const char *words[3] = {"", NULL, "0"};
    enum outcome outcome;
    struct failure why;

    (void)split(arguments, words, 3);
    outcome = ses_client_put_mail_from(
        client, words[0], words[1],
        words[2][0] == '1' ? MAIL_FROM_REJECT_MESSAGE : MAIL_FROM_USE_DEFAULT_VALUE, &why);
    print_outcome(client, "put", outcome, &why);
}

/* As the files and the environment have it. */
static void print_region(void)
{
    struct profile profile;
    struct failure why;
    const char *region = NULL;

    if (profile_read(&profile, profile_name(NULL, &environment_process), &environment_process,
                     &why))
        region = endpoint_configured_region(NULL, &environment_process, &profile);
    printf(" region=%s", region != NULL ? region : "");
    profile_reset(&profile);
}

/* Not through the client, which shows its keys to nobody. */
static void print_keys(struct credentials *credentials)
{
    struct failure why;
    const struct keys *keys;
    enum outcome outcome = credentials_get(credentials, read_clock(NULL), &keys, &why);

    if (outcome != OUTCOME_OK)
        printf("keys none exit=%d kind=%s why=%s", why.exit_code, outcome_words[outcome], why.text);
    else
        printf("keys %s %s expiration=%lld token=%zu", keys->access_key, keys->provider,
               (long long)keys->expiration, strlen(keys->session_token));
    print_region();
}

static void run(struct ses_client *client, struct credentials *credentials, char *argument)
{
    static const struct {
        const char *name;
        void (*call)(struct ses_client *client, char *arguments);
    } calls[] = {{"mail-from", call_mail_from},
                 {"verification", call_verification},
                 {"list", call_list},
                 {"get", call_get},
                 {"put", call_put},
                 {"clear", call_put}};
    char *arguments = strchr(argument, '=');

    if (arguments != NULL)
        *arguments++ = '\0';
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        if (strcmp(calls[i].name, argument) == 0 && arguments != NULL)
            calls[i].call(client, arguments);
    }
    if (strcmp(argument, "pause") == 0)
        (void)getchar();
    if (strcmp(argument, "keys") == 0)
        print_keys(credentials);
    if (strcmp(argument, "advance") == 0 && arguments != NULL)
        advanced += strtoll(arguments, NULL, 10);
    printf("\n");
    (void)fflush(stdout);
}

static struct call_transport make_transport(struct http *http)
{
    return (struct call_transport){
        .http = http, .connect_timeout = 5000, .first_byte_timeout = 5000, .timeout = 10000};
}

int main(int argc, char *argv[])
{
    struct ses_client_settings settings = {.profile = getenv("SES_CALL_PROFILE"),
                                           .region = getenv("SES_CALL_REGION"),
                                           .endpoint = getenv("SES_CALL_ENDPOINT"),
                                           .ca_file = getenv("SES_CALL_CA_FILE"),
                                           .connect_timeout = number("SES_CALL_CONNECT_TIMEOUT"),
                                           .first_byte_timeout = number("SES_CALL_FIRST_BYTE"),
                                           .timeout = number("SES_CALL_TIMEOUT"),
                                           .clock = read_clock,
                                           .stop = stop_at_once};
    struct failure why;
    struct ses_client *client = ses_client_new(&settings, &why);
    struct http *http = http_new(&why);
    struct call_transport transport = make_transport(http);
    struct credentials credentials;

    log_open("ses_call", LOG_TO_STDERR);
    advanced = number("SES_CALL_ADVANCE");
    if (client == NULL || http == NULL)
        return 1;
    credentials_init(&credentials, settings.profile, &environment_process, &transport);
    credentials.region = settings.region != NULL        ? settings.region
                         : getenv("AWS_REGION") != NULL ? getenv("AWS_REGION")
                                                        : getenv("SES_CALL_STS_REGION");
    for (int i = 1; i < argc; i++)
        run(client, &credentials, argv[i]);
    credentials_reset(&credentials);
    http_free(http);
    ses_client_free(client);
    return 0;
}
