/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "dns/mx.h"

#include <stdio.h>
#include <string.h>

enum { MORE_SIZE = sizeof " and 64 more" };

/* What is not a record in words; behind it, for most, who said so. */
static const struct {
    const char *words;
    bool with_servers;
} failures[DNS_RESULT_COUNT] = {
    [DNS_NO_DATA] = {"no MX", false},
    [DNS_NXDOMAIN] = {"NXDOMAIN", false},
    [DNS_SERVFAIL] = {"SERVFAIL from ", true},
    [DNS_REFUSED] = {"refused by ", true},
    [DNS_TIMEOUT] = {"timeout from ", true},
    [DNS_UNREACHABLE] = {"no connection to ", true},
    [DNS_MALFORMED] = {"unintelligible answer from ", true},
};

/* A null MX (RFC 7505) says that there is none. */
static bool is_null(const struct dns_answer *answer)
{
    return answer->count == 1 && answer->records[0].text[0] == '\0';
}

/* Adds one record, and leaves room for the count of those that follow; false: there is no room. */
static bool write_record(char text[MX_TEXT_SIZE], size_t *used, const struct dns_record *record,
                         bool is_last)
{
    size_t room = MX_TEXT_SIZE - *used - (is_last ? 0 : MORE_SIZE);
    int wrote = snprintf(text + *used, room, "%sMX %u %s", *used > 0 ? ", " : "",
                         record->preference, record->text[0] != '\0' ? record->text : ".");

    if (wrote < 0 || (size_t)wrote >= room)
        return false;
    *used += (size_t)wrote;
    return true;
}

/* Not even the first one fits. */
static size_t write_cut(char text[MX_TEXT_SIZE], const struct dns_record *record)
{
    return (size_t)snprintf(text, MX_TEXT_SIZE, "MX %u %.150s...", record->preference,
                            record->text);
}

static void write_records(char text[MX_TEXT_SIZE], const struct dns_answer *answer)
{
    size_t used = 0;

    for (size_t i = 0; i < answer->count; i++) {
        if (write_record(text, &used, &answer->records[i], i + 1 == answer->count))
            continue;
        if (used == 0) {
            used = write_cut(text, &answer->records[i]);
            continue;
        }
        (void)snprintf(text + used, MX_TEXT_SIZE - used, " and %zu more", answer->count - i);
        return;
    }
}

static void write_text(char text[MX_TEXT_SIZE], const struct dns_answer *answer)
{
    if (answer->result == DNS_FOUND && is_null(answer))
        (void)snprintf(text, MX_TEXT_SIZE, "null MX");
    else if (answer->result == DNS_FOUND)
        write_records(text, answer);
    else if (answer->result == DNS_MALFORMED && answer->servers[0] == '\0')
        (void)snprintf(text, MX_TEXT_SIZE, "a name that cannot be asked for");
    else
        (void)snprintf(text, MX_TEXT_SIZE, "%s%.150s", failures[answer->result].words,
                       failures[answer->result].with_servers ? answer->servers : "");
}

static bool is_expected(const char *host, const struct settings_list *expected)
{
    for (size_t i = 0; i < expected->count; i++) {
        if (strcmp(host, expected->items[i]) == 0)
            return true;
    }
    return false;
}

static size_t count_expected(const struct dns_answer *answer, const struct settings_list *expected)
{
    size_t count = 0;

    for (size_t i = 0; i < answer->count; i++)
        count += is_expected(answer->records[i].text, expected);
    return count;
}

/* Of records that were dropped nobody knows what they were. More of them than fit are neither a
 * single one nor a set that somebody lists; but the expected one may be among them. */
static enum mx_finding judge_records(const struct dns_answer *answer,
                                     const struct settings_list *expected,
                                     enum settings_mx_match match)
{
    size_t count = count_expected(answer, expected);
    bool found = false;

    switch (match) {
    case MX_EXACTLY_ONE:
        found = answer->count == 1 && count == 1 && !answer->truncated;
        break;
    case MX_ONLY_THESE:
        found = answer->count > 0 && count == answer->count && !answer->truncated;
        break;
    case MX_ANY_OF_THESE:
        if (count == 0 && answer->truncated)
            return MX_UNCLEAR;
        found = count > 0;
        break;
    }
    return found ? MX_FOUND : MX_GONE;
}

enum mx_finding mx_judge(const struct dns_answer *answer, const struct settings_list *expected,
                         enum settings_mx_match match, char text[MX_TEXT_SIZE])
{
    write_text(text, answer);
    switch (answer->result) {
    case DNS_FOUND:
        return judge_records(answer, expected, match);
    case DNS_NO_DATA:
    case DNS_NXDOMAIN:
        return MX_GONE;
    case DNS_SERVFAIL:
    case DNS_REFUSED:
    case DNS_TIMEOUT:
    case DNS_UNREACHABLE:
    case DNS_MALFORMED:
        return MX_UNCLEAR;
    }
    return MX_UNCLEAR;
}
