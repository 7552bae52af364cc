/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Input: a reply of SES v2.
 */
#include "ses/api_v2.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_page(const char *json, size_t length)
{
    struct api_v2_page page;
    struct failure why;

    if (!api_v2_read_page(&page, json, length, &why))
        return;
    require(page.count + page.passed_over <= API_V2_PAGE_MAX);
    for (size_t i = 0; i < page.count; i++)
        require(page.listed[i].name[0] != '\0' && strlen(page.listed[i].name) < IDENTITY_SIZE);
    api_v2_page_reset(&page);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct api_v2_identity identity;
    struct outcome_error error = {.code = ""};
    struct http_reply reply = {.body_length = size};
    struct failure why;

    reply.body = malloc(size + 1);
    require(reply.body != NULL);
    if (size > 0)
        memcpy(reply.body, data, size);
    reply.body[size] = '\0';
    check_page(reply.body, size);
    if (api_v2_read_identity(&identity, reply.body, size, &why)) {
        require((unsigned)identity.mail_from.status < MAIL_FROM_STATUS_COUNT);
        require((unsigned)identity.mail_from.behavior < MAIL_FROM_BEHAVIOR_COUNT);
    }
    api_v2_read_error(&error, &reply);
    require(strcspn(error.code, ":#") == strlen(error.code));
    free(reply.body);
    return 0;
}
