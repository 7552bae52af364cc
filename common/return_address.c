/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/return_address.h"

#include <string.h>
#include <strings.h>
#include <sysexits.h>

enum { MILLISECONDS_A_DAY = 24 * 60 * 60 * 1000, SECONDS_A_DAY = 24 * 60 * 60 };

const char *const return_result_words[RETURN_RESULT_COUNT] = {
    [RETURN_ELSEWHERE] = "elsewhere",   [RETURN_OK] = "ok",
    [RETURN_EXPIRED] = "expired",       [RETURN_FORGED] = "forged",
    [RETURN_UNKNOWN] = "unknown",       [RETURN_FEEDBACK_OFF] = "feedback-off",
    [RETURN_POSTMASTER] = "postmaster", [RETURN_UNAVAILABLE] = "unavailable",
};

/* --- the original domains that are possible at a MAIL FROM domain --- */

struct candidates {
    struct store_return returns[STORE_RETURNS_MAX]; /* of the identities that have it, or had */
    size_t returns_count;
    const struct settings_list *listed; /* return-domains */
};

int return_lifetime_days(const struct settings *settings)
{
    return (int)(settings->return_path.lifetime / MILLISECONDS_A_DAY);
}

int64_t return_gone_after(const struct settings *settings, int64_t now)
{
    /* A day more, since a signature tells the day only. */
    return now - (return_lifetime_days(settings) + 1LL) * SECONDS_A_DAY;
}

static enum lookup_result find_candidates(struct candidates *candidates,
                                          const char *mail_from_domain,
                                          const struct return_scene *scene, struct failure *why)
{
    int64_t gone_after = return_gone_after(scene->settings, scene->now);

    candidates->listed = &scene->settings->return_path.return_domains;
    candidates->returns_count = 0;
    return lookup_returns(scene->lookup, mail_from_domain, gone_after, candidates->returns,
                          &candidates->returns_count, why);
}

/* The domains of the identities first; NULL after the last. */
static const char *candidate(const struct candidates *candidates, size_t index)
{
    if (index < candidates->returns_count)
        return candidates->returns[index].domain;
    index -= candidates->returns_count;
    return index < candidates->listed->count ? candidates->listed->items[index] : NULL;
}

static bool equals_folded(const char *domain, size_t length, const char *canonical)
{
    return strlen(canonical) == length && strncasecmp(domain, canonical, length) == 0;
}

static bool has_candidate(const struct candidates *candidates, const char *domain, size_t length)
{
    const char *known;

    for (size_t i = 0; (known = candidate(candidates, i)) != NULL; i++) {
        if (equals_folded(domain, length, known))
            return true;
    }
    return false;
}

/* The original domain of an unsigned local part: the only one that is possible. With foreign-only,
 * the unsigned ones are those of the identity's own domain. NULL if it is not certain. */
static const char *only_candidate(const struct candidates *candidates, bool foreign_only)
{
    const char *first = candidate(candidates, 0);

    if (foreign_only)
        return candidates->returns_count == 1 ? candidates->returns[0].domain : NULL;
    for (size_t i = 1; first != NULL && candidate(candidates, i) != NULL; i++) {
        if (strcmp(candidate(candidates, i), first) != 0)
            return NULL;
    }
    return first;
}

/* --- out --- */

static bool looks_signed(const struct return_original *original)
{
    struct return_tag tag;

    return_path_read(&tag, original->local, original->local_length);
    return tag.form != RETURN_PLAIN;
}

static bool is_foreign_only(const struct return_scene *scene)
{
    return scene->settings->return_path.tag == RETURN_TAG_FOREIGN_ONLY;
}

/* Would an unsigned one come back to this very original? */
static bool returns_unsigned(const struct return_original *original, const char *mail_from_domain,
                             const struct return_scene *scene)
{
    struct candidates candidates;
    struct failure ignored;
    const char *only;

    (void)find_candidates(&candidates, mail_from_domain, scene, &ignored);
    only = only_candidate(&candidates, is_foreign_only(scene));
    return only != NULL && equals_folded(original->domain, original->domain_length, only) &&
           !looks_signed(original) &&
           (is_foreign_only(scene) ||
            return_path_is_too_long_to_sign(original->local, original->local_length));
}

static void leave_unsigned(struct return_sender *sender, enum return_form form,
                           const struct return_original *original)
{
    sender->form = form;
    sender->length = original->local_length;
    memcpy(sender->content, original->local, original->local_length);
}

/* May the index know the original domain, though it is not that of the identity that decided? Only
 * a parent of the MAIL FROM domain can have an identity with it. */
static bool may_be_indexed(const struct return_original *original, const char *mail_from_domain)
{
    size_t length = strlen(mail_from_domain);
    size_t parent = original->domain_length;

    return length > parent + 1 && parent > 0 && mail_from_domain[length - parent - 1] == '.' &&
           strncasecmp(mail_from_domain + length - parent, original->domain, parent) == 0;
}

