/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "sync/account.h"
#include "sync/clock.h"

#include "common/checksum.h"
#include "common/duration.h"
#include "common/log.h"
#include "common/spelling.h"
#include "common/word.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

/* To find one bad identity among a hundred takes eight refusals in a row. */
enum { FIRST_BYTE_MAX = 15000, STORE_RETRY = 5000, REFUSALS_CLEAR = 16, PAUSE_TOLD = 2000 };

/* --- opening --- */

static bool is_stopping(void *context)
{
    const struct account *account = context;
    return atomic_load(account->around->stop);
}

static bool open_client(struct account *account, struct failure *why)
{
    const struct settings_ses *ses = account->ses;
    struct ses_client_settings settings = {
        .profile = ses->profile,
        .region = ses->region,
        .endpoint = ses->endpoint,
        .ca_file = ses->ca_file,
        .connect_timeout = (long)ses->connect_timeout,
        .first_byte_timeout = (long)(ses->timeout < FIRST_BYTE_MAX ? ses->timeout : FIRST_BYTE_MAX),
        .timeout = (long)ses->timeout,
        .stop = is_stopping,
        .stop_context = account,
    };

    account->client = ses_client_new(&settings, why);
    return account->client != NULL;
}

int64_t account_due(const struct account *account, const struct mail_from *record)
{
    const struct settings_ses *ses = account->ses;
    int64_t longest = ses->refresh_after > ses->refresh_unsettled_after
                          ? ses->refresh_after
                          : ses->refresh_unsettled_after;
    int64_t due = record->refresh_after * 1000;

    return due > clock_now() + longest + 1000 ? 0 : due;
}

/* A record that was only marked, never answered, has no time of an answer. */
static bool load_record(void *context, const char *key, const struct mail_from *record)
{
    struct account *account = context;
    struct entry *entry;

    if (account_owns(account, record) != OWNERSHIP_OURS)
        return true;
    entry = table_add(&account->table, key, record->kind);
    if (entry == NULL)
        return false;
    entry->standing = record->checked == 0 ? STANDING_NEW : STANDING_KNOWN;
    entry->verified = record->verified;
    entry->marked = record->last_error[0] != '\0';
    entry->due = account_due(account, record);
    entry->expires = record->expire_after * 1000;
    return true;
}

static bool load_spelling(void *context, const char *key, const char *name)
{
    struct account *account = context;
    struct entry *entry = table_find(&account->table, key);

    return entry == NULL || entry_set_name(entry, name);
}

/* What failed before a reload or a restart is tried at once, and told when it works again. Listing
 * is one operation or the other: the settings may have changed it. */
static void load_troubles(struct account *account)
{
    enum source_operation idle = account->ses->identities.count > 0 ? SOURCE_LIST : SOURCE_VERIFY;
    struct source_state *state = &account->state;

    state->trouble_since[idle] = 0;
    state->trouble_failures[idle] = 0;
    for (size_t i = 0; i < SOURCE_OPERATION_COUNT; i++)
        account->troubles[i] = (struct trouble){.failures = (unsigned)state->trouble_failures[i],
                                                .since = state->trouble_since[i]};
}

static bool load(struct account *account, struct failure *why)
{
    struct store *store = shared_store_acquire(account->around->store, why);
    bool worked;

    if (store == NULL)
        return false;
    worked = source_state_read(store, account->ses->title, &account->state, why) != STORE_FAILED &&
             store_each(store, load_record, account, why) &&
             spelling_each(store, load_spelling, account, why);
    shared_store_release(account->around->store);
    load_troubles(account);
    pace_init(&account->pace, account->ses->requests_per_second, account->state.last_call);
    return worked;
}

struct account *account_open(const struct surroundings *around, size_t index, struct failure *why)
{
    struct account *account = calloc(1, sizeof *account);

    if (account == NULL) {
        (void)failure_set(why, EX_OSERR, "out of memory");
        return NULL;
    }
    account->around = around;
    account->index = index;
    account->ses = &around->settings->ses[index];
    (void)snprintf(account->label, sizeof account->label,
                   account->ses->title[0] == '\0' ? "ses%s" : "ses \"%s\"", account->ses->title);
    if (open_client(account, why) && load(account, why))
        return account;
    account_close(account);
    return NULL;
}

static bool put_ended(struct store *store, void *context, struct failure *why)
{
    struct account *account = context;

    account->state.next_call = 0;
    return account_put_state(account, store, why);
}

void account_close(struct account *account)
{
    struct failure unused;

    if (account == NULL)
        return;
    if (account->state.heartbeat != 0)
        (void)shared_store_update(account->around->store, put_ended, account, &unused);
    ses_client_free(account->client);
    table_reset(&account->table);
    table_reset(&account->remarks);
    free(account);
}

enum ownership account_owns(const struct account *account, const struct mail_from *record)
{
    const struct settings *settings = account->around->settings;

