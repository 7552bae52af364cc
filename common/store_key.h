/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The keys under which the store keeps identities: an address has its domain first
 * ("example.com@alice"). So an address and its domain, which are looked up one after the other, lie
 * on one page, and a million identities cost little more than ten. Pure.
 */
#ifndef COMMON_STORE_KEY_H
#define COMMON_STORE_KEY_H

#include "common/identity.h"

#include <stdint.h>

/* The key of an identity in canonical form; as long as the identity. Not terminated. */
void store_key_write(char key[IDENTITY_SIZE], const char *identity, size_t length);

/* Back again, terminated. False if it cannot be a key. */
bool store_key_read(char identity[IDENTITY_SIZE], const char *key, size_t length);

/* Like strcmp: the order of two identities in the store. */
int store_key_compare(const char *a, const char *b);

/* A time within a key, most significant octet first, so that keys come in its order. Not negative.
 */
enum { STORE_KEY_TIME_SIZE = 8 };
void store_key_write_time(unsigned char out[STORE_KEY_TIME_SIZE], int64_t time);
int64_t store_key_read_time(const unsigned char octets[STORE_KEY_TIME_SIZE]);

#endif
