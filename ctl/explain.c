/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/command.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include "common/judgement.h"
#include "common/moment.h"
#include "ctl/terminal.h"

struct question {
    struct judgement_message message;
    bool sender_given;
};

/* The beginning of a line: what the rest of it is. */
static void label(const char *text)
{
    (void)printf("%-19s ", text);
}

static void tell_message(const struct question *question)
{
    const struct judgement_message *message = &question->message;
    char text[TERMINAL_TEXT_SIZE];

    label("From address");
    (void)puts(terminal_text(message->from, text));
    label("Envelope sender");
    (void)printf("<%s>%s%s\n", terminal_text(message->sender, text),
                 message->sender[0] == '\0' ? ", the null sender"
                 : question->sender_given   ? ""
                                            : ", taken to be the same (see --envelope)",
                 message->smtputf8 ? ", with SMTPUTF8" : "");
}

static void tell_settings(const struct settings *settings)
{
    label("Identity from");
    (void)puts(settings->milter.identity_from == IDENTITY_FROM_HEADER
                   ? "the From address (identity-from = \"header\")"
                   : "the envelope sender (identity-from = \"envelope\")");
    label("Default domain");
    (void)puts(settings->default_mail_from_domain[0] == '\0'
                   ? "none: what would move there stays as it is (default-mail-from-domain)"
                   : settings->default_mail_from_domain);
}

static void tell_outbound(const struct judgement_message *message, const struct settings *settings,
                          const struct judgement *judgement)
{
    bool outbound = judgement->outbound;
    bool listed = network_contains(settings->milter.outbound_networks,
                                   settings->milter.outbound_networks_count, message->client);
    char client[TERMINAL_TEXT_SIZE];

    label("Outbound");
    if (judgement->comes_back)
        (void)printf("no: port %s is in reinjection-ports\n", message->port);
    else if (message->submitted)
        (void)puts("yes: taken for a local submission (see --client and --authenticated)");
    else if (message->authenticated)
        (void)puts(outbound
                       ? "yes: the session is authenticated"
                       : "no: the session is authenticated, but outbound-authenticated is off");
    else
        (void)printf("%s: client %s is %s outbound-networks\n", outbound ? "yes" : "no",
                     terminal_text(message->client, client), listed ? "in" : "not in");
}

/* The keys are tried before it is known what to print first, so they are written down. */
struct notes {
    FILE *out;
    char *text;
    size_t length;
};

enum { KEY_WIDTH = 32 };

static void note_key(void *context, const char *key, const char *outcome)
{
    struct notes *notes = context;
    char text[TERMINAL_TEXT_SIZE];

    size_t width = terminal_width(terminal_name(key, text));

    (void)fprintf(notes->out, "%-19s %s%*s  %s\n", ftell(notes->out) == 0 ? "Keys tried" : "", text,
                  width < KEY_WIDTH ? (int)(KEY_WIDTH - width) : 0, "", outcome);
}

static void tell_moment(const char *name, int64_t moment, int64_t now)
{
    char text[MOMENT_SIZE];
    char age[MOMENT_AGE_SIZE];

    label(name);
    moment_age(moment, now, age);
    if (!moment_format(moment, text))
        (void)puts("never");
    else if (moment > now)
        (void)printf("%s, in %s\n", text, age);
    else
        (void)printf("%s, %s ago\n", text, age);
}

static void tell_expected(const struct settings_list *expected)
{
    if (expected->count == 0)
        (void)printf(" (nothing is checked: expected-mx is empty)");
    for (size_t i = 0; i < expected->count; i++)
        (void)printf("%s%s", i == 0 ? " (expected: " : ", ", expected->items[i]);
    (void)puts(expected->count == 0 ? "" : ")");
}

/* What mailfrom-sync looks up of a local identity. */
static void tell_found(const struct mail_from *record, const struct settings *settings, int64_t now)
{
    char text[TERMINAL_TEXT_SIZE];
    char age[MOMENT_AGE_SIZE];

    label("  Last found");
    moment_age(record->found_at, now, age);
    if (record->found_at == 0)
        (void)printf("nothing was looked up yet");
    else
        (void)printf("%s, %s ago", terminal_text(record->found, text), age);
    tell_expected(&settings->local.expected_mx);
    if (record->unclear_since != 0)
        tell_moment("  Unclear since", record->unclear_since, now);
}

