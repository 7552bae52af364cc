/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Has the MAIL FROM domain the MX record that it has to have, and does the store say so too?
 */
#include "ctl/check.h"

#include <string.h>
#include <strings.h>

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

static bool is_of_ses(const struct dns_answer *answer)
{
    const char *host = answer->count == 1 ? answer->records[0].text : "";
    size_t length = strlen(host);
    size_t tail = sizeof ses_domain - 1;

    return length > tail && strncasecmp(host, ses_host, sizeof ses_host - 1) == 0 &&
           strcasecmp(host + length - tail, ses_domain) == 0;
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

static void tell_gone(struct scene *scene, const char *text)
{
    const struct mail_from *record = scene->record;

    finding_found(&scene->finding, "MX of %s is %s, status %s", record->domain, text,
                  mail_from_status_words[record->status]);
    finding_expected(&scene->finding, "%s", scene->expected);
    if (record->source == MAIL_FROM_FILE)
        finding_advise(&scene->finding, "publish it");
    else
        finding_advise(&scene->finding, "publish it (mailfromctl records %s)%s", scene->key,
                       record->status == MAIL_FROM_FAILED ? ", then mailfromctl put" : "");
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
        tell_gone(&scene, text);
        break;
    case MX_UNCLEAR:
        finding_found(&scene.finding, "MX of %s cannot be looked up: %s", record->domain, text);
        finding_expected(&scene.finding, "%s", scene.expected);
        put(&scene, FINDING_WARNING);
        break;
    }
}
