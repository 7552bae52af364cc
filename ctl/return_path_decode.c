/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * What an address at a MAIL FROM domain is, and what becomes of mail to it.
 */
#include "ctl/return_path.h"

#include <inttypes.h>
#include <string.h>
#include <sysexits.h>

#include "common/envelope.h"
#include "common/moment.h"
#include "common/utf8.h"
#include "ctl/json_out.h"
#include "ctl/return_view.h"
#include "ctl/rotation.h"
#include "ctl/terminal.h"

enum { REASON_SIZE = 400 };

/* An address, read. */
struct decoding {
    struct return_answer answer;
    bool is_accepted;
    bool signs; /* does the key that signed it still sign? */
    int64_t today;
    int64_t until;            /* the last day on which it is accepted; 0 for no such day */
    char reason[REASON_SIZE]; /* why it is refused, or goes elsewhere than to the original sender */
};

/* --- what it means --- */

static const char *unknown_reason(enum return_form form)
{
    return form == RETURN_NONE ? "it looks signed, but is damaged, or signed by another program"
                               : "it is not signed";
}

static void explain(struct decoding *decoding)
{
    const struct return_answer *answer = &decoding->answer;
    char day[MOMENT_DAY_SIZE];
    const char *text = "";

    switch (answer->result) {
    case RETURN_OK:
    case RETURN_UNAVAILABLE:
        break;
    case RETURN_ELSEWHERE:
        text = "it is not at a MAIL FROM domain of this gateway";
        break;
    case RETURN_EXPIRED:
        (void)moment_format_day(decoding->until + 1, day);
        (void)snprintf(decoding->reason, REASON_SIZE, "it expired on %s", day);
        return;
    case RETURN_FORGED:
        text = "it is signed by none of the keys";
        break;
    case RETURN_UNKNOWN:
        text = unknown_reason(answer->form);
        break;
    case RETURN_FEEDBACK_OFF:
        (void)snprintf(decoding->reason, REASON_SIZE, "feedback forwarding is off for %.300s",
                       answer->original);
        return;
    case RETURN_POSTMASTER:
        text = "mail for the postmaster";
        break;
    }
    (void)snprintf(decoding->reason, REASON_SIZE, "%s", text);
}

static void decode(struct decoding *decoding, const char *address, size_t length,
                   const struct return_scene *scene)
{
    struct return_answer *answer = &decoding->answer;

    return_address_read(answer, address, length, scene);
    decoding->is_accepted = answer->address[0] != '\0';
    decoding->signs = strcmp(answer->key, scene->secrets->items[0].id) == 0;
    decoding->today = return_path_day(scene->now);
    decoding->until =
        answer->signed_on == 0 ? 0 : answer->signed_on + return_lifetime_days(scene->settings);
    explain(decoding);
}

/* --- for people --- */

static void line(const char *label, const char *text)
{
    char shown[TERMINAL_TEXT_SIZE];

    (void)printf("%-17s %s\n", label, terminal_text(text, shown));
}

static void tell_day(const char *label, int64_t day, const char *before, const char *note)
{
    char text[MOMENT_DAY_SIZE];

    if (moment_format_day(day, text))
        (void)printf("%-17s %s%s%s\n", label, text, before, note);
}

static void tell_signature(const struct decoding *decoding)
{
    const struct return_answer *answer = &decoding->answer;
    char age[RETURN_VIEW_AGE_SIZE];

    if (answer->key[0] == '\0')
        return;
    (void)printf("%-17s %s, which %s\n", "Key", answer->key,
                 decoding->signs ? "signs" : "only verifies now");
    return_view_age(answer->signed_on, decoding->today, age);
    tell_day("Signed on", answer->signed_on, ", ", age);
    tell_day("Accepted until", decoding->until, "", "");
}

