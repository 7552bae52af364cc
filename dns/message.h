/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Reads a DNS message that answers a question. Its octets come from outside. Pure.
 */
#ifndef DNS_MESSAGE_H
#define DNS_MESSAGE_H

#include "dns/name.h"
#include "dns/resolver.h"

enum { MESSAGE_TEXTS_SIZE = DNS_RECORDS_MAX * (DNS_TEXT_MAX + 1) };

struct message {
    enum dns_result result;
    unsigned aliases;           /* CNAMEs that were followed */
    char alias[NAME_TEXT_SIZE]; /* no data, because the question goes on there; "" if it does not */
    struct dns_record records[DNS_RECORDS_MAX];
    size_t count;     /* 0 unless found */
    bool truncated;   /* there were more of them */
    bool doubts_edns; /* what a server says that does not know EDNS, or not this version of it */
    char texts[MESSAGE_TEXTS_SIZE];
    size_t used; /* of texts */
};

/* name: what was asked for, lower case, without the last dot. aliases_max: CNAMEs that may be
 * followed; one more is malformed. Only records of the name, or of what it is an alias of, count.
 * "No data" and "no such name" need proof: an answer section that is empty or leads to another
 * name, or the SOA of a zone above the name. What has neither, or says that it was cut off, is
 * malformed. The id and the question were checked before. */
void message_read(struct message *message, const unsigned char *octets, size_t length,
                  const char *name, enum dns_type type, unsigned aliases_max);

#endif
