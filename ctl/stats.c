/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/command.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "common/listen_address.h"
#include "common/moment.h"
#include "common/word.h"
#include "ctl/terminal.h"
#include "ses/http.h"
#include "ses/json.h"

enum { TIMEOUT = 10000, BODY_MAX = 1024 * 1024, ROWS = 20, URL_SIZE = 100 };

struct stats {
    bool json;
    int rows;
};

/* --- asking --- */

/* Who listens on every address is asked on that of loopback. */
static bool make_url(char url[URL_SIZE], const struct settings *settings, struct failure *why)
{
    const char *text = settings->milter.metrics;
    struct listen_address address;

    if (text[0] == '\0')
        return failure_set(why, EX_CONFIG,
                           "mailfrom-milter counts only where it is asked: set metrics = "
                           "\"127.0.0.1:9895\" in section milter and restart it");
    if (!listen_address_parse(&address, text, why))
        return false;
    if (address.socket.any.sa_family == AF_INET6 &&
        IN6_IS_ADDR_UNSPECIFIED(&address.socket.v6.sin6_addr))
        (void)snprintf(url, URL_SIZE, "http://[::1]:%d/stats", ntohs(address.socket.v6.sin6_port));
    else if (address.socket.any.sa_family == AF_INET &&
             address.socket.v4.sin_addr.s_addr == INADDR_ANY)
        (void)snprintf(url, URL_SIZE, "http://127.0.0.1:%d/stats",
                       ntohs(address.socket.v4.sin_port));
    else
        (void)snprintf(url, URL_SIZE, "http://%s/stats", text);
    return true;
}

static bool fetch(struct http_reply *reply, const char *url, struct failure *why)
{
    struct http_request request = {.method = "GET",
                                   .url = url,
                                   .body_max = BODY_MAX,
                                   .connect_timeout = TIMEOUT,
                                   .first_byte_timeout = TIMEOUT,
                                   .timeout = TIMEOUT,
                                   .direct = true};
    struct http *http = http_new(why);
    enum http_result result = HTTP_UNSENT;

    if (http != NULL)
        result = http_perform(http, &request, reply, why);
    http_free(http);
    if (result != HTTP_REPLIED) {
        why->exit_code = EX_UNAVAILABLE;
        return failure_prefix(why, "mailfrom-milter does not answer");
    }
    return reply->status == 200 ||
           failure_set(why, EX_UNAVAILABLE, "%s: HTTP status %d", url, reply->status);
}

/* --- showing --- */

static double number(const cJSON *object, const char *name)
{
    const cJSON *item = cJSON_GetObjectItemCaseSensitive(object, name);
    return cJSON_IsNumber(item) ? cJSON_GetNumberValue(item) : 0;
}

static const char *text_of(const cJSON *object, const char *name)
{
    const char *text = json_text(object, name);
    return text == NULL ? "-" : text;
}

/* A verdict or a reason. Anyone may listen where the milter does not. */
static const char *word(const cJSON *object, const char *name)
{
    const char *text = text_of(object, name);
    return text[strspn(text, "abcdefghijklmnopqrstuvwxyz-")] == '\0' ? text : "?";
}

static double sum_messages(const cJSON *reasons)
{
    double sum = 0;
    const cJSON *row;

    cJSON_ArrayForEach(row, reasons) sum += number(row, "Messages");
    return sum;
}

static void show_head(const cJSON *all, double messages)
{
    int64_t started = (int64_t)number(all, "Started");
    char moment[MOMENT_SIZE] = "";
    char age[MOMENT_AGE_SIZE];

    (void)moment_format(started, moment);
    moment_age(started, moment_milliseconds() / 1000, age);
    (void)printf("since %s (%s): %.0f %s", moment, age, messages,
                 word_for((uint64_t)messages, "message", "messages"));
    if (messages > 0)
        (void)printf(", %.0f us for a decision on average",
                     number(all, "DecisionNanoseconds") / messages / 1000);
    (void)putchar('\n');
}

