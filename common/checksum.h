/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The checksum of what the store keeps: against torn pages and flipped bits, not against people.
 * It covers the key too, so that a value of another key is noticed. Pure.
 */
#ifndef COMMON_CHECKSUM_H
#define COMMON_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

uint64_t checksum_of(const void *key, size_t key_length, const void *value, size_t length);

#endif
