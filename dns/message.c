/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "dns/message.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

enum {
    HEADER_SIZE = 12,
    QUESTION_SIZE = 4, /* behind the name: type and class */
    RECORD_SIZE = 10,  /* behind the owner: type, class, time to live, length of the data */
    CLASS_IN = 1,
    TYPE_NS = 2,
    TYPE_CNAME = 5,
    TYPE_SOA = 6,
    TYPE_OPT = 41
};
enum {
    RCODE_NOERROR = 0,
    RCODE_FORMERR = 1,
    RCODE_SERVFAIL = 2,
    RCODE_NXDOMAIN = 3,
    RCODE_NOTIMP = 4
};

/* A section, record by record. */
struct walk {
    const unsigned char *octets;
    size_t length;
    size_t offset;
    unsigned left; /* records that the header promises */
    char owner[NAME_TEXT_SIZE];
    unsigned type, class;
    size_t data, data_length;
};

static unsigned read_16(const unsigned char *at)
{
    return (unsigned)at[0] << 8 | at[1];
}

/* False for a record that is not all there; call it only while there are some left. */
static bool walk_next(struct walk *walk)
{
    const unsigned char *at;

    walk->left--;
    walk->offset = name_read(walk->octets, walk->length, walk->offset, walk->owner);
    if (walk->offset == 0 || walk->length - walk->offset < RECORD_SIZE)
        return false;
    at = walk->octets + walk->offset;
    walk->type = read_16(at);
    walk->class = read_16(at + 2);
    walk->data_length = read_16(at + 8);
    walk->data = walk->offset + RECORD_SIZE;
    walk->offset = walk->data + walk->data_length;
    return walk->offset <= walk->length;
}

/* Is it what is looked for? */
static bool walk_matches(const struct walk *walk, const char *owner, unsigned type)
{
    return walk->class == CLASS_IN && walk->type == type && strcmp(walk->owner, owner) == 0;
}

/* The name that ends the data, and begins so many octets behind their start. */
static bool read_data_name(const struct walk *walk, size_t skipped, char text[NAME_TEXT_SIZE])
{
    return walk->data_length > skipped &&
           name_read(walk->octets, walk->length, walk->data + skipped, text) == walk->offset;
}

static bool read_mx(const struct walk *walk, struct dns_record *record, char *text)
{
    record->preference = walk->data_length >= 2 ? read_16(walk->octets + walk->data) : 0;
    return read_data_name(walk, 2, text);
}

static bool read_address(const struct walk *walk, char *text)
{
    bool is_a = walk->type == DNS_A;

    return walk->data_length == (is_a ? 4 : 16) &&
           inet_ntop(is_a ? AF_INET : AF_INET6, walk->octets + walk->data, text, DNS_TEXT_MAX) !=
               NULL;
}

/* Returns what it wrote; 0 if there is no room, for an escape is never cut. */
static size_t write_text_octet(char *out, size_t room, unsigned char octet)
{
    static const char digits[] = "0123456789ABCDEF";
    bool printable = octet >= ' ' && octet <= '~';
    const char escaped[] = {'\\', 'x', digits[octet >> 4], digits[octet & 15]};

    if (room < (printable ? 1 : sizeof escaped))
        return 0;
    if (!printable) {
        memcpy(out, escaped, sizeof escaped);
        return sizeof escaped;
    }
    *out = (char)octet;
    return 1;
}

/* Strings, each with its length before it. */
static bool read_txt(const struct walk *walk, char *text)
{
    const unsigned char *at = walk->octets + walk->data;
    const unsigned char *end = at + walk->data_length;
    size_t used = 0, wrote = 1;

    while (at < end) {
        size_t size = *at++;
        if (size > (size_t)(end - at))
            return false;
        for (; size > 0; size--, at++) {
            if (wrote > 0)
                wrote = write_text_octet(text + used, DNS_TEXT_MAX - used, *at);
            used += wrote;
        }
    }
    text[used] = '\0';
    return walk->data_length > 0;
}

