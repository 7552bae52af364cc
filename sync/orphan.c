/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "sync/orphan.h"

#include "common/log.h"
#include "common/word.h"

#include <string.h>

struct counting {
    const struct settings *settings;
    char section[MAIL_FROM_SECTION_MAX + 1]; /* of one of them */
    unsigned long count;
    unsigned long unchecked; /* local ones, where nothing says which MX is right */
};

static bool count_orphan(void *context, const char *key, const struct mail_from *record)
{
    struct counting *counting = context;

    (void)key;
    counting->unchecked += record->source == MAIL_FROM_LOCAL && record->domain[0] != '\0' &&
                           counting->settings->local.expected_mx.count == 0;
    if (record->source != MAIL_FROM_SES)
        return true;
    for (size_t i = 0; i < counting->settings->ses_count; i++) {
        if (strcmp(counting->settings->ses[i].title, record->section) == 0)
            return true;
    }
    memcpy(counting->section, record->section, sizeof counting->section);
    counting->count++;
    return true;
}

void orphan_warn(struct shared_store *shared, const struct settings *settings)
{
    struct counting counting = {.settings = settings};
    struct failure unused;
    struct store *store = shared_store_acquire(shared, &unused);
    bool worked;

    if (store == NULL)
        return;
    worked = store_each(store, count_orphan, &counting, &unused);
    shared_store_release(shared);
    if (worked && counting.unchecked > 0)
        log_write(LOG_WARNING,
                  "the MX records of %lu local %s are not looked up: local { expected-mx } "
                  "is empty",
                  counting.unchecked, word_for(counting.unchecked, "identity", "identities"));
    if (worked && counting.count > 0)
        log_write(LOG_WARNING,
                  "%lu %s of a section that the settings do not have (ses \"%s\"): what "
                  "no other account has is not refreshed, and `mailfromctl remove` removes it",
                  counting.count, word_for(counting.count, "record is", "records are"),
                  counting.section);
}
