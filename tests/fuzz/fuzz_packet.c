/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Input: what a peer of the milter's socket sends. Packets are read one behind the other; what is
 * let through is what libmilter can read without walking past its end.
 */
#include "milter/packet.h"

#include <stdlib.h>
#include <string.h>

enum { PREFIXES_MAX = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static size_t count_ends(const char *octets, size_t length)
{
    size_t count = 0;

    for (size_t i = 0; i < length; i++)
        count += octets[i] == '\0';
    return count;
}

static void check_packet(const struct packet *packet, const char *octets, size_t count)
{
    require(packet->size >= 5 && packet->size <= PACKET_SIZE_MAX && packet->size <= count);
    require(packet->data == octets + 5 && packet->length == packet->size - 5);
    require(strchr("ABCDEHKLMNOQRTU", packet->command) != NULL);
    if (strchr("HMRUL", packet->command) != NULL)
        require(packet->length > 0 && packet->data[packet->length - 1] == '\0');
    if (packet->command == 'L')
        require(count_ends(packet->data, packet->length) == 2);
    if (packet->command == 'D')
        require(packet->length > 0 && count_ends(packet->data + 1, packet->length - 1) % 2 == 0 &&
                (packet->length == 1 || packet->data[packet->length - 1] == '\0'));
    if (packet->command == 'O')
        (void)packet_offers(packet, UINT32_MAX);
}

/* However the octets arrive, the outcome is the same. */
static void check_prefixes(const struct packet_order *order, enum packet_found found, size_t size,
                           const char *octets, size_t count)
{
    for (size_t i = 0; i < count && i < PREFIXES_MAX; i++) {
        struct packet_order copy = *order;
        struct packet packet;
        const char *fault;
        enum packet_found now = packet_read(&packet, &copy, octets, i, &fault);

        require(found != PACKET_INCOMPLETE || now == PACKET_INCOMPLETE);
        require(found != PACKET_WHOLE || now == (i < size ? PACKET_INCOMPLETE : PACKET_WHOLE));
        require(found != PACKET_BAD || now != PACKET_WHOLE);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct packet_order order = {0};
    char *octets = malloc(size + 1); /* so that a read past the end is seen */
    size_t position = 0;

    require(octets != NULL);
    memcpy(octets, data, size);
    for (;;) {
        struct packet_order before = order;
        struct packet packet = {0};
        const char *fault = NULL;
        char *rest = malloc(size - position + (size == position));
        enum packet_found found;

        require(rest != NULL);
        memcpy(rest, octets + position, size - position);
        found = packet_read(&packet, &order, rest, size - position, &fault);
        check_prefixes(&before, found, packet.size, rest, size - position);
        require((found == PACKET_BAD) == (fault != NULL));
        if (found == PACKET_WHOLE)
            check_packet(&packet, rest, size - position);
        free(rest);
        if (found != PACKET_WHOLE)
            break;
        position += packet.size;
    }
    free(octets);
    return 0;
}
