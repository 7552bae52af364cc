/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/inquiry.h"

static const struct dns_answer nobody = {.result = DNS_UNREACHABLE, .servers = "nobody"};

bool inquiry_is_answer(const struct dns_answer *answer)
{
    return answer->result != DNS_TIMEOUT && answer->result != DNS_UNREACHABLE;
}

bool inquiry_is_over(const struct inquiry *inquiry)
{
    return inquiry->unanswered >= INQUIRY_PATIENCE;
}

const struct dns_answer *inquire(struct inquiry *inquiry, const char *name, enum dns_type type)
{
    const struct dns_answer *answer;

    if (inquiry_is_over(inquiry))
        return &nobody;
    answer = inquiry->ask(inquiry->context, name, type);
    if (answer == NULL)
        answer = &nobody;
    inquiry->unanswered = inquiry_is_answer(answer) ? 0 : inquiry->unanswered + 1;
    return answer;
}

const struct dns_answer *inquire_patiently(struct inquiry *inquiry, const char *name,
                                           enum dns_type type)
{
    const struct dns_answer *answer = inquire(inquiry, name, type);

    while (!inquiry_is_answer(answer) && !inquiry_is_over(inquiry))
        answer = inquire(inquiry, name, type);
    return answer;
}
