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
#include "common/log_limit.h"
#include "common/monotonic.h"
#include "milter/arrival.h"
#include "milter/counters.h"
#include "milter/live_settings.h"
#include "milter/message.h"
#include "milter/message_line.h"
#include "milter/stats.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>

#include <libmilter/mfapi.h>

static struct lookup *the_lookup;
static struct {
    struct log_limit macros, negotiation, reply, new_sender, memory;
    struct log_limit packet, timeout, connections;
} limits;
static bool is_counting; /* does somebody read the counters? */
static atomic_uint in_progress;

unsigned milter_in_progress(void)
{
    return atomic_load(&in_progress);
}

/* --- what belongs to a connection --- */

/* NULL: without memory there is nothing to remember, and on_end defers. */
static struct message *message_of(SMFICTX *context)
{
    struct message *message = smfi_getpriv(context);

    if (message != NULL)
        return message;
    message = message_new();
    if (message == NULL || smfi_setpriv(context, message) != MI_SUCCESS) {
        message_free(message);
        return NULL;
    }
    counters_add_connection();
    return message;
}

/* Also of connections that never came to the negotiation: somebody knocked. */
static sfsistat on_close(SMFICTX *context)
{
    struct message *message = smfi_getpriv(context);

    if (message != NULL)
        counters_close_connection();
    message_free(message);
    (void)smfi_setpriv(context, NULL);
    return SMFIS_CONTINUE;
}

/* --- negotiation --- */

static const uint32_t silence = SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_MAIL | SMFIP_NR_RCPT |
                                SMFIP_NR_DATA | SMFIP_NR_UNKN | SMFIP_NR_HDR | SMFIP_NR_EOH |
                                SMFIP_NR_BODY | SMFIP_NOBODY;

static void ask_for_macros(SMFICTX *context, int stage, const char *macros)
{
    char list[100];

    (void)snprintf(list, sizeof list, "%s", macros);
    if (smfi_setsymlist(context, stage, list) != MI_SUCCESS)
        log_limited(&limits.macros, LOG_WARNING, "cannot ask the MTA for the macros %s", macros);
}

/* Of a sender without a domain, a return path has to know what the MTA adds. */
static bool are_senders_signed(void)
{
    struct live_settings *live = live_settings_acquire();
    bool are_signed = live_settings_secrets(live) != NULL;

    live_settings_release(live);
    return are_signed;
}

static void ask_for_all_macros(SMFICTX *context)
{
    bool are_signed = are_senders_signed();

    ask_for_macros(context, SMFIM_CONNECT,
                   are_signed ? "{client_addr} {client_port} {daemon_port} j"
                              : "{client_addr} {client_port} {daemon_port}");
    /* Sendmail has the queue id from here on, Postfix at the end. */
    ask_for_macros(context, SMFIM_ENVFROM,
                   are_signed ? "i {auth_type} {auth_authen} {mail_addr}"
                              : "i {auth_type} {auth_authen}");
    ask_for_macros(context, SMFIM_EOM, "i");
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
        counters_add_trouble(TROUBLE_NEGOTIATION);
        log_limited(&limits.negotiation, LOG_ERR,
                    "the MTA does not let milters change the envelope sender; Postfix 2.6 "
                    "or Sendmail 8.14 is needed, and in Postfix milter_protocol = 6");
        return SMFIS_REJECT;
    }
    (void)message_of(context);
    *actions = SMFIF_CHGFROM | (offered_actions & SMFIF_SETSYMLIST);
    *steps |= offered_steps & silence;
    if ((offered_actions & SMFIF_SETSYMLIST) != 0)
        ask_for_all_macros(context);
    return SMFIS_CONTINUE;
}

/* --- collecting --- */

static const char *macro(SMFICTX *context, const char *name)
{
    char copy[32];

    (void)snprintf(copy, sizeof copy, "%s", name);
    return smfi_getsymval(context, copy);
}

/* Who brings the message. */
static void describe_client(struct judgement_message *facts, SMFICTX *context)
{
    facts->client = macro(context, "{client_addr}");
    facts->port = macro(context, "{daemon_port}");
    facts->authenticated =
        macro(context, "{auth_type}") != NULL || macro(context, "{auth_authen}") != NULL;
    facts->submitted =
        arrival_is_submission(facts->client, macro(context, "{client_port}"), facts->port);
}

/* Only spares work: the verdict asks again. What is not known is not certain. */
static bool is_certainly_inbound(SMFICTX *context)
{
    struct judgement_message facts = {.sender = ""};
    struct live_settings *live;
    bool is_inbound;

    describe_client(&facts, context);
    if (facts.client == NULL)
        return false;
    live = live_settings_acquire();
    is_inbound = !judgement_is_outbound(&facts, live_settings_get(live));
    live_settings_release(live);
    return is_inbound;
}