static void show_reasons(const cJSON *reasons, double messages)
{
    const cJSON *row;

    (void)printf("\n%-8s %-28s %12s %8s\n", "VERDICT", "REASON", "MESSAGES", "SHARE");
    cJSON_ArrayForEach(row, reasons)
    {
        double monitored = number(row, "Monitored");
        (void)printf("%-8s %-28s %12.0f %6.1f %%", word(row, "Verdict"), word(row, "Reason"),
                     number(row, "Messages"), number(row, "Messages") * 100 / messages);
        if (monitored > 0)
            (void)printf("  %.0f of them only monitored", monitored);
        (void)putchar('\n');
    }
}

static void show_identities(const cJSON *identities, int rows)
{
    char text[TERMINAL_TEXT_SIZE];
    const cJSON *row;
    int shown = 0;

    (void)printf("\n%12s %-8s %-28s %s\n", "MESSAGES", "VERDICT", "REASON", "IDENTITY");
    cJSON_ArrayForEach(row, identities)
    {
        double excess = number(row, "Excess");
        if (shown++ == rows)
            break;
        (void)printf("%12.0f %-8s %-28s %s", number(row, "Messages"), word(row, "Verdict"),
                     word(row, "Reason"), terminal_name(text_of(row, "Identity"), text));
        if (excess > 0)
            (void)printf("  (perhaps %.0f less)", excess);
        (void)putchar('\n');
    }
    if (cJSON_GetArraySize(identities) > rows)
        (void)printf("and %d more; --count shows them\n", cJSON_GetArraySize(identities) - rows);
}

static bool show(const struct stats *stats, const struct http_reply *reply, struct failure *why)
{
    cJSON *all = json_parse(reply->body, reply->body_length, why);
    const cJSON *reasons = cJSON_GetObjectItemCaseSensitive(all, "Reasons");
    double messages = sum_messages(reasons);

    if (all == NULL)
        return failure_prefix(why, "what mailfrom-milter answers");
    show_head(all, messages);
    if (messages > 0) {
        show_reasons(reasons, messages);
        show_identities(cJSON_GetObjectItemCaseSensitive(all, "Identities"), stats->rows);
    }
    json_free(all);
    return true;
}

/* The milter writes printable ASCII, and ends of lines. */
static void show_json(const struct http_reply *reply)
{
    for (size_t i = 0; i < reply->body_length; i++) {
        unsigned char octet = (unsigned char)reply->body[i];
        (void)putchar((octet >= 0x20 && octet < 0x7f) || octet == '\n' ? octet : '?');
    }
}

/* --- the command --- */

static bool read_options(struct stats *stats, struct invocation *invocation, struct failure *why)
{
    static const struct option options[] = {
        {"json", no_argument, NULL, 'j'}, {"count", required_argument, NULL, 'n'}, {0}};
    char *end;
    int option;

    while ((option = invocation_option(invocation, options, why)) != -1) {
        if (option == '?')
            return false;
        if (option == 'j') {
            stats->json = true;
            continue;
        }
        stats->rows = (int)strtol(optarg, &end, 10);
        if (*end != '\0' || end == optarg || stats->rows < 1 || stats->rows > 1000)
            return invocation_misused(invocation, why, "--count takes a number from 1 to 1000");
    }
    return optind == invocation->argc ||
           invocation_misused(invocation, why, "%s is too much; it is about all identities",
                              invocation->argv[optind]);
}

bool stats_run(struct invocation *invocation, struct failure *why)
{
    struct stats stats = {.rows = ROWS};
    struct http_reply reply = {0};
    char url[URL_SIZE];
    bool good;

    if (!read_options(&stats, invocation, why) || !invocation_settings(invocation, why) ||
        !make_url(url, invocation->settings, why))
        return false;
    good = fetch(&reply, url, why);
    if (good && stats.json)
        show_json(&reply);
    else if (good)
        good = show(&stats, &reply, why);
    http_reply_reset(&reply);
    return good;
}
