/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Is what the milter answers from there, readable for it, and kept up to date?
 */
#include "ctl/check.h"

#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "common/instance.h"
#include "common/moment.h"
#include "common/store_directory.h"
#include "common/word.h"
#include "ctl/permission.h"
#include "ctl/section.h"
#include "ctl/source.h"
#include "ctl/store_care.h"

/* mailfrom-sync may be this late: a large account takes its time. Seconds, milliseconds. */
static const int64_t late = 900;
static const int64_t failing_long = 600000;

static void put(const struct check *check, enum finding_level level, const char *word,
                struct finding *finding)
{
    finding->level = level;
    finding->check = word;
    findings_put(check->findings, finding);
}

struct count {
    int64_t now; /* seconds, as in the records */
    uint64_t all;
    uint64_t expired;
    uint64_t overdue;
    int64_t most_overdue; /* since when */
    uint64_t local;       /* with a MAIL FROM domain */
};

static bool count_record(void *context, const char *key, const struct mail_from *record)
{
    struct count *count = context;
    int64_t due = record->refresh_after;

    (void)key;
    count->all++;
    count->local += record->source == MAIL_FROM_LOCAL && record->domain[0] != '\0';
    count->expired += record->expire_after != 0 && count->now > record->expire_after;
    if (due == 0 || count->now - due < late)
        return true;
    count->overdue++;
    if (count->most_overdue == 0 || due < count->most_overdue)
        count->most_overdue = due;
    return true;
}

static void tell_count(const struct check *check, const struct count *count)
{
    struct finding finding = {.subject = "store"};
    char age[MOMENT_AGE_SIZE];

    if (count->all == 0) {
        finding_found(&finding, "%s has no record, so the milter does what on-unavailable says",
                      check->settings->store);
        finding_advise(&finding, "see mailfromctl import, and mailfromctl put");
        put(check, FINDING_ERROR, "store", &finding);
    } else if (count->expired > 0) {
        finding_found(&finding, "%" PRIu64 " of %" PRIu64 " %s expired", count->expired, count->all,
                      word_for(count->all, "record has", "records have"));
        finding_advise(&finding, "see mailfromctl status, then mailfromctl refresh");
        put(check, FINDING_ERROR, "store", &finding);
    } else if (count->overdue > 0) {
        moment_age(count->most_overdue, count->now, age);
        finding_found(&finding, "%" PRIu64 " of %" PRIu64 " %s due since up to %s", count->overdue,
                      count->all, word_for(count->all, "record is", "records are"), age);
        finding_advise(&finding, "see mailfromctl status");
        put(check, FINDING_WARNING, "store", &finding);
    } else {
        finding_found(&finding, "%s has %" PRIu64 " record%s, none out of date",
                      check->settings->store, count->all, count->all == 1 ? "" : "s");
        put(check, FINDING_OK, "store", &finding);
    }
}

static void tell_sync(const struct check *check, const struct count *count)
{
    struct finding finding = {.subject = "mailfrom-sync"};
    struct instance sync;
    struct failure why;

    if (check->settings->ses_count == 0 && count->local == 0)
        return;
    if (!instance_find(&sync, check->settings->store, &why)) {
        finding_found(&finding, "%s", why.text);
        put(check, FINDING_ERROR, "sync", &finding);
    } else if (sync.runs) {
        finding_found(&finding, "is alive");
        put(check, FINDING_OK, "sync", &finding);
    } else {
        finding_found(&finding, "does not run, so records do not follow %s",
                      check->settings->ses_count > 0 ? "SES" : "the DNS");
        finding_advise(&finding, "start mailfrom-sync, or see its log");
        put(check, FINDING_ERROR, "sync", &finding);
    }
}

static void tell_silent(const struct check *check, const struct source *source)
{
    struct finding finding = {.subject = "mailfrom-sync"};
    char name[SECTION_NAME_SIZE];

    if (!source_is_kept(source) || !source->silent)
        return;
    finding_found(&finding, "runs, but says nothing of %s",
                  source->section != NULL ? section_name(source->title, name) : "local");
    finding_advise(&finding, "reload it, or see its log");
    put(check, FINDING_ERROR, "sync", &finding);
}

static void tell_failing(const struct check *check, const struct source *source)
{
    struct finding finding = {.subject = "mailfrom-sync"};
    const struct source_state *state = &source->state;
    char name[SECTION_NAME_SIZE];
    char age[MOMENT_AGE_SIZE];

    if (source->section == NULL || state->failing_since == 0)
        return;
    moment_age(state->failing_since / 1000, check->now / 1000, age);
    finding_found(&finding, "%s fails for %s: %s", section_name(source->title, name), age,
                  state->last_error);
    put(check, check->now - state->failing_since < failing_long ? FINDING_WARNING : FINDING_ERROR,
        "sync", &finding);
}

static void tell_orphaned(const struct check *check, const struct source *source)
{
    struct finding finding = {.subject = "settings"};
    char name[SECTION_NAME_SIZE];

    if (source->kind != MAIL_FROM_SES || source->section != NULL)
        return;
    finding_found(&finding, "%" PRIu64 " %s of %s, which is not there: nobody refreshes what is",
                  source->count.all, word_for(source->count.all, "record is", "records are"),
                  section_name(source->title, name));
    finding_advise(&finding, "put the section back, or remove the records");
    put(check, FINDING_ERROR, "settings", &finding);
}

