/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/postfix.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "ctl/postconf.h"

/* What is asked for of main.cf. */
static const char *const question[] = {"-x",
                                       "queue_directory",
                                       "relayhost",
                                       "sender_dependent_relayhost_maps",
                                       "default_transport",
                                       "sender_dependent_default_transport_maps",
                                       "mail_owner",
                                       "smtpd_milters",
                                       "non_smtpd_milters",
                                       "smtpd_milter_maps",
                                       "milter_default_action",
                                       "milter_protocol",
                                       "mydestination",
                                       "virtual_alias_domains",
                                       "virtual_alias_maps",
                                       "virtual_mailbox_domains",
                                       "relay_domains",
                                       "parent_domain_matches_subdomains",
                                       "smtpd_client_restrictions",
                                       "smtpd_helo_restrictions",
                                       "smtpd_sender_restrictions",
                                       "smtpd_relay_restrictions",
                                       "smtpd_recipient_restrictions",
                                       "smtpd_restriction_classes",
                                       "mailfrom_bounces_only",
                                       "smtpd_null_access_lookup_key",
                                       "smtpd_reject_unlisted_recipient",
                                       "receive_override_options",
                                       "content_filter",
                                       "smtpd_proxy_filter",
                                       "cleanup_service_name",
                                       NULL};

static bool out_of_memory(struct failure *why)
{
    return failure_set(why, EX_OSERR, "out of memory");
}

static bool add_value(struct postfix *postfix, const char *service, const char *parameter,
                      const char *text)
{
    struct postfix_value *list =
        reallocarray(postfix->values, postfix->value_count + 1, sizeof postfix->values[0]);
    struct postfix_value *value;

    if (list == NULL)
        return false;
    postfix->values = list;
    value = &list[postfix->value_count++];
    *value = (struct postfix_value){.service = service == NULL ? NULL : strdup(service),
                                    .parameter = strdup(parameter),
                                    .text = strdup(text)};
    return (service == NULL || value->service != NULL) && value->parameter != NULL &&
           value->text != NULL;
}

/* A line of `postconf' or `postconf -P': parameter = value, service/type/parameter = value. Names
 * of parameters have no slash. */
static bool note_value(struct postfix *postfix, char *line)
{
    char *value = strstr(line, " =");
    char *slash;

    if (value == NULL)
        return true;
    *value = '\0';
    value += 2 + strspn(value + 2, " ");
    slash = strrchr(line, '/');
    if (slash == NULL)
        return add_value(postfix, NULL, line, value);
    *slash = '\0';
    return add_value(postfix, line, slash + 1, value);
}

static bool add_service(struct postfix *postfix, const char *name, const char *command,
                        bool chrooted)
{
    struct postfix_service *list =
        reallocarray(postfix->services, postfix->count + 1, sizeof postfix->services[0]);
    struct postfix_service *service;

    if (list == NULL)
        return false;
    postfix->services = list;
    service = &list[postfix->count++];
    *service = (struct postfix_service){
        .name = strdup(name), .command = strdup(command), .chrooted = chrooted};
    return service->name != NULL && service->command != NULL;
}

/* A line of `postconf -M': service type private unpriv chroot wakeup maxproc command. What is
 * indented goes on with the one before. */
static bool note_service(struct postfix *postfix, char *line)
{
    enum { SERVICE, TYPE, CHROOT = 4, COMMAND = 7, FIELDS };
    char *fields[FIELDS];
    char *rest = NULL;
    char name[256];
    int count = 0;

    if (*line == ' ' || *line == '\t')
        return true;
    for (char *field = strtok_r(line, " \t", &rest); field != NULL && count < FIELDS;
         field = strtok_r(NULL, " \t", &rest))
        fields[count++] = field;
    if (count < FIELDS)
        return true;
    (void)snprintf(name, sizeof name, "%s/%s", fields[SERVICE], fields[TYPE]);
    return add_service(postfix, name, fields[COMMAND], *fields[CHROOT] == 'y');
}

static bool read_lines(struct postfix *postfix, const char *const arguments[],
                       bool (*note)(struct postfix *postfix, char *line), struct failure *why)
{
    char *text = postconf_read(postfix->directory, arguments, why);
    char *rest = text;
    bool good = true;

    if (text == NULL)
        return false;
    for (char *line = strsep(&rest, "\n"); line != NULL && good; line = strsep(&rest, "\n"))
        good = note(postfix, line);
    free(text);
    return good || out_of_memory(why);
}

