/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "milter/packet.h"

#include <string.h>

#include <libmilter/mfdef.h>

enum { HEAD_SIZE = MILTER_LEN_BYTES + 1, STEPS_OFFSET = 2 * MILTER_LEN_BYTES, STRINGS_MAX = 1024 };

static uint32_t number(const char *octets)
{
    const unsigned char *bytes = (const unsigned char *)octets;

    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
           (uint32_t)bytes[3];
}

/* How many strings these octets are; -1 if the last one does not end, or there are too many. */
static int count_strings(const char *octets, size_t length)
{
    int count = 0;

    while (length > 0) {
        const char *end = memchr(octets, '\0', length);

        if (end == NULL || count == STRINGS_MAX)
            return -1;
        length -= (size_t)(end + 1 - octets);
        octets = end + 1;
        count++;
    }
    return count;
}

/* --- one function for each kind of data; each returns what is wrong, or NULL --- */

static const char *check_macros(const struct packet *packet)
{
    int count;

    if (packet->length == 0 || strchr("CHMRTLNBEU", packet->data[0]) == NULL ||
        packet->data[0] == '\0')
        return "macros of no command";
    count = count_strings(packet->data + 1, packet->length - 1);
    return count < 0 || count % 2 != 0 ? "macros that are not pairs of strings" : NULL;
}

/* A host name, a family, and except for an unknown one a port and an address. */
static const char *check_connection(const struct packet *packet)
{
    static const char fault[] = "a client that cannot be read";
    const char *name_end = memchr(packet->data, '\0', packet->length);
    size_t rest;

    if (name_end == NULL)
        return fault;
    rest = packet->length - (size_t)(name_end + 1 - packet->data);
    if (rest == 0)
        return fault;
    if (name_end[1] == SMFIA_UNKNOWN)
        return NULL;
    if (name_end[1] != SMFIA_UNIX && name_end[1] != SMFIA_INET && name_end[1] != SMFIA_INET6)
        return fault;
    return rest < 4 || count_strings(name_end + 4, rest - 3) != 1 ? fault : NULL;
}

static const char *check_strings(const struct packet *packet, int least, int most,
                                 const char *fault)
{
    int count = count_strings(packet->data, packet->length);

    return count < least || count > most ? fault : NULL;
}

static const char *check_data(const struct packet *packet)
{
    switch (packet->command) {
    case SMFIC_OPTNEG:
        return packet->length < MILTER_OPTLEN ? "a negotiation that is too short" : NULL;
    case SMFIC_MACRO:
        return check_macros(packet);
    case SMFIC_CONNECT:
        return check_connection(packet);
    case SMFIC_HELO:
    case SMFIC_UNKNOWN:
        return check_strings(packet, 1, 1, "a HELO or an unknown command that is not one string");
    case SMFIC_MAIL:
    case SMFIC_RCPT:
        return check_strings(packet, 1, STRINGS_MAX, "an address that is no string");
    case SMFIC_HEADER:
        return check_strings(packet, 2, 2, "a header field that is not two strings");
    case SMFIC_BODY:
    case SMFIC_BODYEOB:
        return NULL;
    case SMFIC_ABORT:
    case SMFIC_DATA:
    case SMFIC_EOH:
    case SMFIC_QUIT:
    case SMFIC_QUIT_NC:
        return packet->length > 0 ? "data where none belongs" : NULL;
    default:
        return "an unknown command";
    }
}

/* --- the order of packets --- */

static const char *check_order(struct packet_order *order, const struct packet *packet)
{
    if (packet->command != SMFIC_OPTNEG && !order->is_negotiated)
        return "something before the negotiation";
    if (packet->command == SMFIC_OPTNEG && order->is_negotiated && !order->may_begin_again)
        return "a second negotiation";
    order->is_negotiated = true;
    order->may_begin_again = packet->command == SMFIC_QUIT_NC;
    if (packet->command == SMFIC_MAIL)
        order->in_message = true;
    else if (packet->command == SMFIC_BODYEOB || packet->command == SMFIC_ABORT)
        order->in_message = false;
    if (packet->command == SMFIC_BODYEOB || packet->command == SMFIC_ABORT)
        order->message_total = 0;
    else if (packet->command != SMFIC_BODY)
        order->message_total += packet->size;
    return order->message_total > PACKET_MESSAGE_MAX ? "a message that does not end" : NULL;
}

enum packet_found packet_read(struct packet *packet, struct packet_order *order, const char *octets,
                              size_t count, const char **fault)
{
    uint32_t length;

    if (count < MILTER_LEN_BYTES)
        return PACKET_INCOMPLETE;
    length = number(octets);
    if (length == 0 || length > PACKET_SIZE_MAX - MILTER_LEN_BYTES) {
        *fault = "a packet of an impossible length";
        return PACKET_BAD;
    }
    if (count - MILTER_LEN_BYTES < length)
        return PACKET_INCOMPLETE;
    packet->command = octets[MILTER_LEN_BYTES];
    packet->data = octets + HEAD_SIZE;
    packet->length = length - 1;
    packet->size = MILTER_LEN_BYTES + length;
    *fault = check_data(packet);
    if (*fault == NULL)
        *fault = check_order(order, packet);
    return *fault == NULL ? PACKET_WHOLE : PACKET_BAD;
}

bool packet_offers(const struct packet *negotiation, uint32_t steps)
{
    return (number(negotiation->data + STEPS_OFFSET) & steps) == steps;
}

char packet_macro_stage(const struct packet *macros)
{
    return macros->data[0];
}
