/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Input: one octet for the length of the Sender field (255: there is none), then the Sender field,
 * then the From field. Both end at a NUL, as they do in libmilter.
 */
#include "milter/sender.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

/* On the heap and with no octet to spare, so that the sanitizer sees a step beyond the end. */
static char *to_field(const uint8_t *data, size_t size)
{
    char *field = malloc(size + 1);

    require(field != NULL);
    if (size > 0)
        memcpy(field, data, size);
    field[size] = '\0';
    return field;
}

static void check_address(const char *address)
{
    char again[SENDER_ADDRESS_SIZE];

    require(strlen(address) <= SENDER_ADDRESS_MAX);
    require(strchr(address, '@') != NULL);
    for (const char *at = address; *at != '\0'; at++)
        require((unsigned char)*at >= 0x20 && *at != 0x7f);
    require(sender_choose(address, NULL, again));
    require(strcmp(address, again) == 0);
}

static void check_choice(const char *from, const char *sender)
{
    char address[SENDER_ADDRESS_SIZE];
    char first[SENDER_ADDRESS_SIZE];
    char again[SENDER_ADDRESS_SIZE];
    bool is_found = sender_choose(from, sender, address);

    require(is_found == sender_choose(from, NULL, first));
    if (!is_found)
        return;
    check_address(address);
    check_address(first);
    require(sender_choose(from, address, again));
    require(strcasecmp(address, again) == 0);
    if (strcmp(address, first) != 0) {
        require(sender_choose(sender, NULL, again));
        require(strcasecmp(address, again) == 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t length = size > 0 && data[0] != UINT8_MAX ? data[0] : 0;
    char *sender = NULL;
    char *from;

    if (size == 0)
        return 0;
    if (length > size - 1)
        length = size - 1;
    if (data[0] != UINT8_MAX)
        sender = to_field(data + 1, length);
    from = to_field(data + 1 + length, size - 1 - length);
    check_choice(from, sender);
    free(from);
    free(sender);
    return 0;
}
