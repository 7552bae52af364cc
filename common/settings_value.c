/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/duration.h"
#include "common/identity.h"
#include "common/listen_address.h"
#include "common/reply.h"
#include "common/settings_schema.h"
#include "common/word.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

enum { TEXT_MAX = 1024 };

/* --- a single value --- */

static bool read_mode(int *mode, const char *text, struct failure *why)
{
    char *end;
    unsigned long value = strtoul(text, &end, 8);

    *mode = (int)value;
    return (text[0] == '0' && *end == '\0' && value <= 0777) ||
           failure_set(why, EX_CONFIG, "a mode is octal, 0000 to 0777, as in \"0660\"");
}

static bool read_word(int *index, const struct setting *setting, const char *text,
                      struct failure *why)
{
    char choice[200];

    *index = word_find(setting->words, setting->word_count, text);
    if (*index >= 0)
        return true;
    word_choice(setting->words, setting->word_count, choice, sizeof choice);
    return failure_set(why, EX_CONFIG, "\"%.100s\" is not one of %s", text, choice);
}

/* Of a socket's text, what comes after the prefix; NULL if it has another. */
static const char *after(const char *text, const char *prefix)
{
    size_t length = strlen(prefix);
    return strncmp(text, prefix, length) == 0 ? text + length : NULL;
}

/* libmilter would read the port 25x as 25. */
static bool is_number(const char *text, unsigned long max, char end)
{
    char *rest;
    unsigned long value = strtoul(text, &rest, 10);

    return text[0] >= '0' && text[0] <= '9' && value <= max &&
           (*rest == '\0' || (*rest == end && rest[1] != '\0'));
}

static bool check_socket(const struct setting *setting, const char *text, struct failure *why)
{
    const char *rest;

    if (text[0] == '\0' && setting->initial[0] == '\0')
        return true;
    if ((rest = after(text, "unix:")) != NULL || (rest = after(text, "local:")) != NULL ||
        text[0] == '/') {
        rest = rest == NULL ? text : rest;
        if (rest[0] == '/' && rest[1] != '\0')
            return true;
    } else if ((rest = after(text, "inet:")) != NULL || (rest = after(text, "inet6:")) != NULL) {
        if (is_number(rest, 65535, '@'))
            return true;
    } else if ((rest = after(text, "fd:")) != NULL && is_number(rest, 1023, '\0')) {
        return true;
    }
    return failure_set(why, EX_CONFIG,
                       "a socket is unix:/path, local:/path, inet:port@host, inet6:port@host or "
                       "fd:number");
}

static bool check_listen(const char *text, struct failure *why)
{
    struct listen_address address;

    return text[0] == '\0' || listen_address_parse(&address, text, why);
}

static bool set_text(char **slot, const char *text, struct failure *why)
{
    free(*slot);
    *slot = strdup(text);
    return *slot != NULL || failure_set(why, EX_OSERR, "out of memory");
}

static bool set_domain(char **slot, const char *text, struct failure *why)
{
    char domain[IDENTITY_DOMAIN_MAX + 1] = "";

    if (*text != '\0' && !identity_parse_domain(domain, text, strlen(text), why))
        return false;
    return set_text(slot, domain, why);
}

static bool set_address(char **slot, const char *text, struct failure *why)
{
    size_t length = strlen(text);
    char content[LOCAL_PART_MAX];
    size_t content_length = 0;
    struct identity address;
    bool is_local_part = strchr(text, '@') == NULL &&
                         local_part_read(content, &content_length, text, length) == length;

    if (length > 0 && !is_local_part &&
        (!identity_parse(&address, text, length, why) || address.kind != IDENTITY_ADDRESS))
        return failure_set(why, EX_CONFIG, "\"%.100s\" is not an email address", text);
    return set_text(slot, text, why);
}

static bool set_url(char **slot, const char *text, struct failure *why)
{
    /* Not shown: it goes into logs. */
    if (strchr(text, '@') != NULL)
        return failure_set(why, EX_CONFIG, "a user or a password has no place in this URL");
    if (*text != '\0' && strncmp(text, "https://", strlen("https://")) != 0 &&
        strncmp(text, "http://", strlen("http://")) != 0)
        return failure_set(why, EX_CONFIG, "a URL begins with https:// or http://, not \"%.*s\"",
                           (int)strcspn(text, ":%?#") < 100 ? (int)strcspn(text, ":%?#") : 100,
                           text);
    return set_text(slot, text, why);
}

static bool set_path(char **slot, const struct setting *setting, const char *text,
                     struct failure *why)
{
    bool may_be_empty = setting->initial[0] == '\0';

    if (text[0] != '/' && !(may_be_empty && text[0] == '\0'))
        return failure_set(why, EX_CONFIG, "an absolute path is needed, not \"%.100s\"", text);
    return set_text(slot, text, why);
}

static bool read_duration(int64_t *slot, const struct setting *setting, const char *text,
                          struct failure *why)
{
    int64_t minimum = 0, maximum = 0;