    if (record == NULL)
        return OWNERSHIP_NONE;
    if (record->source != MAIL_FROM_SES)
        return OWNERSHIP_FOREIGN;
    if (strcmp(record->section, account->ses->title) == 0)
        return OWNERSHIP_OURS;
    for (size_t i = 0; i < account->index; i++) {
        if (strcmp(record->section, settings->ses[i].title) == 0)
            return OWNERSHIP_FOREIGN;
    }
    return OWNERSHIP_TAKEN;
}

const char *account_escape(const char *identity, char out[ACCOUNT_ESCAPED_SIZE])
{
    (void)log_escape(out, out + ACCOUNT_ESCAPED_SIZE, identity, IDENTITY_SIZE);
    return out;
}

/* --- the note --- */

/* mailfromctl calls SES too, out of the same budget, and leaves the time of its call here. */
static bool take_over_last_call(struct account *account, struct store *store, struct failure *why)
{
    struct source_state noted;

    if (source_state_read(store, account->ses->title, &noted, why) == STORE_FAILED)
        return false;
    if (noted.last_call > account->pace.last)
        account->pace.last = noted.last_call;
    pace_correct(&account->pace, clock_now());
    account->state.last_call = account->pace.last;
    return true;
}

bool account_put_state(struct account *account, struct store *store, struct failure *why)
{
    if (!take_over_last_call(account, store, why))
        return false;
    account->state.heartbeat = clock_now();
    return source_state_write(store, account->ses->title, &account->state, why);
}

static bool put_state(struct store *store, void *context, struct failure *why)
{
    return account_put_state(context, store, why);
}

static bool write_state(struct account *account)
{
    struct failure why;

    if (shared_store_update(account->around->store, put_state, account, &why))
        return true;
    account_store_failed(account, &why);
    return false;
}

void account_store_failed(struct account *account, const struct failure *why)
{
    if (account->store_retry == 0)
        log_write(LOG_ERR, "%s: %s; SES is not asked until this works", account->label, why->text);
    account->store_retry = clock_now() + STORE_RETRY;
    account->failure = *why;
}

void account_beat(struct account *account, int64_t now, int64_t next_call)
{
    int64_t since = now - account->state.heartbeat;
    bool is_told = account->state.next_call == next_call || next_call - now < PAUSE_TOLD;

    if (since >= 0 && since < SOURCE_HEARTBEAT && is_told)
        return;
    account->state.next_call = next_call;
    if (account->store_retry <= now)
        (void)write_state(account);
}

/* --- remarks --- */

void account_remark(struct account *account, const char *about, const char *format, ...)
{
    bool is_known = table_find(&account->remarks, about) != NULL;
    struct entry *remark = table_add(&account->remarks, about, IDENTITY_DOMAIN);
    char text[FAILURE_TEXT_SIZE];
    va_list arguments;

    if (remark != NULL)
        remark->seen = account->listing.run;
    if (is_known)
        return;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    log_write(LOG_WARNING, "%s: %s: %s", account->label, about, text);
}

static bool is_over(const void *context, const struct entry *remark)
{
    const struct account *account = context;
    return remark->seen != account->listing.run;
}

void account_end_remarks(struct account *account)
{
    for (size_t i = 0; i < account->remarks.count; i++) {
        if (is_over(account, account->remarks.entries[i]))
            log_write(LOG_INFO, "%s: no longer so: %s", account->label,
                      account->remarks.entries[i]->key);
    }
    table_prune(&account->remarks, is_over, account);
}

/* --- calls --- */

struct beginning {
    struct account *account;
    int64_t now;
    struct pace charged; /* what the pace is once the call is committed */
    bool is_crowded;
};

/* The transaction may run twice: only its outcome is taken over into the account. */
static bool commit_call(struct store *store, void *context, struct failure *why)
{
    struct beginning *beginning = context;
    struct account *account = beginning->account;

    if (!account_put_state(account, store, why))
        return false;
    beginning->charged = account->pace;
    beginning->is_crowded = pace_ready(&account->pace, beginning->now) > beginning->now;
    if (beginning->is_crowded)
        return true;
    pace_charge(&beginning->charged, beginning->now, 1);
    account->state.last_call = beginning->charged.last;
    return source_state_write(store, account->ses->title, &account->state, why);
}

bool account_begin_call(struct account *account, enum source_operation operation)
{
    struct beginning beginning = {.account = account, .now = clock_now()};
    struct failure why;

    account->state.calls[operation]++;
    if (!shared_store_update(account->around->store, commit_call, &beginning, &why)) {
        account->state.calls[operation]--;
        account_store_failed(account, &why);
        return false;
    }
    account->pace = beginning.charged;
    if (beginning.is_crowded) {
        account->state.calls[operation]--;
        return false;
    }
    /* It goes out now, however long the commit took. */
    account->call_began = clock_now();
    if (account->pace.last < account->call_began)
        account->pace.last = account->call_began;
    if (account->store_retry != 0)
        log_write(LOG_INFO, "%s: the store can be written again", account->label);
    account->store_retry = 0;
    return true;
}

/* The client repeats a call with other credentials or another clock, and the budget has to know. */
static void charge_repeats(struct account *account)
{
    unsigned long requests = ses_client_requests(account->client);

    if (requests > account->charged + 1)
        pace_charge(&account->pace, clock_now(), requests - account->charged - 1);
    account->charged = requests;
    account->state.last_call = account->pace.last;
}

