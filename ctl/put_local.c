/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/put.h"

#include <sysexits.h>

#include "common/moment.h"
#include "ctl/local_record.h"
#include "ctl/terminal.h"

struct setting {
    const struct put *put;
    struct mail_from record;
    enum local_record_change change;
    bool switched; /* feedback forwarding was */
};

static bool set(struct store *store, void *context, struct failure *why)
{
    struct setting *setting = context;
    const struct put *put = setting->put;
    struct mail_from *record = &setting->record;
    enum store_result result = store_get(store, put->identity.text, record, why);

    if (result == STORE_FAILED)
        return false;
    if (result == STORE_NOT_FOUND || record->source != MAIL_FROM_LOCAL)
        return failure_set(why, EX_TEMPFAIL,
                           "\"%s\" has just been removed or given back: try again",
                           put->identity.text);
    setting->change = LOCAL_RECORD_SAME;
    if (put->sets_attributes)
        setting->change = local_record_put(record, put->domain, put->behavior, put->force,
                                           moment_milliseconds() / 1000);
    setting->switched =
        put->sets_feedback && local_record_switch_feedback(record, put->feedback_off);
    return (setting->change == LOCAL_RECORD_SAME && !setting->switched) ||
           store_put(store, put->identity.text, record, why);
}

static void tell_feedback(const struct setting *setting)
{
    char text[TERMINAL_TEXT_SIZE];
    const char *key = terminal_name(setting->put->identity.text, text);
    const char *word = setting->put->feedback_off ? "off" : "on";

    if (!setting->switched)
        (void)printf("%s has feedback forwarding %s already: nothing was changed\n", key, word);
    else if (setting->change == LOCAL_RECORD_SAME)
        (void)printf("%s now has feedback forwarding %s; nothing else was changed\n", key, word);
    else
        (void)printf("%s now has feedback forwarding %s\n", key, word);
}

static void tell_attributes(const struct setting *setting)
{
    const struct mail_from *record = &setting->record;
    char text[TERMINAL_TEXT_SIZE];
    const char *key = terminal_name(setting->put->identity.text, text);
    const char *behavior = mail_from_behavior_words[record->behavior];
    const char *status = mail_from_status_words[record->status];

    switch (setting->change) {
    case LOCAL_RECORD_SAME:
        if (record->domain[0] == '\0')
            (void)printf("%s has no MAIL FROM domain: nothing was changed\n", key);
        else
            (void)printf("%s has MAIL FROM domain %s in status %s and %s already: nothing was "
                         "changed (--force sets it anew, and begins at Pending)\n",
                         key, record->domain, status, behavior);
        break;
    case LOCAL_RECORD_BEHAVIOR:
        (void)printf("%s now has %s; its MAIL FROM domain %s stays in status %s\n", key, behavior,
                     record->domain, status);
        break;
    case LOCAL_RECORD_ANEW:
        (void)printf("%s now has MAIL FROM domain %s and %s; it is Pending until mailfrom-sync "
                     "finds the MX record (`mailfromctl records %s')\n",
                     key, record->domain, behavior, key);
        break;
    case LOCAL_RECORD_CLEARED:
        (void)printf("%s has no MAIL FROM domain any more\n", key);
        break;
    }
}

/* What was changed; if nothing was, one line says so. */
static void tell(const struct setting *setting)
{
    bool same = setting->change == LOCAL_RECORD_SAME;

    if (setting->put->sets_attributes && !(same && setting->switched))
        tell_attributes(setting);
    if (setting->switched || !setting->put->sets_attributes)
        tell_feedback(setting);
}

bool put_local(const struct put *put, const struct settings *settings, struct store *store,
               struct failure *why)
{
    struct setting setting = {.put = put};

    if (put->section != NULL)
        return failure_set(why, EX_USAGE, "\"%s\" is local: it belongs to no section `ses'",
                           put->identity.text);
    if (!store_update(store, set, &setting, why))
        return false;
    if (!put->quiet)
        tell(&setting);
    if (setting.change == LOCAL_RECORD_ANEW && settings->local.expected_mx.count == 0)
        (void)fputs("mailfromctl: warning: expected-mx in the section local of the settings is "
                    "empty, so nothing is checked and it stays Pending\n",
                    stderr);
    return true;
}
