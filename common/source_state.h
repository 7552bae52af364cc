/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * How a source of records is doing: what mailfrom-sync tells mailfromctl, and itself after a
 * restart, in a note of the store. One note for each section `ses`, and one for the local source.
 */
#ifndef COMMON_SOURCE_STATE_H
#define COMMON_SOURCE_STATE_H

#include "common/store.h"

/* SOURCE_LOOKUP is what the local source does: its calls are look-ups, its failures those without a
 * definite answer. */
enum source_operation { SOURCE_LIST, SOURCE_VERIFY, SOURCE_FETCH, SOURCE_LOOKUP };
enum { SOURCE_OPERATION_COUNT = SOURCE_LOOKUP + 1 };
extern const char
    *const source_operation_words[SOURCE_OPERATION_COUNT]; /* SES's own names, and "MX" */

/* The local source goes by a title that no section can have. Its last_success is the last definite
 * answer, failing_since since when nobody gave one, next_call when the next look-up is due,
 * due_since since when the one waits that is the most overdue; how many identities there are, the
 * store's counters say. */
#define SOURCE_STATE_LOCAL "/local"

enum {
    SOURCE_ERROR_MAX = 500,
    SOURCE_ANSWERS_MAX = 64,
    SOURCE_ANSWER_MAX = 30,
    SOURCE_HEARTBEAT = 10000, /* milliseconds between two writes of a mailfrom-sync that is idle */
    SOURCE_SILENCE = 900000,  /* no call takes as long, and each of them is written of */
    SOURCE_LATE = 600000,     /* behind by so much, look-ups are too few for the identities */
    SOURCE_NOTE_SIZE = 16 + MAIL_FROM_SECTION_MAX
};

/* How often an operation ended like this: a word of ses/outcome.h, or of dns/resolver.h. */
struct source_answer {
    enum source_operation operation;
    char result[SOURCE_ANSWER_MAX + 1];
    uint64_t count;
};

/* Times are milliseconds since the epoch, 0 for never. */
struct source_state {
    int64_t last_call; /* committed before the call goes out: the budget outlives the process */
    int64_t last_success;
    int64_t last_list; /* the last that was complete */
    int64_t last_error_at;
    int64_t failing_since; /* 0: the last call went well */
    int64_t lasting_exit;  /* of a failure that a person has to mend: what a program exits with; 0:
                            * it  passes by itself, or there is none */
    int64_t next_call;
    int64_t due_since;
    char last_error[SOURCE_ERROR_MAX + 1]; /* one line; kept after a success, see failing_since */
    uint64_t calls[SOURCE_OPERATION_COUNT];
    uint64_t failures[SOURCE_OPERATION_COUNT];
    int64_t trouble_since[SOURCE_OPERATION_COUNT]; /* of what fails now: so that its end can be told
                                                    * after a reload too; 0: it does not fail */
    uint64_t trouble_failures[SOURCE_OPERATION_COUNT]; /* so many since then */
    uint64_t transitions;
    uint64_t identities; /* of the account, when last listed */
    int64_t heartbeat;   /* when mailfrom-sync wrote this; see common/instance.h */
    struct source_answer answers[SOURCE_ANSWERS_MAX]; /* in the order of their first time */
    size_t answers_count;
};

/* Counts an answer. One too many of different results is left out. */
void source_state_count(struct source_state *state, enum source_operation operation,
                        const char *result);

/* The name of the note. title: of the section, "" for none. */
void source_state_name(char name[SOURCE_NOTE_SIZE], const char *title);

/* What the names of all these notes begin with; the title follows. */
#define SOURCE_STATE_PREFIX "source/ses/"

/* The text: a line `key=value` for each member. Keys that are not known are passed over and missing
 * ones are zero, so that versions may differ. */
void source_state_encode(const struct source_state *state, char text[STORE_NOTE_MAX + 1]);
void source_state_decode(struct source_state *state, const char *text);

/* A source that never ran has an empty state, and STORE_NOT_FOUND. */
enum store_result source_state_read(struct store *store, const char *title,
                                    struct source_state *state, struct failure *why);

/* Inside store_update. */
bool source_state_write(struct store *store, const char *title, const struct source_state *state,
                        struct failure *why);

/* Is this older than any work explains? Then a mailfrom-sync that runs is stuck, or has settings in
 * force that do not name the source. */
bool source_state_is_silent(const struct source_state *state, int64_t now);

#endif
