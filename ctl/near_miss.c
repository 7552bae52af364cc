/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/near_miss.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "ctl/dmarc_record.h"
#include "ctl/spf_term.h"

/* A label that nobody has: what answers for it is a wildcard. */
static const char nobody[] = "mailfrom-check-of-wildcards";

/* Straight ones, those of typewriters, and the first octet of typographic ones. */
static const char quotes[] = "\"'\\\xe2\x80\x9c\x9d";

/* --- names without a final dot --- */

/* The zones that a name may be in: itself and its parents, down to two labels. */
static const char *next_zone(const char *zone)
{
    const char *dot = strchr(zone, '.');

    return dot == NULL || strchr(dot + 1, '.') == NULL ? NULL : dot + 1;
}

bool near_miss_target(const char *host, const char *ours, const char *name)
{
    size_t length = strlen(ours);

    if (length == 0 || strncasecmp(host, ours, length) != 0 || host[length] != '.')
        return false;
    for (const char *zone = name; zone != NULL; zone = next_zone(zone)) {
        if (strcasecmp(host + length + 1, zone) == 0)
            return true;
    }
    return false;
}

static bool has(struct inquiry *inquiry, const char *before, const char *zone, enum dns_type type,
                bool (*is_it)(const void *context, const char *text), const void *context,
                char at[IDENTITY_DOMAIN_MAX + 1])
{
    const struct dns_answer *answer;
    int length = snprintf(at, IDENTITY_DOMAIN_MAX + 1, "%s.%s", before, zone);

    if (length < 0 || length > IDENTITY_DOMAIN_MAX)
        return false;
    answer = inquire(inquiry, at, type);
    for (size_t i = 0; answer->result == DNS_FOUND && i < answer->count; i++) {
        if (is_it(context, answer->records[i].text))
            return true;
    }
    return false;
}

bool near_miss_owner(struct inquiry *inquiry, const char *name, enum dns_type type,
                     bool (*is_it)(const void *context, const char *text), const void *context,
                     char at[IDENTITY_DOMAIN_MAX + 1])
{
    char ignored[IDENTITY_DOMAIN_MAX + 1];

    for (const char *zone = *name == '_' ? next_zone(name) : name; zone != NULL;
         zone = next_zone(zone)) {
        if (has(inquiry, name, zone, type, is_it, context, at))
            return !has(inquiry, nobody, zone, type, is_it, context, ignored);
    }
    return false;
}

/* --- texts --- */

static const char *after_marks(const char *text)
{
    return text + strspn(text, quotes) + strspn(text + strspn(text, quotes), " \t");
}

bool near_miss_spf(const char *text, char what[NEAR_MISS_SIZE])
{
    static const char version[] = "v=spf1";
    size_t length = sizeof version - 1;
    const char *start = after_marks(text);

    if (spf_is_record(text) || strncasecmp(start, "v=spf", 5) != 0)
        return false;
    if (strncasecmp(start, version, length) != 0)
        (void)snprintf(what, NEAR_MISS_SIZE, "does not begin with \"v=spf1 \"");
    else if (start[length] != '\0' && start[length] != ' ')
        (void)snprintf(what, NEAR_MISS_SIZE, "has \"%c\" behind v=spf1, where a space has to be",
                       start[length]);
    else if (*text == ' ' || *text == '\t')
        (void)snprintf(what, NEAR_MISS_SIZE, "begins with a space");
    else
        (void)snprintf(what, NEAR_MISS_SIZE, "has quotation marks that belong to it");
    return true;
}

bool near_miss_dmarc(const char *text, char what[NEAR_MISS_SIZE])
{
    const char *version = strcasestr(text, "DMARC1");

    if (dmarc_is_record(text) || version == NULL || strchr(text, '=') == NULL)
        return false;
    if (strchr(quotes, *text) != NULL)
        (void)snprintf(what, NEAR_MISS_SIZE, "has quotation marks that belong to it");
    else if (strncasecmp(text, "v", 1) != 0)
        (void)snprintf(what, NEAR_MISS_SIZE,
                       "does not begin with v=DMARC1, which has to come "
                       "before all other tags");
    else if (strncmp(version, "DMARC1", 6) != 0)
        (void)snprintf(what, NEAR_MISS_SIZE, "has not v=DMARC1 in capitals");
    else
        (void)snprintf(what, NEAR_MISS_SIZE, "has no \";\" behind v=DMARC1");
    return true;
}

