/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Input: the content of a local part that comes to a MAIL FROM domain; then the same octets as an
 * original local part, which has to come back, and as a file of secrets.
 */
#include "common/return_path.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char original_domain[] = "shop.example";
static const char mail_from_domain[] = "bounce.shop.example";
static const char file[] = "0123456789abcdef\nfedcba9876543210\n";

static void require(bool holds)
{
    if (!holds)
        abort();
}

static struct return_secrets *read_secrets(const void *text, size_t size)
{
    FILE *in = fmemopen((void *)text, size, "r");
    struct return_secrets *secrets = NULL;
    struct failure why;

    if (in == NULL)
        return NULL;
    if (return_secrets_parse(&secrets, in, "fuzz", &why))
        require(secrets->count > 0 && secrets->count <= RETURN_SECRETS_MAX);
    else
        require(secrets == NULL && why.text[0] != '\0');
    (void)fclose(in);
    return secrets;
}

static void check_within(const char *part, size_t length, const char *content, size_t size)
{
    require(part >= content && part + length <= content + size && length > 0);
}

static void check_reading(const char *content, size_t size, const struct return_secrets *secrets)
{
    struct return_tag tag;

    return_path_read(&tag, content, size);
    require(tag.day < 1024 && return_path_age(&tag, 20000) < 1023);
    if (tag.form == RETURN_PRVS || tag.form == RETURN_SRS) {
        check_within(tag.original.local, tag.original.local_length, content, size);
        (void)return_path_verify(&tag, original_domain, sizeof original_domain - 1,
                                 mail_from_domain, secrets);
    }
    if (tag.form == RETURN_SRS)
        check_within(tag.original.domain, tag.original.domain_length, content, size);
    (void)return_path_is_too_long_to_sign(content, size);
}

static void check_round(const char *local, size_t size, enum return_form form,
                        const struct return_secrets *secrets)
{
    struct return_original original = {local, size, original_domain, sizeof original_domain - 1};
    char content[LOCAL_PART_MAX];
    size_t length = 0;
    struct return_tag tag;

    if (!return_path_sign(content, &length, form, &original, mail_from_domain, secrets, 20000))
        return;
    require(length <= RETURN_LOCAL_MAX);
    return_path_read(&tag, content, length);
    require(tag.form == form && tag.original.local_length == size);
    require(memcmp(tag.original.local, local, size) == 0);
    require(return_path_verify(&tag, original_domain, sizeof original_domain - 1, mail_from_domain,
                               secrets) == 0);
    tag.signature ^= 1;
    require(return_path_verify(&tag, original_domain, sizeof original_domain - 1, mail_from_domain,
                               secrets) < 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct return_secrets *secrets;
    char *exact = malloc(size > 0 ? size : 1);

    require(exact != NULL);
    if (secrets == NULL)
        secrets = read_secrets(file, sizeof file - 1);
    require(secrets != NULL && secrets->count == 2);
    if (size > 0)
        memcpy(exact, data, size);
    check_reading(exact, size, secrets);
    if (size > 0 && size <= LOCAL_PART_MAX) {
        check_round(exact, size, RETURN_PRVS, secrets);
        check_round(exact, size, RETURN_SRS, secrets);
    }
    return_secrets_free(read_secrets(exact, size));
    free(exact);
    return 0;
}
