/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/settings_schema.h"
#include "common/reply.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* Indexed by enum verdict; the custom domain is nothing to fall back on. */
static const char *const policy_words[VERDICT_COUNT] = {
    [VERDICT_PASS] = "pass",
    [VERDICT_DEFAULT] = "default",
    [VERDICT_REJECT] = "reject",
    [VERDICT_DEFER] = "defer",
};
static const char *const identity_from_words[] = {"header", "envelope"};
static const char *const mx_match_words[] = {"exactly-one", "only-these", "any-of-these"};
static const char *const mode_words[] = {"enforce", "monitor"};
static const char *const temporary_failure_words[] = {"reject", "defer"};
static const char *const return_tag_words[] = {"always", "foreign-only"};
static const char *const unreturnable_words[] = {"send", "reject"};
static const char *const accept_from_words[] = {"any", "null"};

#define AT(field)              offsetof(struct settings, field)
#define IN_SES(field)          offsetof(struct settings_ses, field)
#define WORDS(table)           .words = (table), .word_count = sizeof(table) / sizeof *(table)
#define RANGE(lowest, highest) .minimum = (lowest), .maximum = (highest)

const struct setting settings_schema[] = {
    {NULL, "store", TYPE_PATH, DEFAULT_STORE, AT(store),
     .help = "The directory of the store, which all three programs share."},
    {NULL, "store-group", TYPE_TEXT, "", AT(store_group),
     .help = "The group that a newly made store belongs to; others cannot read it."},
    {NULL, "default-mail-from-domain", TYPE_DOMAIN, "", AT(default_mail_from_domain),
     .help = "The default MAIL FROM domain; without one, mail that it is due passes unchanged."},
    {NULL, "rewrite", TYPE_SWITCH, "true", AT(rewrite),
     .help =
         "Move the envelope sender of imported identities to the MAIL FROM domain. Sections ses "
         "and local have a setting of their own."},
    {NULL, "seccomp", TYPE_SWITCH, "true", AT(seccomp),
     .help = "Do mailfrom-milter and mailfrom-sync give up the system calls that they do not need? "
             "Programs that mailfrom-sync runs then cannot use sudo or sendmail."},
    {NULL, "log-format", TYPE_WORD, "logfmt", AT(log_format), WORDS(log_format_words),
     .help = "The lines of the daemons in the log: text with name=value, or an object of JSON "
             "each."},
    {NULL, "log-level", TYPE_WORD, "info", AT(log_level), WORDS(log_threshold_words),
     .help = "What is logged: this and all that weighs more. The line of each message is info."},
    {"milter", "socket", TYPE_SOCKET, "unix:/run/mailfrom-milter/milter.sock", AT(milter.socket),
     .help = "Where the MTA connects: unix:/path, inet:port@host, inet6:port@host, or fd:3 for "
             "socket activation. The default is for Sendmail; for Postfix, whose smtpd may be in a "
             "chroot, unix:/var/spool/postfix/mailfrom-milter/milter.sock."},
    {"milter", "socket-mode", TYPE_MODE, "0660", AT(milter.socket_mode),
     .help = "Permissions of a unix socket."},
    {"milter", "socket-group", TYPE_TEXT, "", AT(milter.socket_group),
     .help = "Group of a unix socket, so that the MTA may connect: postfix for Postfix. Sendmail "
             "connects as root."},
    {"milter", "user", TYPE_TEXT, "", AT(milter.user),
     .help = "The user to become once the socket is open, if started as root."},
    {"milter", "identity-from", TYPE_WORD, "header", AT(milter.identity_from),
     WORDS(identity_from_words),
     .help = "Whose identity counts: the mailbox of the From header (the envelope sender where "
             "there is none), or always the envelope sender."},
    {"milter", "outbound-networks", TYPE_NETWORKS, "{\"127.0.0.0/8\", \"::1/128\"}",
     AT(milter.outbound_networks),
     .help = "Clients whose mail is outbound, beside local submissions."},
    {"milter", "outbound-authenticated", TYPE_SWITCH, "true", AT(milter.outbound_authenticated),
     .help = "Is mail of authenticated sessions outbound?"},
    {"milter", "reinjection-ports", TYPE_PORTS, "{}", AT(milter.reinjection_ports),
     .help = "Ports of the MTA where a content filter hands mail back, as in {\"10025\"}. That has "
             "been judged when it came in, and passes; it would count as outbound mail of this "
             "machine."},
    {"milter", "on-unknown-identity", TYPE_WORD, "pass", AT(milter.on_unknown_identity),
     WORDS(policy_words), .help = "Verdict where no verified identity covers the sender."},
    {"milter", "on-unavailable", TYPE_WORD, "defer", AT(milter.on_unavailable), WORDS(policy_words),
     .help = "Verdict while the store is missing, empty or damaged."},
    {"milter", "on-expired", TYPE_WORD, "defer", AT(milter.on_expired), WORDS(policy_words),
     .help = "Verdict where what is known of the identity is out of date."},
    {"milter", "temporary-failure", TYPE_WORD, "reject", AT(milter.temporary_failure),
     WORDS(temporary_failure_words),
     .help = "Verdict for status TemporaryFailure with RejectMessage."},
    {"milter", "mode", TYPE_WORD, "enforce", AT(milter.mode), WORDS(mode_words),
     .help = "monitor logs each verdict and changes nothing."},
    {"milter", "reject-reply", TYPE_REJECT_REPLY, reply_default_reject, AT(milter.reject_reply),
     .help = "The reply for the verdict reject. Placeholders: {identity}, {mail-from-domain}, "
             "{status}, {reason}, {explanation}, {sender}, {from}."},
    {"milter", "defer-reply", TYPE_DEFER_REPLY, reply_default_defer, AT(milter.defer_reply),
     .help = "The reply for the verdict defer; placeholders as above."},
    {"milter", "strip-label", TYPE_SWITCH, "true", AT(milter.strip_label),
     .help = "Does user+label@domain stand for the identity user@domain?"},
    {"milter", "metrics", TYPE_LISTEN, "", AT(milter.metrics),
     .help = "Where /metrics, /healthz, /readyz and /stats are served over HTTP, as in "
             "\"127.0.0.1:9895\" or \"[::1]:9895\"; nowhere by default."},
    {"milter", "metrics-remote", TYPE_SWITCH, "false", AT(milter.metrics_remote),
     .help = "May that be an address that other machines reach? Nobody is asked for a password; "
             "/stats, which names identities, is for this machine all the same."},
    {"sync", "user", TYPE_TEXT, "", AT(sync.user),
     .help =
         "The user that mailfrom-sync becomes, if started as root, and whose AWS files it reads."},
    {"ses", "region", TYPE_TEXT, "", IN_SES(region),
     .help = "The region, as in eu-west-1; without one, what the AWS environment or profile says."},
    {"ses", "profile", TYPE_TEXT, "", IN_SES(profile),
     .help = "The profile in the AWS config and credentials files; without one, the credentials "
             "that the AWS tools would find."},
    {"ses", "endpoint", TYPE_URL, "", IN_SES(endpoint),
     .help = "The URL to call instead of that of the region; plain http to a loopback address "
             "only."},
    {"ses", "identities", TYPE_IDENTITIES, "{}", IN_SES(identities),
     .help = "The identities to keep; without any, all of the account."},
    {"ses", "rewrite", TYPE_SWITCH, "true", IN_SES(rewrite),
     .help = "Move the envelope sender to the MAIL FROM domain. false refuses mail where that is "
             "due, and else leaves the sender alone: for a gateway in front of SES, which replaces "
             "the sender itself and sends its notifications to the one that it is given."},
    {"ses", "requests-per-second", TYPE_RATE, "0.8", IN_SES(requests_per_second),
     RANGE("0.01", "1000"),
     .help = "How fast SES is called. An account has 1 a second, and others use it too."},
    {"ses", "list-every", TYPE_DURATION, "1m", IN_SES(list_every), RANGE("100ms", "1d"),
     .help = "How often the identities of the account are listed."},
    {"ses", "refresh-after", TYPE_DURATION, "1h", IN_SES(refresh_after), RANGE("100ms", "30d"),
     .help = "How long attributes are good before they are fetched again, in the states that "
             "last: Success, Failed, and without a custom MAIL FROM domain."},
    {"ses", "refresh-unsettled-after", TYPE_DURATION, "1m", IN_SES(refresh_unsettled_after),
     RANGE("100ms", "30d"), .help = "The same for Pending and TemporaryFailure."},
    {"ses", "expire-after", TYPE_DURATION, "7d", IN_SES(expire_after), RANGE("1s", "365d"),
     .help = "How long attributes count while SES cannot be asked; after that, on-expired says "
             "what happens."},
    {"ses", "connect-timeout", TYPE_DURATION, "5s", IN_SES(connect_timeout), RANGE("100ms", "5m"),
     .help = "For a connection to SES."},
    {"ses", "timeout", TYPE_DURATION, "30s", IN_SES(timeout), RANGE("100ms", "10m"),
     .help = "For a whole call."},
    {"ses", "ca-file", TYPE_PATH, "", IN_SES(ca_file),
     .help = "The CA certificates that the endpoint is checked with; without a file, those of the "
             "system."},
    {"ses", "on-transition", TYPE_PATH, "", IN_SES(on_transition),
     .help = "A program that is run when the status of an identity changes, with "
             "MAILFROM_IDENTITY, MAILFROM_OLD_STATUS, MAILFROM_NEW_STATUS, MAILFROM_DOMAIN, "
             "MAILFROM_SECTION and MAILFROM_REASON in its environment."},
    {"ses", "on-transition-timeout", TYPE_DURATION, "30s", IN_SES(on_transition_timeout),
     RANGE("100ms", "1h"), .help = "How long that program may take before it is killed."},
    {"local", "expected-mx", TYPE_DOMAINS, "{}", AT(local.expected_mx),
     .help = "The mail servers that a MAIL FROM domain has to point to with its MX record; without "
             "any, nothing is checked."},
    {"local", "rewrite", TYPE_SWITCH, "true", AT(local.rewrite),
     .help = "As in section ses, for identities of this gateway's own."},
    {"local", "match", TYPE_WORD, "exactly-one", AT(local.match), WORDS(mx_match_words),
     .help = "exactly-one, as SES has it: a single MX, one of those. only-these: one or more of "
             "them and no other. any-of-these: one of them, whatever else is there."},
    {"local", "nameservers", TYPE_SERVERS, "{}", AT(local.nameservers),
     .help = "The resolvers to ask, as \"192.0.2.1\", \"192.0.2.1:5353\", "
             "\"[2001:db8::1]:5353\" or \"fe80::1%eth0\"; without any, those of "
             "/etc/resolv.conf, also when it changes."},
    {"local", "pending-interval", TYPE_DURATION, "5m", AT(local.pending_interval),
     RANGE("1s", "1d"),
     .help = "How often the MX is looked up in the states Pending and TemporaryFailure, and after "
             "a look-up that said nothing definite."},
    {"local", "success-interval", TYPE_DURATION, "1h", AT(local.success_interval),
     RANGE("1s", "30d"), .help = "The same in the state Success."},
    {"local", "pending-window", TYPE_DURATION, "72h", AT(local.pending_window), RANGE("1s", "365d"),
     .help = "How long Pending lasts without the MX before it becomes Failed."},
    {"local", "temporary-failure-window", TYPE_DURATION, "72h", AT(local.temporary_failure_window),
     RANGE("1s", "365d"), .help = "The same for TemporaryFailure."},
    {"local", "indeterminate-grace", TYPE_DURATION, "24h", AT(local.indeterminate_grace),
     RANGE("1s", "365d"),
     .help = "How long time-outs, SERVFAIL and the like change nothing; after that they count as "
             "a missing MX. It must be longer than pending-interval and timeout together."},
    {"local", "recheck-failed", TYPE_SWITCH, "false", AT(local.recheck_failed),
     .help = "Is the MX looked up in the state Failed too, every success-interval, and leads back "
             "to Success? SES wants a new put."},
    {"local", "concurrency", TYPE_NUMBER, "100", AT(local.concurrency), RANGE("1", "1000"),
     .help = "How many look-ups may wait for an answer at a time."},
    {"local", "queries-per-second", TYPE_RATE, "100", AT(local.queries_per_second),
     RANGE("0.1", "10000"),
     .help = "How many queries go out a second, whatever they are for: also those that repeat "
             "another, or go to another server. 1000000 identities each hour take 300."},
    {"local", "timeout", TYPE_DURATION, "5s", AT(local.timeout), RANGE("100ms", "1m"),
     .help = "For an answer to a look-up."},
    {"local", "on-transition", TYPE_PATH, "", AT(local.on_transition),
     .help = "As in section ses, for identities of this gateway's own; MAILFROM_FOUND says what "
             "the look-up brought."},
    {"local", "on-transition-timeout", TYPE_DURATION, "30s", AT(local.on_transition_timeout),
     RANGE("100ms", "1h"), .help = "How long that program may take before it is killed."},
    {"return-path", "socket", TYPE_SOCKET, "", AT(return_path.socket),
     .help = "Where the MTA asks for return paths, with Postfix's socketmap: or Sendmail's socket "
             "map; the forms are those of the milter's socket."},
    {"return-path", "socket-mode", TYPE_MODE, "0660", AT(return_path.socket_mode),
     .help = "Permissions of a unix socket."},
    {"return-path", "socket-group", TYPE_TEXT, "", AT(return_path.socket_group),
     .help = "Group of a unix socket, so that the MTA may connect."},
    {"return-path", "secrets-file", TYPE_PATH, "", AT(return_path.secrets_file),
     .help = "The file of secrets that sign return paths, one per line; the first one signs. "
             "`mailfromctl return-path key new` creates it. Without it, nothing is signed."},
    {"return-path", "lifetime", TYPE_DURATION, "21d", AT(return_path.lifetime), RANGE("1d", "365d"),
     .help = "How long bounces are accepted after a message was sent, in whole days."},
    {"return-path", "tag", TYPE_WORD, "always", AT(return_path.tag), WORDS(return_tag_words),
     .help = "always signs every return path. foreign-only leaves the local part as it is where "
             "the sender is in the identity's own domain, and accepts bounces to it unsigned."},
    {"return-path", "return-domains", TYPE_DOMAINS, "{}", AT(return_path.return_domains),
     .help = "Domains of other original senders that are common here, such as the host names of "
             "web servers: their return paths get shorter. 16 at most."},
    {"return-path", "on-unreturnable", TYPE_WORD, "send", AT(return_path.on_unreturnable),
     WORDS(unreturnable_words),
     .help = "What happens to a message whose signed return path would be longer than 64 octets: "
             "send it unsigned, or reject it."},
    {"return-path", "accept-from", TYPE_WORD, "any", AT(return_path.accept_from),
     WORDS(accept_from_words),
     .help = "Who may write to a return path: anyone, as automatic replies do, or bounces (the "
             "null sender) only."},
    {"return-path", "postmaster", TYPE_ADDRESS, "postmaster", AT(return_path.postmaster),
     .help = "Where mail for postmaster and abuse at a MAIL FROM domain goes."},
    {"return-path", "feedback-address", TYPE_ADDRESS, "", AT(return_path.feedback_address),
     .help = "Where bounces go for identities whose feedback forwarding is off; without an "
             "address, they are refused."},
};

