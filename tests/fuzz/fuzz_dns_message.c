/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Input: one octet for the type that is asked for, then a DNS message. It is taken for the answer
 * to whatever its question names.
 */
#include "dns/message.h"

#include <stdlib.h>
#include <string.h>

enum { HEADER_SIZE = 12 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_record(const struct message *message, const struct dns_record *record)
{
    size_t length = strlen(record->text);

    require(record->text >= message->texts && length <= DNS_TEXT_MAX);
    require(record->text + length < message->texts + message->used);
    for (size_t i = 0; i < length; i++)
        require(record->text[i] >= ' ' && record->text[i] <= '~');
}

static void check(const struct message *message, enum dns_type type)
{
    require((message->result == DNS_FOUND) == (message->count > 0));
    require(message->count <= DNS_RECORDS_MAX && message->used <= MESSAGE_TEXTS_SIZE);
    require(message->aliases <= DNS_CNAMES_MAX || message->result == DNS_MALFORMED);
    require(memchr(message->alias, '\0', sizeof message->alias) != NULL);
    for (size_t i = 0; i < message->count; i++) {
        check_record(message, &message->records[i]);
        if (i > 0 && type == DNS_MX)
            require(message->records[i - 1].preference <= message->records[i].preference);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum dns_type types[] = {DNS_MX, DNS_TXT, DNS_A, DNS_AAAA, DNS_PTR};
    static struct message message;
    char name[NAME_TEXT_SIZE] = "";
    enum dns_type type;

    if (size == 0)
        return 0;
    type = types[data[0] % (sizeof types / sizeof types[0])];
    data++;
    size--;
    if (name_read(data, size, HEADER_SIZE, name) == 0)
        name[0] = '\0';
    (void)name_is_askable(name);
    message_read(&message, data, size, name, type, DNS_CNAMES_MAX);
    check(&message, type);
    return 0;
}
