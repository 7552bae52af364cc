/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Input: one octet for the length of the key, the key, and the value that a store holds for it. The
 * value is read as it is and, since no fuzzer guesses checksums, with the right one put behind it.
 * What is taken must be within its limits and be coded to the very same octets.
 */
#include "common/mail_from.h"

#include <stdlib.h>
#include <string.h>

enum { CHECKSUM_SIZE = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_limits(const struct mail_from *record)
{
    require(record->kind == IDENTITY_ADDRESS || record->kind == IDENTITY_DOMAIN);
    require((int)record->source < MAIL_FROM_SOURCE_COUNT);
    require((int)record->status < MAIL_FROM_STATUS_COUNT);
    require((int)record->behavior < MAIL_FROM_BEHAVIOR_COUNT);
    require(memchr(record->domain, '\0', sizeof record->domain) != NULL);
    require(memchr(record->last_error, '\0', sizeof record->last_error) != NULL);
}

/* A NUL inside of a text is read, but never written; and any octet but 0 is read as true. */
static bool is_as_written(const uint8_t *value, size_t length)
{
    return memchr(value + 40, '\0', length - 40 - CHECKSUM_SIZE) == NULL && value[3] <= 1;
}

static bool check(const char *key, size_t key_length, const uint8_t *value, size_t length)
{
    unsigned char coded[MAIL_FROM_CODED_MAX];
    struct mail_from record;

    if (!mail_from_decode(&record, key, key_length, value, length))
        return false;
    check_limits(&record);
    if (is_as_written(value, length)) {
        require(mail_from_encode(&record, key, key_length, coded) == length);
        require(memcmp(coded, value, length) == 0);
    }
    return true;
}

/* FNV-1a over key and value, little-endian. */
static void sign(uint8_t *out, const uint8_t *data, size_t key_length, size_t length)
{
    uint64_t sum = UINT64_C(14695981039346656037);

    for (size_t i = 0; i < key_length + length; i++)
        sum = (sum ^ data[i]) * UINT64_C(1099511628211);
    for (int i = 0; i < CHECKSUM_SIZE; i++)
        out[i] = (uint8_t)(sum >> (8 * i));
}

/* In memory of exactly that length, so that the sanitizer sees a step beyond it. */
static void check_signed(const uint8_t *data, size_t key_length, size_t length)
{
    uint8_t *value = malloc(length + CHECKSUM_SIZE);

    require(value != NULL);
    memcpy(value, data + key_length, length);
    sign(value + length, data, key_length, length);
    if (check((const char *)data, key_length, value, length + CHECKSUM_SIZE)) {
        value[length] ^= 1;
        require(!check((const char *)data, key_length, value, length + CHECKSUM_SIZE));
    }
    free(value);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t key_length;

    if (size == 0)
        return 0;
    key_length = data[0];
    data++;
    size--;
    if (key_length > size)
        key_length = size;
    (void)check((const char *)data, key_length, data + key_length, size - key_length);
    check_signed(data, key_length, size - key_length);
    return 0;
}
