/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/map_client.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sysexits.h>

#include "ctl/deadline.h"

enum { REQUEST_SIZE = 1024, REPLY_SIZE = MAP_CLIENT_TEXT_MAX + 64 };

/* --- reading --- */

/* The content of the netstring; its length, with up to four digits, has been read. */
static bool read_content(struct map_client_reply *reply, const char *content, size_t length)
{
    static const struct {
        const char *word;
        enum map_client_status status;
    } words[] = {
        {"OK", MAP_CLIENT_OK},        {"NOTFOUND", MAP_CLIENT_NOT_FOUND},
        {"TEMP", MAP_CLIENT_TROUBLE}, {"TIMEOUT", MAP_CLIENT_TROUBLE},
        {"PERM", MAP_CLIENT_TROUBLE},
    };
    const char *space = memchr(content, ' ', length);
    size_t word = space == NULL ? length : (size_t)(space - content);
    size_t rest = space == NULL ? 0 : length - word - 1;

    if (rest > MAP_CLIENT_TEXT_MAX)
        return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strlen(words[i].word) != word || memcmp(words[i].word, content, word) != 0)
            continue;
        reply->status = words[i].status;
        memcpy(reply->text, content + length - rest, rest);
        reply->text[rest] = '\0';
        return true;
    }
    return false;
}

enum map_client_found map_client_read(struct map_client_reply *reply, const char *octets,
                                      size_t count)
{
    size_t length = 0;
    size_t digits = 0;

    while (digits < count && octets[digits] >= '0' && octets[digits] <= '9' && digits < 5)
        length = length * 10 + (size_t)(octets[digits++] - '0');
    if (digits == count && digits < 5)
        return MAP_CLIENT_INCOMPLETE;
    if (digits == 0 || digits == 5 || octets[digits] != ':' || length > REPLY_SIZE - 8)
        return MAP_CLIENT_MALFORMED;
    if (count < digits + 1 + length + 1)
        return MAP_CLIENT_INCOMPLETE;
    return octets[digits + 1 + length] == ',' && read_content(reply, octets + digits + 1, length)
               ? MAP_CLIENT_WHOLE
               : MAP_CLIENT_MALFORMED;
}

/* --- asking --- */

static bool receive(int descriptor, struct map_client_reply *reply, struct failure *why)
{
    int64_t deadline = deadline_in(MAP_CLIENT_TIMEOUT);
    char octets[REPLY_SIZE];
    size_t count = 0;

    for (;;) {
        struct pollfd wait = {.fd = descriptor, .events = POLLIN};
        int left = deadline_left(deadline);
        ssize_t got;
        if (left == 0 || poll(&wait, 1, left) == 0)
            return failure_set(why, EX_TEMPFAIL, "no reply within %d seconds",
                               MAP_CLIENT_TIMEOUT / 1000);
        got = recv(descriptor, octets + count, sizeof octets - count, 0);
        if (got < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (got <= 0)
            return failure_set(why, EX_PROTOCOL, "it hangs up without a reply");
        count += (size_t)got;
        switch (map_client_read(reply, octets, count)) {
        case MAP_CLIENT_WHOLE:
            return true;
        case MAP_CLIENT_INCOMPLETE:
            continue;
        case MAP_CLIENT_MALFORMED:
            break;
        }
        return failure_set(why, EX_PROTOCOL, "the reply is not one of a socketmap");
    }
}

bool map_client_ask(int descriptor, const char *map, const char *key,
                    struct map_client_reply *reply, struct failure *why)
{
    char request[REQUEST_SIZE];
    int length =
        snprintf(request, sizeof request, "%zu:%s %s,", strlen(map) + 1 + strlen(key), map, key);

    if (length < 0 || (size_t)length >= sizeof request)
        return failure_set(why, EX_DATAERR, "the key is too long");
    /* A connection that is new has room for as much. */
    if (send(descriptor, request, (size_t)length, MSG_NOSIGNAL) != length)
        return failure_set(why, EX_PROTOCOL, "it takes no question");
    return receive(descriptor, reply, why);
}
