/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Questions to the DNS, many at a time, on c-ares. Asks the given nameservers, or the system's; a
 * long answer is fetched over TCP; what comes from another server, or with another id or question,
 * is ignored. CNAMEs are followed, also where a server leaves that to us. A server that is silent
 * or refuses is asked once without EDNS.
 *
 * A resolver is used by one thread. Its program ignores SIGPIPE.
 */
#ifndef DNS_RESOLVER_H
#define DNS_RESOLVER_H

#include "common/failure.h"

#include <stddef.h>
#include <stdint.h>

enum dns_type { DNS_A = 1, DNS_PTR = 12, DNS_MX = 15, DNS_TXT = 16, DNS_AAAA = 28 };

enum dns_result {
    DNS_FOUND,       /* there are records of that type */
    DNS_NO_DATA,     /* the name exists, without any */
    DNS_NXDOMAIN,    /* there is no such name */
    DNS_SERVFAIL,    /* no server could find out */
    DNS_REFUSED,     /* no server would: REFUSED, NOTIMP, FORMERR and the like */
    DNS_TIMEOUT,     /* no server answered in time */
    DNS_UNREACHABLE, /* no server listens, or there is no way to it */
    DNS_MALFORMED,   /* an answer that cannot be understood, or does not fit the question; a loop of
                        CNAMEs; a name not allowed */
};
enum { DNS_RESULT_COUNT = DNS_MALFORMED + 1 };
extern const char
    *const dns_result_words[DNS_RESULT_COUNT]; /* "found", "no data", "NXDOMAIN", .. */

enum {
    DNS_RECORDS_MAX = 64, /* of an answer; more of them are dropped, and truncated says so */
    DNS_TEXT_MAX = 4096,  /* of one TXT record, its strings joined; longer ones are cut */
    DNS_CNAMES_MAX = 8,
    DNS_SERVERS_MAX = 5, /* as many as fit into DNS_SERVERS_SIZE */
    DNS_SERVERS_SIZE = 384,
    DNS_NEWS_SIZE = DNS_SERVERS_SIZE + 200
};

/* text: for MX the host in lower case without the last dot, "" for the root; for A and AAAA the
 * address; for PTR the name; for TXT the text, whose octets other than printable ASCII are written
 * as in \xC3. */
struct dns_record {
    unsigned preference; /* of an MX */
    const char *text;
};

/* Valid during the callback, or until the next dns_lookup. */
struct dns_answer {
    enum dns_result result;
    const struct dns_record *records; /* of an MX by preference, then by name; empty unless found */
    size_t count;
    bool truncated;
    const char *servers; /* who said so, or was asked in vain: "127.0.0.1:53", or several with
                            commas between; "" for a name not allowed, of which nobody is asked */
};

struct dns_settings {
    const char *const *servers; /* "192.0.2.1", "192.0.2.1:5353", "2001:db8::1", "[::1]:5353",
                                   "fe80::1%eth0" */
    size_t server_count;        /* at most DNS_SERVERS_MAX; 0: those of the system */
    int64_t timeout;            /* milliseconds for an answer, all tries and servers together */
    double queries_per_second;  /* of all tries, to all servers together; 0: no limit */
    const char *resolv_conf;    /* where those of the system are; NULL: /etc/resolv.conf */
};

struct dns_resolver;

/* Fails with EX_CONFIG for a server that cannot be, EX_OSERR otherwise. */
bool dns_open(struct dns_resolver **resolver, const struct dns_settings *settings,
              struct failure *why);

/* Questions without an answer are dropped: their callbacks are never called. NULL is fine. */
void dns_close(struct dns_resolver *resolver);

/* Milliseconds until another question may be asked; 0: now. The queries a second say so: what
 * repeats an open question goes first, and a question that is asked all the same is charged to what
 * comes after it. When the system has other nameservers than before, those are waited for that are
 * open, and from then on the new ones are asked. Not from within answered. */
int64_t dns_wait(struct dns_resolver *resolver);

/* What a person should know of the nameservers of the system, once: that others are asked now, or
 * that one is of no use. False: nothing. */
bool dns_take_news(struct dns_resolver *resolver, char text[DNS_NEWS_SIZE]);

/* name: A-labels, without the last dot; another one is DNS_MALFORMED. answered is called exactly
 * once, from within dns_run, and may ask again. False: out of memory. */
bool dns_ask(struct dns_resolver *resolver, const char *name, enum dns_type type,
             void (*answered)(void *context, const struct dns_answer *answer), void *context);

/* Handles what happens, for so many milliseconds at most; returns after something did, and at once
 * when there is no question open. */
void dns_run(struct dns_resolver *resolver, int64_t milliseconds);

size_t dns_open_questions(const struct dns_resolver *resolver);

/* Asks and waits. Not while other questions are open. */
const struct dns_answer *dns_lookup(struct dns_resolver *resolver, const char *name,
                                    enum dns_type type);

#endif
