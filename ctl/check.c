/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * `mailfromctl check': the gateway first, then the identities.
 */
#include "ctl/check.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "common/moment.h"
#include "ctl/command.h"
#include "ctl/identities.h"

enum { IDENTITIES_CHECKED = 100 };

/* Keys of the store, or as they were named. */
struct keys {
    char **list;
    size_t count;
    size_t most; /* 0: there is no limit */
    size_t left_out;
    bool out_of_memory;
};

struct options {
    bool all;
    bool addresses_given;
    struct keys keys;
};

static bool keys_add(struct keys *keys, const char *key)
{
    char **list = reallocarray(keys->list, keys->count + 1, sizeof keys->list[0]);

    if (list != NULL) {
        keys->list = list;
        list[keys->count] = strdup(key);
        keys->out_of_memory = list[keys->count] == NULL;
        keys->count += !keys->out_of_memory;
    } else {
        keys->out_of_memory = true;
    }
    return !keys->out_of_memory;
}

static void keys_reset(struct keys *keys)
{
    for (size_t i = 0; i < keys->count; i++)
        free(keys->list[i]);
    free(keys->list);
    *keys = (struct keys){0};
}

static bool note_key(void *context, const char *key, const struct mail_from *record)
{
    struct keys *keys = context;

    if (record->domain[0] == '\0')
        return true;
    if (keys->most == 0 || keys->count < keys->most)
        return keys_add(keys, key);
    keys->left_out++;
    return true;
}

static bool read_identities(struct keys *keys, char *const names[], int count, struct failure *why)
{
    struct identities identities;
    bool good;

    if (count == 0)
        return true;
    good = identities_read(&identities, names, count, why);
    for (size_t i = 0; good && i < identities.count; i++) {
        good =
            keys_add(keys, identities.list[i].text) || failure_set(why, EX_OSERR, "out of memory");
    }
    identities_reset(&identities);
    return good;
}

static void put(const struct check *check, enum finding_level level, const char *word,
                struct finding *finding)
{
    finding->level = level;
    finding->check = word;
    findings_put(check->findings, finding);
}

static void tell_silence(const struct check *check)
{
    struct finding finding = {.subject = "dns"};

    finding_found(&finding, "no answer from %s; it is not asked any more", check->inquiry->servers);
    finding_advise(&finding, "see nameservers in section local, or /etc/resolv.conf");
    put(check, FINDING_ERROR, "dns", &finding);
}

static void check_named(const struct check *check, const char *key)
{
    struct finding finding = {.subject = key};
    struct mail_from record;
    struct failure why;

    switch (store_get(check->store, key, &record, &why)) {
    case STORE_FOUND:
        check_identity(check, key, &record);
        break;
    case STORE_NOT_FOUND:
        finding_found(&finding, "NotFound: there is no such identity in the store");
        put(check, FINDING_ERROR, "identity", &finding);
        break;
    case STORE_FAILED:
        finding_found(&finding, "%s", why.text);
        put(check, FINDING_ERROR, "store", &finding);
        break;
    }
}

/* Asks for one that is there, so that a resolver that is down is told once, and before all else. */
static void probe(const struct check *check, const struct keys *keys)
{
    struct mail_from record;
    struct failure ignored;

    for (size_t i = 0; i < keys->count; i++) {
        if (store_get(check->store, keys->list[i], &record, &ignored) != STORE_FOUND ||
            record.domain[0] == '\0')
            continue;
        (void)inquire(check->inquiry, record.domain, DNS_MX);
        return;
    }
}

static void check_keys(const struct check *check, const struct keys *keys)
{
    struct finding finding = {.subject = "identities"};

    for (size_t i = 0; i < keys->count; i++)
        check_named(check, keys->list[i]);
    if (keys->left_out == 0)
        return;
    finding_found(&finding, "%zu more with a MAIL FROM domain are left out", keys->left_out);
    finding_advise(&finding, "--all checks them too");
    put(check, FINDING_OK, "identities", &finding);
}

static void find_own_addresses(struct check *check)
{
    struct finding finding = {.subject = "addresses"};

    addresses_add_own(&check->addresses);
    if (check->addresses.count > 0 ||
        (check->settings->local.expected_mx.count == 0 && check->settings->ses_count > 0))
        return;
    finding_found(&finding, "this host has none that the world sees, so SPF is not evaluated for "
                            "any");
    finding_advise(&finding, "give --address IP, that which mail leaves from");
    put(check, FINDING_WARNING, "addresses", &finding);
}

static const struct dns_answer *ask(void *context, const char *name, enum dns_type type)
{
    return dns_lookup(context, name, type);
}

static struct dns_resolver *open_resolver(const struct check *check)
{
    const struct settings *settings = check->settings;
    struct dns_settings dns = {.servers = (const char *const *)settings->local.nameservers.items,
                               .server_count = settings->local.nameservers.count,
                               .timeout = settings->local.timeout};
    struct finding finding = {.subject = "dns"};
    struct dns_resolver *resolver = NULL;
    struct failure why;

    (void)signal(SIGPIPE, SIG_IGN); /* a nameserver may hang up while it is asked over TCP */
    if (dns_open(&resolver, &dns, &why))
        return resolver;
    finding_found(&finding, "%s", why.text);
    put(check, FINDING_ERROR, "dns", &finding);
    return NULL;
}

static bool check_identities(struct check *check, struct options *options, struct failure *why)
{
    struct dns_resolver *resolver;
    bool told;

    if (options->keys.count == 0) {
        options->keys.most = options->all ? 0 : IDENTITIES_CHECKED;
        if (!store_each(check->store, note_key, &options->keys, why))
            return false;
        if (options->keys.out_of_memory)
            return failure_set(why, EX_OSERR, "out of memory");
    }
    if ((options->keys.count > 0 || *check->settings->default_mail_from_domain != '\0') &&
        !options->addresses_given)
        find_own_addresses(check);
    resolver = open_resolver(check);
    check->inquiry->context = resolver;
    check->inquiry->is_over = resolver == NULL;
    if (resolver != NULL)
        probe(check, &options->keys);
    told = resolver == NULL || inquiry_is_over(check->inquiry);
    if (told && resolver != NULL)
        tell_silence(check);
    check_keys(check, &options->keys);
    check_bounces(check);
    if (!inquiry_is_over(check->inquiry))
        check_expected_mx(check);
    if (!inquiry_is_over(check->inquiry))
        check_default(check);
    if (!told && inquiry_is_over(check->inquiry))
        tell_silence(check);
    dns_close(resolver);
    return true;
}

static bool check_all(struct check *check, struct options *options, struct invocation *invocation,
                      struct failure *why)
{
    struct finding finding = {.subject = "store"};
    struct failure missing;
    bool good = true;

    findings_begin(check->findings);
    if (invocation_store(invocation, STORE_READ, &check->store, &missing)) {
        check_store(check);
    } else {
        finding_found(&finding, "%s", missing.text);
        put(check, FINDING_ERROR, "store", &finding);
    }
    check_socket(check);
    check_postfix(check);
    check_sendmail(check);
    check_relay(check);
    check_return_path(check);
    if (check->store != NULL)
        good = check_identities(check, options, why);
    findings_end(check->findings);
    store_close(check->store);
    return good;
}

static bool read_options(struct check *check, struct options *options,
                         struct invocation *invocation, struct failure *why)
{
    static const struct option known[] = {{"json", no_argument, NULL, 'j'},
                                          {"quiet", no_argument, NULL, 'q'},
                                          {"all", no_argument, NULL, 'l'},
                                          {"address", required_argument, NULL, 'a'},
                                          {"postfix-config", required_argument, NULL, 'p'},
                                          {"sendmail-cf", required_argument, NULL, 's'},
                                          {0}};
    int option;

    while ((option = invocation_option(invocation, known, why)) != -1) {
        if (option == '?')
            return false;
        check->findings->json = check->findings->json || option == 'j';
        check->findings->quiet = check->findings->quiet || option == 'q';
        options->all = options->all || option == 'l';
        options->addresses_given = options->addresses_given || option == 'a';
        if (option == 'a' && !addresses_add(&check->addresses, optarg))
            return invocation_misused(invocation, why,
                                      "--address %s is not an IP address, or "
                                      "there are more than %d",
                                      optarg, ADDRESSES_MAX);
        if (option == 'p')
            check->postfix_config = optarg;
        if (option == 's')
            check->sendmail_cf = optarg;
    }
    return read_identities(&options->keys, invocation->argv + optind, invocation->argc - optind,
                           why);
}

bool check_run(struct invocation *invocation, struct failure *why)
{
    struct findings findings = {.out = stdout};
    struct inquiry inquiry = {.ask = ask};
    struct check check = {.findings = &findings,
                          .inquiry = &inquiry,
                          .sendmail_cf = "/etc/mail/sendmail.cf",
                          .now = moment_milliseconds()};
    struct options options = {0};
    bool good =
        read_options(&check, &options, invocation, why) && invocation_settings(invocation, why);

    check.settings = invocation->settings;
    good = good && check_all(&check, &options, invocation, why);
    keys_reset(&options.keys);
    /* 1 and 2 are not of sysexits.h: the command itself worked. */
    if (good && findings_level(&findings) != FINDING_OK)
        return failure_set(why, (int)findings_level(&findings), "%s", "");
    return good;
}
