/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/command.h"
#include "common/store_directory.h"
#include "common/store_usage.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "common/help_text.h"

static const struct command commands[] = {
    {"import", "[--replace] [--dry-run] FILE|-",
     "put into the store what `aws ses get-identity-mail-from-domain-attributes' printed",
     "FILE is the JSON of that command, or of `mailfromctl export'; - is standard input.\n"
     "All of it is taken, or nothing: one bad record refuses the file. Records with the\n"
     "same identity are replaced, others stay. Feedback forwarding of a record that is replaced\n"
     "stays as it is unless FILE has FeedbackForwardingStatus; for a new one it is on.\n"
     "\n"
     "  --replace  also remove records of source `file' that FILE does not have\n"
     "  --dry-run  only say whether FILE is good\n",
     import_run},
    {"export", "", "print the whole store as JSON that import takes",
     "The JSON has the shape that `aws ses get-identity-mail-from-domain-attributes' prints, plus\n"
     "an object \"Record\" with source, times and last error, so that nothing is lost. Each\n"
     "record is as it is when it is read: the store may change while a long export goes on.\n",
     export_run},
    {"compact", "", "give room in the store that holds nothing back to the file system",
     "All programs may go on meanwhile. The file keeps its length, which `ls -l' shows, and takes\n"
     "less of the disk, which `du' shows. The store takes more than it holds after a large\n"
     "import, or when a process has read it for long; `mailfromctl check' says so.\n",
     compact_run},
    {"get", "[--record] IDENTITY...", "print the attributes of identities as `aws ses' prints them",
     "IDENTITY is an email address or a domain, looked up exactly: parent domains are not\n"
     "(`mailfromctl explain' does that). One that is not in the store is left out of the JSON, is\n"
     "named on stderr, and makes the exit code 69.\n"
     "\n"
     "  --record  also the object \"Record\" that `mailfromctl export' prints\n",
     get_run},
    {"list",
     "[--json] [--match GLOB] [--source SOURCE] [--status STATUS] |\n"
     "           --mail-from-domains",
     "show all identities as a table",
     "A MAIL FROM domain counts only in status Success. SINCE is the time in this status, CHECKED\n"
     "the time since the attributes were last confirmed, or the MX of a local one looked up; what\n"
     "was found then stands last where it is not what was expected. NOTE has feedback-off where\n"
     "feedback forwarding is off. On a terminal that is too narrow, a row takes two lines.\n"
     "\n"
     "  --json               an array of objects for programs, one a line\n"
     "  --mail-from-domains  instead, the MAIL FROM domains that bounces are accepted for, one\n"
     "                       per line, for Sendmail's VirtHost class\n"
     "  --match GLOB         only identities that the pattern matches, as '*.example' or\n"
     "                       '*@shop.example'; case does not count\n"
     "  --source SOURCE      only those of this source: ses, local or file\n"
     "  --status STATUS      only those in this status: Pending, Success, Failed or\n"
     "                       TemporaryFailure; none: those without a MAIL FROM domain\n",
     list_run},
    {"identity", "add IDENTITY... |\n           remove IDENTITY... | list [--json]",
     "make, remove and list local identities, those of a gateway that is its own SES",
     "A local identity is set here, with put, and mailfrom-sync looks up whether its MAIL FROM\n"
     "domain has the MX record that expected-mx in the section local of the settings names. All "
     "of\n"
     "those that are given are added or removed, or none. An identity of SES, or one that was\n"
     "imported, is made local by adopt.\n"
     "\n"
     "  --json  as with list\n",
     identity_run},
    {"adopt", "[--back] IDENTITY...",
     "make identities of SES or of a file local, and give them back",
     "An adopted identity keeps MAIL FROM domain, behavior and status, is not fetched from SES "
     "any\n"
     "more, and never expires; mailfrom-sync looks its MX record up. All are adopted, or none.\n"
     "\n"
     "  --back  the other way: those that were adopted, as they are now, are SES's or the file's\n",
     adopt_run},
    {"remove", "IDENTITY...", "remove identities from the store",
     "All of them, or none if one is not in the store (exit code 69).\n", remove_run},
    {"explain", "ADDRESS [--envelope ADDRESS] [--client IP | --authenticated] [--port PORT]",
     "say what the milter does with a message from ADDRESS, and why",
     "ADDRESS is that of the From header. Runs the very decision that the milter runs.\n"
     "\n"
     "  --envelope ADDRESS  the envelope sender, if it is another; '<>' for the null sender\n"
     "  --client IP         the client that the message comes from\n"
     "  --authenticated     it comes in an authenticated session\n"
     "  --port PORT         it comes to this port of the MTA, see reinjection-ports\n"
     "\n"
     "Without --client and --authenticated it is taken for a local submission, sendmail(1).\n",
     explain_run},
    {"return-path",
     "key new [--verify-only] | key promote ID | key list [--json] |\n"
     "           encode ADDRESS --identity IDENTITY [--date DATE] |\n"
     "           decode ADDRESS [--json]",
     "manage the keys that sign return paths; sign one, or read one",
     "key new creates a key that signs from now on, and drops those that no bounce can need any\n"
     "more. With several gateways, create it with --verify-only, copy the file of keys\n"
     "(secrets-file) to all of them and reload; then let key promote make it sign, copy and\n"
     "reload again. Both are for root. A key is shown by its ID, never by its secret.\n"
     "\n"
     "encode prints the envelope sender that a message from ADDRESS gets. decode says where mail\n"
     "to a return path goes, or why it is refused; then the exit code is 65, and 75 if the store\n"
     "cannot be read.\n"
     "\n"
     "  --verify-only        the key only verifies until it is promoted\n"
     "  --identity IDENTITY  the identity of the message; its source is local or file\n"
     "  --date DATE          sign as on that day, YYYY-MM-DD\n"
     "  --json               for programs\n",
     return_path_run},
    {"put",
     "IDENTITY --mail-from-domain D\n"
     "           [--behavior-on-mx-failure B] | IDENTITY --clear | --from FILE|- [--add] |\n"
     "           IDENTITY --feedback-forwarding on|off",
     "set the custom MAIL FROM domain of an identity, or clear it",
     "Both attributes are replaced: B is UseDefaultValue (the default) or RejectMessage;\n"
     "USE_DEFAULT_VALUE and REJECT_MESSAGE are the same. --clear clears both. Neither touches\n"
     "feedback forwarding.\n"
     "\n"
     "A local identity is set here: Pending, until mailfrom-sync finds the MX record. If it has D\n"
     "already, the status stays, but Failed begins anew.\n"
     "\n"
     "Any other is set in SES, and the store is brought up to date at once. SES is asked first:\n"
     "what is set as wanted, and in status Success, is left alone. The credentials are yours: "
     "those\n"
     "of the environment or of AWS_PROFILE, else of the section's profile. They need what\n"
     "iam-policy-administrator.json allows.\n"
     "\n"
     "  --feedback-forwarding on|off\n"
     "                   forward bounces to the sender (the default), or not. For local\n"
     "                   identities, alone or with the others; it does not touch the status.\n"
     "  --force          set it in any case; it begins anew, from Pending\n"
     "  --section TITLE  the section `ses' of an identity that is not in the store, if there are\n"
     "                   several\n"
     "  --from FILE      many local identities, all or none, out of JSON as import takes it; - is\n"
     "                   standard input. Only domain, behavior and FeedbackForwardingStatus\n"
     "                   count. No domain clears; but FeedbackForwardingStatus alone sets just "
     "that,\n"
     "                   and where it is absent feedback forwarding stays as it is.\n"
     "  --add            with --from: make the identities that do not exist\n",
     put_run},
    {"records", "IDENTITY [--mail-from-domain D] [--address IP]...",
     "print the MX and SPF records to publish for the MAIL FROM domain",
     "In the form of a zone file. Nothing is asked and nothing is looked up in the DNS. For a "
     "local\n"
     "identity the MX is that of expected-mx in the settings.\n"
     "\n"
     "  --mail-from-domain D  for this MAIL FROM domain, before it is put\n"
     "  --address IP          the mail of a local identity leaves from this address or network\n"
     "  --section TITLE       as with put\n",
     records_run},
    {"refresh", "[--no-wait] [IDENTITY...]",
     "bring identities up to date now, without IDENTITY all that came from SES",
     "While mailfrom-sync runs, it is asked to do it: the requests are left in the store, and "
     "they\n"
     "stay there if it takes too long (exit code 75), or meets with what somebody has to mend.\n"
     "Else SES is called from here, 100 identities a call, with your credentials and within the\n"
     "section's requests-per-second. The exit code is 69 if SES does not know an identity, or\n"
     "refuses it; without IDENTITY these are listed.\n"
     "\n"
     "The MX record of a local identity is looked up by mailfrom-sync only: if it does not run, "
     "the\n"
     "exit code is 75, and it is due when it does.\n"
     "\n"
     "  --no-wait        only ask mailfrom-sync; if it does not run, the exit code is 75\n"
     "  --section TITLE  only those of this section; for an IDENTITY as with put\n",
     refresh_run},
    {"status", "[--json]", "say how mailfrom-sync is doing with each source of records",
     "The exit code is 1 if somebody should see to it: mailfrom-sync does not run, has written\n"
     "nothing of a source for 15 minutes, its last call failed, records have expired or have no\n"
     "more than a tenth of expire-after left, or their section is not in the settings any more; a\n"
     "process has been reading the store for so long that it grows, or was stopped (Ctrl-Z) while\n"
     "it writes. Only warnings are: the store takes much more room than it holds (`mailfromctl\n"
     "compact'); local identities are not checked, as expected-mx is empty.\n"
     "\n"
     "  --json  the same for programs\n",
     status_run},
    {"check", "[OPTION...] [IDENTITY...]",
     "examine the gateway and what the DNS says of its identities, and say what to do",
     "The store, mailfrom-sync, the sockets as Postfix and Sendmail see them, the way back for\n"
     "bounces; then MX, SPF and DMARC of each IDENTITY, without one of all that have a custom "
     "MAIL\n"
     "FROM domain, 100 at most. One line a finding: ok, warning or error. The exit code is 0, 1 "
     "if\n"
     "there are warnings, 2 if there are errors.\n"
     "\n"
     "  --address IP          an address that mail leaves from, for SPF; several are possible.\n"
     "                        Without it, those of this host\n"
     "  --all                 all identities, however many\n"
     "  --json                for programs\n"
     "  --postfix-config DIR  the main.cf and master.cf to look at, if not Postfix's own\n"
     "  --quiet               only warnings and errors\n"
     "  --sendmail-cf FILE    the configuration of Sendmail, if not /etc/mail/sendmail.cf\n",
     check_run},
    {"stats", "[--count N] [--json]", "count the messages of mailfrom-milter since its start",
     "By verdict and reason, and the identities with the most messages. It asks mailfrom-milter,\n"
     "which counts where the settings have metrics. Of more than 256 pairs of an identity and a\n"
     "reason the rare ones share their places; then a number is too high by what is said beside "
     "it.\n"
     "\n"
     "  --count N  so many identities, 20 unless told\n"
     "  --json     all of it, for programs\n",
     stats_run},
    {"settings", "[--sample]", "print the settings in force",
     "  --sample  print a settings file with all defaults, each explained\n", settings_run},
    {"help", "[COMMAND]", "print this, or more about a command", "", help_run},
    {"get-identity-mail-from-domain-attributes", "--identities IDENTITY...",
     "what `aws ses' calls get",
     "The same as `mailfromctl get'.\n"
     "\n"
     "  --output json    what it prints in any case\n"
     "  --region REGION  identities of SES only from the section of this region\n",
     get_run},
    {"put-email-identity-mail-from-attributes",
     "--email-identity IDENTITY [--mail-from-domain D] [--behavior-on-mx-failure B]",
     "what `aws sesv2' calls put",
     "The same as `mailfromctl put'. As with `aws sesv2', the attributes are cleared if there is\n"
     "no --mail-from-domain, and nothing is printed.\n"
     "\n"
     "  --output json    is accepted\n"
     "  --region REGION  the section of this region, as --section with put\n",
     put_run},
};
enum {
    COMMANDS_COUNT = sizeof commands / sizeof commands[0],
    NAME_WIDTH = 13 /* the long names of AWS push their summaries aside */
};

