/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Callbacks of one connection run on different threads, one after the other: all state is in
 * smfi_setpriv. Nothing is answered before the end of the message, which makes one round trip of a
 * message; see doc/architecture.md.
 */
#include "milter/milter.h"
#include "common/judgement.h"
#include "common/log.h"
#include "milter/live_settings.h"
#include "milter/message.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include <libmilter/mfapi.h>

enum { LOGGED_ADDRESS_MAX = 320, LOGGED_DETAIL_MAX = 300 };

static struct lookup *the_lookup;
static atomic_uint in_progress;

unsigned milter_in_progress(void)
{
    return atomic_load(&in_progress);
}

/* --- negotiation --- */

static const unsigned long silence = SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_MAIL | SMFIP_NR_RCPT |
                                     SMFIP_NR_DATA | SMFIP_NR_UNKN | SMFIP_NR_HDR | SMFIP_NR_EOH |
                                     SMFIP_NR_BODY | SMFIP_NOBODY;

static void ask_for_macros(SMFICTX *context, int stage, const char *macros)
{
    char list[100];

    (void)snprintf(list, sizeof list, "%s", macros);
    if (smfi_setsymlist(context, stage, list) != MI_SUCCESS)
        log_write(LOG_WARNING, "cannot ask the MTA for the macros %s", macros);
}

static sfsistat on_negotiate(SMFICTX *context, unsigned long offered_actions,
                             unsigned long offered_steps, unsigned long offered_2,
                             unsigned long offered_3, unsigned long *actions, unsigned long *steps,
                             unsigned long *wanted_2, unsigned long *wanted_3)
{
    (void)offered_2;
    (void)offered_3;
    *wanted_2 = *wanted_3 = 0;
    if ((offered_actions & SMFIF_CHGFROM) == 0) {
        log_write(LOG_ERR, "the MTA does not let milters change the envelope sender; Postfix 2.6 "
                           "or Sendmail 8.14 is needed, and in Postfix milter_protocol = 6");
        return SMFIS_REJECT;
    }
    *actions = SMFIF_CHGFROM | (offered_actions & SMFIF_SETSYMLIST);
    *steps |= offered_steps & silence;
    if ((offered_actions & SMFIF_SETSYMLIST) != 0) {
        ask_for_macros(context, SMFIM_CONNECT, "{client_addr} {client_port}");
        /* Sendmail has the queue id from here on, Postfix at the end. */
        ask_for_macros(context, SMFIM_ENVFROM, "i {auth_type} {auth_authen}");
        ask_for_macros(context, SMFIM_EOM, "i");
    }
    return SMFIS_CONTINUE;
}

/* --- collecting --- */

static sfsistat on_sender(SMFICTX *context, char **arguments)
{
    struct message *message = smfi_getpriv(context);

    if (message == NULL) {
        message = message_new();
        /* Without memory there is nothing to remember, and on_end defers. */
        if (message == NULL || smfi_setpriv(context, message) != MI_SUCCESS) {
            message_free(message);
            return SMFIS_NOREPLY;
        }
    }
    message_begin(message, arguments);
    return SMFIS_NOREPLY;
}

static sfsistat on_header(SMFICTX *context, char *name, char *body)
{
    struct message *message = smfi_getpriv(context);

    if (message != NULL)
        message_header(message, name, body);
    return SMFIS_NOREPLY;
}

static sfsistat on_abort(SMFICTX *context)
{
    struct message *message = smfi_getpriv(context);

    if (message != NULL)
        message_reset(message);
    return SMFIS_CONTINUE;
}

static sfsistat on_close(SMFICTX *context)
{
    message_free(smfi_getpriv(context));
    (void)smfi_setpriv(context, NULL);
    return SMFIS_CONTINUE;
}

/* --- the log line --- */

static const char *macro(SMFICTX *context, const char *name)
{
    char copy[32];

    (void)snprintf(copy, sizeof copy, "%s", name);
    return smfi_getsymval(context, copy);
}

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

static void log_judgement(const char *queue_id, const struct judgement_message *message,
                          const struct judgement *judgement, bool monitoring)
{
    char sender[MESSAGE_SENDER_MAX + 1];
    char line[LOG_LINE_MAX];
    const char *end = line + sizeof line;
    bool known = judgement->identity[0] != '\0';
    bool has_status = known && judgement->record.domain[0] != '\0';
    char *out = log_escape(line, end, queue_id == NULL ? "NOQUEUE" : queue_id, 100);

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
    if (monitoring)
        out = put(out, end, " mode=monitor");
    if (judgement->detail.text[0] != '\0') {
        out = put(out, end, " detail=\"");
        out = put(out, end, judgement->detail.text);
        (void)put(out, end, "\"");
    }
    /* Only the detail may hold more than printable ASCII. */
    if (judgement->detail.text[0] != '\0')
        log_write(LOG_INFO, "%s", line);
    else
        log_plain(LOG_INFO, line);
}