/* What needs no look-up has none: the mail path is here. */
static bool is_known(const struct return_original *original, const char *mail_from_domain,
                     const char *identity_domain, const struct return_scene *scene)
{
    struct candidates candidates = {.listed = &scene->settings->return_path.return_domains};
    struct failure ignored;

    if ((identity_domain != NULL &&
         equals_folded(original->domain, original->domain_length, identity_domain)) ||
        has_candidate(&candidates, original->domain, original->domain_length))
        return true;
    return may_be_indexed(original, mail_from_domain) &&
           find_candidates(&candidates, mail_from_domain, scene, &ignored) == LOOKUP_FOUND &&
           has_candidate(&candidates, original->domain, original->domain_length);
}

static bool sign(struct return_sender *sender, const struct return_original *original,
                 const char *mail_from_domain, const struct return_scene *scene)
{
    return return_path_sign(sender->content, &sender->length, sender->form, original,
                            mail_from_domain, scene->secrets, return_path_day(scene->now));
}

void return_address_make(struct return_sender *sender, const struct return_original *original,
                         const char *mail_from_domain, const char *identity_domain,
                         const struct return_scene *scene, struct failure *why)
{
    bool prefers_plain = is_foreign_only(scene) && identity_domain != NULL &&
                         equals_folded(original->domain, original->domain_length, identity_domain);

    if (original->domain_length == 0) {
        leave_unsigned(sender, RETURN_NONE, original);
        (void)failure_set(why, EX_DATAERR, "the envelope sender has no domain to return to");
        return;
    }
    sender->form =
        is_known(original, mail_from_domain, identity_domain, scene) ? RETURN_PRVS : RETURN_SRS;
    if (!prefers_plain && sign(sender, original, mail_from_domain, scene))
        return;
    if (returns_unsigned(original, mail_from_domain, scene)) {
        leave_unsigned(sender, RETURN_PLAIN, original);
        return;
    }
    if (prefers_plain && sign(sender, original, mail_from_domain, scene))
        return;
    leave_unsigned(sender, RETURN_NONE, original);
    (void)failure_set(why, EX_DATAERR, "with its signature the local part is longer than %d octets",
                      RETURN_LOCAL_MAX);
}

/* --- back --- */

enum lookup_result return_domain_find(char canonical[IDENTITY_DOMAIN_MAX + 1], const char *domain,
                                      size_t length, const struct return_scene *scene,
                                      struct failure *why)
{
    struct candidates candidates;
    struct failure ignored;
    enum lookup_result result;

    if (!identity_parse_domain(canonical, domain, length, &ignored))
        return LOOKUP_UNKNOWN;
    result = find_candidates(&candidates, canonical, scene, why);
    if (strcmp(canonical, scene->settings->default_mail_from_domain) == 0)
        return LOOKUP_FOUND;
    return result;
}

static void set_original(struct return_answer *answer, const char *local, size_t local_length,
                         const char *domain, size_t domain_length)
{
    char written[LOCAL_PART_MAX];
    size_t length = local_part_write(written, local, local_length);

    if (length > 0)
        (void)snprintf(answer->original, sizeof answer->original, "%.*s@%.*s", (int)length, written,
                       (int)domain_length, domain);
}

/* Tries every domain that is possible; the signature knows which one it was. -1: none. */
static int verify(struct return_tag *tag, const struct candidates *candidates,
                  const char *mail_from_domain, const struct return_secrets *secrets)
{
    const char *domain;
    int secret = -1;

    if (tag->form == RETURN_SRS)
        return return_path_verify(tag, tag->original.domain, tag->original.domain_length,
                                  mail_from_domain, secrets);
    for (size_t i = 0; secret < 0 && (domain = candidate(candidates, i)) != NULL; i++) {
        tag->original.domain = domain;
        tag->original.domain_length = strlen(domain);
        secret =
            return_path_verify(tag, domain, tag->original.domain_length, mail_from_domain, secrets);
    }
    return secret;
}

static void read_signed(struct return_answer *answer, struct return_tag *tag,
                        const struct candidates *candidates, const struct return_scene *scene)
{
    int secret = verify(tag, candidates, answer->mail_from_domain, scene->secrets);
    int64_t today = return_path_day(scene->now);
    int age = return_path_age(tag, today);

    answer->result = secret < 0                                    ? RETURN_FORGED
                     : age > return_lifetime_days(scene->settings) ? RETURN_EXPIRED
                                                                   : RETURN_OK;
    if (secret < 0)
        return;
    answer->signed_on = today - age;
    strcpy(answer->key, scene->secrets->items[secret].id);
    set_original(answer, tag->original.local, tag->original.local_length, tag->original.domain,
                 tag->original.domain_length);
}

static void read_unsigned(struct return_answer *answer, struct return_tag *tag,
                          const struct candidates *candidates, const struct return_scene *scene)
{
    const char *only = only_candidate(candidates, is_foreign_only(scene));

    answer->result = RETURN_UNKNOWN;
    if (only == NULL || tag->form != RETURN_PLAIN ||
        !(is_foreign_only(scene) ||
          return_path_is_too_long_to_sign(tag->original.local, tag->original.local_length)))
        return;
    answer->result = RETURN_OK;
    answer->bounces_only = true;
    tag->original.domain = only;
    tag->original.domain_length = strlen(only);
    set_original(answer, tag->original.local, tag->original.local_length, only, strlen(only));
}

