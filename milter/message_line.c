/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "milter/message_line.h"
#include "common/log.h"
#include "milter/message.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* A line has room for every field at its longest, escaped; an object of JSON has room for every
 * member at its longest: 5 octets for each that is shown. */
enum {
    QUEUE_ID_MAX = 100,
    LOGGED_ADDRESS_MAX = 320,
    LOGGED_DETAIL_MAX = FAILURE_TEXT_SIZE,
    NAMES_MAX = 450,
    TEXT_SIZE = 4 * (QUEUE_ID_MAX + 4 * LOGGED_ADDRESS_MAX + LOGGED_DETAIL_MAX) + NAMES_MAX,
    SNAPSHOT_SIZE = 42,
    MEMBERS_SIZE = 5 * (QUEUE_ID_MAX + 4 * LOGGED_ADDRESS_MAX + LOGGED_DETAIL_MAX) + NAMES_MAX
};

/* --- as text --- */

static const char *bare(const char *argument, char out[MESSAGE_SENDER_MAX + 1])
{
    const char *address = argument;
    size_t length = envelope_bare(&address);

    if (address == argument)
        return argument;
    memcpy(out, address, length);
    out[length] = '\0';
    return out;
}

static char *put(char *out, const char *end, const char *text)
{
    size_t length = strnlen(text, (size_t)(end - out) - 1);

    memcpy(out, text, length);
    out[length] = '\0';
    return out + length;
}

/* For whoever wants to know exactly what a message was judged by. */
static bool shows_snapshot(const struct judgement *judgement)
{
    return judgement->snapshot.transaction != 0 && log_is_on(LOG_DEBUG);
}

/* inode:transaction */
static const char *snapshot_text(const struct judgement *judgement, char out[SNAPSHOT_SIZE])
{
    (void)snprintf(out, SNAPSHOT_SIZE, "%" PRIu64 ":%" PRIu64, judgement->snapshot.inode,
                   judgement->snapshot.transaction);
    return out;
}

static void log_text(const char *queue_id, const struct judgement_message *message,
                     const struct judgement *judgement, bool monitoring)
{
    char sender[MESSAGE_SENDER_MAX + 1];
    char snapshot[SNAPSHOT_SIZE];
    char line[TEXT_SIZE];
    const char *end = line + sizeof line;
    bool known = judgement->identity[0] != '\0';
    bool has_status = known && judgement->record.domain[0] != '\0';
    char *out = log_escape(line, end, queue_id == NULL ? "NOQUEUE" : queue_id, QUEUE_ID_MAX);

    out = put(out, end, ": sender=<");
    out = log_escape(out, end, bare(message->sender, sender), LOGGED_ADDRESS_MAX);
    out = put(out, end, "> from=<");
    out = log_escape(out, end, message->from == NULL ? "" : message->from, LOGGED_ADDRESS_MAX);
    out = put(out, end, "> identity=");
    out = log_escape(out, end, known ? judgement->identity : "-", LOGGED_ADDRESS_MAX);
    out = put(out, end, " status=");
    out = put(out, end, has_status ? mail_from_status_words[judgement->record.status] : "-");
    out = put(out, end, " verdict=");
    out = put(out, end, verdict_words[judgement->decision.verdict]);
    out = put(out, end, " reason=");
    out = put(out, end, reason_words[judgement->decision.reason]);
    out = put(out, end, " new-sender=");
    if (judgement->rewrite) {
        out = put(out, end, "<");
        out = log_escape(out, end, judgement->new_sender, LOGGED_ADDRESS_MAX);
        out = put(out, end, ">");
    } else {
        out = put(out, end, "-");
    }
    if (judgement->has_return_path) {
        out = put(out, end, " return=");
        out = put(out, end, return_form_words[judgement->return_form]);
    }
    if (monitoring)
        out = put(out, end, " mode=monitor");
    if (shows_snapshot(judgement)) {
        out = put(out, end, " snapshot=");
        out = put(out, end, snapshot_text(judgement, snapshot));
    }
    if (judgement->detail.text[0] != '\0') {
        out = put(out, end, " detail=");
        (void)log_quote(out, end, judgement->detail.text, LOGGED_DETAIL_MAX);
    }
    log_plain(LOG_INFO, line);
}

/* --- as JSON --- */

/* value: NULL for none. */
static char *put_member(char *out, const char *end, const char *name, const char *value, size_t max)
{
    out = put(out, end, ",\"");
    out = put(out, end, name);
    out = put(out, end, "\":");
    return value == NULL ? put(out, end, "null") : log_json_string(out, end, value, max);
}

static void log_object(const char *queue_id, const struct judgement_message *message,
                       const struct judgement *judgement, bool monitoring)
{
    char sender[MESSAGE_SENDER_MAX + 1];
    char snapshot[SNAPSHOT_SIZE];
    char members[MEMBERS_SIZE];
    const char *end = members + sizeof members;
    bool known = judgement->identity[0] != '\0';
    bool has_status = known && judgement->record.domain[0] != '\0';
    const struct {
        const char *name;
        const char *value;
    } addresses[] = {
        {"sender", bare(message->sender, sender)},
        {"from", message->from},
        {"identity", known ? judgement->identity : NULL},
    };
    char *out = put(members, end, "\"queue-id\":");

    out = log_json_string(out, end, queue_id == NULL ? "NOQUEUE" : queue_id, QUEUE_ID_MAX);
    for (size_t i = 0; i < sizeof addresses / sizeof *addresses; i++)
        out = put_member(out, end, addresses[i].name, addresses[i].value, LOGGED_ADDRESS_MAX);
    out = put_member(out, end, "status",
                     has_status ? mail_from_status_words[judgement->record.status] : NULL, 100);
    out = put_member(out, end, "verdict", verdict_words[judgement->decision.verdict], 100);
    out = put_member(out, end, "reason", reason_words[judgement->decision.reason], 100);
    out = put_member(out, end, "new-sender", judgement->rewrite ? judgement->new_sender : NULL,
                     LOGGED_ADDRESS_MAX);
    if (judgement->has_return_path)
        out = put_member(out, end, "return", return_form_words[judgement->return_form], 100);
    if (monitoring)
        out = put_member(out, end, "mode", "monitor", 100);
    if (shows_snapshot(judgement))
        out = put_member(out, end, "snapshot", snapshot_text(judgement, snapshot), SNAPSHOT_SIZE);
    if (judgement->detail.text[0] != '\0')
        (void)put_member(out, end, "detail", judgement->detail.text, LOGGED_DETAIL_MAX);
    log_members(LOG_INFO, members);
}

void message_line_log(const char *queue_id, const struct judgement_message *message,
                      const struct judgement *judgement, bool monitoring)
{
    if (!log_is_on(LOG_INFO))
        return;
    if (log_format_in_force() == LOG_JSON)
        log_object(queue_id, message, judgement, monitoring);
    else
        log_text(queue_id, message, judgement, monitoring);
}
