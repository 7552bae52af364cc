/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The database "notes": what the programs tell each other.
 */
#include "common/store_lmdb.h"

#include <string.h>
#include <sysexits.h>

/* --- reading --- */

struct note {
    const char *name;
    char *text;
};

static enum store_result read_note(struct store *store, MDB_txn *transaction, void *context,
                                   struct failure *why)
{
    const struct note *note = context;
    MDB_val name = {strlen(note->name), (void *)note->name};
    MDB_val value;
    int error = mdb_get(transaction, store->notes, &name, &value);

    if (error == MDB_NOTFOUND)
        return STORE_NOT_FOUND;
    if (error == 0 && value.mv_size > STORE_NOTE_MAX)
        error = MDB_CORRUPTED;
    if (error != 0)
        return store_failed(store, error, why);
    memcpy(note->text, value.mv_data, value.mv_size);
    note->text[value.mv_size] = '\0';
    return STORE_FOUND;
}

enum store_result store_note_get(struct store *store, const char *name,
                                 char text[STORE_NOTE_MAX + 1], struct failure *why)
{
    struct note note = {name, text};

    return store_read(store, read_note, &note, why);
}

struct notes {
    const char *prefix;
    bool (*visit)(void *context, const char *name, const char *text);
    void *context;
};

static int visit_note(void *context, const MDB_val *name, const MDB_val *value)
{
    const struct notes *notes = context;
    char name_text[STORE_NOTE_NAME_MAX + 1];
    char text[STORE_NOTE_MAX + 1];
    size_t prefix = strlen(notes->prefix);

    if (name->mv_size < prefix || memcmp(name->mv_data, notes->prefix, prefix) != 0)
        return MDB_NOTFOUND;
    if (name->mv_size > STORE_NOTE_NAME_MAX || value->mv_size > STORE_NOTE_MAX)
        return MDB_CORRUPTED;
    memcpy(name_text, name->mv_data, name->mv_size);
    name_text[name->mv_size] = '\0';
    memcpy(text, value->mv_data, value->mv_size);
    text[value->mv_size] = '\0';
    return notes->visit(notes->context, name_text, text) ? 0 : MDB_NOTFOUND;
}

static enum store_result read_notes(struct store *store, MDB_txn *transaction, void *context,
                                    struct failure *why)
{
    const struct notes *notes = context;
    MDB_val from = {strlen(notes->prefix), (void *)notes->prefix};

    return store_walked(store, store_walk(transaction, store->notes, from, visit_note, context),
                        why);
}

bool store_note_each(struct store *store, const char *prefix,
                     bool (*visit)(void *context, const char *name, const char *text),
                     void *context, struct failure *why)
{
    struct notes notes = {prefix, visit, context};

    return store_read(store, read_notes, &notes, why) == STORE_FOUND;
}

/* --- writing --- */

bool store_note_put(struct store *store, const char *name, const char *text, struct failure *why)
{
    MDB_val key = {strlen(name), (void *)name};
    MDB_val value = {strlen(text), (void *)text};

    if (key.mv_size == 0 || key.mv_size > STORE_NOTE_NAME_MAX || value.mv_size > STORE_NOTE_MAX)
        return failure_set(why, EX_SOFTWARE, "a note of the store is too long: %.100s", name);
    return store_written(store, mdb_put(store->writer, store->notes, &key, &value, 0), why);
}

bool store_note_remove(struct store *store, const char *name, struct failure *why)
{
    MDB_val key = {strlen(name), (void *)name};
    int error = mdb_del(store->writer, store->notes, &key, NULL);

    return store_written(store, error == MDB_NOTFOUND ? 0 : error, why);
}
