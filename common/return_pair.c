/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/return_pair.h"

#include <string.h>

bool return_pair_init(struct return_pair *pair, const char *identity, const char *mail_from_domain)
{
    const char *at = strrchr(identity, '@');
    const char *domain = at == NULL ? identity : at + 1;
    size_t length = strlen(mail_from_domain);

    if (!identity_is_subdomain(mail_from_domain, domain))
        return false;
    memcpy(pair->key, mail_from_domain, length + 1);
    pair->key[length + 1] = (unsigned char)strlen(domain);
    pair->size = length + 2;
    return true;
}

const char *return_pair_domain(const void *key, size_t size)
{
    const char *text = key;
    size_t length = size - 2;
    size_t domain;

    if (size <= 2 || length > IDENTITY_DOMAIN_MAX ||
        memchr(text, '\0', length + 1) != text + length)
        return NULL;
    domain = ((const unsigned char *)key)[length + 1];
    return domain > 0 && domain + 1 < length && text[length - domain - 1] == '.'
               ? text + length - domain
               : NULL;
}

size_t return_pair_write_gone(unsigned char key[RETURN_PAIR_GONE_SIZE],
                              const struct return_pair *pair, int64_t since)
{
    key[0] = '\0';
    store_key_write_time(key + 1, since);
    memcpy(key + RETURN_PAIR_GONE_HEAD, pair->key, pair->size);
    return RETURN_PAIR_GONE_HEAD + pair->size;
}

bool return_entry_check(const struct return_entry *entry)
{
    if (entry->references == 0)
        return entry->since > 0 && entry->feedback_off <= 1;
    return entry->since == 0 && entry->feedback_off <= entry->references;
}