    (void)duration_parse(&minimum, setting->minimum);
    (void)duration_parse(&maximum, setting->maximum);
    if (duration_parse(slot, text) && *slot >= minimum && *slot <= maximum)
        return true;
    return failure_set(why, EX_CONFIG,
                       "\"%.100s\" is no duration from %s to %s: a number and a unit, as in "
                       "\"500ms\", \"30s\", \"5m\", \"72h\" or \"7d\"",
                       text, setting->minimum, setting->maximum);
}

static bool read_rate(double *slot, const struct setting *setting, const char *text,
                      struct failure *why)
{
    char *end;
    bool is_plain = *text != '\0' && strspn(text, "0123456789.") == strlen(text);

    *slot = strtod(text, &end);
    if (is_plain && *end == '\0' && *slot >= strtod(setting->minimum, NULL) &&
        *slot <= strtod(setting->maximum, NULL))
        return true;
    return failure_set(why, EX_CONFIG, "\"%.100s\" is no number from %s to %s", text,
                       setting->minimum, setting->maximum);
}

static bool read_number(int *slot, const struct setting *setting, const char *text,
                        struct failure *why)
{
    unsigned long minimum = strtoul(setting->minimum, NULL, 10);
    unsigned long maximum = strtoul(setting->maximum, NULL, 10);
    unsigned long value = strtoul(text, NULL, 10);

    *slot = (int)value;
    if (is_number(text, maximum, '\0') && value >= minimum)
        return true;
    return failure_set(why, EX_CONFIG, "\"%.100s\" is no whole number from %s to %s", text,
                       setting->minimum, setting->maximum);
}

bool setting_read_text(void *base, const struct setting *setting, const char *text,
                       struct failure *why)
{
    void *slot = setting_slot(base, setting);

    if (strlen(text) > TEXT_MAX)
        return failure_set(why, EX_CONFIG, "at most %d octets", TEXT_MAX);
    switch (setting->type) {
    case TYPE_TEXT:
        return set_text(slot, text, why);
    case TYPE_PATH:
        return set_path(slot, setting, text, why);
    case TYPE_SOCKET:
        return check_socket(setting, text, why) && set_text(slot, text, why);
    case TYPE_LISTEN:
        return check_listen(text, why) && set_text(slot, text, why);
    case TYPE_DOMAIN:
        return set_domain(slot, text, why);
    case TYPE_ADDRESS:
        return set_address(slot, text, why);
    case TYPE_URL:
        return set_url(slot, text, why);
    case TYPE_WORD:
        return read_word(slot, setting, text, why);
    case TYPE_SWITCH:
        *(bool *)slot = strcmp(text, "true") == 0;
        return true;
    case TYPE_MODE:
        return read_mode(slot, text, why);
    case TYPE_DURATION:
        return read_duration(slot, setting, text, why);
    case TYPE_NUMBER:
        return read_number(slot, setting, text, why);
    case TYPE_RATE:
        return read_rate(slot, setting, text, why);
    case TYPE_REJECT_REPLY:
        return reply_check(text, '5', why) && set_text(slot, text, why);
    case TYPE_DEFER_REPLY:
        return reply_check(text, '4', why) && set_text(slot, text, why);
    case TYPE_NETWORKS:
    case TYPE_IDENTITIES:
    case TYPE_DOMAINS:
    case TYPE_SERVERS:
    case TYPE_PORTS:
        break; /* setting_read_list */
    }
    return true;
}

/* --- lists --- */

bool setting_is_list(const struct setting *setting)
{
    return setting->type == TYPE_NETWORKS || setting->type == TYPE_IDENTITIES ||
           setting->type == TYPE_DOMAINS || setting->type == TYPE_SERVERS ||
           setting->type == TYPE_PORTS;
}

static bool read_networks(struct settings *settings, const char *const items[], size_t count,
                          struct failure *why)
{
    if (count > SETTINGS_NETWORKS_MAX)
        return failure_set(why, EX_CONFIG, "at most %d networks", SETTINGS_NETWORKS_MAX);
    for (size_t i = 0; i < count; i++) {
        if (!network_parse(&settings->milter.outbound_networks[i], items[i], why))
            return false;
    }
    settings->milter.outbound_networks_count = count;
    return true;
}

static void free_list(struct settings_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->items[i]);
    free(list->items);
    *list = (struct settings_list){NULL, 0};
}

/* Takes "%eth0" off an address; false if it stands where it must not, or does not where it must. */
static bool strip_interface(char *address)
{
    char *percent = strchr(address, '%');
    struct in6_addr v6;

    if (percent != NULL)
        *percent = '\0';
    return (inet_pton(AF_INET6, address, &v6) == 1 && IN6_IS_ADDR_LINKLOCAL(&v6)) ==
               (percent != NULL) &&
           (percent == NULL || (percent[1] != '\0' && strlen(percent + 1) < IF_NAMESIZE));
}