const struct command *command_at(size_t index)
{
    return index < COMMANDS_COUNT ? &commands[index] : NULL;
}

const struct command *command_find(const char *name)
{
    for (size_t i = 0; i < COMMANDS_COUNT; i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    }
    return NULL;
}

bool command_unknown(const char *name, struct failure *why)
{
    struct nearest nearest = nearest_begin(name, strlen(name));

    for (size_t i = 0; i < COMMANDS_COUNT; i++)
        nearest_try(&nearest, commands[i].name);
    if (nearest.word == NULL)
        return failure_set(why, EX_USAGE, "no command `%.80s'; see `mailfromctl help'", name);
    return failure_set(why, EX_USAGE, "no command `%.80s'; did you mean `mailfromctl %s'?", name,
                       nearest.word);
}

/* text: to be freed, and what was made is written to out. */
static void write_filled(FILE *made, char *const *text, FILE *out)
{
    (void)fclose(made);
    help_text_write(out, *text);
    free(*text);
}

void command_print_help(const struct command *command, FILE *out)
{
    char *text;
    size_t size;
    FILE *made = open_memstream(&text, &size);

    if (made == NULL) {
        (void)fputs("mailfromctl: out of memory\n", stderr);
        return;
    }
    (void)fprintf(made, "Usage: mailfromctl [-c FILE] %s%s%s\n\n%c%s.\n", command->name,
                  command->synopsis[0] == '\0' ? "" : " ", command->synopsis,
                  command->summary[0] - 'a' + 'A', command->summary + 1);
    if (command->details[0] != '\0')
        (void)fprintf(made, "\n%s", command->details);
    write_filled(made, &text, out);
}

