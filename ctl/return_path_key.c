/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The secrets that sign return paths: created, put first, and listed. People know them by their
 * ids; no secret is ever shown.
 */
#include "ctl/return_path.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>
#include <sysexits.h>
#include <time.h>

#include "common/moment.h"
#include "ctl/json_out.h"
#include "ctl/return_view.h"
#include "ctl/rotation.h"
#include "ctl/secrets_file.h"

enum { SECRET_OCTETS = 32, SECRET_SIZE = 2 * SECRET_OCTETS + 1 };

static int64_t today(void)
{
    return return_path_day((int64_t)time(NULL));
}

/* --- changing the file --- */

/* One change: what was there, what is there now. */
struct key_change {
    const struct settings *settings;
    struct secrets_file file;
    struct return_secrets *before;
    struct return_secrets *after;
};

static bool change_begin(struct key_change *change, struct invocation *invocation,
                         struct failure *why)
{
    const char *path;

    *change = (struct key_change){.file.directory = -1};
    if (!return_view_file(&path, invocation, why))
        return false;
    change->settings = invocation->settings;
    if (!secrets_file_open(&change->file, path, change->settings->milter.user, why) ||
        !secrets_file_read(&change->file, &change->before, why))
        return false;
    change->after = return_secrets_new();
    return change->after != NULL || failure_set(why, EX_OSERR, "out of memory");
}

static void change_end(struct key_change *change)
{
    return_secrets_free(change->after);
    return_secrets_free(change->before);
    secrets_file_close(&change->file);
}

/* From now on addresses come back that the index of the store has to know of. */
static void prepare_store(const struct settings *settings)
{
    struct store *store = NULL;
    struct failure why;

    if (!store_open(&store, settings->store, STORE_UPDATE, settings->store_group, &why) &&
        why.exit_code != EX_NOINPUT)
        (void)fprintf(stderr,
                      "mailfromctl: warning: the index of return paths could not be prepared: %s\n",
                      why.text);
    store_close(store);
}

/* --- telling --- */

static void tell_kept(const struct key_change *change, size_t index)
{
    const struct return_secret *secret = &change->after->items[index];
    char day[MOMENT_DAY_SIZE];
    int64_t free_from =
        rotation_free_from(change->after, index, return_lifetime_days(change->settings));

    if (index == 0)
        (void)printf("kept key %s, which signs\n", secret->id);
    else if (moment_format_day(free_from, day))
        (void)printf("kept key %s, which verifies; from %s on, a new key may replace it\n",
                     secret->id, day);
    else
        (void)printf("kept key %s, which verifies; no date tells for how long it is needed\n",
                     secret->id);
}

/* created: the id that has been told of. */
static void tell_others(const struct key_change *change, const char *created)
{
    for (size_t i = 0; i < change->after->count; i++) {
        if (strcmp(change->after->items[i].id, created) != 0)
            tell_kept(change, i);
    }
    for (size_t i = 0; i < change->before->count; i++) {
        if (rotation_find(change->after, change->before->items[i].id) < 0)
            (void)printf("dropped key %s: no bounce that it signed can still come\n",
                         change->before->items[i].id);
    }
}

static void tell_to_reload(void)
{
    (void)puts("Reload mailfrom-milter now: systemctl reload mailfrom-milter");
}

/* --- key new --- */

