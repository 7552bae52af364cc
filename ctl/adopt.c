/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Records of SES or of a file made local, and given back.
 */
#include "ctl/command.h"

#include <stdlib.h>
#include <sysexits.h>

#include "common/moment.h"
#include "common/refresh_request.h"
#include "ctl/errand.h"
#include "ctl/identities.h"
#include "ctl/local_record.h"
#include "ctl/section.h"
#include "ctl/terminal.h"

struct adopt {
    bool back;
    struct identities identities;
    struct mail_from *before; /* of each identity; for what is told */
    const struct settings *settings;
    bool served; /* does a mailfrom-sync look after the sections `ses'? */
};

static bool take(struct adopt *adopt, struct store *store, const char *key,
                 struct mail_from *record, struct failure *why)
{
    (void)adopt;
    if (record->source == MAIL_FROM_LOCAL)
        return true;
    local_record_adopt(record, moment_milliseconds() / 1000);
    return store_put(store, key, record, why);
}

/* What goes back to SES is asked for too, as after a put. */
static bool give_back(struct adopt *adopt, struct store *store, const char *key,
                      struct mail_from *record, struct failure *why)
{
    const struct settings_ses *section = NULL;
    int64_t now = moment_milliseconds();
    char name[SECTION_NAME_SIZE];

    if (record->source != MAIL_FROM_LOCAL || record->former == MAIL_FROM_LOCAL)
        return failure_set(why, EX_UNAVAILABLE, "\"%s\" was not adopted; nothing was given back",
                           key);
    if (record->former == MAIL_FROM_SES) {
        section = section_find(adopt->settings, record->section);
        if (section == NULL)
            return failure_set(why, EX_CONFIG,
                               "\"%s\" came from the section %s, which is not in the settings any "
                               "more, so nobody would refresh it; nothing was given back",
                               key, section_name(record->section, name));
    }
    local_record_give_back(record, section, now / 1000);
    return store_put(store, key, record, why) &&
           (section == NULL || !adopt->served || refresh_request_put(store, key, now, why));
}

static bool change_all(struct store *store, void *context, struct failure *why)
{
    struct adopt *adopt = context;

    for (size_t i = 0; i < adopt->identities.count; i++) {
        const char *key = adopt->identities.list[i].text;
        struct mail_from record;
        enum store_result result = store_get(store, key, &record, why);
        if (result == STORE_FAILED)
            return false;
        if (result == STORE_NOT_FOUND)
            return failure_set(why, EX_UNAVAILABLE,
                               "NotFoundException: Email identity %s does not exist; nothing was "
                               "%s",
                               key, adopt->back ? "given back" : "adopted");
        adopt->before[i] = record;
        if (!(adopt->back ? give_back : take)(adopt, store, key, &record, why))
            return false;
    }
    return true;
}

static void tell_origin(const struct mail_from *record, enum mail_from_source source)
{
    char name[SECTION_NAME_SIZE];
    char text[TERMINAL_TEXT_SIZE];

    (void)printf("%s", source == MAIL_FROM_SES
                           ? terminal_text(section_name(record->section, name), text)
                           : mail_from_source_words[source]);
}

static void tell_attributes(const struct mail_from *record)
{
    if (record->domain[0] == '\0')
        (void)puts("no MAIL FROM domain");
    else
        (void)printf("%s, %s, %s\n", record->domain, mail_from_status_words[record->status],
                     mail_from_behavior_words[record->behavior]);
}

static void tell_one(const struct adopt *adopt, size_t index)
{
    const struct mail_from *before = &adopt->before[index];
    const char *key = adopt->identities.list[index].text;
    char text[TERMINAL_TEXT_SIZE];

    (void)printf("%s ", terminal_name(key, text));
    if (!adopt->back && before->source == MAIL_FROM_LOCAL) {
        (void)puts("is local already");
        return;
    }
    (void)printf("%s ", adopt->back ? "is given back to" : "is local now, adopted from");
    tell_origin(before, adopt->back ? before->former : before->source);
    (void)printf(": ");
    tell_attributes(before);
    if (adopt->back && before->former == MAIL_FROM_SES && before->feedback_off)
        (void)fprintf(stderr,
                      "mailfromctl: warning: feedback forwarding of \"%s\" is off here only; SES "
                      "has its own setting (`aws sesv2 put-email-identity-feedback-attributes')\n",
                      key);
    if (!adopt->back && !before->verified)
        (void)fprintf(stderr,
                      "mailfromctl: warning: \"%s\" is not verified, which adopting does not "
                      "change: the milter passes over it. `identity remove' and `identity add' "
                      "make a verified one\n",
                      key);
}

static bool change(struct adopt *adopt, struct invocation *invocation, struct failure *why)
{
    struct store *store = NULL;
    bool good;

    adopt->before = calloc(adopt->identities.count, sizeof adopt->before[0]);
    if (adopt->before == NULL)
        return failure_set(why, EX_OSERR, "out of memory");
    if (!invocation_store(invocation, STORE_UPDATE, &store, why))
        return false;
    adopt->settings = invocation->settings;
    good = errand_is_served(adopt->settings, &adopt->served, why) &&
           store_update(store, change_all, adopt, why);
    for (size_t i = 0; good && i < adopt->identities.count; i++)
        tell_one(adopt, i);
    store_close(store);
    return good;
}

static bool read_options(struct adopt *adopt, struct invocation *invocation, struct failure *why)
{
    static const struct option options[] = {{"back", no_argument, NULL, 'b'}, {0}};
    int option;

    while ((option = invocation_option(invocation, options, why)) != -1) {
        if (option == '?')
            return false;
        adopt->back = true;
    }
    if (optind == invocation->argc) {
        (void)invocation_misused(invocation, why, "which identity?");
        return false;
    }
    return identities_read(&adopt->identities, invocation->argv + optind, invocation->argc - optind,
                           why);
}

bool adopt_run(struct invocation *invocation, struct failure *why)
{
    struct adopt adopt = {0};
    bool good = read_options(&adopt, invocation, why) && change(&adopt, invocation, why);

    free(adopt.before);
    identities_reset(&adopt.identities);
    return good;
}