bool postfix_read(struct postfix *postfix, const char *directory, struct failure *why)
{
    static const char *const services[] = {"-M", NULL};
    static const char *const overrides[] = {"-xP", NULL};

    *postfix = (struct postfix){0};
    if (directory != NULL) {
        postfix->directory = strdup(directory);
        if (postfix->directory == NULL)
            return out_of_memory(why);
    }
    if (!read_lines(postfix, question, note_value, why) ||
        !read_lines(postfix, services, note_service, why) ||
        !read_lines(postfix, overrides, note_value, why))
        return false;
    postfix->queue_directory = postfix_value(postfix, NULL, "queue_directory");
    postfix->mail_owner = postfix_value(postfix, NULL, "mail_owner");
    return postfix->queue_directory[0] != '\0' ||
           failure_set(why, EX_DATAERR, "postconf leaves something out");
}

void postfix_reset(struct postfix *postfix)
{
    for (size_t i = 0; i < postfix->count; i++) {
        free(postfix->services[i].name);
        free(postfix->services[i].command);
    }
    for (size_t i = 0; i < postfix->value_count; i++) {
        free(postfix->values[i].service);
        free(postfix->values[i].parameter);
        free(postfix->values[i].text);
    }
    free(postfix->services);
    free(postfix->values);
    free(postfix->directory);
    *postfix = (struct postfix){0};
}

/* --- parameters and services --- */

/* service: NULL for main.cf. */
static const char *find_value(const struct postfix *postfix, const char *service,
                              const char *parameter)
{
    for (size_t i = 0; i < postfix->value_count; i++) {
        const struct postfix_value *value = &postfix->values[i];
        bool is_its = service == NULL || value->service == NULL
                          ? service == value->service
                          : strcmp(service, value->service) == 0;
        if (is_its && strcmp(value->parameter, parameter) == 0)
            return value->text;
    }
    return NULL;
}

bool postfix_has_own(const struct postfix *postfix, const struct postfix_service *service,
                     const char *parameter)
{
    return service != NULL && find_value(postfix, service->name, parameter) != NULL;
}

const char *postfix_value(const struct postfix *postfix, const struct postfix_service *service,
                          const char *parameter)
{
    const char *text = service == NULL ? NULL : find_value(postfix, service->name, parameter);

    if (text == NULL)
        text = find_value(postfix, NULL, parameter);
    return text == NULL ? "" : text;
}

const struct postfix_service *postfix_service(const struct postfix *postfix, const char *name)
{
    for (size_t i = 0; i < postfix->count; i++) {
        if (strcmp(postfix->services[i].name, name) == 0)
            return &postfix->services[i];
    }
    return NULL;
}

bool postfix_listens(const struct postfix *postfix, const struct postfix_service *service,
                     struct postfix_listener *listener)
{
    char name[256];

    *listener = (struct postfix_listener){service, service, "smtpd_milters"};
    if (strcmp(service->command, "smtpd") == 0)
        return true;
    if (strcmp(service->command, "pickup") != 0 && strcmp(service->command, "qmqpd") != 0)
        return false;
    (void)snprintf(name, sizeof name, "%s/unix",
                   postfix_value(postfix, service, "cleanup_service_name"));
    listener->parameter = "non_smtpd_milters";
    listener->connects = postfix_service(postfix, name);
    if (listener->connects == NULL)
        listener->connects = service;
    return true;
}

/* --- lists --- */

const char *postfix_next_word(const char **cursor, size_t *length)
{
    const char *word = *cursor + strspn(*cursor, ", \t");
    const char *end = word;
    int depth = 0;

    for (; *end != '\0' && (depth > 0 || strchr(", \t", *end) == NULL); end++)
        depth += (*end == '{') - (*end == '}' && depth > 0);
    *cursor = end;
    *length = (size_t)(end - word);
    return *length == 0 ? NULL : word;
}

/* "default_action=accept", also in braces of its own, and with spaces then. */
static void note_option(struct postfix_milter *milter, const char *word, const char *end)
{
    static const char around[] = "{} \t";
    const char *name = word + strspn(word, around);
    size_t name_length = strcspn(name, "= \t");
    const char *value = name + name_length;
    size_t value_length;
    char *out = NULL;

    if (name_length == strlen("default_action") &&
        strncmp(name, "default_action", name_length) == 0)
        out = milter->default_action;
    if (name_length == strlen("protocol") && strncmp(name, "protocol", name_length) == 0)
        out = milter->protocol;
    value += strspn(value, "= \t");
    value_length = strcspn(value, ",} \t");
    if (out != NULL && value + value_length <= end)
        (void)snprintf(out, sizeof milter->protocol, "%.*s", (int)value_length, value);
}

