/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/change.h"

#include "common/moment.h"
#include "common/refresh_request.h"
#include "ctl/answer.h"
#include "ctl/errand.h"

struct keeping {
    const struct change *change;
    bool may_add;
    bool served; /* does a mailfrom-sync run? */
    bool kept;
};

static bool put_record(const struct change *change, struct store *store, struct mail_from *record,
                       struct failure *why)
{
    int64_t now = moment_milliseconds() / 1000;

    record->verified = change->verified;
    if (change->current != NULL)
        answer_apply(record, change->current, change->section, now);
    else
        answer_apply_put(record, change->domain, change->behavior, change->section, now);
    return store_put(store, change->identity->text, record, why);
}

/* mailfrom-sync may have asked SES before the put and store that answer after it; a request is what
 * makes it ask again. */
static bool keep(struct store *store, void *context, struct failure *why)
{
    struct keeping *keeping = context;
    const struct change *change = keeping->change;
    const char *key = change->identity->text;
    struct mail_from record = {.kind = change->identity->kind, .source = MAIL_FROM_SES};
    enum store_result result = store_get(store, key, &record, why);

    keeping->kept = result == STORE_FOUND ? record.source == MAIL_FROM_SES : keeping->may_add;
    if (result == STORE_FAILED || (keeping->kept && !put_record(change, store, &record, why)))
        return false;
    return !keeping->served || refresh_request_put(store, key, moment_milliseconds(), why);
}

bool change_keep(const struct change *change, struct store *store, bool *kept, struct failure *why)
{
    struct keeping keeping = {.change = change};
    uint64_t count = 0;

    *kept = false;
    if (store == NULL)
        return true;
    if (!store_count(store, &count, why) ||
        !errand_is_served(change->settings, &keeping.served, why))
        return false;
    keeping.may_add = count > 0;
    if (!store_update(store, keep, &keeping, why))
        return false;
    *kept = keeping.kept;
    return true;
}
