/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/settings_schema.h"
#include "common/reply.h"

#include <stddef.h>
#include <string.h>

/* Indexed by enum verdict; the custom domain is nothing to fall back on. */
static const char *const policy_words[VERDICT_COUNT] = {
    [VERDICT_PASS] = "pass",
    [VERDICT_DEFAULT] = "default",
    [VERDICT_REJECT] = "reject",
    [VERDICT_DEFER] = "defer",
};
static const char *const identity_from_words[] = {"header", "envelope"};
static const char *const mode_words[] = {"enforce", "monitor"};
static const char *const temporary_failure_words[] = {"reject", "defer"};

#define AT(field)    offsetof(struct settings, field)
#define WORDS(table) .words = (table), .word_count = sizeof(table) / sizeof *(table)

const struct setting settings_schema[] = {
    {NULL, "store", TYPE_PATH, DEFAULT_STORE, AT(store),
     .help = "The directory of the store, which all three programs share."},
    {NULL, "store-group", TYPE_TEXT, "", AT(store_group),
     .help = "The group that a newly made store belongs to; others cannot read it."},
    {NULL, "default-mail-from-domain", TYPE_DOMAIN, "", AT(default_mail_from_domain),
     .help = "The default MAIL FROM domain; without one, mail that it is due passes unchanged."},
    {"milter", "socket", TYPE_SOCKET, "inet:8899@127.0.0.1", AT(milter.socket),
     .help = "Where the MTA connects: unix:/path, inet:port@host, inet6:port@host, or fd:3 for "
             "socket activation."},
    {"milter", "socket-mode", TYPE_MODE, "0660", AT(milter.socket_mode),
     .help = "Permissions of a unix socket."},
    {"milter", "socket-group", TYPE_TEXT, "", AT(milter.socket_group),
     .help = "Group of a unix socket, so that the MTA may connect."},
    {"milter", "user", TYPE_TEXT, "", AT(milter.user),
     .help = "The user to become once the socket is open, if started as root."},
    {"milter", "identity-from", TYPE_WORD, "header", AT(milter.identity_from),
     WORDS(identity_from_words),
     .help = "Whose identity counts: the mailbox of the From header (the envelope sender where "
             "there is none), or always the envelope sender."},
    {"milter", "outbound-networks", TYPE_NETWORKS, "127.0.0.0/8 ::1/128",
     AT(milter.outbound_networks),
     .help = "Clients whose mail is outbound, beside local submissions."},
    {"milter", "outbound-authenticated", TYPE_SWITCH, "true", AT(milter.outbound_authenticated),
     .help = "Is mail of authenticated sessions outbound?"},
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
};

const size_t settings_schema_count = sizeof settings_schema / sizeof *settings_schema;
_Static_assert(sizeof settings_schema / sizeof *settings_schema <= SETTINGS_COUNT_MAX,
               "settings.c has room for all");

const char *const settings_sections[SETTINGS_SECTION_COUNT] = {"milter"};

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

void *setting_slot(struct settings *settings, const struct setting *setting)
{
    return (char *)settings + setting->offset;
}
