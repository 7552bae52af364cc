/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/checksum.h"

/* FNV-1a. */
static uint64_t add(uint64_t sum, const void *octets, size_t length)
{
    const unsigned char *octet = octets;

    for (size_t i = 0; i < length; i++)
        sum = (sum ^ octet[i]) * UINT64_C(1099511628211);
    return sum;
}

uint64_t checksum_of(const void *key, size_t key_length, const void *value, size_t length)
{
    return add(add(UINT64_C(14695981039346656037), key, key_length), value, length);
}
