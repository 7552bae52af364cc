/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Reads what is to be set, and decides where: here for a local identity, in SES for the others.
 */
#include "ctl/put.h"

#include <string.h>
#include <sysexits.h>

#include "common/spelling.h"
#include "common/word.h"
#include "ctl/aws_option.h"
#include "ctl/command.h"
#include "ctl/identities.h"

/* What the command line says, as it stands there; NULL for what it does not say. */
struct words {
    const char *identity;
    const char *domain;
    const char *behavior;
    const char *feedback;
    bool clear;
    bool aws;           /* in the manner of `aws sesv2' */
    const char *output; /* as is usual with `aws' */
    const char *region;
    const char *file; /* with many */
    bool add;
};

static bool read_words(struct words *words, struct put *put, struct invocation *invocation,
                       struct failure *why)
{
    static const struct option options[] = {
        {"mail-from-domain", required_argument, NULL, 'd'},
        {"behavior-on-mx-failure", required_argument, NULL, 'b'},
        {"feedback-forwarding", required_argument, NULL, 'F'},
        {"clear", no_argument, NULL, 'c'},
        {"email-identity", required_argument, NULL, 'i'},
        {"section", required_argument, NULL, 's'},
        {"force", no_argument, NULL, 'f'},
        {"from", required_argument, NULL, 'm'},
        {"output", required_argument, NULL, 'o'},
        {"region", required_argument, NULL, 'r'},
        {"add", no_argument, NULL, 'a'},
        {0}};
    int option;

    while ((option = invocation_option(invocation, options, why)) != -1) {
        if (option == '?')
            return false;
        if (option == 'F' && words->feedback != NULL)
            return invocation_misused(invocation, why, "--feedback-forwarding is given twice");
        if (option == 'F')
            words->feedback = optarg;
        if (option == 'd')
            words->domain = optarg;
        if (option == 'b')
            words->behavior = optarg;
        if (option == 'i')
            words->identity = optarg;
        if (option == 's')
            put->section = optarg;
        if (option == 'm')
            words->file = optarg;
        if (option == 'o')
            words->output = optarg;
        if (option == 'r')
            words->region = optarg;
        words->clear = words->clear || option == 'c';
        words->add = words->add || option == 'a';
        put->force = put->force || option == 'f';
    }
    words->aws = put->quiet = words->identity != NULL;
    return true;
}

static bool check_many(const struct words *words, const struct put *put,
                       struct invocation *invocation, struct failure *why)
{
    if (words->identity != NULL || optind < invocation->argc || words->domain != NULL ||
        words->behavior != NULL || words->feedback != NULL || words->clear ||
        words->output != NULL || words->region != NULL || put->section != NULL)
        return invocation_misused(invocation, why,
                                  "with --from FILE all else but --add and --force stands in FILE");
    return true;
}

/* Without a domain, a behavior or --force would do nothing. An empty domain is one that a script
 * failed to fill in. */
static bool is_feedback_alone(const struct words *words, const struct put *put)
{
    return words->feedback != NULL && words->domain == NULL && words->behavior == NULL &&
           !put->force;
}

/* In the manner of AWS, no domain means to clear; here that has to be said. */
static bool check_words(struct words *words, const struct put *put, struct invocation *invocation,
                        struct failure *why)
{
    bool is_alone = is_feedback_alone(words, put);

    if (!words->aws && optind < invocation->argc)
        words->identity = invocation->argv[optind++];
    if (words->identity == NULL)
        return invocation_misused(invocation, why, "which identity?");
    if (words->output != NULL && !aws_option_output(invocation, words->output, why))
        return false;
    if (words->region != NULL && put->section != NULL)
        return invocation_misused(invocation, why, "--section and --region are one too many");
    if (words->add)
        return invocation_misused(invocation, why,
                                  "--add is for --from FILE; for one there is `identity add'");
    if (optind < invocation->argc)
        return invocation_misused(invocation, why, "%s is too much: one identity at a time",
                                  invocation->argv[optind]);
    if (words->domain != NULL && words->domain[0] == '\0')
        words->domain = NULL;
    if (words->domain == NULL && words->aws)
        words->clear = true;
    if (words->feedback != NULL && words->aws)
        return invocation_misused(invocation, why,
                                  "`aws sesv2' has no --feedback-forwarding here: give the "
                                  "identity without --email-identity");
    if (words->domain == NULL && !words->clear && !is_alone)
        return invocation_misused(invocation, why,
                                  "--mail-from-domain D, --clear or --feedback-forwarding on|off "
                                  "is needed");
    if (words->clear && (words->domain != NULL || (words->behavior != NULL && !words->aws)))
        return invocation_misused(invocation, why, "--clear clears both attributes: no others");
    return true;
}

static bool read_behavior(struct put *put, const struct words *words, struct invocation *invocation,
                          struct failure *why)
{
    char choice[64];
    int found;

