/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Packets of the milter protocol: four octets of length, one of command, data. A run of packets is
 * gathered here and leaves in one write, as it does from Postfix. One thread.
 */
#ifndef TESTS_BENCH_PACKETS_H
#define TESTS_BENCH_PACKETS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PACKETS_MAX = 32768 };

/* Plain facts: the octets gathered so far and where the packet under way began. Starts as {0}. */
struct packets {
    size_t length;
    size_t packet;
    char octets[PACKETS_MAX];
};

/* packets_begin, any number of the others, packets_end. What does not fit ends the program: the
 * sizes of all that is sent are known here. */
void packets_begin(struct packets *packets, char command);
void packets_text(struct packets *packets, const char *text, size_t length);
void packets_string(struct packets *packets, const char *string); /* with its final NUL */
void packets_number(struct packets *packets, uint32_t number);
void packets_end(struct packets *packets);

/* A packet without data. */
void packets_command(struct packets *packets, char command);

/* Four octets in network order. */
uint32_t packets_read_number(const char *octets);

/* Writes everything to the socket and starts anew. False: errno says why. */
bool packets_send(struct packets *packets, int fd);

#endif