void command_print_overview(FILE *out)
{
    char *text;
    size_t size;
    FILE *made = open_memstream(&text, &size);

    if (made == NULL) {
        (void)fputs("mailfromctl: out of memory\n", stderr);
        return;
    }
    (void)fputs("Usage: mailfromctl [-c FILE] COMMAND [ARGUMENT...]\n"
                "\n"
                "Reads and edits the store from which mailfrom-milter answers.\n"
                "\n"
                "Commands:\n",
                made);
    for (size_t i = 0; i < COMMANDS_COUNT; i++) {
        bool fits = strlen(commands[i].name) < NAME_WIDTH;
        (void)fprintf(made, "  %-*s%s%s\n", NAME_WIDTH, commands[i].name, fits ? "" : "  ",
                      commands[i].summary);
    }
    (void)fputs(
        "\n"
        "Options:\n"
        "  -c, --config FILE  the settings file (default: " DEFAULT_SETTINGS_FILE ")\n"
        "  -h, --help         this; after a COMMAND, more about it\n"
        "  -V, --version      the version\n"
        "\n"
        "Exit codes are those of sysexits.h: 0 done, 64 wrong usage, 65 bad data, 66 no such\n"
        "file or store, 69 no such identity, 74 input or output error, 75 try again later, 76 an\n"
        "odd reply, 77 not permitted, 78 wrong settings.\n",
        made);
    write_filled(made, &text, out);
}

