/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "sync/health.h"

#include "common/source_state.h"
#include "common/word.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { MOMENT_SIZE = 32 };

struct line {
    char *out;
    size_t size;
    size_t length;
};

static void __attribute__((format(printf, 2, 3))) append(struct line *line, const char *format, ...)
{
    size_t room = line->size - line->length;
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(line->out + line->length, room, format, arguments);
    va_end(arguments);
    if (length > 0)
        line->length += (size_t)length < room ? (size_t)length : room - 1;
}

static const char *moment(int64_t milliseconds, char text[MOMENT_SIZE])
{
    time_t seconds = (time_t)(milliseconds / 1000);
    struct tm parts;

    if (gmtime_r(&seconds, &parts) == NULL ||
        strftime(text, MOMENT_SIZE, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0)
        text[0] = '\0';
    return text;
}

static void append_source(struct line *line, const char *title, const struct source_state *state,
                          uint64_t identities)
{
    char text[MOMENT_SIZE];

    append(line, "%s%s: %llu %s", line->length > 0 ? "; " : "", title,
           (unsigned long long)identities, word_for(identities, "identity", "identities"));
    if (state->failing_since != 0)
        append(line, ", failing since %s", moment(state->failing_since, text));
    if (state->last_success != 0)
        append(line, ", last success %s", moment(state->last_success, text));
    else
        append(line, ", no success yet");
    if (state->failing_since != 0)
        append(line, ": %s", state->last_error);
}

static bool append_note(struct line *line, struct store *store, const char *title, const char *note,
                        struct failure *why)
{
    struct source_state state;
    struct store_tally tally;
    bool is_local = strcmp(note, SOURCE_STATE_LOCAL) == 0;

    if (source_state_read(store, note, &state, why) == STORE_FAILED ||
        (is_local && !store_tally(store, (int64_t)time(NULL), &tally, why)))
        return false;
    append_source(line, title, &state,
                  is_local ? store_tally_with_domain(&tally, MAIL_FROM_LOCAL) : state.identities);
    return true;
}

static bool append_all(struct line *line, struct store *store, const struct settings *settings,
                       struct failure *why)
{
    for (size_t i = 0; i < settings->ses_count; i++) {
        const char *title = settings->ses[i].title;
        if (!append_note(line, store, *title == '\0' ? "ses" : title, title, why))
            return false;
    }
    return settings->local.expected_mx.count == 0 ||
           append_note(line, store, "local", SOURCE_STATE_LOCAL, why);
}

void health_describe(struct shared_store *shared, const struct settings *settings, char *out,
                     size_t size)
{
    struct line line = {out, size, 0};
    struct failure why;
    struct store *store = shared_store_acquire(shared, &why);
    bool worked = store != NULL && append_all(&line, store, settings, &why);

    if (store != NULL)
        shared_store_release(shared);
    if (worked)
        return;
    line.length = 0;
    append(&line, "%s", why.text);
}