const size_t settings_schema_count = sizeof settings_schema / sizeof *settings_schema;
_Static_assert(sizeof settings_schema / sizeof *settings_schema <= SETTINGS_COUNT_MAX,
               "settings.c has room for all");

const struct settings_section settings_sections[SETTINGS_SECTION_COUNT] = {
    {"milter", false, NULL},
    {"sync", false, NULL},
    {"local", false,
     "Identities whose attributes are set here, with mailfromctl put, and whose MX records "
     "mailfrom-sync looks up, as SES does for its own."},
    {"return-path", false,
     "The way back for bounces, on a gateway that delivers mail itself: return paths are signed, "
     "and the MTA asks here where a bounce belongs. Needs lines in the MTA's settings."},
    {"ses", true,
     "An AWS account and region, whose identities mailfrom-sync keeps in the store. For several, "
     "each has a title, as in ses \"eu\" { .. }; of an identity that two have, the first one "
     "counts."},
};

bool setting_is_in(const struct setting *setting, const char *section)
{
    if (setting->section == NULL || section == NULL)
        return setting->section == section;
    return strcmp(setting->section, section) == 0;
}

const struct setting *setting_find(const char *section, const char *name)
{
    for (size_t i = 0; i < settings_schema_count; i++) {
        if (setting_is_in(&settings_schema[i], section) &&
            strcmp(settings_schema[i].name, name) == 0)
            return &settings_schema[i];
    }
    return NULL;
}

