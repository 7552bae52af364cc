/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Has the MAIL FROM domain the MX record that it has to have, and does the store say so too?
 */
#include "ctl/check.h"

#include <string.h>
#include <strings.h>

#include "ctl/near_miss.h"
#include "dns/mx.h"

static const char ses_host[] = "feedback-smtp.";
static const char ses_domain[] = ".amazonses.com";

struct scene {
    const struct check *check;
    const char *key;
    const struct mail_from *record;
    const struct check_expectation *expectation;
    struct finding finding;
    char expected[FINDING_TEXT_SIZE];
};

static void put(struct scene *scene, enum finding_level level)
{
    scene->finding.level = level;
    findings_put(scene->check->findings, &scene->finding);
}

/* "MX 10 a.example", or "one MX of a.example, b.example", cut where there are very many. */
static void describe_expected(struct scene *scene)
{
    const struct settings_list *list = &scene->check->settings->local.expected_mx;
    size_t used = 0;
    int added;

    if (scene->expectation->gateway == GATEWAY_UNKNOWN)
        (void)snprintf(scene->expected, sizeof scene->expected, "exactly one MX");
    if (scene->expectation->gateway == GATEWAY_SES)
        (void)snprintf(scene->expected, sizeof scene->expected, "MX 10 %s",
                       scene->expectation->mx[0] == '\0' ? "feedback-smtp.REGION.amazonses.com"
                                                         : scene->expectation->mx);
    for (size_t i = 0; scene->expectation->gateway == GATEWAY_OWN && i < list->count; i++) {
        added = snprintf(scene->expected + used, sizeof scene->expected - used, "%s%s",
                         i == 0 ? "MX 10 " : " or ", list->items[i]);
        if (added < 0 || (size_t)added >= sizeof scene->expected - used)
            return;
        used += (size_t)added;
    }
}

static bool is_host_of_ses(const char *host)
{
    size_t length = strlen(host);
    size_t tail = sizeof ses_domain - 1;

    return length > tail && strncasecmp(host, ses_host, sizeof ses_host - 1) == 0 &&
           strcasecmp(host + length - tail, ses_domain) == 0;
}

static bool is_of_ses(const struct dns_answer *answer)
{
    return answer->count == 1 && is_host_of_ses(answer->records[0].text);
}

static enum mx_finding judge(const struct scene *scene, const struct dns_answer *answer,
                             char text[MX_TEXT_SIZE])
{
    const struct settings *settings = scene->check->settings;
    char *hosts[1] = {(char *)scene->expectation->mx};
    struct settings_list list = {hosts, hosts[0][0] != '\0'};
    enum mx_finding finding;

    if (scene->expectation->gateway == GATEWAY_OWN)
        return mx_judge(answer, &settings->local.expected_mx, settings->local.match, text);
    finding = mx_judge(answer, &list, MX_EXACTLY_ONE, text);
    if (finding != MX_GONE)
        return finding;
    if (scene->expectation->gateway == GATEWAY_SES)
        return is_of_ses(answer) ? MX_FOUND : MX_GONE;
    return answer->count == 1 && answer->records[0].text[0] != '\0' ? MX_FOUND : MX_GONE;
}

/* The call of put that sets what is set, and so starts the search anew. */
static void advise_put(struct scene *scene)
{
    const struct mail_from *record = scene->record;

    finding_advise(&scene->finding,
                   "start anew: mailfromctl put %s --mail-from-domain %s "
                   "--behavior-on-mx-failure %s",
                   scene->key, record->domain, mail_from_behavior_words[record->behavior]);
}

static void tell_found(struct scene *scene, const char *text, bool other_region)
{
    enum mail_from_status status = scene->record->status;
    const char *word = mail_from_status_words[status];

    finding_found(&scene->finding, "MX of %s is %s, status %s", scene->record->domain, text, word);
    if (status == MAIL_FROM_FAILED) {
        if (scene->record->source == MAIL_FROM_FILE)
            finding_advise(&scene->finding, "import it anew");
        else
            advise_put(scene);
        put(scene, FINDING_WARNING);
    } else if (status != MAIL_FROM_SUCCESS) {
        finding_advise(&scene->finding,
                       "it has not been noticed yet; wait, or mailfromctl refresh %s", scene->key);
        put(scene, FINDING_WARNING);
    } else if (other_region) {
        finding_expected(&scene->finding, "%s", scene->expected);
        finding_advise(&scene->finding,
                       "SES passes bounces on between regions, so this is right if intended");
        put(scene, FINDING_WARNING);
    } else {
        put(scene, FINDING_OK);
    }
}

static bool is_right(const struct scene *scene, const char *host)
{
    const struct settings_list *list = &scene->check->settings->local.expected_mx;

    if (scene->expectation->gateway == GATEWAY_SES)
        return scene->expectation->mx[0] != '\0' ? strcasecmp(host, scene->expectation->mx) == 0
                                                 : is_host_of_ses(host);
    for (size_t i = 0; scene->expectation->gateway == GATEWAY_OWN && i < list->count; i++) {
        if (strcasecmp(host, list->items[i]) == 0)
            return true;
    }
    return scene->expectation->gateway == GATEWAY_UNKNOWN && *host != '\0';
}

/* The records beside the one that is right, or those that are not, where several may be: "MX 20
 * a.example, MX 30 b.example". False: none is right. */