static void tell_result(const struct decoding *decoding)
{
    const struct return_answer *answer = &decoding->answer;
    const char *reason = decoding->reason;
    char shown[TERMINAL_TEXT_SIZE];

    if (decoding->is_accepted) {
        line("Open to", answer->bounces_only ? "bounces only (the null sender)" : "anyone");
        (void)printf("%-17s goes to %s", "Result", terminal_text(answer->address, shown));
    } else {
        (void)printf("%-17s refused", "Result");
    }
    (void)printf("%s%s\n", reason[0] == '\0' ? "" : ": ", terminal_text(reason, shown));
}

static void tell(const struct decoding *decoding)
{
    static const char *const forms[RETURN_FORM_COUNT] = {
        [RETURN_NONE] = "none",
        [RETURN_PLAIN] = "plain: not signed",
        [RETURN_PRVS] = "prvs: signed, without the original domain",
        [RETURN_SRS] = "srs: signed, with the original domain",
    };
    const struct return_answer *answer = &decoding->answer;

    if (answer->result != RETURN_ELSEWHERE) {
        line("Form", forms[answer->form]);
        if (answer->original[0] != '\0')
            line("Original address", answer->original);
        line("MAIL FROM domain", answer->mail_from_domain);
        tell_signature(decoding);
    }
    tell_result(decoding);
}

/* --- for programs --- */

static void out_optional(const char *name, const char *text)
{
    if (text[0] != '\0')
        json_out_text(stdout, ",\n    ", name, text);
    else
        (void)printf(",\n    \"%s\": null", name);
}

static void out_bool(const char *name, bool value)
{
    (void)printf(",\n    \"%s\": %s", name, value ? "true" : "false");
}

static void out_day(const char *name, int64_t day)
{
    char text[MOMENT_DAY_SIZE];

    (void)moment_format_day(day, text);
    out_optional(name, text);
}

static void out(const struct decoding *decoding)
{
    const struct return_answer *answer = &decoding->answer;
    bool is_ours = answer->result != RETURN_ELSEWHERE;

    json_out_text(stdout, "{\n    ", "Result", return_result_words[answer->result]);
    out_bool("Accepted", decoding->is_accepted);
    out_optional("GoesTo", answer->address);
    out_optional("Reason", decoding->reason);
    out_optional("Form", is_ours ? return_form_words[answer->form] : "");
    out_optional("OriginalAddress", answer->original);
    out_optional("MailFromDomain", is_ours ? answer->mail_from_domain : "");
    out_optional("Key", answer->key);
    out_bool("KeySigns", decoding->signs);
    out_day("SignedOn", answer->signed_on);
    out_day("AcceptedUntil", decoding->until);
    out_bool("BouncesOnly", answer->bounces_only);
    (void)puts("\n}");
}

/* --- the command --- */

static bool is_utf8(const char *text, size_t length)
{
    size_t taken = 1;

    for (size_t i = 0; i < length && taken > 0; i += taken)
        taken = utf8_length(text + i, length - i);
    return taken > 0;
}

static bool show(const char *address, bool json, const struct return_scene *scene,
                 struct failure *why)
{
    struct decoding decoding;
    size_t length = envelope_bare(&address);

    if (!is_utf8(address, length))
        return failure_set(why, EX_DATAERR, "the address is neither ASCII nor UTF-8");
    decode(&decoding, address, length, scene);
    if (decoding.answer.result == RETURN_UNAVAILABLE)
        return failure_set(why, EX_TEMPFAIL, "%s", decoding.answer.detail.text);
    (json ? out : tell)(&decoding);
    return decoding.is_accepted || failure_set(why, EX_DATAERR, "%s", "");
}

bool return_path_decode(struct invocation *invocation, struct failure *why)
{
    static const struct option options[] = {{"json", no_argument, NULL, 'j'}, {0}};
    struct return_view view;
    bool json = false;
    int option;
    bool good;

    while ((option = invocation_option(invocation, options, why)) != -1) {
        if (option == '?')
            return false;
        json = true;
    }
    if (optind + 1 != invocation->argc)
        return invocation_misused(invocation, why, "one ADDRESS is needed");
    good = return_view_open(&view, 0, invocation, why) &&
           show(invocation->argv[optind], json, &view.scene, why);
    return_view_close(&view);
    return good;
}
