/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "sync/sighting.h"

#include "common/log.h"
#include "common/spelling.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool sightings_init(struct sightings *sightings, struct account *account, size_t capacity)
{
    *sightings = (struct sightings){.account = account,
                                    .items = calloc(capacity + 1, sizeof *sightings->items)};
    if (sightings->items == NULL)
        log_write(LOG_ERR, "%s: out of memory", account->label);
    return sightings->items != NULL;
}

void sightings_add(struct sightings *sightings, const char *name, enum api_sending sending)
{
    struct sighting *sighting = &sightings->items[sightings->count];
    struct identity identity;
    struct failure why;
    char shown[ACCOUNT_ESCAPED_SIZE];
    char about[ACCOUNT_REMARK_SIZE];

    if (!identity_parse(&identity, name, strlen(name), &why)) {
        (void)snprintf(about, sizeof about, "identity=%s is passed over",
                       account_escape(name, shown));
        account_remark(sightings->account, about, "%s", why.text);
        return;
    }
    memcpy(sighting->key, identity.text, sizeof sighting->key);
    sighting->name = name;
    sighting->kind = identity.kind;
    sighting->sending = sending;
    sightings->unsaid += sending == API_SENDING_UNSAID;
    sightings->count++;
}

void sightings_reset(struct sightings *sightings)
{
    free(sightings->items);
}

/* --- into the store --- */

/* record: NULL if the store has none. One that was never answered knows less than the last list. */
static bool is_verified(const struct account *account, const struct sighting *sighting,
                        const struct mail_from *record)
{
    const struct entry *entry;

    if (sighting->sending != API_SENDING_UNSAID)
        return sighting->sending == API_SENDING_YES;
    if (record != NULL && record->checked != 0)
        return record->verified;
    entry = table_find(&account->table, sighting->key);
    return entry != NULL && entry->verified;
}

/* Where it is another than before: that of one that is known is in the table. */
static bool keep_spelling(const struct account *account, struct store *store,
                          const struct sighting *sighting, struct failure *why)
{
    const struct entry *entry = table_find(&account->table, sighting->key);
    const char *before = entry != NULL ? entry->name : sighting->key;

    return strcmp(before, sighting->name) == 0 ||
           spelling_put(store, sighting->key, sighting->name, why);
}

static bool apply_sighting(struct account *account, struct store *store, struct sighting *sighting,
                           struct failure *why)
{
    struct mail_from *record = &sighting->record;
    enum store_result result = store_get(store, sighting->key, record, why);

    if (result == STORE_FAILED)
        return false;
    if (!keep_spelling(account, store, sighting, why))
        return false;
    sighting->ownership = account_owns(account, result == STORE_FOUND ? record : NULL);
    sighting->verified = is_verified(account, sighting, result == STORE_FOUND ? record : NULL);
    sighting->verified_changed = sighting->ownership == OWNERSHIP_OURS && record->checked != 0 &&
                                 record->verified != sighting->verified;
    if (!sighting->verified_changed)
        return true;
    record->verified = sighting->verified;
    return store_put(store, sighting->key, record, why);
}

static bool apply_sightings(struct store *store, void *context, struct failure *why)
{
    struct sightings *sightings = context;

    for (size_t i = 0; i < sightings->count; i++) {
        if (!apply_sighting(sightings->account, store, &sightings->items[i], why))
            return false;
    }
    return account_put_state(sightings->account, store, why);
}

/* --- into the table --- */

/* When to fetch it, now that the store was looked at. */
static void place(const struct account *account, struct entry *entry,
                  const struct sighting *sighting, bool is_first)
{
    switch (sighting->ownership) {
    case OWNERSHIP_FOREIGN:
        entry->standing = STANDING_FOREIGN;
        entry->due = TABLE_NEVER;
        entry->group = 0;
        entry->expires = 0;
        return;
    case OWNERSHIP_NONE:
    case OWNERSHIP_TAKEN:
        if (is_first || entry->standing != STANDING_NEW)
            entry->due = 0;
        entry->standing = STANDING_NEW;
        return;
    case OWNERSHIP_OURS:
        if (is_first || entry->standing == STANDING_FOREIGN) {
            entry->standing = sighting->record.checked == 0 ? STANDING_NEW : STANDING_KNOWN;
            entry->due = account_due(account, &sighting->record);
            entry->expires = sighting->record.expire_after * 1000;
        }
        return;
    }
}

static void note_sighting(struct account *account, const struct sighting *sighting)
{
    bool is_first = table_find(&account->table, sighting->key) == NULL;
    struct entry *entry = table_add(&account->table, sighting->key, sighting->kind);
    char shown[ACCOUNT_ESCAPED_SIZE];

    /* Out of memory; it was listed all the same. */
    if (entry == NULL)
        return;
    entry->seen = account->listing.run;
    entry->missing = 0;
    if (!entry_set_name(entry, sighting->name))
        return;
    if (sighting->verified_changed)
        log_write(LOG_INFO, "verification: identity=%s section=%s verified=%s",
                  account_escape(sighting->key, shown),
                  account->ses->title[0] == '\0' ? "-" : account->ses->title,
                  sighting->verified ? "yes" : "no");
    entry->verified = sighting->verified;
    place(account, entry, sighting, is_first);
}

bool sightings_take_over(struct sightings *sightings)
{
    struct account *account = sightings->account;
    struct failure why;

    if (!shared_store_update(account->around->store, apply_sightings, sightings, &why)) {
        account_store_failed(account, &why);
        return false;
    }
    for (size_t i = 0; i < sightings->count; i++)
        note_sighting(account, &sightings->items[i]);
    return true;
}