void *setting_slot(void *base, const struct setting *setting)
{
    return (char *)base + setting->offset;
}

const void *setting_value(const void *base, const struct setting *setting)
{
    return (const char *)base + setting->offset;
}

static bool is_in_ses(const struct setting *setting)
{
    return setting_is_in(setting, "ses");
}

static bool set_defaults(void *base, bool in_ses)
{
    struct failure why;

    for (size_t i = 0; i < settings_schema_count; i++) {
        if (is_in_ses(&settings_schema[i]) == in_ses &&
            !setting_set_default(base, &settings_schema[i], &why))
            return false;
    }
    return true;
}

static void free_values(void *base, bool in_ses)
{
    for (size_t i = 0; i < settings_schema_count; i++) {
        if (is_in_ses(&settings_schema[i]) == in_ses)
            setting_free(base, &settings_schema[i]);
    }
}

struct settings *settings_default(void)
{
    struct settings *settings = calloc(1, sizeof *settings);

    if (settings != NULL && !set_defaults(settings, false)) {
        settings_free(settings);
        settings = NULL;
    }
    return settings;
}

struct settings_ses *settings_ses_of(struct settings *settings, const char *title)
{
    struct settings_ses *ses;

    for (size_t i = 0; i < settings->ses_count; i++) {
        if (strcmp(settings->ses[i].title, title) == 0)
            return &settings->ses[i];
    }
    ses = reallocarray(settings->ses, settings->ses_count + 1, sizeof *ses);
    if (ses == NULL)
        return NULL;
    settings->ses = ses;
    ses += settings->ses_count++;
    memset(ses, 0, sizeof *ses);
    ses->title = strdup(title);
    return ses->title != NULL && set_defaults(ses, true) ? ses : NULL;
}

void settings_free(struct settings *settings)
{
    if (settings == NULL)
        return;
    for (size_t i = 0; i < settings->ses_count; i++) {
        free_values(&settings->ses[i], true);
        free(settings->ses[i].title);
    }
    free(settings->ses);
    free_values(settings, false);
    free(settings);
}