/* How old it is, and who says so. */
static void tell_source(const struct mail_from *record, const struct settings *settings,
                        int64_t now)
{
    char text[TERMINAL_TEXT_SIZE];

    if (record->source == MAIL_FROM_LOCAL && record->domain[0] != '\0')
        tell_found(record, settings, now);
    if (record->source != MAIL_FROM_LOCAL) {
        tell_moment("  Checked", record->checked, now);
        tell_moment("  Expires", record->expire_after, now);
    }
    if (record->last_error[0] != '\0') {
        label("  Last error");
        (void)puts(terminal_text(record->last_error, text));
    }
}

static void tell_record(const struct judgement *judgement, const struct settings *settings,
                        int64_t now)
{
    const struct mail_from *record = &judgement->record;
    char text[TERMINAL_TEXT_SIZE];

    label("Identity");
    (void)printf("%s (%s, source %s)\n", terminal_name(judgement->identity, text),
                 identity_kind_words[record->kind], mail_from_source_words[record->source]);
    label("  MAIL FROM domain");
    (void)puts(record->domain[0] == '\0' ? "none" : terminal_name(record->domain, text));
    if (record->domain[0] != '\0') {
        label("  Status");
        (void)puts(mail_from_status_words[record->status]);
        tell_moment("  Status since", record->status_since, now);
    }
    label("  On MX failure");
    (void)puts(mail_from_behavior_words[record->behavior]);
    if (!settings_rewrite(settings, record)) {
        label("  Rewrite");
        (void)puts("off: the sender stays as it is, and only refusals are left (rewrite = false)");
    }
    if (record->feedback_off && record->source != MAIL_FROM_SES) {
        label("  Bounces");
        (void)puts("not forwarded to the sender (feedback forwarding is off)");
    }
    tell_source(record, settings, now);
}

static void tell_outcome(const struct judgement *judgement, const struct question *question)
{
    char text[TERMINAL_TEXT_SIZE];

    label("Result");
    switch (judgement->decision.verdict) {
    case VERDICT_REJECT:
    case VERDICT_DEFER:
        (void)printf("%s %s %s\n", judgement->reply.code, judgement->reply.enhanced,
                     judgement->reply.text);
        break;
    case VERDICT_PASS:
    case VERDICT_CUSTOM:
    case VERDICT_DEFAULT:
        (void)printf(
            "MAIL FROM:<%s>%s\n",
            terminal_text(judgement->rewrite ? judgement->new_sender : question->message.sender,
                          text),
            judgement->rewrite ? "" : ", unchanged");
        break;
    }
}

static void tell_return_path(const struct judgement *judgement)
{
    static const char *const texts[RETURN_FORM_COUNT] = {
        [RETURN_NONE] = "none: bounces are lost",
        [RETURN_PLAIN] = "plain: not signed, but only one original domain is possible",
        [RETURN_PRVS] = "prvs: signed, and the original domain is known here",
        [RETURN_SRS] = "srs: signed, and the original domain is in it",
    };

    if (!judgement->has_return_path || !judgement->rewrite)
        return;
    label("Return path");
    (void)puts(texts[judgement->return_form]);
}

static void tell_judgement(const struct judgement *judgement, const struct question *question,
                           const struct settings *settings, int64_t now)
{
    char text[TERMINAL_TEXT_SIZE];

    if (judgement->identity[0] != '\0')
        tell_record(judgement, settings, now);
    label("Verdict");
    (void)puts(verdict_words[judgement->decision.verdict]);
    label("Reason");
    (void)printf("%s: %s\n", reason_words[judgement->decision.reason],
                 reason_explanations[judgement->decision.reason]);
    if (judgement->detail.text[0] != '\0') {
        label("Detail");
        (void)puts(terminal_text(judgement->detail.text, text));
    }
    tell_outcome(judgement, question);
    tell_return_path(judgement);
    if (settings->milter.mode == MODE_MONITOR)
        (void)puts("The milter is in monitor mode: it logs this and changes nothing.");
}