bool invocation_misused(const struct invocation *invocation, struct failure *why,
                        const char *format, ...)
{
    char text[FAILURE_TEXT_SIZE];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    return failure_set(why, EX_USAGE, "%s: %s; see `mailfromctl %s --help'",
                       invocation->command->name, text, invocation->command->name);
}

struct nearest command_nearest_option(const struct option *options, const char *argument)
{
    struct nearest nearest = nearest_begin(argument + 2, strcspn(argument + 2, "="));

    for (; options->name != NULL; options++)
        nearest_try(&nearest, options->name);
    return nearest;
}

/* What getopt_long did not take; for a short option, it is in optopt. */
static void refuse_option(const struct invocation *invocation, const struct option *options,
                          struct failure *why)
{
    const char *argument = invocation->argv[optind - 1];
    struct nearest nearest;

    if (strncmp(argument, "--", 2) != 0) {
        (void)invocation_misused(invocation, why, "unknown option -%c",
                                 optopt > ' ' && optopt < 0x7f ? optopt : '?');
        return;
    }
    nearest = command_nearest_option(options, argument);
    if (nearest.word == NULL)
        (void)invocation_misused(invocation, why, "wrong option %.80s", argument);
    else if (nearest.distance == 0)
        (void)invocation_misused(invocation, why, "--%s takes no value", nearest.word);
    else
        (void)invocation_misused(invocation, why, "wrong option %.80s; did you mean --%s?",
                                 argument, nearest.word);
}