/* --- the verdict --- */

/* libmilter takes the text of a reply for a format. */
static void double_percents(char *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '%')
            *out++ = '%';
        *out++ = *text;
    }
    *out = '\0';
}

/* A reply sticks to the connection until it is used: set only right before it is. */
static sfsistat refuse(SMFICTX *context, const struct reply *reply)
{
    char text[2 * REPLY_TEXT_MAX + 1];
    struct reply copy = *reply;

    double_percents(text, reply->text);
    if (smfi_setreply(context, copy.code, copy.enhanced, text) != MI_SUCCESS)
        log_write(LOG_ERR, "libmilter does not take the reply %s %s", copy.code, copy.enhanced);
    return copy.code[0] == '4' ? SMFIS_TEMPFAIL : SMFIS_REJECT;
}

static sfsistat change_sender(SMFICTX *context, const char *new_sender)
{
    char argument[ENVELOPE_ADDRESS_SIZE + 2];

    (void)snprintf(argument, sizeof argument, "<%s>", new_sender);
    if (smfi_chgfrom(context, argument, NULL) == MI_SUCCESS)
        return SMFIS_CONTINUE;
    log_write(LOG_ERR, "cannot hand the new envelope sender to the MTA; the message is deferred");
    return SMFIS_TEMPFAIL;
}

static sfsistat act(SMFICTX *context, const struct judgement *judgement)
{
    switch (judgement->decision.verdict) {
    case VERDICT_REJECT:
    case VERDICT_DEFER:
        return refuse(context, &judgement->reply);
    case VERDICT_PASS:
    case VERDICT_CUSTOM:
    case VERDICT_DEFAULT:
        break;
    }
    return judgement->rewrite ? change_sender(context, judgement->new_sender) : SMFIS_CONTINUE;
}

static sfsistat judge_message(SMFICTX *context, const struct message *message)
{
    struct live_settings *live = live_settings_acquire();
    const struct settings *settings = live_settings_get(live);
    const char *port = macro(context, "{client_port}");
    char from[SENDER_ADDRESS_SIZE];
    struct judgement_message facts = {
        .sender = message->sender,
        .from = message_from(message, from) ? from : NULL,
        .client = macro(context, "{client_addr}"),
        .authenticated =
            macro(context, "{auth_type}") != NULL || macro(context, "{auth_authen}") != NULL,
        /* A client that came over no network has no port. */
        .submitted = port != NULL && strcmp(port, "0") == 0,
        .smtputf8 = message->smtputf8,
    };
    bool monitoring = settings->milter.mode == MODE_MONITOR;
    struct judgement judgement;

    judge(&judgement, &facts, settings, the_lookup, (int64_t)time(NULL), NULL);
    log_judgement(macro(context, "i"), &facts, &judgement, monitoring);
    live_settings_release(live);
    return monitoring ? SMFIS_CONTINUE : act(context, &judgement);
}

static sfsistat on_end(SMFICTX *context)
{
    struct message *message = smfi_getpriv(context);
    sfsistat answer = SMFIS_TEMPFAIL;

    atomic_fetch_add(&in_progress, 1);
    if (message == NULL || message->out_of_memory)
        log_write(LOG_ERR, "out of memory; the message is deferred");
    else
        answer = judge_message(context, message);
    if (message != NULL)
        message_reset(message);
    atomic_fetch_sub(&in_progress, 1);
    return answer;
}

bool milter_register(struct failure *why)
{
    static char name[] = "mailfrom-milter";
    struct smfiDesc description = {
        .xxfi_name = name,
        .xxfi_version = SMFI_VERSION,
        .xxfi_flags = SMFIF_CHGFROM | SMFIF_SETSYMLIST,
        .xxfi_envfrom = on_sender,
        .xxfi_header = on_header,
        .xxfi_eom = on_end,
        .xxfi_abort = on_abort,
        .xxfi_close = on_close,
        .xxfi_negotiate = on_negotiate,
    };

    return smfi_register(description) == MI_SUCCESS ||
           failure_set(why, EX_SOFTWARE, "libmilter does not take the callbacks");
}

void milter_use(struct lookup *lookup)
{
    the_lookup = lookup;
}