static bool check_server(const char *text, struct failure *why)
{
    char address[INET6_ADDRSTRLEN + IF_NAMESIZE] = "";
    unsigned char octets[sizeof(struct in6_addr)];
    const char *start = text[0] == '[' ? text + 1 : text;
    bool has_port = text[0] == '[' || strchr(text, ':') == strrchr(text, ':');
    size_t length = strcspn(start, text[0] == '[' ? "]" : has_port ? ":" : "");
    const char *rest = start + length + (text[0] == '[' && start[length] == ']');

    if (length < sizeof address)
        memcpy(address, start, length);
    if (strip_interface(address) &&
        inet_pton(strchr(address, ':') != NULL ? AF_INET6 : AF_INET, address, octets) == 1 &&
        (rest[0] == '\0' ? text[0] != '[' || rest[-1] == ']'
                         : rest[0] == ':' && is_number(rest + 1, 65535, '\0')))
        return true;
    return failure_set(why, EX_CONFIG,
                       "\"%.100s\" is no nameserver: an address, as in \"192.0.2.1\", "
                       "\"192.0.2.1:5353\", \"[2001:db8::1]:5353\" or, with its interface, "
                       "\"fe80::1%%eth0\"",
                       text);
}

static bool read_identity(char out[IDENTITY_SIZE], const char *text, struct failure *why)
{
    struct identity identity;

    if (!identity_parse(&identity, text, strlen(text), why))
        return false;
    (void)snprintf(out, IDENTITY_SIZE, "%s", identity.text);
    return true;
}

/* As MTAs write it. */
static bool read_port(char out[IDENTITY_SIZE], const char *text, struct failure *why)
{
    unsigned long port = strtoul(text, NULL, 10);

    if (!is_number(text, 65535, '\0') || port == 0)
        return failure_set(why, EX_CONFIG, "\"%.100s\" is no port, a number from 1 to 65535", text);
    (void)snprintf(out, IDENTITY_SIZE, "%lu", port);
    return true;
}

/* The item as the list keeps it. */
static bool read_item(char out[IDENTITY_SIZE], enum setting_type type, const char *item,
                      struct failure *why)
{
    if (type == TYPE_DOMAINS)
        return identity_parse_domain(out, item, strlen(item), why);
    if (type == TYPE_IDENTITIES)
        return read_identity(out, item, why);
    if (type == TYPE_PORTS)
        return read_port(out, item, why);
    (void)snprintf(out, IDENTITY_SIZE, "%s", item);
    return check_server(item, why);
}

static bool read_list(struct settings_list *list, enum setting_type type, const char *const items[],
                      size_t count, struct failure *why)
{
    size_t max = type == TYPE_SERVERS ? SETTINGS_SERVERS_MAX : SETTINGS_LIST_MAX;
    char item[IDENTITY_SIZE];

    free_list(list);
    if (count > max)
        return failure_set(why, EX_CONFIG, "at most %zu of them", max);
    if (count == 0)
        return true;
    list->items = calloc(count, sizeof *list->items);
    for (size_t i = 0; list->items != NULL && i < count; i++) {
        if (!read_item(item, type, items[i], why))
            return false;
        list->items[i] = strdup(item);
        if (list->items[i] == NULL)
            break;
        list->count++;
    }
    return list->count == count || failure_set(why, EX_OSERR, "out of memory");
}

bool setting_read_list(void *base, const struct setting *setting, const char *const items[],
                       size_t count, struct failure *why)
{
    if (setting->type == TYPE_NETWORKS)
        return read_networks(base, items, count, why);
    return read_list(setting_slot(base, setting), setting->type, items, count, why);
}

/* --- defaults --- */

static bool set_default_list(void *base, const struct setting *setting, struct failure *why)
{
    static const char separators[] = "{}\", ";
    const char *items[SETTINGS_COUNT_MAX];
    char text[TEXT_MAX];
    char *rest = NULL;
    size_t count = 0;

    (void)snprintf(text, sizeof text, "%s", setting->initial);
    for (char *item = strtok_r(text, separators, &rest); item != NULL && count < SETTINGS_COUNT_MAX;
         item = strtok_r(NULL, separators, &rest))
        items[count++] = item;
    return setting_read_list(base, setting, items, count, why);
}

bool setting_set_default(void *base, const struct setting *setting, struct failure *why)
{
    return setting_is_list(setting) ? set_default_list(base, setting, why)
                                    : setting_read_text(base, setting, setting->initial, why);
}

void setting_free(void *base, const struct setting *setting)
{
    switch (setting->type) {
    case TYPE_TEXT:
    case TYPE_PATH:
    case TYPE_SOCKET:
    case TYPE_LISTEN:
    case TYPE_DOMAIN:
    case TYPE_ADDRESS:
    case TYPE_URL:
    case TYPE_REJECT_REPLY:
    case TYPE_DEFER_REPLY:
        free(*(char **)setting_slot(base, setting));
        break;
    case TYPE_IDENTITIES:
    case TYPE_DOMAINS:
    case TYPE_SERVERS:
    case TYPE_PORTS:
        free_list(setting_slot(base, setting));
        break;
    case TYPE_WORD:
    case TYPE_SWITCH:
    case TYPE_MODE:
    case TYPE_DURATION:
    case TYPE_NUMBER:
    case TYPE_RATE:
    case TYPE_NETWORKS:
        break;
    }
}
