/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/source_state.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const source_operation_words[SOURCE_OPERATION_COUNT] = {
    [SOURCE_LIST] = "ListEmailIdentities",
    [SOURCE_VERIFY] = "GetIdentityVerificationAttributes",
    [SOURCE_FETCH] = "GetIdentityMailFromDomainAttributes",
    [SOURCE_LOOKUP] = "MX",
};

#define AT(member) offsetof(struct source_state, member)

/* All members but text and answers; each is eight octets. */
static const struct {
    const char *key;
    size_t offset;
} members[] = {
    {"last-call", AT(last_call)},
    {"last-success", AT(last_success)},
    {"last-list", AT(last_list)},
    {"last-error-at", AT(last_error_at)},
    {"failing-since", AT(failing_since)},
    {"lasting-exit", AT(lasting_exit)},
    {"next-call", AT(next_call)},
    {"due-since", AT(due_since)},
    {"calls-list", AT(calls[SOURCE_LIST])},
    {"calls-verify", AT(calls[SOURCE_VERIFY])},
    {"calls-fetch", AT(calls[SOURCE_FETCH])},
    {"calls-lookup", AT(calls[SOURCE_LOOKUP])},
    {"failures-list", AT(failures[SOURCE_LIST])},
    {"failures-verify", AT(failures[SOURCE_VERIFY])},
    {"failures-fetch", AT(failures[SOURCE_FETCH])},
    {"failures-lookup", AT(failures[SOURCE_LOOKUP])},
    {"trouble-since-list", AT(trouble_since[SOURCE_LIST])},
    {"trouble-since-verify", AT(trouble_since[SOURCE_VERIFY])},
    {"trouble-since-fetch", AT(trouble_since[SOURCE_FETCH])},
    {"trouble-failures-list", AT(trouble_failures[SOURCE_LIST])},
    {"trouble-failures-verify", AT(trouble_failures[SOURCE_VERIFY])},
    {"trouble-failures-fetch", AT(trouble_failures[SOURCE_FETCH])},
    {"transitions", AT(transitions)},
    {"identities", AT(identities)},
    {"heartbeat", AT(heartbeat)},
};
enum { MEMBER_COUNT = sizeof members / sizeof *members };

static const char error_key[] = "last-error";

/* The key is "answers/", one of these, "/" and the result. */
static const char answers_prefix[] = "answers/";
static const char *const answers_keys[SOURCE_OPERATION_COUNT] = {
    [SOURCE_LIST] = "list",
    [SOURCE_VERIFY] = "verify",
    [SOURCE_FETCH] = "fetch",
    [SOURCE_LOOKUP] = "lookup",
};

void source_state_name(char name[SOURCE_NOTE_SIZE], const char *title)
{
    (void)snprintf(name, SOURCE_NOTE_SIZE, SOURCE_STATE_PREFIX "%.*s", MAIL_FROM_SECTION_MAX,
                   title);
}

/* The one for this operation and result, made if there is none yet; NULL: there are too many. */
static struct source_answer *answer_of(struct source_state *state, enum source_operation operation,
                                       const char *result, size_t length)
{
    struct source_answer *answer = state->answers;

    for (; answer < state->answers + state->answers_count; answer++) {
        if (answer->operation == operation && strlen(answer->result) == length &&
            memcmp(answer->result, result, length) == 0)
            return answer;
    }
    if (state->answers_count == SOURCE_ANSWERS_MAX || length == 0 || length > SOURCE_ANSWER_MAX)
        return NULL;
    state->answers_count++;
    *answer = (struct source_answer){.operation = operation};
    memcpy(answer->result, result, length);
    return answer;
}

void source_state_count(struct source_state *state, enum source_operation operation,
                        const char *result)
{
    struct source_answer *answer = answer_of(state, operation, result, strlen(result));

    if (answer != NULL)
        answer->count++;
}

void source_state_encode(const struct source_state *state, char text[STORE_NOTE_MAX + 1])
{
    size_t used = 0;
    int64_t value;

    for (size_t i = 0; i < MEMBER_COUNT; i++) {
        memcpy(&value, (const char *)state + members[i].offset, sizeof value);
        used += (size_t)snprintf(text + used, STORE_NOTE_MAX + 1 - used, "%s=%" PRId64 "\n",
                                 members[i].key, value);
    }
    for (size_t i = 0; i < state->answers_count; i++)
        used += (size_t)snprintf(text + used, STORE_NOTE_MAX + 1 - used, "%s%s/%s=%" PRIu64 "\n",
                                 answers_prefix, answers_keys[state->answers[i].operation],
                                 state->answers[i].result, state->answers[i].count);
    (void)snprintf(text + used, STORE_NOTE_MAX + 1 - used, "%s=%.*s\n", error_key,
                   (int)strcspn(state->last_error, "\n"), state->last_error);
}

/* key: what comes after the prefix. */
static void decode_answer(struct source_state *state, const char *key, const char *end)
{
    for (int i = 0; i < SOURCE_OPERATION_COUNT; i++) {
        size_t length = strlen(answers_keys[i]);
        struct source_answer *answer;
        if ((size_t)(end - key) <= length || memcmp(key, answers_keys[i], length) != 0 ||
            key[length] != '/')
            continue;
        key += length + 1;
        answer = answer_of(state, (enum source_operation)i, key, (size_t)(end - key));
        if (answer != NULL)
            answer->count = strtoull(end + 1, NULL, 10);
        return;
    }
}

static void decode_line(struct source_state *state, const char *line, size_t length)
{
    size_t prefix = strlen(answers_prefix);
    const char *equals = memchr(line, '=', length);
    size_t key = equals == NULL ? 0 : (size_t)(equals - line);
    int64_t value;

    if (key == strlen(error_key) && memcmp(line, error_key, key) == 0)
        (void)snprintf(state->last_error, sizeof state->last_error, "%.*s", (int)(length - key - 1),
                       equals + 1);
    if (key > prefix && memcmp(line, answers_prefix, prefix) == 0)
        decode_answer(state, line + prefix, equals);
    for (size_t i = 0; key > 0 && i < MEMBER_COUNT; i++) {
        if (strlen(members[i].key) != key || memcmp(line, members[i].key, key) != 0)
            continue;
        value = strtoll(equals + 1, NULL, 10);
        memcpy((char *)state + members[i].offset, &value, sizeof value);
    }
}

void source_state_decode(struct source_state *state, const char *text)
{
    memset(state, 0, sizeof *state);
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");
        decode_line(state, text, length);
        text += length;
        text += *text == '\n';
    }
}

enum store_result source_state_read(struct store *store, const char *title,
                                    struct source_state *state, struct failure *why)
{
    char name[SOURCE_NOTE_SIZE];
    char text[STORE_NOTE_MAX + 1] = "";
    enum store_result result;

    source_state_name(name, title);
    result = store_note_get(store, name, text, why);
    source_state_decode(state, result == STORE_FOUND ? text : "");
    return result;
}

bool source_state_write(struct store *store, const char *title, const struct source_state *state,
                        struct failure *why)
{
    char name[SOURCE_NOTE_SIZE];
    char text[STORE_NOTE_MAX + 1];

    source_state_name(name, title);
    source_state_encode(state, text);
    return store_note_put(store, name, text, why);
}

bool source_state_is_silent(const struct source_state *state, int64_t now)
{
    return now - state->heartbeat >= SOURCE_SILENCE || state->heartbeat - now >= SOURCE_SILENCE;
}