static void tell_sources(const struct check *check)
{
    struct finding finding = {.subject = "store"};
    struct sources sources = {0};
    struct failure why;
    bool good = sources_read(&sources, check->settings, check->store, check->now, &why);

    for (size_t i = 0; good && i < sources.count; i++) {
        tell_silent(check, &sources.list[i]);
        tell_failing(check, &sources.list[i]);
        tell_orphaned(check, &sources.list[i]);
    }
    if (!good) {
        finding_found(&finding, "%s", why.text);
        put(check, FINDING_ERROR, "store", &finding);
    }
    sources_reset(&sources);
}

static void tell_expected_mx(const struct check *check, const struct count *count)
{
    struct finding finding = {.subject = "settings"};

    if (count->local == 0 || check->settings->local.expected_mx.count > 0)
        return;
    finding_found(&finding,
                  "%" PRIu64 " local record%s a MAIL FROM domain, and nothing is looked up",
                  count->local, count->local == 1 ? " has" : "s have");
    finding_expected(&finding, "expected-mx in section local");
    finding_advise(&finding, "name there the hosts that take the bounces");
    put(check, FINDING_ERROR, "settings", &finding);
}

/* The milter only reads the records, but as all readers of LMDB it writes the lock file. */
static bool may_use(const struct permission_user *user, const char *directory, struct failure *why)
{
    char path[PATH_MAX];

    (void)snprintf(path, sizeof path, "%s/%s", directory, store_data_file);
    if (!permission_holds(user, path, MAY_READ, why))
        return false;
    (void)snprintf(path, sizeof path, "%s/%s", directory, store_lock_file);
    return permission_holds(user, path, MAY_READ | MAY_WRITE, why);
}

/* Who can change the directory can put another file into its place. */
static bool may_write(const struct permission_user *user, const char *directory)
{
    struct failure unused;
    char path[PATH_MAX];

    (void)snprintf(path, sizeof path, "%s/%s", directory, store_data_file);
    return permission_holds(user, path, MAY_WRITE, &unused) ||
           permission_holds(user, directory, MAY_WRITE, &unused);
}

static void tell_write_permission(const struct check *check, const struct permission_user *user)
{
    const char *store = check->settings->store;
    struct finding finding = {.subject = "store"};
    struct stat status;

    if (stat(store, &status) == 0 && status.st_uid == user->uid) {
        finding_found(&finding,
                      "the milter's user %s owns it, so whoever takes the milter over may "
                      "change it",
                      user->name);
        finding_advise(&finding, "give it to a user of mailfrom-sync's own: chown -R USER %s",
                       store);
    } else {
        finding_found(&finding,
                      "the milter's user %s may write to it, so whoever takes the milter "
                      "over may change it",
                      user->name);
        finding_advise(&finding, "take write permission for data.mdb and the directory from that "
                                 "user: see close-store in doc/systemd.md");
    }
    put(check, FINDING_WARNING, "permission", &finding);
}

static void tell_permission(const struct check *check)
{
    const char *name = check->settings->milter.user;
    struct finding finding = {.subject = "store"};
    struct permission_user user;
    struct failure why;

    if (*name == '\0')
        return;
    if (!permission_user_read(&user, name, &why)) {
        finding_found(&finding, "user of the milter: %s", why.text);
        put(check, FINDING_ERROR, "permission", &finding);
    } else if (may_use(&user, check->settings->store, &why)) {
        if (user.uid != 0 && may_write(&user, check->settings->store)) {
            tell_write_permission(check, &user);
            return;
        }
        finding_found(&finding, "the milter's user %s may use it", name);
        put(check, FINDING_OK, "permission", &finding);
    } else {
        finding_found(&finding, "the milter's user %s may not use it: %s", name, why.text);
        finding_advise(&finding,
                       "give directory and files to the milter's group: chgrp -R GROUP "
                       "%s",
                       check->settings->store);
        put(check, FINDING_ERROR, "permission", &finding);
    }
}

static void tell_care(const struct check *check)
{
    struct store_care care;
    struct failure why;

    if (!store_care_look(&care, check->store, check->settings->store, &why))
        return; /* the records have told it */
    for (size_t i = 0; i < care.count; i++) {
        struct finding finding = {.subject = "store"};
        finding_found(&finding, "%s", care.concerns[i].found);
        finding_advise(&finding, "%s", care.concerns[i].advice);
        put(check, FINDING_WARNING, "store", &finding);
    }
}

void check_store(const struct check *check)
{
    struct count count = {.now = check->now / 1000};
    struct finding finding = {.subject = "store"};
    struct failure why;

    if (!store_each(check->store, count_record, &count, &why)) {
        finding_found(&finding, "%s", why.text);
        put(check, FINDING_ERROR, "store", &finding);
        return;
    }
    tell_count(check, &count);
    tell_care(check);
    tell_permission(check);
    tell_sync(check, &count);
    tell_sources(check);
    tell_expected_mx(check, &count);
}