/* The identity of the original sender decides, if the MAIL FROM domain is its own. A sender in
 * another domain has none: then feedback is off if all that have the MAIL FROM domain say so. */
static bool is_feedback_off(const struct return_answer *answer, const struct candidates *candidates,
                            const struct return_scene *scene)
{
    const struct settings *settings = scene->settings;
    char key[IDENTITY_SIZE];
    struct mail_from record;
    struct identity sender;
    struct failure ignored;
    bool is_off = false;

    if (identity_parse(&sender, answer->original, strlen(answer->original), &ignored) &&
        lookup_find(scene->lookup, &sender, settings->milter.strip_label, key, &record, NULL,
                    &ignored) == LOOKUP_FOUND &&
        (strcmp(record.domain, answer->mail_from_domain) == 0 ||
         strcmp(settings->default_mail_from_domain, answer->mail_from_domain) == 0))
        return record.feedback_off;
    for (size_t i = 0; i < candidates->returns_count; i++) {
        if (candidates->returns[i].references > 0 && !candidates->returns[i].feedback_off)
            return false;
        is_off = is_off || candidates->returns[i].references > 0;
    }
    return is_off;
}

static bool is_postmaster(const struct return_original *original)
{
    return equals_folded(original->local, original->local_length, "postmaster") ||
           equals_folded(original->local, original->local_length, "abuse");
}

static void read_local_part(struct return_answer *answer, const char *content, size_t length,
                            const struct candidates *candidates, bool is_ours,
                            const struct return_scene *scene)
{
    const struct settings *settings = scene->settings;
    struct return_tag tag;

    return_path_read(&tag, content, length);
    answer->form = tag.form;
    if (is_ours && is_postmaster(&tag.original)) {
        answer->result = RETURN_POSTMASTER;
        (void)snprintf(answer->address, sizeof answer->address, "%s",
                       settings->return_path.postmaster);
        return;
    }
    if (tag.form == RETURN_PRVS || tag.form == RETURN_SRS)
        read_signed(answer, &tag, candidates, scene);
    else if (is_ours)
        read_unsigned(answer, &tag, candidates, scene);
    /* A signature proves that the address is ours, whatever the store still knows of the domain. */
    if (!is_ours && answer->key[0] == '\0') {
        answer->result = RETURN_ELSEWHERE;
        return;
    }
    answer->bounces_only =
        answer->bounces_only || settings->return_path.accept_from == ACCEPT_FROM_NULL;
    if (answer->result == RETURN_OK && is_feedback_off(answer, candidates, scene)) {
        answer->result = RETURN_FEEDBACK_OFF;
        (void)snprintf(answer->address, sizeof answer->address, "%s",
                       settings->return_path.feedback_address);
    } else if (answer->result == RETURN_OK) {
        strcpy(answer->address, answer->original);
    }
}

/* Postfix asks for a quoted local part as it came, and then without its quotes. */
static size_t read_content(char content[LOCAL_PART_MAX], const char *local, size_t length)
{
    size_t content_length = 0;

    if (local_part_read(content, &content_length, local, length) == length)
        return content_length;
    if (length > LOCAL_PART_MAX)
        return 0;
    memcpy(content, local, length);
    return length;
}

void return_address_read(struct return_answer *answer, const char *address, size_t length,
                         const struct return_scene *scene)
{
    const char *at = length == 0 ? NULL : memrchr(address, '@', length);
    size_t local_length = at == NULL ? 0 : (size_t)(at - address);
    struct candidates candidates = {.returns_count = 0};
    char content[LOCAL_PART_MAX];
    size_t content_length;
    struct failure ignored;
    bool is_ours;

    answer->result = RETURN_ELSEWHERE;
    answer->form = RETURN_NONE;
    answer->address[0] = answer->original[0] = answer->key[0] = answer->detail.text[0] = '\0';
    answer->signed_on = 0;
    answer->bounces_only = false;
    if (local_length == 0 || memchr(address, '\0', length) != NULL ||
        !identity_parse_domain(answer->mail_from_domain, at + 1, length - local_length - 1,
                               &ignored))
        return;
    content_length = read_content(content, address, local_length);
    if (content_length == 0)
        return;
    switch (find_candidates(&candidates, answer->mail_from_domain, scene, &answer->detail)) {
    case LOOKUP_UNAVAILABLE:
        answer->result = RETURN_UNAVAILABLE;
        return;
    case LOOKUP_UNKNOWN:
    case LOOKUP_FOUND:
        break;
    }
    is_ours = candidates.returns_count > 0 ||
              strcmp(answer->mail_from_domain, scene->settings->default_mail_from_domain) == 0;
    read_local_part(answer, content, content_length, &candidates, is_ours, scene);
}
