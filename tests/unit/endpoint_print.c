/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Prints the endpoints for the lines "SERVICE REGION FIPS DUAL-STACK" on standard input, for
 * test_endpoint_botocore.
 */
#include "ses/endpoint.h"

#include <stdio.h>
#include <string.h>

struct question {
    char service[16], region[64], fips[8], dual_stack[8];
};

static const char *get(void *context, const char *name)
{
    const struct question *question = context;

    if (strcmp(name, "AWS_USE_FIPS_ENDPOINT") == 0)
        return question->fips;
    return strcmp(name, "AWS_USE_DUALSTACK_ENDPOINT") == 0 ? question->dual_stack : NULL;
}

static enum endpoint_service service_of(const char *name)
{
    if (strcmp(name, "sesv2") == 0)
        return ENDPOINT_SESV2;
    return strcmp(name, "sts") == 0 ? ENDPOINT_STS : ENDPOINT_SES;
}

int main(void)
{
    struct profile profile = {.exists = false};
    struct question question;

    while (scanf("%15s %63s %7s %7s", question.service, question.region, question.fips,
                 question.dual_stack) == 4) {
        struct environment environment = {get, &question};
        struct endpoint_settings settings = {NULL, &environment, &profile};
        struct endpoint endpoint;
        struct failure why;
        if (endpoint_resolve(&endpoint, service_of(question.service), question.region, &settings,
                             &why))
            printf("https://%s\n", endpoint.host);
        else
            printf("none\n");
    }
    return 0;
}
