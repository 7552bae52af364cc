/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Does the SPF record of the MAIL FROM domain authorise those who send with it: SES, or this
 * gateway's addresses?
 */
#include "ctl/check.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "ctl/near_miss.h"

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

/* What has to stand in the record, "include:amazonses.com" or "ip4:192.0.2.1 ip6:2001:db8::1", and
 * what to do for it. One cause, one advice: a record to publish where there is none, and else a
 * change of the one that there is. */
static void advise(struct scene *scene, const struct spf_verdict *verdict, const char *terms)
{
    char what[NEAR_MISS_SIZE];
    char advice[NEAR_MISS_SIZE];
    struct finding *finding = &scene->finding;
    size_t length = strlen(verdict->term);
    bool is_all = length >= 3 && strcasecmp(verdict->term + length - 3, "all") == 0;

    if (verdict->result == SPF_TEMPERROR)
        return;
    if (verdict->records > 1) {
        finding_expected(finding, "one record");
        finding_advise(finding, "merge them into one%s%s, and remove the others",
                       *terms == '\0' ? "" : " with ", terms);
    } else if (verdict->result == SPF_PERMERROR) {
        finding_advise(finding, "mend the record");
    } else if (verdict->result == SPF_NONE &&
               near_miss_find_spf(scene->check->inquiry, scene->record->domain, what, advice)) {
        finding_found(finding, "%s has no SPF record, but %s", scene->record->domain, what);
        finding_advise(finding, "%s", advice);
    } else if (verdict->result == SPF_NONE) {
        finding_advise(finding, "publish \"v=spf1 %s ~all\"", *terms == '\0' ? "..." : terms);
    } else if (authorises_everybody(verdict)) {
        finding_advise(finding, "put \"%s ~all\" in place of \"%s\"",
                       *terms == '\0' ? "..." : terms, verdict->term);
    } else if (verdict->term[0] == '\0') {
        finding_advise(finding, "add %s to it", terms);
    } else {
        finding_advise(finding, "put %s before \"%s\"", terms, is_all ? "all" : verdict->term);
    }
}

/* terms: what the record should have instead; "" if that is not known. */
static bool tell_everybody(struct scene *scene, const struct spf_verdict *verdict,
                           const char *terms)
{
    if (!authorises_everybody(verdict))
        return false;
    finding_found(&scene->finding, "SPF of %s authorises everybody: \"%s\"", scene->record->domain,
                  verdict->record);
    if (*terms == '\0')
        finding_advise(&scene->finding,
                       "name those who send in place of \"%s\", and end the record with ~all",
                       verdict->term);
    else
        advise(scene, verdict, terms);
    put(scene, FINDING_WARNING);
    return true;
}

/* SES: the record has to authorise it, and nothing but pass does. */
static void tell_ses(struct scene *scene, const struct spf_verdict *verdict)
{
    static const char term[] = "include:amazonses.com";

    if (tell_everybody(scene, verdict, term))
        return;
    if (verdict->result == SPF_PASS) {
        finding_found(&scene->finding, "SPF of %s authorises SES: \"%s\"", scene->record->domain,
                      verdict->record);
        put(scene, FINDING_OK);
        return;
    }
    describe(scene, verdict, "SES");
    if (verdict->result != SPF_TEMPERROR)
        finding_expected(&scene->finding, "one record with %s before \"all\"", term);
    advise(scene, verdict, term);
    put(scene, verdict->result == SPF_TEMPERROR ? FINDING_WARNING : FINDING_ERROR);
}

/* Is it the same for all addresses, or at least for those two? */
static bool is_alike(const struct spf_verdict *one, const struct spf_verdict *other)
{
    return one->result == other->result && strcmp(one->term, other->term) == 0;
}

/* The addresses for which the record says what it says for the first of them. */
static void gather(const struct addresses *addresses, const struct spf_verdict *verdicts,
                   size_t first, bool told[ADDRESSES_MAX], char whom[FINDING_TEXT_SIZE],
                   char terms[FINDING_TEXT_SIZE])
{
    size_t whom_used = 0;
    size_t terms_used = 0;

    for (size_t i = first; i < addresses->count; i++) {
        const struct address *address = &addresses->list[i];
        if (told[i] || !is_alike(&verdicts[first], &verdicts[i]) ||
            whom_used + terms_used >= FINDING_TEXT_SIZE / 2)
            continue;
        told[i] = true;
        whom_used += (size_t)snprintf(whom + whom_used, FINDING_TEXT_SIZE - whom_used, "%s%s",
                                      i == first ? "" : ", ", address->text);
        terms_used += (size_t)snprintf(
            terms + terms_used, FINDING_TEXT_SIZE - terms_used, "%s%s:%s", i == first ? "" : " ",
            address->client.family == AF_INET6 ? "ip6" : "ip4", address->text);
    }
}

static void check_own(struct scene *scene, const char *key)
{
    const struct addresses *addresses = &scene->check->addresses;
    struct spf_verdict *verdicts = calloc(addresses->count, sizeof *verdicts);
    bool told[ADDRESSES_MAX] = {false};
    char whom[FINDING_TEXT_SIZE];
    char terms[FINDING_TEXT_SIZE];

    for (size_t i = 0; verdicts != NULL && i < addresses->count; i++)
        spf_check(&verdicts[i], scene->record->domain, &addresses->list[i].client,
                  scene->check->inquiry);
    for (size_t i = 0; verdicts != NULL && i < addresses->count; i++) {
        if (told[i])
            continue;
        gather(addresses, verdicts, i, told, whom, terms);
        scene->finding = (struct finding){.check = "spf", .subject = key};
        if (tell_everybody(scene, &verdicts[i], terms))
            continue;
        describe(scene, &verdicts[i], whom);
        if (verdicts[i].result != SPF_PASS)
            advise(scene, &verdicts[i], terms);
        put(scene, level_of(verdicts[i].result));
    }
    free(verdicts);
}

/* Of somebody whose hosts are not known only the record itself can be judged. */
static void check_unknown(struct scene *scene)
{
    static const struct spf_client nobody = {.family = AF_UNSPEC};
    struct spf_verdict verdict;

    spf_check(&verdict, scene->record->domain, &nobody, scene->check->inquiry);
    if (tell_everybody(scene, &verdict, ""))
        return;
    describe(scene, &verdict, "");
    advise(scene, &verdict, "");
    if (verdict.result == SPF_NONE || verdict.result == SPF_TEMPERROR) {
        put(scene, FINDING_WARNING);
    } else if (verdict.result == SPF_PERMERROR) {
        put(scene, FINDING_ERROR);
    } else {
        scene->finding.advice[0] = '\0';
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
