/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "milter/socketmap.h"

#include <stdio.h>
#include <string.h>

static const char *const status_words[] = {
    [SOCKETMAP_OK] = "OK",
    [SOCKETMAP_NOTFOUND] = "NOTFOUND",
    [SOCKETMAP_TEMP] = "TEMP",
};

/* The length, up to its colon. Leading zeros are refused, so its value also limits its digits. */
static enum socketmap_found read_length(size_t *length, size_t *digits, const char *octets,
                                        size_t count)
{
    size_t i = 0;

    *length = 0;
    if (count > 0 && octets[0] == '0')
        return SOCKETMAP_MALFORMED;
    for (; i < count && octets[i] >= '0' && octets[i] <= '9'; i++) {
        *length = *length * 10 + (size_t)(octets[i] - '0');
        if (*length > SOCKETMAP_REQUEST_MAX)
            return SOCKETMAP_MALFORMED;
    }
    *digits = i;
    if (i == count)
        return SOCKETMAP_INCOMPLETE;
    return i > 0 && octets[i] == ':' ? SOCKETMAP_WHOLE : SOCKETMAP_MALFORMED;
}

static void divide(struct socketmap_request *request, const char *content, size_t length)
{
    const char *space = memchr(content, ' ', length);
    const char *end = content + length;

    request->map = content;
    request->map_length = (size_t)((space == NULL ? end : space) - content);
    request->key = space == NULL ? end : space + 1;
    request->key_length = (size_t)(end - request->key);
}

enum socketmap_found socketmap_read(struct socketmap_request *request, const char *octets,
                                    size_t count)
{
    size_t length, digits;
    enum socketmap_found found = read_length(&length, &digits, octets, count);

    if (found != SOCKETMAP_WHOLE)
        return found;
    request->size = digits + 1 + length + 1;
    if (count < request->size)
        return SOCKETMAP_INCOMPLETE;
    if (octets[request->size - 1] != ',')
        return SOCKETMAP_MALFORMED;
    divide(request, octets + digits + 1, length);
    return SOCKETMAP_WHOLE;
}

size_t socketmap_write(char out[SOCKETMAP_WRITTEN_SIZE], const struct socketmap_reply *reply)
{
    const char *word = status_words[reply->status];
    const char *text = reply->status == SOCKETMAP_NOTFOUND ? "" : reply->text;

    return (size_t)snprintf(out, SOCKETMAP_WRITTEN_SIZE, "%zu:%s %s,",
                            strlen(word) + 1 + strlen(text), word, text);
}