bool postfix_next_milter(const char **cursor, struct postfix_milter *milter)
{
    static const char between[] = ", \t";
    size_t length;
    const char *word = postfix_next_word(cursor, &length);
    const char *end = word == NULL ? NULL : word + length;

    *milter = (struct postfix_milter){.default_action = ""};
    if (word == NULL)
        return false;
    word += *word == '{';
    word += strspn(word, between);
    length = strcspn(word, ", \t}");
    if (length == 0 || length >= SOCKET_NAME_SIZE)
        return false;
    memcpy(milter->name, word, length);
    word += length;
    for (const char *option = postfix_next_word(&word, &length); option != NULL && option < end;
         option = postfix_next_word(&word, &length))
        note_option(milter, option, end);
    return true;
}

/* --- sockets --- */

bool postfix_next_map(const char **cursor, struct postfix_map *map)
{
    static const char type[] = "socketmap:";
    static const char proxy[] = "proxy:";
    size_t head = sizeof type - 1;
    size_t before = sizeof proxy - 1;
    const char *start;

    while ((start = strstr(*cursor, type)) != NULL) {
        size_t length = strcspn(start, ", \t}");
        const char *value = *cursor;
        char *name;

        *cursor = start + length;
        if (length >= sizeof map->text)
            continue;
        map->proxied =
            (size_t)(start - value) >= before && strncmp(start - before, proxy, before) == 0;
        (void)snprintf(map->text, sizeof map->text, "%.*s", (int)length, start);
        name = strrchr(map->text + head, ':');
        if (name == NULL || strlen(name + 1) >= sizeof map->name)
            continue;
        strcpy(map->name, name + 1);
        *name = '\0';
        if (!socket_name_read_postfix(&map->socket, map->text + head))
            continue;
        *name = ':';
        return true;
    }
    return false;
}

void postfix_resolve(const struct postfix *postfix, const struct postfix_service *service,
                     struct socket_name *name)
{
    char path[SOCKET_PATH_SIZE];
    int length;

    if (name->kind != SOCKET_UNIX || (name->path[0] == '/' && !service->chrooted))
        return;
    length = snprintf(path, sizeof path, "%s%s%s", postfix->queue_directory,
                      name->path[0] == '/' ? "" : "/", name->path);
    if (length >= 0 && (size_t)length < sizeof path)
        memcpy(name->path, path, (size_t)length + 1);
}

static bool is_within(const char *path, const char *directory)
{
    char *real = realpath(directory, NULL);
    size_t length = real == NULL ? 0 : strlen(real);
    bool within = real == NULL || (strncmp(path, real, length) == 0 && path[length] == '/');

    free(real);
    return within;
}

bool postfix_leads_to(const struct postfix *postfix, const struct postfix_service *service,
                      const struct socket_name *ours, const struct socket_name *name)
{
    char place[SOCKET_REAL_SIZE];

    if (!socket_name_leads_to(ours, name))
        return false;
    if (name->kind != SOCKET_UNIX || !service->chrooted)
        return true;
    socket_real_path(name->path, place);
    return is_within(place, postfix->queue_directory);
}

/* What follows the queue directory in a path below it; NULL for another. */
static const char *below_queue(const struct postfix *postfix, const char *path)
{
    size_t length = strlen(postfix->queue_directory);

    return strncmp(path, postfix->queue_directory, length) == 0 && path[length] == '/'
               ? path + length + 1
               : NULL;
}

bool postfix_name(const struct postfix *postfix, const struct postfix_service *service,
                  const struct socket_name *ours, const char *file, char out[SOCKET_NAME_SIZE])
{
    const char *below = ours->kind == SOCKET_UNIX ? below_queue(postfix, ours->path) : NULL;

    if (below != NULL)
        (void)snprintf(out, SOCKET_NAME_SIZE, "unix:%s", below);
    else if (ours->kind == SOCKET_UNIX && service->chrooted)
        (void)snprintf(out, SOCKET_NAME_SIZE, "unix:mailfrom-milter/%s", file);
    else
        socket_name_for_postfix(ours, out);
    return below != NULL || ours->kind != SOCKET_UNIX || !service->chrooted;
}
