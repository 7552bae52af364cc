/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Input: what a client of the socketmap sends, requests one behind the other. Each key is sent
 * back as a reply.
 */
#include "milter/socketmap.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PREFIXES_MAX = 64 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_request(const struct socketmap_request *request, const char *octets, size_t count)
{
    size_t content = request->map_length + request->key_length;
    bool has_space = request->key != request->map + request->map_length;
    char header[20];
    int length = snprintf(header, sizeof header, "%zu:", content + (has_space ? 1 : 0));

    require(content + (has_space ? 1 : 0) <= SOCKETMAP_REQUEST_MAX);
    require(request->size <= count && request->size <= SOCKETMAP_WHOLE_MAX);
    require(request->size == (size_t)length + content + (has_space ? 1 : 0) + 1);
    require(memcmp(octets, header, (size_t)length) == 0);
    require(request->map == octets + length && octets[request->size - 1] == ',');
    require(memchr(request->map, ' ', request->map_length) == NULL);
    require(!has_space || request->key == request->map + request->map_length + 1);
    require(has_space || request->key_length == 0);
}

/* However the octets arrive, the outcome is the same. */
static void check_prefixes(enum socketmap_found found, size_t size, const char *octets,
                           size_t count)
{
    bool was_malformed = false;

    for (size_t i = 0; i <= count && i < PREFIXES_MAX; i++) {
        struct socketmap_request request;
        enum socketmap_found now = socketmap_read(&request, octets, i);

        require(found != SOCKETMAP_INCOMPLETE || now == SOCKETMAP_INCOMPLETE);
        require(found != SOCKETMAP_WHOLE ||
                now == (i < size ? SOCKETMAP_INCOMPLETE : SOCKETMAP_WHOLE));
        require(found != SOCKETMAP_MALFORMED || now != SOCKETMAP_WHOLE);
        require(!was_malformed || now == SOCKETMAP_MALFORMED);
        was_malformed = now == SOCKETMAP_MALFORMED;
    }
}

static void check_reply(const struct socketmap_request *request)
{
    struct socketmap_reply reply;
    char out[SOCKETMAP_WRITTEN_SIZE];
    size_t length, announced;
    char *content;

    reply.status = (enum socketmap_status)(request->size % (SOCKETMAP_TEMP + 1));
    (void)snprintf(reply.text, sizeof reply.text, "%.*s", (int)request->key_length, request->key);
    length = socketmap_write(out, &reply);
    require(length < sizeof out && out[length] == '\0');
    announced = strtoul(out, &content, 10);
    require(*content == ':' && content + 1 + announced + 1 == out + length);
    require(out[length - 1] == ',' && memchr(content, ' ', announced + 1) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *octets = (const char *)data;

    for (;;) {
        struct socketmap_request request = {0};
        enum socketmap_found found = socketmap_read(&request, octets, size);

        check_prefixes(found, request.size, octets, size);
        if (found != SOCKETMAP_WHOLE)
            return 0;
        check_request(&request, octets, size);
        check_reply(&request);
        octets += request.size;
        size -= request.size;
    }
}