/* "; the first of 17 records expires in 6 d", or nothing. */
static void describe_expiry(const struct account *account, int64_t now, char *out, size_t size)
{
    char length[DURATION_TEXT_SIZE];
    int64_t first = 0;
    size_t count = 0;

    for (size_t i = 0; i < account->table.count; i++) {
        int64_t expires = account->table.entries[i]->expires;
        count += expires != 0;
        if (expires != 0 && (first == 0 || expires < first))
            first = expires;
    }
    out[0] = '\0';
    if (count == 0)
        return;
    duration_describe(first > now ? first - now : now - first, length);
    (void)snprintf(out, size, "; of %zu %s in the store the first %s %s%s", count,
                   word_for(count, "record", "records"), first > now ? "expires in" : "expired",
                   length, first > now ? "" : " ago");
}

static void log_trouble(const struct account *account, const struct trouble *trouble,
                        const struct failure *why, int64_t now)
{
    char wait[DURATION_TEXT_SIZE];
    char expiry[120];

    duration_describe(trouble->until - now, wait);
    describe_expiry(account, now, expiry, sizeof expiry);
    log_write(backoff_of(trouble->outcome) == BACKOFF_SLOW ? LOG_ERR : LOG_WARNING,
              "%s: %s: %s; next try in %s%s", account->label, outcome_words[trouble->outcome],
              why->text, wait, expiry);
}

static void fail_call(struct account *account, enum source_operation operation,
                      enum outcome outcome, const struct failure *why)
{
    const char *code = ses_client_error(account->client)->code;
    struct trouble *trouble = &account->troubles[operation];
    int64_t now = clock_now();

    if (trouble_add(trouble, outcome, code, now, clock_random()))
        log_trouble(account, trouble, why, now);
    account->failure = *why;
    account->state.lasting_exit = backoff_of(outcome) == BACKOFF_SLOW ? why->exit_code : 0;
    account->state.trouble_since[operation] = trouble->since;
    account->state.trouble_failures[operation] = trouble->failures;
    account->state.failures[operation]++;
    account->state.last_error_at = now;
    if (account->state.failing_since == 0)
        account->state.failing_since = now;
    (void)snprintf(account->state.last_error, sizeof account->state.last_error, "%.*s",
                   SOURCE_ERROR_MAX, why->text);
    (void)write_state(account);
}

void account_recover(struct account *account, enum source_operation operation)
{
    struct trouble *trouble = &account->troubles[operation];
    char length[DURATION_TEXT_SIZE];
    bool is_failing = false;

    if (trouble->failures > 0) {
        duration_describe(clock_now() - trouble->since, length);
        log_write(LOG_INFO, "%s: %s works again, after %u failures in %s", account->label,
                  source_operation_words[operation], trouble->failures, length);
        memset(trouble, 0, sizeof *trouble);
        account->state.trouble_since[operation] = 0;
        account->state.trouble_failures[operation] = 0;
    }
    for (size_t i = 0; i < SOURCE_OPERATION_COUNT; i++)
        is_failing = is_failing || account->troubles[i].failures > 0;
    if (is_failing)
        return;
    account->state.failing_since = 0;
    account->state.lasting_exit = 0;
}

bool account_end_call(struct account *account, enum source_operation operation,
                      enum outcome outcome, const struct failure *why)
{
    charge_repeats(account);
    source_state_count(&account->state, operation, outcome_words[outcome]);
    if (outcome == OUTCOME_OK) {
        account->refusals[operation] = 0;
        account->refused[operation].count = 0;
        account->state.last_success = clock_now();
    } else if (outcome != OUTCOME_STOPPED) {
        fail_call(account, operation, outcome, why);
    }
    return outcome == OUTCOME_OK;
}

/* False: there are too many already. */
static bool note_refused(struct refused *refused, const char *identity)
{
    uint64_t checksum = checksum_of("", 0, identity, strlen(identity));

    for (size_t i = 0; i < refused->count; i++) {
        if (refused->identities[i] == checksum)
            return true;
    }
    if (refused->count == REFUSED_MAX)
        return false;
    refused->identities[refused->count++] = checksum;
    return true;
}

enum refusal account_end_refused(struct account *account, enum source_operation operation,
                                 const char *alone, const struct failure *why)
{
    account->refusals[operation]++;
    if (alone != NULL && !note_refused(&account->refused[operation], alone)) {
        for (size_t i = 0; i < account->table.count; i++)
            account->table.entries[i]->group = 0;
        account->refusals[operation] = 0;
        account->refused[operation].count = 0;
        (void)account_end_call(account, operation, OUTCOME_BAD_REQUEST, why);
        return REFUSAL_OF_ACCOUNT;
    }
    charge_repeats(account);
    source_state_count(&account->state, operation, outcome_words[OUTCOME_BAD_REQUEST]);
    account->state.failures[operation]++;
    if (alone == NULL)
        return REFUSAL_OF_PART;
    return account->refusals[operation] <= REFUSALS_CLEAR ? REFUSAL_OF_ONE : REFUSAL_OF_ANY;
}