    put->clear = words->clear;
    put->sets_attributes = words->clear || words->domain != NULL;
    put->behavior = MAIL_FROM_USE_DEFAULT_VALUE;
    if (words->behavior == NULL)
        return true;
    found = word_find(mail_from_behavior_words, MAIL_FROM_BEHAVIOR_COUNT, words->behavior);
    if (found < 0)
        found = word_find(mail_from_behavior_words_v2, MAIL_FROM_BEHAVIOR_COUNT, words->behavior);
    if (found < 0) {
        word_choice(mail_from_behavior_words, MAIL_FROM_BEHAVIOR_COUNT, choice, sizeof choice);
        return invocation_misused(invocation, why, "--behavior-on-mx-failure is %s, not %.80s",
                                  choice, words->behavior);
    }
    put->behavior = (enum mail_from_behavior)found;
    if (put->clear && put->behavior == MAIL_FROM_REJECT_MESSAGE)
        return invocation_misused(invocation, why,
                                  "without a MAIL FROM domain there is nothing to reject for");
    return true;
}

static bool read_feedback(struct put *put, const struct words *words, struct invocation *invocation,
                          struct failure *why)
{
    put->sets_feedback = words->feedback != NULL;
    put->feedback_off = put->sets_feedback && strcmp(words->feedback, "off") == 0;
    if (!put->sets_feedback || put->feedback_off || strcmp(words->feedback, "on") == 0)
        return true;
    return invocation_misused(invocation, why, "--feedback-forwarding is on or off, not %.80s",
                              words->feedback);
}

static bool read_names(struct put *put, const struct words *words, struct failure *why)
{
    if (!identities_read_one(&put->identity, words->identity, why))
        return false;
    if (words->domain == NULL)
        return true;
    if (!identity_parse_domain(put->domain, words->domain, strlen(words->domain), why))
        return failure_prefix(why, "--mail-from-domain");
    return mail_from_check_domain(&put->identity, put->domain, why);
}

/* A store that is missing stays missing: with one record in it, the milter would take all other
 * identities for unknown. */
static bool open_store(struct put *put, struct invocation *invocation, struct store **store,
                       struct failure *why)
{
    enum store_result result;

    *store = NULL;
    memcpy(put->name, put->identity.text, sizeof put->name);
    if (!invocation_store(invocation, STORE_UPDATE, store, why))
        return why->exit_code == EX_NOINPUT;
    result = store_get(*store, put->identity.text, &put->record, why);
    put->known = result == STORE_FOUND;
    return result != STORE_FAILED && spelling_get(*store, put->identity.text, put->name, why);
}

/* Bounces of these never come here. */
static bool refuse_feedback_of_ses(const struct put *put, struct failure *why)
{
    const char *key = put->identity.text;

    return failure_set(why, EX_UNAVAILABLE,
                       "\"%s\" %s: set its feedback forwarding there with "
                       "`aws sesv2 put-email-identity-feedback-attributes --email-identity %s "
                       "--%semail-forwarding-enabled'; nothing was changed",
                       key,
                       put->known ? "has the source ses, so its bounces go to SES"
                                  : "is not in the store, so it is taken for one of SES",
                       key, put->feedback_off ? "no-" : "");
}

/* Of SES's identities those are asked for there that the store does not have, if there is a section
 * `ses'; else it is ours to say that there is no such identity. */
static bool put_one(const struct put *put, const struct settings *settings, struct store *store,
                    struct failure *why)
{
    const char *key = put->identity.text;

    if (!put->known && settings->ses_count == 0)
        return failure_set(why, EX_UNAVAILABLE,
                           "NotFoundException: Email identity %s does not exist. Make it with "
                           "`mailfromctl identity add %s'",
                           key, key);
    switch (put->known ? put->record.source : MAIL_FROM_SES) {
    case MAIL_FROM_SES:
        return put->sets_feedback ? refuse_feedback_of_ses(put, why)
                                  : put_ses(put, settings, store, why);
    case MAIL_FROM_LOCAL:
        return put_local(put, settings, store, why);
    case MAIL_FROM_FILE:
        break;
    }
    return failure_set(why, EX_UNAVAILABLE,
                       "\"%s\" was imported and has the source file, which wins over SES: change "
                       "it with `mailfromctl import', set it here after `mailfromctl adopt %s', or "
                       "let SES have it with `mailfromctl remove %s'",
                       key, key, key);
}

/* A local identity is in no region, and mailfrom-milter answers for it whatever region is asked. */
static bool find_section(struct put *put, const struct words *words,
                         const struct settings *settings, struct failure *why)
{
    const struct settings_ses *section = NULL;

    if (words->region == NULL || (put->known && put->record.source != MAIL_FROM_SES))
        return true;
    if (!aws_option_region(&section, settings, words->region, why))
        return false;
    put->section = section->title;
    return true;
}

bool put_run(struct invocation *invocation, struct failure *why)
{
    struct words words = {0};
    struct put put = {0};
    struct store *store = NULL;
    bool good;

    if (!read_words(&words, &put, invocation, why))
        return false;
    if (words.file != NULL)
        return check_many(&words, &put, invocation, why) &&
               put_file(invocation, words.file, words.add, put.force, why);
    if (!check_words(&words, &put, invocation, why) ||
        !read_behavior(&put, &words, invocation, why) ||
        !read_feedback(&put, &words, invocation, why) || !read_names(&put, &words, why) ||
        !invocation_settings(invocation, why))
        return false;
    good = open_store(&put, invocation, &store, why) &&
           find_section(&put, &words, invocation->settings, why) &&
           put_one(&put, invocation->settings, store, why);
    store_close(store);
    return good;
}
