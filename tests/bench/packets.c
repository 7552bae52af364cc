/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "tests/bench/packets.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

void packets_text(struct packets *packets, const char *text, size_t length)
{
    if (length > sizeof packets->octets - packets->length) {
        fputs("load: PACKETS_MAX is too small for this message\n", stderr);
        exit(EXIT_FAILURE);
    }
    memcpy(packets->octets + packets->length, text, length);
    packets->length += length;
}

void packets_string(struct packets *packets, const char *string)
{
    packets_text(packets, string, strlen(string) + 1);
}

void packets_number(struct packets *packets, uint32_t number)
{
    uint32_t network = htonl(number);

    packets_text(packets, (const char *)&network, sizeof network);
}

void packets_begin(struct packets *packets, char command)
{
    packets->packet = packets->length;
    packets_number(packets, 0);
    packets_text(packets, &command, 1);
}

void packets_end(struct packets *packets)
{
    uint32_t size = (uint32_t)(packets->length - packets->packet - sizeof size);
    uint32_t network = htonl(size);

    memcpy(packets->octets + packets->packet, &network, sizeof network);
}

void packets_command(struct packets *packets, char command)
{
    packets_begin(packets, command);
    packets_end(packets);
}

uint32_t packets_read_number(const char *octets)
{
    uint32_t network;

    memcpy(&network, octets, sizeof network);
    return ntohl(network);
}

bool packets_send(struct packets *packets, int fd)
{
    size_t sent = 0;

    while (sent < packets->length) {
        ssize_t count = send(fd, packets->octets + sent, packets->length - sent, MSG_NOSIGNAL);

        if (count < 0 && errno != EINTR)
            return false;
        if (count > 0)
            sent += (size_t)count;
    }
    packets->length = 0;
    return true;
}