int invocation_option(struct invocation *invocation, const struct option *options,
                      struct failure *why)
{
    int option = getopt_long(invocation->argc, invocation->argv, ":", options, NULL);

    if (option == ':')
        (void)invocation_misused(invocation, why, "%s needs a value", invocation->argv[optind - 1]);
    else if (option == '?')
        refuse_option(invocation, options, why);
    return option == ':' ? '?' : option;
}

bool invocation_part(const struct invocation *invocation, const char *const names[],
                     const char *choice, struct failure *why)
{
    const char *given = invocation->argc > 1 ? invocation->argv[1] : "";
    struct nearest nearest = nearest_begin(given, strlen(given));

    for (; *names != NULL; names++)
        nearest_try(&nearest, *names);
    if (nearest.word == NULL)
        return invocation_misused(invocation, why, "%s is missing", choice);
    return invocation_misused(invocation, why, "%.80s is unknown; did you mean %s?", given,
                              nearest.word);
}

bool invocation_json(struct invocation *invocation, const char *hint, bool *json,
                     struct failure *why)
{
    static const struct option options[] = {{"json", no_argument, NULL, 'j'}, {0}};
    int option;

    *json = false;
    while ((option = invocation_option(invocation, options, why)) != -1) {
        if (option == '?')
            return false;
        *json = true;
    }
    if (optind < invocation->argc)
        return invocation_misused(invocation, why, "%s is too much; %s", invocation->argv[optind],
                                  hint);
    return true;
}

bool invocation_settings(struct invocation *invocation, struct failure *why)
{
    return invocation->settings != NULL ||
           settings_read(&invocation->settings, invocation->settings_file, why);
}

/* A store that root makes, or finds to be root's, is to be that of mailfrom-sync's user. */
static bool provide_directory(const struct settings *settings, enum store_access access,
                              struct failure *why)
{
    return (access != STORE_WRITE ||
            store_directory_make(settings->store, settings->store_group, why)) &&
           store_directory_give(settings->store, settings->sync.user, why);
}

bool invocation_store(struct invocation *invocation, enum store_access access, struct store **store,
                      struct failure *why)
{
    if (!invocation_settings(invocation, why) ||
        (access != STORE_READ && !provide_directory(invocation->settings, access, why)) ||
        !store_open(store, invocation->settings->store, access, invocation->settings->store_group,
                    why))
        return false;
    if (store_has_room(*store, why))
        return true;
    store_close(*store);
    *store = NULL;
    return false;
}

void invocation_warn_of_empty_store(const struct invocation *invocation, struct store *store)
{
    struct failure ignored;
    uint64_t count;

    if (store_count(store, &count, &ignored) && count == 0)
        (void)fprintf(stderr,
                      "mailfromctl: warning: the store %s is empty now, and the milter does what "
                      "on-unavailable says\n",
                      invocation->settings->store);
}

bool help_run(struct invocation *invocation, struct failure *why)
{
    const struct command *command;

    if (invocation->argc > 2)
        return invocation_misused(invocation, why, "one COMMAND at a time");
    if (invocation->argc < 2) {
        command_print_overview(stdout);
        return true;
    }
    command = command_find(invocation->argv[1]);
    if (command == NULL)
        return command_unknown(invocation->argv[1], why);
    command_print_help(command, stdout);
    return true;
}
