/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * What mailfrom-sync knows of one section `ses`, and what surrounds each of its calls: the budget,
 * the note in the store, the log of what goes wrong and of what goes well again. What is asked and
 * what becomes of the answers is in sync/listing.h and sync/batch.h.
 *
 * An account is used by one thread, but for the numbers of its progress.
 */
#ifndef SYNC_ACCOUNT_H
#define SYNC_ACCOUNT_H

#include "sync/pace.h"
#include "sync/shared_store.h"
#include "sync/table.h"
#include "sync/transition.h"
#include "sync/trouble.h"

#include "common/settings.h"
#include "common/source_state.h"
#include "ses/client.h"

#include <stdatomic.h>

enum { ACCOUNT_ESCAPED_SIZE = 4 * IDENTITY_SIZE, ACCOUNT_REMARK_SIZE = ACCOUNT_ESCAPED_SIZE + 100 };

/* What all accounts share. */
struct surroundings {
    const struct settings *settings;
    struct shared_store *store;
    struct transitions *transitions;
    struct requests *requests;
    atomic_bool *stop;
};

/* A list that is being read: pages of ListEmailIdentities, or, where the settings name the
 * identities, batches of GetIdentityVerificationAttributes. */
struct range {
    size_t from;
    size_t to;
};
enum { LISTING_RANGES_MAX = 64 };
struct listing {
    bool open;
    unsigned long run; /* counts the lists */
    int64_t began;
    int64_t due; /* when the next one is to begin */
    size_t pages;
    size_t refused; /* identities of the settings that SES refuses, and that are in no table */
    bool partial;   /* it has items that may be any identity: says nothing of the missing */
    char token[API_V2_TOKEN_MAX + 1];
    struct range ranges[LISTING_RANGES_MAX]; /* of settings, still to be asked; the last one next */
    size_t range_count;
};

/* Identities that SES refused in a row, each alone; by checksum, as two of one checksum only make
 * the verdict later. */
enum { REFUSED_MAX = 16 };
struct refused {
    uint64_t identities[REFUSED_MAX];
    size_t count;
};

struct account {
    const struct surroundings *around;
    const struct settings_ses *ses;
    size_t index;                          /* among the sections */
    char label[MAIL_FROM_SECTION_MAX + 8]; /* for the log: ses, or ses "eu" */
    struct ses_client *client;
    struct table table;
    struct table remarks; /* what is odd about the lists, by what was logged of it */
    struct pace pace;
    struct source_state state;
    struct trouble troubles[SOURCE_OPERATION_COUNT];
    struct listing listing;
    bool list_was_last; /* see sync/schedule.h */
    unsigned last_group;
    unsigned long charged;                     /* requests of the client that the pace knows of */
    unsigned refusals[SOURCE_OPERATION_COUNT]; /* of calls in a row as bad requests */
    struct refused refused[SOURCE_OPERATION_COUNT]; /* those of them that had one identity */
    int64_t call_began;
    int64_t stepped;            /* what the clock showed at the last step; 0: none yet */
    int64_t store_retry;        /* no call before this: the store could not be written */
    int64_t last_complete_list; /* when it began, in this process; 0: none yet */
    int64_t request_seen;       /* the latest request that ended a back-off */
    struct failure failure;     /* of the last call that failed */
    atomic_size_t progress_listed;
    atomic_size_t progress_fetched;
};

/* Reads from the store what it has of this section. NULL: the failure is in *why. */
struct account *account_open(const struct surroundings *around, size_t index, struct failure *why);

/* Notes in the store that nobody is at work any more. NULL is fine. */
void account_close(struct account *account);

/* Whose is what the store has? */
enum ownership {
    OWNERSHIP_NONE,   /* the store has nothing */
    OWNERSHIP_OURS,   /* of this section */
    OWNERSHIP_TAKEN,  /* of a section that counts less, or is no more: becomes ours */
    OWNERSHIP_FOREIGN /* imported, set by hand, or of a section before this one */
};

/* record: NULL if there is none. */
enum ownership account_owns(const struct account *account, const struct mail_from *record);

/* Before a call: charges it and commits that. False: there must be no call, as the store cannot be
 * written, or somebody else has just used the budget. */
bool account_begin_call(struct account *account, enum source_operation operation);

/* After a call that SES refused as a bad request; alone: the identity, if there was one only. */
enum refusal {
    REFUSAL_OF_PART,   /* one of them may be to blame */
    REFUSAL_OF_ONE,    /* it is */
    REFUSAL_OF_ANY,    /* it, or all: nothing was answered for so long that it is to be seen */
    REFUSAL_OF_ACCOUNT /* SES refused so many identities, each alone, without an answer in between
                          that it is the account or the call itself: this counts as a failure like
                          any other, and account_end_call was called */
};
enum refusal account_end_refused(struct account *account, enum source_operation operation,
                                 const char *alone, const struct failure *why);

/* After it. Writes the note only if it failed: else account_put_state belongs into the transaction
 * that takes over the answer. True: it went well. */
bool account_end_call(struct account *account, enum source_operation operation,
                      enum outcome outcome, const struct failure *why);

/* Logs a warning "ABOUT: ..", unless the list before was odd in the same way already. about: what
 * is odd, escaped; the rest may differ each time. */
void account_remark(struct account *account, const char *about, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A list is complete: what it did not bring up again is over, which is logged too. */
void account_end_remarks(struct account *account);

/* What the operation is for has been reached: its trouble is over. */
void account_recover(struct account *account, enum source_operation operation);

/* When a record of the store is to be fetched: at once where a clock that was ahead put it off. */
int64_t account_due(const struct account *account, const struct mail_from *record);

/* Writes the note. Inside store_update. */
bool account_put_state(struct account *account, struct store *store, struct failure *why);

/* The store failed outside of a call's beginning: logs it, and holds calls back for a while. */
void account_store_failed(struct account *account, const struct failure *why);

/* The identity as the log shows it. */
const char *account_escape(const char *identity, char out[ACCOUNT_ESCAPED_SIZE]);

/* Nothing to do until next_call, which mailfromctl shows: writes that where it is news, and the
 * heartbeat where it is due. */
void account_beat(struct account *account, int64_t now, int64_t next_call);

#endif
