/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/store_key.h"

#include <string.h>

/* Of a quoted local part, an @ may be part. */
void store_key_write(char key[IDENTITY_SIZE], const char *identity, size_t length)
{
    const char *at = memrchr(identity, '@', length);
    size_t local = at == NULL ? 0 : (size_t)(at - identity);
    size_t domain = at == NULL ? length : length - local - 1;

    memcpy(key, identity + length - domain, domain);
    if (at == NULL)
        return;
    key[domain] = '@';
    memcpy(key + domain + 1, identity, local);
}

bool store_key_read(char identity[IDENTITY_SIZE], const char *key, size_t length)
{
    const char *at = memchr(key, '@', length);
    size_t domain = at == NULL ? length : (size_t)(at - key);
    size_t local = at == NULL ? 0 : length - domain - 1;

    if (length >= IDENTITY_SIZE)
        return false;
    if (at != NULL) {
        memcpy(identity, at + 1, local);
        identity[local++] = '@';
    }
    memcpy(identity + local, key, domain);
    identity[length] = '\0';
    return true;
}

static size_t write_text(char key[IDENTITY_SIZE], const char *identity)
{
    size_t length = strnlen(identity, IDENTITY_SIZE - 1);

    store_key_write(key, identity, length);
    return length;
}

int store_key_compare(const char *a, const char *b)
{
    char key_a[IDENTITY_SIZE];
    char key_b[IDENTITY_SIZE];
    size_t length_a = write_text(key_a, a);
    size_t length_b = write_text(key_b, b);
    int order = memcmp(key_a, key_b, length_a < length_b ? length_a : length_b);

    return order != 0 ? order : (length_a > length_b) - (length_a < length_b);
}

void store_key_write_time(unsigned char out[STORE_KEY_TIME_SIZE], int64_t time)
{
    for (size_t i = 0; i < STORE_KEY_TIME_SIZE; i++)
        out[i] = (unsigned char)((uint64_t)time >> 8 * (STORE_KEY_TIME_SIZE - 1 - i));
}

int64_t store_key_read_time(const unsigned char octets[STORE_KEY_TIME_SIZE])
{
    uint64_t time = 0;

    for (size_t i = 0; i < STORE_KEY_TIME_SIZE; i++)
        time = time << 8 | octets[i];
    return (int64_t)time;
}