static bool find_surplus(const struct scene *scene, const struct dns_answer *answer,
                         char out[FINDING_TEXT_SIZE])
{
    bool one = scene->expectation->gateway != GATEWAY_OWN ||
               scene->check->settings->local.match == MX_EXACTLY_ONE;
    bool kept = false;
    size_t used = 0;

    out[0] = '\0';
    for (size_t i = 0; i < answer->count; i++) {
        const struct dns_record *record = &answer->records[i];
        bool right = is_right(scene, record->text);
        if (right && (!kept || !one)) {
            kept = true;
            continue;
        }
        used += (size_t)snprintf(out + used, FINDING_TEXT_SIZE - used, "%sMX %u %s",
                                 used == 0 ? "" : ", ", record->preference,
                                 *record->text == '\0' ? "." : record->text);
        if (used >= FINDING_TEXT_SIZE)
            break;
    }
    return kept;
}

static bool is_meant(const struct scene *scene, const char *host)
{
    const struct settings_list *list = &scene->check->settings->local.expected_mx;
    const char *name = scene->record->domain;

    if (scene->expectation->gateway == GATEWAY_SES)
        return near_miss_target(host, scene->expectation->mx, name);
    for (size_t i = 0; scene->expectation->gateway == GATEWAY_OWN && i < list->count; i++) {
        if (near_miss_target(host, list->items[i], name))
            return true;
    }
    return false;
}

static bool is_right_host(const void *context, const char *text)
{
    return is_right(context, text);
}

/* What is to be done, by the cause: each other advice would leave two records, or a third. */
static void advise_gone(struct scene *scene, const struct dns_answer *answer, const char *text)
{
    const struct mail_from *record = scene->record;
    const char *then = record->status == MAIL_FROM_FAILED && record->source != MAIL_FROM_FILE
                           ? ", then mailfromctl put"
                           : "";
    char surplus[FINDING_TEXT_SIZE];
    char at[IDENTITY_DOMAIN_MAX + 1];
    char how[400] = "";

    if (record->source != MAIL_FROM_FILE && *scene->key != '\0')
        (void)snprintf(how, sizeof how, " (mailfromctl records %.300s)", scene->key);
    if (answer->result != DNS_FOUND) {
        if (near_miss_owner(scene->check->inquiry, record->domain, DNS_MX, is_right_host, scene,
                            at))
            finding_advise(&scene->finding,
                           "the record is at %s: put a final dot behind %s in the zone file%s", at,
                           record->domain, then);
        else
            finding_advise(&scene->finding, "publish it%s%s", how, then);
    } else if (find_surplus(scene, answer, surplus)) {
        finding_advise(&scene->finding, "remove %s%s", surplus, then);
    } else if (is_meant(scene, answer->records[0].text)) {
        finding_advise(&scene->finding,
                       "put a final dot behind the name of the host in the zone file%s", then);
    } else {
        finding_advise(&scene->finding, "publish it in place of %.400s%s%s", text, how, then);
    }
}

static void tell_gone(struct scene *scene, const struct dns_answer *answer, const char *text)
{
    const struct mail_from *record = scene->record;

    finding_found(&scene->finding, "MX of %s is %s, status %s", record->domain, text,
                  mail_from_status_words[record->status]);
    finding_expected(&scene->finding, "%s", scene->expected);
    advise_gone(scene, answer, text);
    put(scene, FINDING_ERROR);
}

void check_mx(const struct check *check, const char *key, const struct mail_from *record,
              const struct check_expectation *expectation)
{
    struct scene scene = {.check = check,
                          .key = key,
                          .record = record,
                          .expectation = expectation,
                          .finding = {.check = "mx", .subject = key}};
    const struct dns_answer *answer;
    char text[MX_TEXT_SIZE];

    if (expectation->gateway == GATEWAY_OWN && check->settings->local.expected_mx.count == 0)
        return; /* as has been said once for all */
    answer = inquire(check->inquiry, record->domain, DNS_MX);
    describe_expected(&scene);
    switch (judge(&scene, answer, text)) {
    case MX_FOUND:
        tell_found(&scene, text,
                   expectation->gateway == GATEWAY_SES && expectation->mx[0] != '\0' &&
                       strcasecmp(answer->records[0].text, expectation->mx) != 0);
        break;
    case MX_GONE:
        tell_gone(&scene, answer, text);
        break;
    case MX_UNCLEAR:
        finding_found(&scene.finding, "MX of %s cannot be looked up: %s", record->domain, text);
        finding_expected(&scene.finding, "%s", scene.expected);
        put(&scene, FINDING_WARNING);
        break;
    }
}

void check_mx_of_default(const struct check *check, const char *key, const char *domain)
{
    /* As if it were an identity's; no record is published or put for it. */
    struct mail_from record = {.source = MAIL_FROM_FILE, .status = MAIL_FROM_SUCCESS};
    bool is_expected = check->settings->local.expected_mx.count > 0;
    struct check_expectation expectation = {.gateway = is_expected ? GATEWAY_OWN : GATEWAY_UNKNOWN};
    struct scene scene = {.check = check,
                          .key = key,
                          .record = &record,
                          .expectation = &expectation,
                          .finding = {.check = "mx", .subject = key}};
    const struct dns_answer *answer;
    char text[MX_TEXT_SIZE];

    (void)snprintf(record.domain, sizeof record.domain, "%s", domain);
    answer = inquire(check->inquiry, domain, DNS_MX);
    describe_expected(&scene);
    switch (judge(&scene, answer, text)) {
    case MX_FOUND:
        finding_found(&scene.finding, "MX of %s is %s", domain, text);
        put(&scene, FINDING_OK);
        break;
    case MX_GONE:
        finding_found(&scene.finding, "MX of %s is %s, so bounces to it go elsewhere", domain,
                      text);
        finding_expected(&scene.finding, "%s", scene.expected);
        advise_gone(&scene, answer, text);
        put(&scene, FINDING_WARNING);
        break;
    case MX_UNCLEAR:
        finding_found(&scene.finding, "MX of %s cannot be looked up: %s", domain, text);
        put(&scene, FINDING_WARNING);
        break;
    }
}
