/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The envelope sender that a message gets: the address alone on stdout, for scripts, and what there
 * is to know about it on stderr.
 */
#include "ctl/return_path.h"

#include <string.h>
#include <sysexits.h>

#include "common/judgement.h"
#include "common/moment.h"
#include "ctl/identities.h"
#include "ctl/return_view.h"

struct encoding {
    struct judgement_message message;
    struct identity identity;
    int64_t day; /* 0: today */
};

static void note(const char *text, const char *detail)
{
    (void)fprintf(stderr, "mailfromctl: %s%s%s\n", text, detail[0] == '\0' ? "" : ": ", detail);
}

/* --- the identity --- */

struct question {
    const char *key;
    struct mail_from *record;
};

static bool find_record(struct store *store, void *context, struct failure *why)
{
    const struct question *question = context;

    switch (store_get(store, question->key, question->record, why)) {
    case STORE_FOUND:
        return true;
    case STORE_NOT_FOUND:
        return failure_set(why, EX_UNAVAILABLE,
                           "no identity \"%s\" in the store; "
                           "`mailfromctl explain' finds the one of an address",
                           question->key);
    case STORE_FAILED:
        break;
    }
    return false;
}

/* Whose bounces come back to this gateway? */
static bool check_record(const struct mail_from *record, const char *key, struct failure *why)
{
    if (record->source == MAIL_FROM_SES)
        return failure_set(why, EX_UNAVAILABLE,
                           "%s has no return path here: its source is ses, and its bounces go to "
                           "SES",
                           key);
    if (!record->verified)
        return failure_set(why, EX_UNAVAILABLE,
                           "%s has no return path: it is not verified, so no mail is sent as it",
                           key);
    return true;
}

/* --- the address --- */

/* A message is refused, or has no MAIL FROM domain to move to. */
static bool check_judgement(const struct judgement *judgement, const struct settings *settings,
                            struct failure *why)
{
    const struct decision *decision = &judgement->decision;

    if (decision->verdict == VERDICT_REJECT || decision->verdict == VERDICT_DEFER)
        return failure_set(why, EX_UNAVAILABLE,
                           "%s has no return path: the milter answers %s %s %s%s%s",
                           judgement->identity, judgement->reply.code, judgement->reply.enhanced,
                           judgement->reply.text, judgement->detail.text[0] == '\0' ? "" : ": ",
                           judgement->detail.text);
    if (decision->verdict == VERDICT_PASS)
        return failure_set(why, EX_UNAVAILABLE,
                           "%s has no return path: the envelope sender stays as it is, as %s (%s)",
                           judgement->identity,
                           settings_rewrite(settings, &judgement->record)
                               ? "there is no MAIL FROM domain that it could move to"
                               : "the settings have rewrite = false for it",
                           reason_words[decision->reason]);
    return true;
}

static void tell(const struct judgement *judgement, const struct encoding *encoding,
                 const struct settings *settings)
{
    (void)puts(judgement->rewrite ? judgement->new_sender : encoding->message.sender);
    if (!judgement->rewrite)
        note("unchanged, as the address is at the MAIL FROM domain already", "");
    else if (judgement->return_form == RETURN_NONE)
        note("not signed, and bounces are lost", judgement->detail.text);
    else if (judgement->return_form == RETURN_PLAIN)
        note("not signed; bounces come back, as only one original domain is possible", "");
    if (judgement->decision.verdict == VERDICT_DEFAULT)
        note("moved to the default MAIL FROM domain",
             reason_explanations[judgement->decision.reason]);
    if (settings->milter.mode == MODE_MONITOR)
        note("the milter is in monitor mode, and changes nothing", "");
}

static bool encode(const struct encoding *encoding, const struct return_view *view,
                   struct failure *why)
{
    const char *key = encoding->identity.text;
    struct mail_from record;
    struct question question = {key, &record};
    struct judgement judgement;

    if (!lookup_with_store(view->lookup, find_record, &question, why) ||
        !check_record(&record, key, why))
        return false;
    judge_as(&judgement, key, &record, &encoding->message, &view->scene);
    if (!check_judgement(&judgement, view->scene.settings, why))
        return false;
    tell(&judgement, encoding, view->scene.settings);
    return true;
}

/* --- the command line --- */

/* Without the angle brackets, which stdout does not have either. */
static void take_sender(struct judgement_message *message, char *address)
{
    const char *bare = address;
    size_t length = envelope_bare(&bare);

    address[(size_t)(bare - address) + length] = '\0';
    message->sender = bare;
    /* A client cannot send such an address without asking for SMTPUTF8. */
    for (size_t i = 0; i < length; i++)
        message->smtputf8 = message->smtputf8 || (unsigned char)bare[i] >= 0x80;
}

static bool read_options(struct encoding *encoding, struct invocation *invocation,
                         struct failure *why)
{
    static const struct option options[] = {
        {"identity", required_argument, NULL, 'i'}, {"date", required_argument, NULL, 'd'}, {0}};
    const char *identity = NULL;
    int option;

    while ((option = invocation_option(invocation, options, why)) != -1) {
        if (option == '?')
            return false;
        if (option == 'i')
            identity = optarg;
        if (option == 'd' && !moment_parse_day(optarg, &encoding->day))
            return invocation_misused(invocation, why, "--date is a day as in 2026-11-27, not %s",
                                      optarg);
    }
    if (optind + 1 != invocation->argc)
        return invocation_misused(invocation, why, "one ADDRESS is needed");
    if (identity == NULL)
        return invocation_misused(invocation, why, "--identity is missing");
    take_sender(&encoding->message, invocation->argv[optind]);
    if (strchr(encoding->message.sender, '@') == NULL)
        return invocation_misused(invocation, why, "%s is not an address, which has an @",
                                  encoding->message.sender);
    return identities_read_one(&encoding->identity, identity, why);
}

bool return_path_encode(struct invocation *invocation, struct failure *why)
{
    struct encoding encoding = {.day = 0};
    struct return_view view;
    bool good;

    if (!read_options(&encoding, invocation, why))
        return false;
    good = return_view_open(&view, encoding.day, invocation, why) && encode(&encoding, &view, why);
    return_view_close(&view);
    return good;
}
