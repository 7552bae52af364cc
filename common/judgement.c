/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/judgement.h"

#include <string.h>
#include <sysexits.h>

static bool comes_back(const struct judgement_message *message, const struct settings *settings)
{
    const struct settings_list *ports = &settings->milter.reinjection_ports;

    for (size_t i = 0; message->port != NULL && i < ports->count; i++) {
        if (strcmp(ports->items[i], message->port) == 0)
            return true;
    }
    return false;
}

bool judgement_is_outbound(const struct judgement_message *message, const struct settings *settings)
{
    if (comes_back(message, settings))
        return false;
    if (message->submitted || (message->authenticated && settings->milter.outbound_authenticated))
        return true;
    return network_contains(settings->milter.outbound_networks,
                            settings->milter.outbound_networks_count, message->client);
}

static bool parse_envelope_address(struct identity *address, struct envelope envelope,
                                   struct failure *why)
{
    if (envelope.local == NULL || envelope.domain == NULL)
        return failure_set(why, EX_DATAERR, "the envelope sender is not an address");
    return identity_parse(address, envelope.local,
                          (size_t)(envelope.domain + envelope.domain_length - envelope.local), why);
}

/* Whose identity counts. One that is no proper address has no keys, and so no identity. */
static void choose_address(struct identity *address, const struct judgement_message *message,
                           const struct settings *settings, struct envelope envelope,
                           struct failure *why)
{
    bool use_from = settings->milter.identity_from == IDENTITY_FROM_HEADER && message->from != NULL;
    bool usable = use_from ? identity_parse(address, message->from, strlen(message->from), why)
                           : parse_envelope_address(address, envelope, why);

    if (!usable)
        *address = (struct identity){.kind = IDENTITY_DOMAIN};
}

static struct decision_policy policy_of(const struct settings *settings)
{
    return (struct decision_policy){
        .on_unavailable = settings->milter.on_unavailable,
        .on_unknown_identity = settings->milter.on_unknown_identity,
        .on_expired = settings->milter.on_expired,
        .defer_temporary_failure = settings->milter.temporary_failure == TEMPORARY_FAILURE_DEFER,
        .has_default_domain = settings->default_mail_from_domain[0] != '\0',
    };
}

static void take_record(struct decision_facts *facts, const struct mail_from *record,
                        const struct settings *settings)
{
    facts->sender_stays = !settings_rewrite(settings, record);
    facts->has_mail_from_domain = record->domain[0] != '\0';
    facts->status = record->status;
    facts->behavior = record->behavior;
    facts->expire_after = record->expire_after;
}

static void look_up(struct judgement *judgement, struct decision_facts *facts,
                    const struct identity *address, const struct settings *settings,
                    struct lookup *lookup, const struct store_trace *trace)
{
    struct store_trace with_snapshot = trace != NULL ? *trace : (struct store_trace){0};

    with_snapshot.snapshot = &judgement->snapshot;
    facts->lookup = lookup_find(lookup, address, settings->milter.strip_label, judgement->identity,
                                &judgement->record, &with_snapshot, &judgement->detail);
    if (facts->lookup == LOOKUP_FOUND)
        take_record(facts, &judgement->record, settings);
    else
        judgement->identity[0] = '\0';
}

/* Where the verdict says the envelope sender belongs, NULL for where it is. */
static const char *target_domain(const struct judgement *judgement, const struct settings *settings)
{
    switch (judgement->decision.verdict) {
    case VERDICT_CUSTOM:
        return judgement->record.domain;
    case VERDICT_DEFAULT:
        return settings->default_mail_from_domain;
    case VERDICT_PASS:
    case VERDICT_REJECT:
    case VERDICT_DEFER:
        break;
    }
    return NULL;
}

static const char *reply_template(const struct judgement *judgement,
                                  const struct settings *settings)
{
    if (judgement->decision.reason == REASON_BAD_SENDER)
        return reply_bad_sender;
    return judgement->decision.verdict == VERDICT_DEFER ? settings->milter.defer_reply
                                                        : settings->milter.reject_reply;
}

/* Without the angle brackets, and not more than a reply shows anyway. */
static void copy_bare_sender(char out[REPLY_TEXT_MAX + 1], const char *argument)
{
    size_t length = envelope_bare(&argument);

    length = length < REPLY_TEXT_MAX ? length : REPLY_TEXT_MAX;
    memcpy(out, argument, length);
    out[length] = '\0';
}

static void fill_reply(struct judgement *judgement, const struct judgement_message *message,
                       const struct settings *settings)
{
    const struct mail_from *record = &judgement->record;
    bool known = judgement->identity[0] != '\0';
    bool has_domain = known && record->domain[0] != '\0';
    char sender[REPLY_TEXT_MAX + 1];
    struct reply_values values = {
        .identity = judgement->identity,
        .mail_from_domain = has_domain ? record->domain : NULL,
        .status = has_domain ? mail_from_status_words[record->status] : NULL,
        .reason = reason_words[judgement->decision.reason],
        .explanation = reason_explanations[judgement->decision.reason],
        .sender = sender,
        .from = message->from,
    };

    copy_bare_sender(sender, message->sender);
    reply_fill(&judgement->reply, reply_template(judgement, settings), &values);
}

/* --- the new envelope sender --- */

/* The bounces of an identity of SES go to SES. */
static bool wants_return_path(const struct judgement *judgement, const struct return_scene *scene)
{
    return scene->secrets != NULL &&
           (judgement->identity[0] == '\0' || judgement->record.source != MAIL_FROM_SES);
}

