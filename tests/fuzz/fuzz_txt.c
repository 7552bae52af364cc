/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Input: TXT records, one a line, of a domain and all it refers to: SPF for an IPv4 address, an
 * IPv6 address and the hosts of another domain, DMARC, and what is nearly one of them.
 */
#include "ctl/dmarc.h"
#include "ctl/near_miss.h"
#include "ctl/spf.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { QUESTIONS_MAX = 11 * (2 + SPF_NAMES_MAX) + DMARC_WALK_MAX };

struct world {
    struct dns_record records[DNS_RECORDS_MAX];
    size_t count;
    unsigned asked;
    struct dns_answer answer;
};

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void set(struct world *world, enum dns_type type)
{
    static const struct dns_record addresses[] = {{0, "192.0.2.1"}};
    static const struct dns_record long_addresses[] = {{0, "2001:db8::1"}};
    static const struct dns_record names[] = {{10, "a.example"}, {20, "b.example.com"}};

    switch (type) {
    case DNS_A:
        world->answer.records = addresses;
        break;
    case DNS_AAAA:
        world->answer.records = long_addresses;
        break;
    case DNS_MX:
    case DNS_PTR:
        world->answer.records = names;
        world->answer.count = 2;
        break;
    case DNS_TXT:
        world->answer.records = world->records;
        world->answer.count = world->count;
        break;
    }
}

/* Of the names half have no records, by their length. */
static const struct dns_answer *ask(void *context, const char *name, enum dns_type type)
{
    struct world *world = context;

    require(strlen(name) <= 253 && ++world->asked <= QUESTIONS_MAX);
    world->answer = (struct dns_answer){.result = DNS_FOUND, .count = 1, .servers = "fuzz"};
    set(world, type);
    if (strlen(name) % 2 == 1 && type != DNS_TXT)
        world->answer = (struct dns_answer){.result = DNS_NXDOMAIN, .servers = "fuzz"};
    return &world->answer;
}

static void check_spf(struct world *world, const struct spf_client *client)
{
    struct inquiry inquiry = {.ask = ask, .context = world};
    struct spf_verdict verdict;

    world->asked = 0;
    spf_check(&verdict, "bounce.example.com", client, &inquiry);
    require(verdict.lookups <= SPF_LOOKUPS_MAX || verdict.result == SPF_PERMERROR);
    require(verdict.result != SPF_PERMERROR || verdict.why.text[0] != '\0');
}

static void check_dmarc(struct world *world)
{
    struct inquiry inquiry = {.ask = ask, .context = world};
    struct dmarc dmarc;

    world->asked = 0;
    dmarc_find(&dmarc, "mail.example.com", &inquiry);
    if (dmarc.finding == DMARC_FOUND)
        require(dmarc.at[0] != '\0' && dmarc.organisation[0] != '\0');
    if (dmarc.finding == DMARC_FOUND)
        (void)dmarc_aligns(&dmarc, "mail.example.com", "bounce.mail.example.com");
}

static void check_near_misses(struct world *world)
{
    struct inquiry inquiry = {.ask = ask, .context = world};
    char what[NEAR_MISS_SIZE] = "";
    char advice[NEAR_MISS_SIZE] = "";

    world->asked = 0;
    if (near_miss_find_spf(&inquiry, "bounce.example.com", what, advice))
        require(what[0] != '\0' && advice[0] != '\0');
    what[0] = '\0';
    if (near_miss_find_dmarc(&inquiry, "mail.example.com", what, advice))
        require(what[0] != '\0' && advice[0] != '\0');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct spf_client ses = {.family = AF_UNSPEC, .authority = "amazonses.com"};
    struct spf_client client;
    struct world world = {.count = 0};
    char *text = malloc(size + 1);
    char *rest = text;

    require(text != NULL);
    if (size > 0)
        memcpy(text, data, size);
    text[size] = '\0';
    while (rest != NULL && world.count < DNS_RECORDS_MAX)
        world.records[world.count++].text = strsep(&rest, "\n");
    require(spf_client_read(&client, "192.0.2.1"));
    check_spf(&world, &client);
    require(spf_client_read(&client, "2001:db8::2"));
    check_spf(&world, &client);
    check_spf(&world, &ses);
    check_dmarc(&world);
    check_near_misses(&world);
    free(text);
    return 0;
}