/* The first text of a name with which something small is wrong. */
static bool find_text(struct inquiry *inquiry, const char *name,
                      bool (*is_near)(const char *text, char what[NEAR_MISS_SIZE]),
                      char what[NEAR_MISS_SIZE], char advice[NEAR_MISS_SIZE])
{
    const struct dns_answer *answer = inquire(inquiry, name, DNS_TXT);
    char fault[NEAR_MISS_SIZE];

    for (size_t i = 0; answer->result == DNS_FOUND && i < answer->count; i++) {
        const char *text = answer->records[i].text;
        if (!is_near(text, fault))
            continue;
        (void)snprintf(what, NEAR_MISS_SIZE, "the text \"%.200s\" at %s %.200s", text, name, fault);
        (void)snprintf(advice, NEAR_MISS_SIZE, "mend that text");
        return true;
    }
    return false;
}

static bool tell_elsewhere(const char *name, const char *at, char what[NEAR_MISS_SIZE],
                           char advice[NEAR_MISS_SIZE])
{
    (void)snprintf(what, NEAR_MISS_SIZE, "there is one at %s", at);
    (void)snprintf(advice, NEAR_MISS_SIZE, "put a final dot behind %s in the zone file", name);
    return true;
}

static bool is_spf(const void *context, const char *text)
{
    (void)context;
    return spf_is_record(text);
}

static bool is_dmarc(const void *context, const char *text)
{
    (void)context;
    return dmarc_is_record(text);
}

bool near_miss_find_spf(struct inquiry *inquiry, const char *domain, char what[NEAR_MISS_SIZE],
                        char advice[NEAR_MISS_SIZE])
{
    char at[IDENTITY_DOMAIN_MAX + 1];

    return find_text(inquiry, domain, near_miss_spf, what, advice) ||
           (near_miss_owner(inquiry, domain, DNS_TXT, is_spf, NULL, at) &&
            tell_elsewhere(domain, at, what, advice));
}

/* At dmarc.FROM, or at FROM itself. */
static bool find_misplaced(struct inquiry *inquiry, const char *from, char what[NEAR_MISS_SIZE],
                           char advice[NEAR_MISS_SIZE])
{
    char at[IDENTITY_DOMAIN_MAX + 1];
    const struct dns_answer *answer;

    if (!has(inquiry, "dmarc", from, DNS_TXT, is_dmarc, NULL, at)) {
        answer = inquire(inquiry, from, DNS_TXT);
        at[0] = '\0';
        for (size_t i = 0; answer->result == DNS_FOUND && i < answer->count; i++) {
            if (dmarc_is_record(answer->records[i].text))
                (void)snprintf(at, sizeof at, "%s", from);
        }
    }
    if (at[0] == '\0')
        return false;
    (void)snprintf(what, NEAR_MISS_SIZE, "there is one at %s", at);
    (void)snprintf(advice, NEAR_MISS_SIZE, "move it to _dmarc.%s", from);
    return true;
}

bool near_miss_find_dmarc(struct inquiry *inquiry, const char *from, char what[NEAR_MISS_SIZE],
                          char advice[NEAR_MISS_SIZE])
{
    char name[sizeof "_dmarc." + IDENTITY_DOMAIN_MAX];
    char at[IDENTITY_DOMAIN_MAX + 1];

    (void)snprintf(name, sizeof name, "_dmarc.%s", from);
    if (strlen(name) > IDENTITY_DOMAIN_MAX)
        return false;
    return find_text(inquiry, name, near_miss_dmarc, what, advice) ||
           find_misplaced(inquiry, from, what, advice) ||
           (near_miss_owner(inquiry, name, DNS_TXT, is_dmarc, NULL, at) &&
            tell_elsewhere(name, at, what, advice));
}