static bool read_record(const struct walk *walk, struct dns_record *record, char *text)
{
    *record = (struct dns_record){.text = text};
    switch ((enum dns_type)walk->type) {
    case DNS_A:
    case DNS_AAAA:
        return read_address(walk, text);
    case DNS_PTR:
        return read_data_name(walk, 0, text);
    case DNS_MX:
        return read_mx(walk, record, text);
    case DNS_TXT:
        return read_txt(walk, text);
    }
    return false;
}

static bool take_record(struct message *message, const struct walk *walk)
{
    char *text = message->texts + message->used;

    if (message->count == DNS_RECORDS_MAX) {
        message->truncated = true;
        return true;
    }
    if (!read_record(walk, &message->records[message->count], text))
        return false;
    message->used += strlen(text) + 1;
    message->count++;
    return true;
}

/* One step along the chain: takes the records of the owner, or what it is an alias of. */
static bool read_owner(struct message *message, struct walk walk, const char *owner,
                       enum dns_type type)
{
    message->alias[0] = '\0';
    while (walk.left > 0) {
        if (!walk_next(&walk))
            return false;
        if (walk_matches(&walk, owner, type) && !take_record(message, &walk))
            return false;
        if (walk_matches(&walk, owner, TYPE_CNAME) && !read_data_name(&walk, 0, message->alias))
            return false;
    }
    return true;
}

static enum dns_result read_answers(struct message *message, const struct walk *walk,
                                    const char *name, enum dns_type type, unsigned aliases_max)
{
    char owner[NAME_TEXT_SIZE];

    if (!read_owner(message, *walk, name, type))
        return DNS_MALFORMED;
    while (message->count == 0 && message->alias[0] != '\0') {
        if (++message->aliases > aliases_max)
            return DNS_MALFORMED;
        memcpy(owner, message->alias, sizeof owner);
        if (!read_owner(message, *walk, owner, type))
            return DNS_MALFORMED;
        if (message->count == 0 && message->alias[0] == '\0') {
            memcpy(message->alias, owner, sizeof owner);
            return DNS_NO_DATA;
        }
    }
    message->alias[0] = '\0';
    return message->count > 0 ? DNS_FOUND : DNS_NO_DATA;
}

/* What stands behind the answers, of a name without records. */
struct rest {
    bool denies;    /* a zone that the name may be in says so */
    bool delegates; /* to other servers */
    bool is_error;  /* by a response code that is continued in the OPT: RFC 6891, 6.1.3 */
};

static bool is_at_or_below(const char *name, const char *zone)
{
    size_t length = strlen(name), tail = strlen(zone);

    if (tail == 0 || strcmp(name, zone) == 0)
        return true;
    return length > tail && name[length - tail - 1] == '.' &&
           strcmp(name + length - tail, zone) == 0;
}

static void take_rest(struct rest *rest, const struct walk *walk, const char *name)
{
    if (walk->type == TYPE_OPT && walk->owner[0] == '\0')
        rest->is_error = walk->octets[walk->data - 6] != 0;
    if (walk->class != CLASS_IN || !is_at_or_below(name, walk->owner))
        return;
    rest->denies = rest->denies || walk->type == TYPE_SOA;
    rest->delegates = rest->delegates || walk->type == TYPE_NS;
}

/* answers: where the answer section begins. False for a message that is not all there. */
static bool read_rest(struct walk answers, const char *name, struct rest *rest)
{
    struct walk walk = answers;

    *rest = (struct rest){.denies = false};
    while (walk.left > 0) {
        if (!walk_next(&walk))
            return false;
    }
    walk.left = read_16(walk.octets + 8) + read_16(walk.octets + 10);
    while (walk.left > 0) {
        if (!walk_next(&walk))
            return false;
        take_rest(rest, &walk, name);
    }
    return true;
}

