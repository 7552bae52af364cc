/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/reply.h"

#include <string.h>
#include <sysexits.h>

const char reply_default_reject[] =
    "554 5.1.8 MailFromDomainNotVerified: {explanation} (identity {identity}, "
    "MAIL FROM domain {mail-from-domain}, status {status})";
const char reply_default_defer[] =
    "451 4.3.0 Try again later: {explanation} ({reason}, identity {identity})";
const char reply_bad_sender[] = "553 5.1.7 <{sender}>: {explanation} ({reason})";

enum { CODE_LENGTH = 3 };

static size_t digits(const char *text, size_t max)
{
    size_t length = 0;

    while (length < max && text[length] >= '0' && text[length] <= '9')
        length++;
    return length;
}

/* Length of an enhanced status code (RFC 3463) at the start of text, 0 if there is none. */
static size_t enhanced_length(const char *text, char class)
{
    size_t subject;
    size_t detail;

    if (text[0] != class || text[1] != '.')
        return 0;
    subject = digits(text + 2, 3);
    if (subject == 0 || text[2 + subject] != '.')
        return 0;
    detail = digits(text + 3 + subject, 3);
    return detail == 0 ? 0 : 3 + subject + detail;
}

/* --- placeholders --- */

static const char *const placeholder_words[] = {
    "identity", "mail-from-domain", "status", "reason", "explanation", "sender", "from",
};
enum { PLACEHOLDER_COUNT = sizeof placeholder_words / sizeof *placeholder_words };

/* The placeholder that begins at text ("{identity}"), its whole length in *length; -1 if none. */
static int placeholder_at(const char *text, size_t *length)
{
    const char *end = text[0] == '{' ? strchr(text, '}') : NULL;

    if (end == NULL)
        return -1;
    for (int i = 0; i < PLACEHOLDER_COUNT; i++) {
        size_t word_length = strlen(placeholder_words[i]);
        if ((size_t)(end - text) == word_length + 1 &&
            memcmp(text + 1, placeholder_words[i], word_length) == 0) {
            *length = word_length + 2;
            return i;
        }
    }
    return -1;
}

static bool check_text(const char *text, struct failure *why)
{
    size_t length;

    for (; *text != '\0'; text++) {
        if (*text < 0x20 || *text > 0x7e)
            return failure_set(why, EX_CONFIG, "a reply is printable ASCII on one line");
        if ((*text == '{' || *text == '}') && placeholder_at(text, &length) < 0)
            return failure_set(why, EX_CONFIG,
                               "unknown placeholder at \"%.30s\"; there are {identity}, "
                               "{mail-from-domain}, {status}, {reason}, {explanation}, {sender} "
                               "and {from}",
                               text);
        if (*text == '{')
            text += length - 1;
    }
    return true;
}

bool reply_check(const char *text, char class, struct failure *why)
{
    size_t enhanced;

    if (strlen(text) > REPLY_TEMPLATE_MAX)
        return failure_set(why, EX_CONFIG, "a reply has at most %d octets", REPLY_TEMPLATE_MAX);
    if (text[0] != class || digits(text, CODE_LENGTH) != CODE_LENGTH || text[CODE_LENGTH] != ' ')
        return failure_set(why, EX_CONFIG, "a reply begins with a code of class %c, as in \"%s\"",
                           class, class == '4' ? "451 4.3.0 text" : "554 5.1.8 text");
    /* 421 and 521 would make the MTA drop the connection, with other messages in it. */
    if (memcmp(text + 1, "21", 2) == 0)
        return failure_set(why, EX_CONFIG, "%.3s would close the connection", text);
    enhanced = enhanced_length(text + CODE_LENGTH + 1, class);
    if (enhanced == 0 || text[CODE_LENGTH + 1 + enhanced] != ' ' ||
        text[CODE_LENGTH + 2 + enhanced] == '\0')
        return failure_set(why, EX_CONFIG,
                           "after the code of a reply come an enhanced status code of the same "
                           "class and a text, as in \"%s\"",
                           class == '4' ? "451 4.3.0 text" : "554 5.1.8 text");
    return check_text(text + CODE_LENGTH + 1, why);
}

/* --- filling in --- */

static const char *value_of(const struct reply_values *values, int placeholder)
{
    const char *const all[PLACEHOLDER_COUNT] = {
        values->identity,    values->mail_from_domain, values->status, values->reason,
        values->explanation, values->sender,           values->from,
    };
    const char *value = all[placeholder];

    return value == NULL || *value == '\0' ? "-" : value;
}

static size_t append(char *out, size_t used, const char *text, size_t length)
{
    for (size_t i = 0; i < length && used < REPLY_TEXT_MAX; i++)
        out[used++] = (char)(text[i] >= 0x20 && text[i] < 0x7f ? text[i] : '?');
    return used;
}

void reply_fill(struct reply *reply, const char *text, const struct reply_values *values)
{
    size_t enhanced = strcspn(text + CODE_LENGTH + 1, " ");
    size_t used = 0;

    memcpy(reply->code, text, CODE_LENGTH);
    reply->code[CODE_LENGTH] = '\0';
    memcpy(reply->enhanced, text + CODE_LENGTH + 1, enhanced);
    reply->enhanced[enhanced] = '\0';
    text += CODE_LENGTH + 1 + enhanced + 1;
    while (*text != '\0') {
        size_t length = 1;
        int placeholder = placeholder_at(text, &length);
        const char *value = placeholder < 0 ? text : value_of(values, placeholder);
        used = append(reply->text, used, value, placeholder < 0 ? 1 : strlen(value));
        text += length;
    }
    reply->text[used] = '\0';
}