static bool explain(const struct question *question, const struct settings *settings,
                    struct failure *why)
{
    struct notes notes = {0};
    struct store_trace trace = {.tried = note_key, .context = &notes};
    struct lookup *lookup = NULL;
    struct return_secrets *secrets = NULL;
    struct judgement judgement;
    int64_t now = (int64_t)time(NULL);
    bool good = false;

    /* Who may read the store need not be who may read the secrets. */
    if (settings->return_path.secrets_file[0] != '\0' &&
        !return_secrets_read(&secrets, settings->return_path.secrets_file, why))
        (void)fprintf(stderr, "mailfromctl: warning: %s; shown without its return path\n",
                      why->text);
    lookup = lookup_open(settings->store);
    notes.out = open_memstream(&notes.text, &notes.length);
    if (lookup == NULL || notes.out == NULL) {
        (void)failure_set(why, EX_OSERR, "out of memory");
        goto out;
    }
    judge(&judgement, &question->message, &(struct return_scene){settings, secrets, lookup, now},
          &trace);
    good = fclose(notes.out) == 0 || failure_set(why, EX_OSERR, "out of memory");
    notes.out = NULL;
    tell_message(question);
    tell_settings(settings);
    tell_outbound(&question->message, settings, &judgement);
    (void)fputs(notes.text, stdout);
    tell_judgement(&judgement, question, settings, now);
out:
    if (notes.out != NULL)
        (void)fclose(notes.out);
    free(notes.text);
    lookup_close(lookup);
    return_secrets_free(secrets);
    return good;
}

static bool has_8bit(const char *text)
{
    while (*text != '\0' && (unsigned char)*text < 0x80)
        text++;
    return *text != '\0';
}

/* Takes the angle brackets off, so that <a@example.com> and a@example.com are the same. */
static char *bare(char *address)
{
    const char *start = address;
    size_t length = envelope_bare(&start);

    if (start == address)
        return address;
    address[length + 1] = '\0';
    return address + 1;
}

static bool check_question(const struct question *question, struct invocation *invocation,
                           struct failure *why)
{
    const struct judgement_message *message = &question->message;
    struct network network;

    if (message->client != NULL && message->authenticated)
        return invocation_misused(invocation, why, "either --client or --authenticated");
    if (message->client != NULL &&
        (strchr(message->client, '/') != NULL || !network_parse(&network, message->client, why)))
        return invocation_misused(invocation, why, "--client %s is not an IP address",
                                  message->client);
    if (message->port != NULL && strspn(message->port, "0123456789") != strlen(message->port))
        return invocation_misused(invocation, why, "--port %s is not the number of a port",
                                  message->port);
    if (strchr(message->from, '@') == NULL)
        return invocation_misused(invocation, why, "%s is not an address, which has an @",
                                  message->from);
    return true;
}

static bool read_options(struct question *question, struct invocation *invocation,
                         struct failure *why)
{
    static const struct option options[] = {{"envelope", required_argument, NULL, 'e'},
                                            {"client", required_argument, NULL, 'c'},
                                            {"authenticated", no_argument, NULL, 'a'},
                                            {"port", required_argument, NULL, 'p'},
                                            {0}};
    struct judgement_message *message = &question->message;
    int option;

    while ((option = invocation_option(invocation, options, why)) != -1) {
        if (option == '?')
            return false;
        if (option == 'e')
            message->sender = bare(optarg);
        if (option == 'c')
            message->client = optarg;
        if (option == 'p')
            message->port = optarg;
        message->authenticated = message->authenticated || option == 'a';
    }
    message->submitted = !message->authenticated && message->client == NULL;
    if (optind + 1 != invocation->argc)
        return invocation_misused(invocation, why, "one ADDRESS is needed");
    message->from = bare(invocation->argv[optind]);
    question->sender_given = message->sender != NULL;
    if (!question->sender_given)
        message->sender = message->from;
    /* A client cannot send such an address without asking for SMTPUTF8. */
    message->smtputf8 = has_8bit(message->sender);
    return check_question(question, invocation, why);
}

bool explain_run(struct invocation *invocation, struct failure *why)
{
    struct question question = {0};

    return read_options(&question, invocation, why) && invocation_settings(invocation, why) &&
           explain(&question, invocation->settings, why);
}