/* Nothing was found, and that has to be proven: records that do not fit the question are those of a
 * captive portal or of a broken server, and say nothing about the name, unless the zone does so
 * beside them. Nor does a referral: the empty answer of a server that has no authority and does not
 * recurse, or that names others. */
static enum dns_result judge_nothing(struct message *message, const struct walk *answers,
                                     const char *name, unsigned rcode)
{
    bool has_authority = (answers->octets[2] & 0x04) != 0;
    bool recurses = (answers->octets[3] & 0x80) != 0;
    struct rest rest;

    if (!read_rest(*answers, name, &rest))
        return DNS_MALFORMED;
    message->doubts_edns = rest.is_error;
    if (rest.is_error)
        return DNS_REFUSED;
    if (answers->left > 0 && !rest.denies)
        return DNS_MALFORMED;
    if (rcode == RCODE_NXDOMAIN)
        return DNS_NXDOMAIN;
    return rest.denies || has_authority || (recurses && !rest.delegates) ? DNS_NO_DATA
                                                                         : DNS_REFUSED;
}

/* In a fixed order, since servers rotate them; a dropped one shows as truncated anyway. */
static int compare_records(const void *a, const void *b)
{
    const struct dns_record *left = a, *right = b;

    if (left->preference != right->preference)
        return left->preference < right->preference ? -1 : 1;
    return strcmp(left->text, right->text);
}

/* The rcode of a reply whose aliases end at a name that does not exist is that of this name: RFC
 * 6604. */
static enum dns_result judge_nxdomain(struct message *message, enum dns_result answers)
{
    message->alias[0] = '\0';
    return answers == DNS_FOUND ? DNS_MALFORMED : answers == DNS_NO_DATA ? DNS_NXDOMAIN : answers;
}

/* rcode: NOERROR or NXDOMAIN. What is cut off came over TCP, where nothing has to be: it is not the
 * whole answer, so it is none. */
static enum dns_result read_definite(struct message *message, const unsigned char *octets,
                                     size_t length, const char *name, enum dns_type type,
                                     unsigned aliases_max)
{
    struct walk walk = {.octets = octets, .length = length, .left = read_16(octets + 6)};
    unsigned rcode = octets[3] & 0x0F;
    enum dns_result result;

    walk.offset = name_read(octets, length, HEADER_SIZE, walk.owner);
    if ((octets[2] & 0x02) != 0 || walk.offset == 0 || length - walk.offset < QUESTION_SIZE)
        return DNS_MALFORMED;
    walk.offset += QUESTION_SIZE;
    result = read_answers(message, &walk, name, type, aliases_max);
    if (result == DNS_NO_DATA && message->alias[0] == '\0')
        return judge_nothing(message, &walk, name, rcode);
    if (rcode == RCODE_NXDOMAIN)
        return judge_nxdomain(message, result);
    if (type == DNS_MX)
        qsort(message->records, message->count, sizeof message->records[0], compare_records);
    return result;
}

static bool is_response(const unsigned char *octets, size_t length)
{
    return length >= HEADER_SIZE && (octets[2] & 0xF8) == 0x80 && read_16(octets + 4) == 1;
}

void message_read(struct message *message, const unsigned char *octets, size_t length,
                  const char *name, enum dns_type type, unsigned aliases_max)
{
    unsigned rcode = length >= HEADER_SIZE ? octets[3] & 0x0F : 0;

    message->aliases = 0;
    message->alias[0] = '\0';
    message->count = 0;
    message->truncated = false;
    message->doubts_edns = rcode == RCODE_FORMERR || rcode == RCODE_NOTIMP;
    message->used = 0;
    if (!is_response(octets, length))
        message->result = DNS_MALFORMED;
    else if (rcode == RCODE_NOERROR || rcode == RCODE_NXDOMAIN)
        message->result = read_definite(message, octets, length, name, type, aliases_max);
    else
        message->result = rcode == RCODE_SERVFAIL ? DNS_SERVFAIL : DNS_REFUSED;
    if (message->result != DNS_FOUND)
        message->count = 0;
}
