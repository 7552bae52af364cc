/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The DNS records that a custom MAIL FROM domain needs. No API of SES says them: they follow from
 * the region; those of a local identity from the settings.
 */
#include "ctl/command.h"

#include <string.h>
#include <sysexits.h>

#include "ctl/account.h"
#include "ctl/identities.h"
#include "ctl/local_dns.h"
#include "ctl/section.h"

struct question {
    struct identity identity;
    const char *section; /* NULL: not given */
    struct local_dns_addresses addresses;
    char domain[IDENTITY_DOMAIN_MAX + 1]; /* "": that of the record */
    bool known;                           /* is there a record in the store? */
    struct mail_from record;
};

static bool read_domain(struct question *question, const char *domain, struct failure *why)
{
    if (domain == NULL)
        return true;
    if (!identity_parse_domain(question->domain, domain, strlen(domain), why))
        return failure_prefix(why, "--mail-from-domain");
    return mail_from_check_domain(&question->identity, question->domain, why);
}

static bool read_options(struct question *question, struct invocation *invocation,
                         struct failure *why)
{
    static const struct option options[] = {{"mail-from-domain", required_argument, NULL, 'd'},
                                            {"section", required_argument, NULL, 's'},
                                            {"address", required_argument, NULL, 'a'},
                                            {0}};
    const char *domain = NULL;
    int option;

    while ((option = invocation_option(invocation, options, why)) != -1) {
        if (option == '?' || (option == 'a' && !local_dns_add(&question->addresses, optarg, why)))
            return false;
        if (option == 'd')
            domain = optarg;
        if (option == 's')
            question->section = optarg;
    }
    if (optind + 1 != invocation->argc)
        return invocation_misused(invocation, why, "one IDENTITY is needed");
    return identities_read_one(&question->identity, invocation->argv[optind], why) &&
           read_domain(question, domain, why);
}

/* With --mail-from-domain the identity need not be in the store, nor need there be one. */
static bool find_record(struct question *question, struct store *store, struct failure *why)
{
    const char *key = question->identity.text;
    enum store_result result =
        store == NULL ? STORE_NOT_FOUND : store_get(store, key, &question->record, why);

    question->known = result == STORE_FOUND;
    if (result == STORE_FAILED || question->domain[0] != '\0')
        return result != STORE_FAILED;
    if (!question->known)
        return failure_set(why, EX_UNAVAILABLE,
                           "no identity \"%s\" in the store; with --mail-from-domain D the records "
                           "of D are printed",
                           key);
    if (question->record.domain[0] == '\0')
        return failure_set(why, EX_UNAVAILABLE,
                           "\"%s\" has no MAIL FROM domain; with --mail-from-domain D the records "
                           "of D are printed",
                           key);
    memcpy(question->domain, question->record.domain, sizeof question->domain);
    return true;
}

/* Who receives the bounces of such an identity is not known here. */
static bool explain_file(const struct question *question, struct failure *why)
{
    return failure_set(
        why, EX_UNAVAILABLE,
        "\"%s\" has the source file, not ses, so nothing here says which host takes the "
        "bounces of %s: publish one MX record that names it, and an SPF record with "
        "the addresses that its mail leaves from; or `mailfromctl adopt %s', and it "
        "is the gateway's own",
        question->identity.text, question->domain, question->identity.text);
}

/* SES documents the name of the MX host for the regions of the commercial partition and
 * us-gov-west-1 only. */
static void warn_of_region(const char *region)
{
    static const char *const undocumented[] = {"cn-", "eusc-", "us-iso", "us-gov-east-1"};

    for (size_t i = 0; i < sizeof undocumented / sizeof undocumented[0]; i++) {
        if (strncmp(region, undocumented[i], strlen(undocumented[i])) == 0)
            (void)fprintf(stderr,
                          "mailfromctl: warning: AWS does not document the MX host of the region "
                          "%s; compare with what the SES console shows\n",
                          region);
    }
}

static bool print_records(const struct question *question, const struct settings_ses *section,
                          struct failure *why)
{
    char region[ENDPOINT_REGION_MAX + 1];
    char name[SECTION_NAME_SIZE];

    if (!account_region(section, region))
        return failure_set(why, EX_CONFIG,
                           "the MX record names the region, which is not known: set region in the "
                           "section %s, or AWS_REGION",
                           section_name(section->title, name));
    warn_of_region(region);
    (void)printf("%s. IN MX 10 feedback-smtp.%s.amazonses.com.\n", question->domain, region);
    (void)printf("%s. IN TXT \"v=spf1 include:amazonses.com ~all\"\n", question->domain);
    return true;
}

static bool answer_ses(const struct question *question, const struct settings *settings,
                       struct failure *why)
{
    const struct settings_ses *section = NULL;

    if (question->addresses.count > 0)
        return failure_set(why, EX_USAGE,
                           "--address is for local identities: those of SES leave from there");
    return section_choose(&section, settings, question->known ? &question->record : NULL,
                          question->section, why) &&
           print_records(question, section, why);
}

/* What the store does not have yet is SES's where there is an account, else ours. */
static enum mail_from_source source_of(const struct question *question,
                                       const struct settings *settings)
{
    if (question->known)
        return question->record.source;
    return settings->ses_count == 0 && settings->local.expected_mx.count > 0 ? MAIL_FROM_LOCAL
                                                                             : MAIL_FROM_SES;
}

static bool answer(const struct question *question, const struct settings *settings,
                   struct failure *why)
{
    switch (source_of(question, settings)) {
    case MAIL_FROM_SES:
        return answer_ses(question, settings, why);
    case MAIL_FROM_LOCAL:
        return local_dns_print(stdout, question->domain, settings, &question->addresses, why);
    case MAIL_FROM_FILE:
        break;
    }
    return explain_file(question, why);
}

bool records_run(struct invocation *invocation, struct failure *why)
{
    struct question question = {0};
    struct store *store = NULL;
    bool good;

    if (!read_options(&question, invocation, why) || !invocation_settings(invocation, why))
        return false;
    if (!invocation_store(invocation, STORE_READ, &store, why) &&
        (why->exit_code != EX_NOINPUT || question.domain[0] == '\0'))
        return false;
    good = find_record(&question, store, why) && answer(&question, invocation->settings, why);
    store_close(store);
    return good;
}
