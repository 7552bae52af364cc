/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "milter/return_map.h"
#include "common/log.h"
#include "common/log_limit.h"
#include "common/moment.h"
#include "common/return_address.h"
#include "milter/counters.h"
#include "milter/live_settings.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

enum { SHOWN_MAX = 320, LINE_SIZE = 2 * (5 * SHOWN_MAX + 8) + 200 };

static struct lookup *the_lookup;
static struct {
    struct log_limit results[RETURN_RESULT_COUNT], map;
} limits;

void return_map_use(struct lookup *lookup)
{
    the_lookup = lookup;
}

/* --- the log --- */

/* For people: "-1d" is a clock that is behind. */
static void describe_age(char out[16], const struct return_answer *answer, int64_t now)
{
    if (answer->key[0] == '\0')
        strcpy(out, "-");
    else
        (void)snprintf(out, 16, "%dd", (int)(return_path_day(now) - answer->signed_on));
}

static void write_text(char *line, const char *rcpt, const struct return_answer *answer,
                       const char *age)
{
    const char *end = line + LINE_SIZE;
    char *out = line + sprintf(line, "return: rcpt=<");

    out = log_escape(out, end, rcpt, SHOWN_MAX);
    out += snprintf(out, (size_t)(end - out), "> original=<");
    out = log_escape(out, end, answer->address, SHOWN_MAX);
    (void)snprintf(out, (size_t)(end - out), "> form=%s key=%s age=%s result=%s",
                   return_form_words[answer->form], answer->key[0] == '\0' ? "-" : answer->key, age,
                   return_result_words[answer->result]);
}

static void write_members(char *line, const char *rcpt, const struct return_answer *answer,
                          const char *age)
{
    const char *end = line + LINE_SIZE;
    char *out = line + sprintf(line, "\"return\":");

    out = log_json_string(out, end, return_result_words[answer->result], SHOWN_MAX);
    out += snprintf(out, (size_t)(end - out), ",\"rcpt\":");
    out = log_json_string(out, end, rcpt, SHOWN_MAX);
    out += snprintf(out, (size_t)(end - out), ",\"original\":");
    out = answer->address[0] == '\0' ? out + snprintf(out, (size_t)(end - out), "null")
                                     : log_json_string(out, end, answer->address, SHOWN_MAX);
    (void)snprintf(out, (size_t)(end - out), ",\"form\":\"%s\",\"key\":\"%s\",\"age\":\"%s\"",
                   return_form_words[answer->form], answer->key, age);
}

static bool is_refusal(const struct return_answer *answer)
{
    return answer->result != RETURN_OK && answer->address[0] == '\0';
}

/* What is answered has a line each; what is refused, anyone can cause. */
static void tell(const char *key, size_t key_length, const struct return_answer *answer,
                 int64_t now)
{
    char rcpt[SHOWN_MAX + 1];
    char line[LINE_SIZE];
    char age[16];

    (void)snprintf(rcpt, sizeof rcpt, "%.*s",
                   (int)(key_length < SHOWN_MAX ? key_length : SHOWN_MAX), key);
    describe_age(age, answer, now);
    if (is_refusal(answer)) {
        write_text(line, rcpt, answer, age);
        log_limited(&limits.results[answer->result], LOG_INFO, "%s", line);
    } else if (log_format_in_force() == LOG_JSON) {
        write_members(line, rcpt, answer, age);
        log_members(LOG_INFO, line);
    } else {
        write_text(line, rcpt, answer, age);
        log_plain(LOG_INFO, line);
    }
}

static void tell_unknown_map(const char *map, size_t map_length)
{
    enum { NAME_MAX_SHOWN = 100 };
    char name[NAME_MAX_SHOWN + 1];
    char shown[4 * NAME_MAX_SHOWN + 10];

    (void)snprintf(name, sizeof name, "%.*s", (int)map_length, map);
    (void)log_quote(shown, shown + sizeof shown, name, NAME_MAX_SHOWN);
    log_limited(&limits.map, LOG_WARNING,
                "return: the MTA asks for the map %s; there are return, domain, check and virtuser",
                shown);
}

/* --- the maps --- */

static void answer_ok(struct socketmap_reply *reply, const char *text)
{
    reply->status = SOCKETMAP_OK;
    (void)snprintf(reply->text, sizeof reply->text, "%s", text);
}

