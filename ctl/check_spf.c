/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Does the SPF record of the MAIL FROM domain authorise those who send with it: SES, or this
 * gateway's addresses?
 */
#include "ctl/check.h"

#include <string.h>
#include <sys/socket.h>

static const char ses_authority[] = "amazonses.com";

struct scene {
    const struct check *check;
    const struct mail_from *record;
    struct finding finding;
};

static void put(struct scene *scene, enum finding_level level)
{
    scene->finding.level = level;
    findings_put(scene->check->findings, &scene->finding);
}

/* "SPF of D: softfail for W by "~all" of "v=spf1 .."", as far as there is all that. */
static void describe(struct scene *scene, const struct spf_verdict *verdict, const char *whom)
{
    const char *domain = scene->record->domain;
    const char *word = spf_result_words[verdict->result];

    if (verdict->result == SPF_PERMERROR || verdict->result == SPF_TEMPERROR)
        finding_found(&scene->finding, "SPF of %s is %s: %s", domain, word, verdict->why.text);
    else if (verdict->result == SPF_NONE)
        finding_found(&scene->finding, "%s has no SPF record", domain);
    else if (verdict->term[0] == '\0')
        finding_found(&scene->finding, "SPF of %s is %s for %s: nothing in \"%s\" matches", domain,
                      word, whom, verdict->record);
    else
        finding_found(&scene->finding, "SPF of %s is %s for %s by \"%s\" of \"%s\"", domain, word,
                      whom, verdict->term, verdict->record);
}

static bool authorises_everybody(const struct spf_verdict *verdict)
{
    return verdict->result == SPF_PASS &&
           (strcasecmp(verdict->term, "all") == 0 || strcasecmp(verdict->term, "+all") == 0);
}

static bool tell_everybody(struct scene *scene, const struct spf_verdict *verdict)
{
    if (!authorises_everybody(verdict))
        return false;
    finding_found(&scene->finding, "SPF of %s authorises everybody: \"%s\"", scene->record->domain,
                  verdict->record);
    finding_advise(&scene->finding, "end the record with ~all");
    put(scene, FINDING_WARNING);
    return true;
}

/* SES: the record has to authorise it, and nothing but pass does. */
static void tell_ses(struct scene *scene, const struct spf_verdict *verdict)
{
    if (tell_everybody(scene, verdict))
        return;
    if (verdict->result == SPF_PASS) {
        finding_found(&scene->finding, "SPF of %s authorises SES: \"%s\"", scene->record->domain,
                      verdict->record);
        put(scene, FINDING_OK);
        return;
    }
    describe(scene, verdict, "SES");
    if (verdict->result == SPF_TEMPERROR) {
        put(scene, FINDING_WARNING);
        return;
    }
    finding_expected(&scene->finding, "one record with include:%s before \"all\"", ses_authority);
    finding_advise(&scene->finding, "publish \"v=spf1 include:%s ~all\"", ses_authority);
    put(scene, FINDING_ERROR);
}

static enum finding_level level_of(enum spf_result result)
{
    switch (result) {
    case SPF_PASS:
        return FINDING_OK;
    case SPF_NONE:
    case SPF_NEUTRAL:
    case SPF_SOFTFAIL:
    case SPF_TEMPERROR:
        return FINDING_WARNING;
    case SPF_FAIL:
    case SPF_PERMERROR:
        break;
    }
    return FINDING_ERROR;
}

static const char *mechanism_of(const struct address *address)
{
    return address->client.family == AF_INET6 ? "ip6" : "ip4";
}

/* What does not depend on the address is told once. Returns false if the others need not be asked
 * for. */
static bool tell_address(struct scene *scene, const struct spf_verdict *verdict,
                         const struct address *address)
{
    if (tell_everybody(scene, verdict))
        return false;
    describe(scene, verdict, address->text);
    if (verdict->result == SPF_NONE)
        finding_advise(&scene->finding, "publish \"v=spf1 %s:%s ~all\"", mechanism_of(address),
                       address->text);
    else if (verdict->result != SPF_PASS && verdict->result != SPF_PERMERROR &&
             verdict->result != SPF_TEMPERROR)
        finding_advise(&scene->finding, "put %s:%s before \"all\"", mechanism_of(address),
                       address->text);
    if (verdict->records > 1)
        finding_expected(&scene->finding, "one record");
    put(scene, level_of(verdict->result));
    return verdict->result != SPF_NONE && verdict->result != SPF_PERMERROR &&
           verdict->result != SPF_TEMPERROR;
}

static void check_own(struct scene *scene, const char *key)
{
    const struct addresses *addresses = &scene->check->addresses;
    struct spf_verdict verdict;
    bool more = true;

    for (size_t i = 0; more && i < addresses->count; i++) {
        scene->finding = (struct finding){.check = "spf", .subject = key};
        spf_check(&verdict, scene->record->domain, &addresses->list[i].client,
                  scene->check->inquiry);
        more = tell_address(scene, &verdict, &addresses->list[i]);
    }
}

/* Of somebody whose hosts are not known only the record itself can be judged. */
static void check_unknown(struct scene *scene)
{
    static const struct spf_client nobody = {.family = AF_UNSPEC};
    struct spf_verdict verdict;

    spf_check(&verdict, scene->record->domain, &nobody, scene->check->inquiry);
    if (tell_everybody(scene, &verdict))
        return;
    describe(scene, &verdict, "");
    if (verdict.result == SPF_NONE || verdict.result == SPF_TEMPERROR) {
        put(scene, FINDING_WARNING);
    } else if (verdict.result == SPF_PERMERROR) {
        put(scene, FINDING_ERROR);
    } else {
        finding_found(&scene->finding,
                      "SPF of %s is \"%s\", and whom it should authorise is not "
                      "known here",
                      scene->record->domain, verdict.record);
        put(scene, FINDING_OK);
    }
}

void check_spf(const struct check *check, const char *key, const struct mail_from *record,
               const struct check_expectation *expectation)
{
    static const struct spf_client ses = {.family = AF_UNSPEC, .authority = ses_authority};
    struct scene scene = {
        .check = check, .record = record, .finding = {.check = "spf", .subject = key}};
    struct spf_verdict verdict;

    switch (expectation->gateway) {
    case GATEWAY_SES:
        spf_check(&verdict, record->domain, &ses, check->inquiry);
        tell_ses(&scene, &verdict);
        break;
    case GATEWAY_OWN:
        if (check->addresses.count > 0)
            check_own(&scene, key);
        else
            check_unknown(&scene);
        break;
    case GATEWAY_UNKNOWN:
        check_unknown(&scene);
        break;
    }
}
