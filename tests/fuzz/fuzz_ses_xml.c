/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Input: a reply of SES v1 or of STS.
 */
#include "ses/api_v1.h"
#include "ses/sts.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const identities[] = {"example.com", "user+tag@example.com", "a@Example.COM"};
enum { COUNT = sizeof identities / sizeof identities[0] };

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_mail_from(const char *xml, size_t length)
{
    struct api_v1_mail_from answers[COUNT];
    struct failure why;

    if (!api_v1_read_mail_from(xml, length, identities, COUNT, answers, &why))
        return;
    for (size_t i = 0; i < COUNT; i++) {
        require((unsigned)answers[i].status < MAIL_FROM_STATUS_COUNT);
        require((unsigned)answers[i].behavior < MAIL_FROM_BEHAVIOR_COUNT);
        require((answers[i].error[0] != '\0') == (answers[i].answer == API_UNREADABLE));
        require(strspn(answers[i].domain, "abcdefghijklmnopqrstuvwxyz0123456789-._") ==
                strlen(answers[i].domain));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct api_v1_verification answers[COUNT];
    struct outcome_error error = {.code = ""};
    struct http_reply reply = {.body_length = size};
    struct failure why;
    struct keys keys;

    reply.body = malloc(size + 1);
    require(reply.body != NULL);
    if (size > 0)
        memcpy(reply.body, data, size);
    reply.body[size] = '\0';
    check_mail_from(reply.body, size);
    (void)api_v1_read_verification(reply.body, size, identities, COUNT, answers, &why);
    api_v1_read_error(&error, &reply);
    require(strlen(error.code) < OUTCOME_CODE_SIZE);
    if (sts_read_keys(&keys, "fuzz", reply.body, size, &why))
        require(keys.access_key[0] != '\0' && keys.secret_key[0] != '\0');
    free(reply.body);
    return 0;
}