static bool draw_octets(char out[SECRET_SIZE], struct failure *why)
{
    unsigned char octets[SECRET_OCTETS];

    if (getrandom(octets, sizeof octets, 0) != (ssize_t)sizeof octets)
        return failure_set(why, EX_OSERR, "getrandom: %s", strerror(errno));
    for (size_t i = 0; i < sizeof octets; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", octets[i]);
    explicit_bzero(octets, sizeof octets);
    return true;
}

/* People know keys by their ids, which are short: no two may have the same. */
static bool draw_secret(char out[SECRET_SIZE], const struct return_secrets *others,
                        struct failure *why)
{
    char id[RETURN_SECRET_ID_SIZE];

    do {
        if (!draw_octets(out, why))
            return false;
        if (!return_secret_id(id, out))
            return failure_set(why, EX_OSERR, "out of memory");
    } while (rotation_find(others, id) >= 0);
    return true;
}

static bool add_key(struct key_change *change, bool verify_only, struct failure *why)
{
    char text[SECRET_SIZE];
    bool good;

    if (verify_only && change->before->count == 0)
        return failure_set(why, EX_NOINPUT,
                           "%s: there is no key yet that could sign meanwhile; leave out "
                           "--verify-only",
                           change->file.path);
    good = draw_secret(text, change->before, why) &&
           (rotation_add(change->after, change->before, text, verify_only,
                         return_lifetime_days(change->settings), today(), why) ||
            failure_prefix(why, "%s", change->file.path));
    explicit_bzero(text, sizeof text);
    return good && secrets_file_write(&change->file, change->after, why);
}

static void tell_new(const struct key_change *change, bool verify_only)
{
    const char *path = change->file.path;
    const char *id = change->after->items[verify_only ? 1 : 0].id;

    (void)printf("created key %s, which %s\n", id, verify_only ? "only verifies" : "signs");
    tell_others(change, id);
    if (change->before->count == 0 && change->file.mode == 0600)
        (void)printf("Only root can read %s. If mailfrom-milter runs as another user, let that "
                     "user's group read it: chgrp GROUP %s; chmod 0640 %s\n",
                     path, path, path);
    tell_to_reload();
    if (verify_only)
        (void)printf("Copy %s to the other gateways and reload mailfrom-milter there. Then run "
                     "`mailfromctl return-path key promote %s' here.\n",
                     path, id);
    else
        (void)printf("If other gateways are MX for the same MAIL FROM domains, copy %s to them and "
                     "reload mailfrom-milter there. Until then, they refuse the bounces of what "
                     "this key signs%s.\n",
                     path, change->before->count == 0 ? "" : "; --verify-only avoids that");
}

bool return_path_key_new(struct invocation *invocation, struct failure *why)
{
    static const struct option options[] = {{"verify-only", no_argument, NULL, 'v'}, {0}};
    struct key_change change;
    bool verify_only = false;
    int option;
    bool good;

    while ((option = invocation_option(invocation, options, why)) != -1) {
        if (option == '?')
            return false;
        verify_only = true;
    }
    if (optind < invocation->argc)
        return invocation_misused(invocation, why, "%s is too much", invocation->argv[optind]);
    good = change_begin(&change, invocation, why) && add_key(&change, verify_only, why);
    if (good) {
        tell_new(&change, verify_only);
        prepare_store(change.settings);
    }
    change_end(&change);
    return good;
}

/* --- key promote --- */

static bool promote_key(struct key_change *change, const char *id, struct failure *why)
{
    if (rotation_find(change->before, id) == 0) {
        (void)printf("key %s signs already; nothing was changed\n", change->before->items[0].id);
        return true;
    }
    if (!rotation_promote(change->after, change->before, id, today(), why))
        return failure_prefix(why, "%s", change->file.path);
    if (!secrets_file_write(&change->file, change->after, why))
        return false;
    (void)printf("key %s signs now\n", change->after->items[0].id);
    tell_others(change, change->after->items[0].id);
    tell_to_reload();
    (void)printf("Then copy %s to the other gateways that are MX for the same MAIL FROM domains, "
                 "and reload mailfrom-milter there.\n",
                 change->file.path);
    return true;
}

bool return_path_key_promote(struct invocation *invocation, struct failure *why)
{
    static const struct option options[] = {{0}};
    struct key_change change;
    bool good;

    if (invocation_option(invocation, options, why) != -1)
        return false;
    if (optind + 1 != invocation->argc)
        return invocation_misused(invocation, why, "one ID is needed, as key list shows it");
    good = change_begin(&change, invocation, why) &&
           promote_key(&change, invocation->argv[optind], why);
    change_end(&change);
    return good;
}

/* --- key list --- */

static void list_row(const struct return_secrets *secrets, size_t index, int lifetime)
{
    const struct return_secret *secret = &secrets->items[index];
    char created[MOMENT_DAY_SIZE];
    char free_from[MOMENT_DAY_SIZE];
    char age[RETURN_VIEW_AGE_SIZE] = "-";

    if (moment_format_day(secret->created, created))
        return_view_age(secret->created, today(), age);
    (void)moment_format_day(rotation_free_from(secrets, index, lifetime), free_from);
    (void)printf("%s  %-10s  %-8s  %-8s  %s\n", secret->id, created[0] == '\0' ? "-" : created, age,
                 index == 0 ? "signs" : "verifies", free_from[0] == '\0' ? "-" : free_from);
}

/* As json_out_moment. */
static void out_day(const char *before, const char *name, int64_t day)
{
    char text[MOMENT_DAY_SIZE];

    if (moment_format_day(day, text))
        json_out_text(stdout, before, name, text);
    else
        (void)printf("%s\"%s\": null", before, name);
}

static void list_object(const struct return_secrets *secrets, size_t index, int lifetime)
{
    const struct return_secret *secret = &secrets->items[index];

    json_out_text(stdout, index == 0 ? "\n  {" : ",\n  {", "Id", secret->id);
    out_day(", ", "Created", secret->created);
    if (secret->created != 0)
        (void)printf(", \"AgeDays\": %lld", (long long)(today() - secret->created));
    else
        (void)printf(", \"AgeDays\": null");
    json_out_text(stdout, ", ", "Use", index == 0 ? "signs" : "verifies");
    out_day(", ", "NotNeededFrom", rotation_free_from(secrets, index, lifetime));
    (void)putchar('}');
}

bool return_path_key_list(struct invocation *invocation, struct failure *why)
{
    struct return_secrets *secrets;
    int lifetime;
    bool json;

    if (!invocation_json(invocation, "it is about all keys", &json, why) ||
        !return_view_secrets(&secrets, invocation, why))
        return false;
    lifetime = return_lifetime_days(invocation->settings);
    (void)puts(json ? "[" : "KEY   CREATED     AGE       USE       NOT NEEDED FROM");
    for (size_t i = 0; i < secrets->count; i++)
        (json ? list_object : list_row)(secrets, i, lifetime);
    if (json)
        (void)puts("\n]");
    return_secrets_free(secrets);
    return true;
}