/* As it stands in the envelope, since bounces go to that; U-labels as A-labels, for not every MTA
 * knows them. Empty where there is none. */
static void read_domain(struct return_original *original, char a_labels[IDENTITY_DOMAIN_MAX + 1],
                        struct envelope envelope, const struct judgement_message *message)
{
    struct failure ignored;

    original->domain = envelope.domain != NULL ? envelope.domain : message->home_domain;
    original->domain_length = envelope.domain != NULL        ? envelope.domain_length
                              : message->home_domain != NULL ? strlen(message->home_domain)
                                                             : 0;
    if (original->domain_length > 0 && original->domain[original->domain_length - 1] == '.')
        original->domain_length--;
    for (size_t i = 0; i < original->domain_length; i++) {
        if ((unsigned char)original->domain[i] < 0x80)
            continue;
        if (!identity_parse_domain(a_labels, original->domain, original->domain_length, &ignored))
            a_labels[0] = '\0';
        original->domain = a_labels;
        original->domain_length = strlen(a_labels);
    }
}

/* The identity's own domain, where the MAIL FROM domain is the identity's own too. */
static const char *own_domain(const struct judgement *judgement)
{
    const char *at = strrchr(judgement->identity, '@');

    if (judgement->decision.verdict != VERDICT_CUSTOM)
        return NULL;
    return at == NULL ? judgement->identity : at + 1;
}

/* False: the message is not to be sent like this. */
static bool sign_sender(struct judgement *judgement, struct return_sender *sender,
                        struct envelope envelope, const struct judgement_message *message,
                        const char *domain, const struct return_scene *scene)
{
    char a_labels[IDENTITY_DOMAIN_MAX + 1];
    char content[LOCAL_PART_MAX];
    struct return_original original = {content, sender->length, NULL, 0};

    memcpy(content, sender->content, sender->length);
    read_domain(&original, a_labels, envelope, message);
    return_address_make(sender, &original, domain, own_domain(judgement), scene,
                        &judgement->detail);
    judgement->has_return_path = true;
    judgement->return_form = sender->form;
    return sender->form != RETURN_NONE ||
           scene->settings->return_path.on_unreturnable == UNRETURNABLE_SEND;
}

static bool move_sender(struct judgement *judgement, struct envelope envelope,
                        const struct judgement_message *message, const char *domain,
                        const struct return_scene *scene)
{
    struct return_sender sender = {.form = RETURN_NONE};

    if (!envelope_content(envelope, message->smtputf8, sender.content, &sender.length,
                          &judgement->detail))
        return false;
    if (wants_return_path(judgement, scene) &&
        !sign_sender(judgement, &sender, envelope, message, domain, scene))
        return false;
    return envelope_join(judgement->new_sender, sender.content, sender.length, domain,
                         &judgement->detail);
}

static void reset(struct judgement *judgement)
{
    judgement->identity[0] = '\0';
    judgement->snapshot = (struct store_snapshot){0, 0};
    judgement->detail.text[0] = '\0';
    judgement->rewrite = false;
    judgement->has_return_path = false;
}

/* From the facts to what is done. */
static void conclude(struct judgement *judgement, struct decision_facts *facts,
                     struct envelope envelope, const struct judgement_message *message,
                     const struct return_scene *scene)
{
    const struct settings *settings = scene->settings;
    const char *domain;

    judgement->decision = decide(*facts, policy_of(settings), scene->now);
    domain = target_domain(judgement, settings);
    if (domain != NULL && !envelope_is_at(envelope, domain)) {
        judgement->rewrite = facts->sender_portable =
            move_sender(judgement, envelope, message, domain, scene);
        judgement->decision = decide(*facts, policy_of(settings), scene->now);
    }
    if (judgement->decision.verdict == VERDICT_REJECT ||
        judgement->decision.verdict == VERDICT_DEFER)
        fill_reply(judgement, message, settings);
}

void judge(struct judgement *judgement, const struct judgement_message *message,
           const struct return_scene *scene, const struct store_trace *trace)
{
    const struct settings *settings = scene->settings;
    struct envelope envelope = envelope_parse(message->sender);
    struct decision_facts facts = {.null_sender = envelope.is_null, .sender_portable = true};
    struct identity address;

    reset(judgement);
    judgement->comes_back = comes_back(message, settings);
    judgement->outbound = facts.outbound = judgement_is_outbound(message, settings);
    if (judgement->comes_back)
        (void)failure_set(&judgement->detail, EX_OK,
                          "it comes back from a content filter, by reinjection-ports %s",
                          message->port);
    if (!facts.null_sender && facts.outbound) {
        choose_address(&address, message, settings, envelope, &judgement->detail);
        look_up(judgement, &facts, &address, settings, scene->lookup, trace);
    }
    conclude(judgement, &facts, envelope, message, scene);
}

void judge_as(struct judgement *judgement, const char *identity, const struct mail_from *record,
              const struct judgement_message *message, const struct return_scene *scene)
{
    struct envelope envelope = envelope_parse(message->sender);
    struct decision_facts facts = {.null_sender = envelope.is_null,
                                   .outbound = true,
                                   .sender_portable = true,
                                   .lookup = LOOKUP_FOUND};

    reset(judgement);
    judgement->outbound = true;
    judgement->comes_back = false;
    (void)snprintf(judgement->identity, sizeof judgement->identity, "%s", identity);
    judgement->record = *record;
    take_record(&facts, record, scene->settings);
    conclude(judgement, &facts, envelope, message, scene);
}