static void answer_temp(struct socketmap_reply *reply, const struct failure *why)
{
    reply->status = SOCKETMAP_TEMP;
    (void)snprintf(reply->text, sizeof reply->text, "%s", why->text);
}

static void answer_domain(const char *key, size_t key_length, const struct return_scene *scene,
                          struct socketmap_reply *reply)
{
    char domain[IDENTITY_DOMAIN_MAX + 1];
    struct failure why;

    switch (return_domain_find(domain, key, key_length, scene, &why)) {
    case LOOKUP_FOUND:
        answer_ok(reply, domain);
        break;
    case LOOKUP_UNKNOWN:
        break;
    case LOOKUP_UNAVAILABLE:
        answer_temp(reply, &why);
        break;
    }
}

static void answer_return(const char *key, size_t key_length, const struct return_scene *scene,
                          struct socketmap_reply *reply)
{
    struct return_answer answer;

    if (memchr(key, '@', key_length) == NULL) {
        answer_domain(key, key_length, scene, reply);
        return;
    }
    return_address_read(&answer, key, key_length, scene);
    if (answer.result == RETURN_ELSEWHERE)
        return;
    counters_add_return(answer.result, answer.form);
    tell(key, key_length, &answer, scene->now);
    if (answer.result == RETURN_UNAVAILABLE)
        answer_temp(reply, &answer.detail);
    else if (answer.address[0] != '\0')
        answer_ok(reply, answer.address);
}

static void write_expiry(char text[SOCKETMAP_REPLY_MAX], const struct return_answer *answer,
                         const struct return_scene *scene)
{
    char date[MOMENT_DAY_SIZE];
    int64_t days = return_lifetime_days(scene->settings);

    (void)moment_format_day(answer->signed_on + days, date);
    (void)snprintf(text, SOCKETMAP_REPLY_MAX, "550 5.1.1 Return path expired on %s", date);
}

/* What is fine is DUNNO rather than not found: so Sendmail learns that it is a return path, and
 * relays to it for anyone. To Postfix both are the same: of a socketmap, its smtpd asks for whole
 * addresses only. */
static void answer_check(const char *key, size_t key_length, const struct return_scene *scene,
                         struct socketmap_reply *reply)
{
    struct return_answer answer;
    char text[SOCKETMAP_REPLY_MAX] = "DUNNO";

    return_address_read(&answer, key, key_length, scene);
    switch (answer.result) {
    case RETURN_ELSEWHERE:
        return;
    case RETURN_UNAVAILABLE:
        answer_temp(reply, &answer.detail);
        return;
    case RETURN_OK:
    case RETURN_POSTMASTER:
        break;
    case RETURN_EXPIRED:
        write_expiry(text, &answer, scene);
        break;
    case RETURN_FORGED:
        strcpy(text, "550 5.1.1 Return path is forged or damaged");
        break;
    case RETURN_UNKNOWN:
        strcpy(text, "550 5.1.1 No such return path");
        break;
    case RETURN_FEEDBACK_OFF:
        if (answer.address[0] == '\0')
            strcpy(text, "550 5.7.1 The sender does not want bounces");
        break;
    }
    if (is_refusal(&answer)) {
        counters_add_return(answer.result, answer.form);
        tell(key, key_length, &answer, scene->now);
    } else if (answer.bounces_only && answer.result != RETURN_POSTMASTER) {
        strcpy(text, "mailfrom_bounces_only");
    }
    answer_ok(reply, text);
}

static const struct {
    const char *name;
    void (*answer)(const char *key, size_t key_length, const struct return_scene *scene,
                   struct socketmap_reply *reply);
} maps[] = {
    {"return", answer_return},
    {"virtuser", answer_return},
    {"domain", answer_domain},
    {"check", answer_check},
};

void return_map_answer(const char *map, size_t map_length, const char *key, size_t key_length,
                       struct socketmap_reply *reply)
{
    struct live_settings *live = live_settings_acquire();
    const struct return_scene scene = {live_settings_get(live), live_settings_secrets(live),
                                       the_lookup, (int64_t)time(NULL)};
    bool is_known = false;

    reply->status = SOCKETMAP_NOTFOUND;
    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++) {
        if (strlen(maps[i].name) != map_length || memcmp(maps[i].name, map, map_length) != 0)
            continue;
        is_known = true;
        if (scene.secrets != NULL) /* a reload may have taken the section away */
            maps[i].answer(key, key_length, &scene, reply);
    }
    live_settings_release(live);
    if (!is_known)
        tell_unknown_map(map, map_length);
}