static sfsistat on_sender(SMFICTX *context, char **arguments)
{
    struct message *message = message_of(context);

    if (message != NULL) {
        message_begin(message, arguments);
        message->inbound = is_certainly_inbound(context);
    }
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
    if (smfi_setreply(context, copy.code, copy.enhanced, text) != MI_SUCCESS) {
        counters_add_trouble(TROUBLE_REPLY);
        log_limited(&limits.reply, LOG_ERR, "libmilter does not take the reply %s %s", copy.code,
                    copy.enhanced);
    }
    return copy.code[0] == '4' ? SMFIS_TEMPFAIL : SMFIS_REJECT;
}

static sfsistat change_sender(SMFICTX *context, const char *new_sender)
{
    char argument[ENVELOPE_ADDRESS_SIZE + 2];

    (void)snprintf(argument, sizeof argument, "<%s>", new_sender);
    if (smfi_chgfrom(context, argument, NULL) == MI_SUCCESS)
        return SMFIS_CONTINUE;
    counters_add_trouble(TROUBLE_NEW_SENDER);
    log_limited(&limits.new_sender, LOG_ERR,
                "cannot hand the new envelope sender to the MTA; the message is deferred");
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

/* A sender without a domain: Postfix tells what it makes of it, Sendmail adds its own name. */
static const char *home_domain(SMFICTX *context)
{
    const char *address = macro(context, "{mail_addr}");
    const char *at = address == NULL ? NULL : strrchr(address, '@');

    return at != NULL ? at + 1 : macro(context, "j");
}

static sfsistat judge_message(SMFICTX *context, const struct message *message)
{
    int64_t began = is_counting ? monotonic_nanoseconds() : 0;
    struct live_settings *live = live_settings_acquire();
    const struct settings *settings = live_settings_get(live);
    const struct return_scene scene = {settings, live_settings_secrets(live), the_lookup,
                                       (int64_t)time(NULL)};
    char from[SENDER_ADDRESS_SIZE];
    struct judgement_message facts = {
        .sender = message->sender,
        .home_domain = strchr(message->sender, '@') == NULL ? home_domain(context) : NULL,
        .from = message_from(message, from) ? from : NULL,
        .smtputf8 = message->smtputf8,
    };
    bool monitoring = settings->milter.mode == MODE_MONITOR;
    struct judgement judgement;

    describe_client(&facts, context);
    judge(&judgement, &facts, &scene, NULL);
    message_line_log(macro(context, "i"), &facts, &judgement, monitoring);
    live_settings_release(live);
    if (is_counting) {
        counters_add_message(monitoring ? MODE_MONITOR : MODE_ENFORCE, judgement.decision,
                             monotonic_nanoseconds() - began);
        if (judgement.has_return_path)
            counters_add_return_path(judgement.return_form);
        stats_add(judgement.identity, judgement.decision);
    }
    return monitoring ? SMFIS_CONTINUE : act(context, &judgement);
}

static sfsistat on_end(SMFICTX *context)
{
    struct message *message = smfi_getpriv(context);
    sfsistat answer = SMFIS_TEMPFAIL;

    atomic_fetch_add(&in_progress, 1);
    if (message != NULL && !message->out_of_memory) {
        answer = judge_message(context, message);
    } else {
        counters_add_trouble(TROUBLE_OUT_OF_MEMORY);
        log_limited(&limits.memory, LOG_ERR, "out of memory; the message is deferred");
    }
    if (message != NULL)
        message_reset(message);
    atomic_fetch_sub(&in_progress, 1);
    return answer;
}

/* --- what comes before libmilter --- */

static void on_front_trouble(enum front_trouble trouble, const char *text)
{
    switch (trouble) {
    case FRONT_BAD_PACKET:
        counters_add_trouble(TROUBLE_PACKET);
        log_limited(&limits.packet, LOG_WARNING,
                    "closed a connection to the milter's socket: it sent %s", text);
        break;
    case FRONT_TOO_SLOW:
        counters_add_trouble(TROUBLE_TIMEOUT);
        log_limited(&limits.timeout, LOG_WARNING,
                    "closed a connection to the milter's socket: %s for too long", text);
        break;
    case FRONT_TOO_MANY:
        counters_add_trouble(TROUBLE_CONNECTIONS);
        log_limited(&limits.connections, LOG_WARNING,
                    "too many connections to the milter's socket; closed %s", text);
        break;
    case FRONT_NO_MEMORY:
        counters_add_trouble(TROUBLE_OUT_OF_MEMORY);
        log_limited(&limits.memory, LOG_ERR, "closed a connection to the milter's socket: %s",
                    text);
        break;
    }
}

const struct front_policy milter_front_policy = {silence, message_wants_header, on_front_trouble};

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

void milter_use(struct lookup *lookup, bool counting)
{
    the_lookup = lookup;
    is_counting = counting;
}
