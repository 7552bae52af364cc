/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/inquiry.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Also of a resolver that knows nothing of the world; asked twice, since packets are lost. */
static const char own_name[] = "localhost";
enum { OWN_NAME_TRIES = 2 };

static const struct dns_answer nobody = {.result = DNS_UNREACHABLE, .servers = "nobody"};
static const struct dns_answer silence = {
    .result = DNS_TIMEOUT, .servers = "servers that had no answer for that domain before"};

/* Whatever it says. */
static bool is_answer(const struct dns_answer *answer)
{
    return answer->result != DNS_TIMEOUT && answer->result != DNS_UNREACHABLE;
}

bool inquiry_is_over(const struct inquiry *inquiry)
{
    return inquiry->is_over;
}

/* The last two labels: roughly, what one owner has at one place. */
static const char *domain_of(const char *name)
{
    const char *domain = name;
    unsigned dots = 0;

    for (const char *at = name + strlen(name); at > name && dots < 2; at--) {
        dots += at[-1] == '.';
        if (dots < 2)
            domain = at - 1;
    }
    return domain;
}

static struct inquiry_domain *find_domain(struct inquiry *inquiry, const char *domain)
{
    for (size_t i = 0; i < inquiry->domain_count && i < INQUIRY_KNOWN; i++) {
        if (strcasecmp(inquiry->domains[i].name, domain) == 0)
            return &inquiry->domains[i];
    }
    return NULL;
}

/* Has the resolver an answer for what it knows by itself? */
static bool is_anyone_there(const struct inquiry *inquiry)
{
    for (int i = 0; i < OWN_NAME_TRIES; i++) {
        const struct dns_answer *answer = inquiry->ask(inquiry->context, own_name, DNS_A);
        if (answer != NULL && is_answer(answer))
            return true;
    }
    return false;
}

static void note_silence(struct inquiry *inquiry, struct inquiry_domain *known, const char *domain)
{
    if (known == NULL) {
        known = &inquiry->domains[inquiry->domain_count++ % INQUIRY_KNOWN];
        *known = (struct inquiry_domain){.run = inquiry->run - 1};
        (void)snprintf(known->name, sizeof known->name, "%s", domain);
    }
    known->unanswered++;
    if (known->run == inquiry->run)
        return;
    known->run = inquiry->run;
    inquiry->silent++;
    inquiry->is_over =
        inquiry->silent >= INQUIRY_DOMAINS || (inquiry->silent == 1 && !is_anyone_there(inquiry));
}

const struct dns_answer *inquire(struct inquiry *inquiry, const char *name, enum dns_type type)
{
    const char *domain = domain_of(name);
    struct inquiry_domain *known = find_domain(inquiry, domain);
    const struct dns_answer *answer;

    if (inquiry->is_over)
        return &nobody;
    if (known != NULL && known->unanswered >= INQUIRY_PATIENCE)
        return &silence;
    answer = inquiry->ask(inquiry->context, name, type);
    if (answer == NULL)
        answer = &nobody;
    if (is_answer(answer)) {
        if (known != NULL)
            known->unanswered = 0;
        inquiry->run += inquiry->silent > 0;
        inquiry->silent = 0;
        return answer;
    }
    /* The answer is gone with the next question. */
    (void)snprintf(inquiry->servers, sizeof inquiry->servers, "%s",
                   answer->servers == NULL ? "nobody" : answer->servers);
    inquiry->answer = (struct dns_answer){.result = answer->result, .servers = inquiry->servers};
    note_silence(inquiry, known, domain);
    return &inquiry->answer;
}
