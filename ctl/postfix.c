/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/postfix.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "ctl/postconf.h"

static const char smtpd_milters[] = "smtpd_milters";

/* The values of main.cf, in the order of the question. */
enum { QUEUE_DIRECTORY, MAIL_OWNER, SMTPD_MILTERS, NON_SMTPD_MILTERS, VALUE_COUNT };

static bool out_of_memory(struct failure *why)
{
    return failure_set(why, EX_OSERR, "out of memory");
}

/* NULL is what postconf left out. */
static char *copy(const char *text)
{
    return text == NULL ? NULL : strdup(text);
}

static bool read_values(char *values[VALUE_COUNT], const char *directory, char **text,
                        struct failure *why)
{
    static const char *const question[] = {"-xh",         "queue_directory",   "mail_owner",
                                           smtpd_milters, "non_smtpd_milters", NULL};
    char *rest;

    *text = postconf_read(directory, question, why);
    rest = *text;
    for (int i = 0; rest != NULL && i < VALUE_COUNT; i++)
        values[i] = strsep(&rest, "\n");
    if (*text != NULL && rest == NULL)
        return failure_set(why, EX_DATAERR, "postconf leaves something out");
    return *text != NULL;
}

static bool add(struct postfix *postfix, const char *name, const char *parameter,
                const char *milters, bool chrooted)
{
    struct postfix_service *list =
        reallocarray(postfix->services, postfix->count + 1, sizeof postfix->services[0]);
    struct postfix_service *service;

    if (list == NULL)
        return false;
    postfix->services = list;
    service = &list[postfix->count++];
    *service = (struct postfix_service){.name = strdup(name),
                                        .parameter = strdup(parameter),
                                        .milters = strdup(milters),
                                        .chrooted = chrooted};
    return service->name != NULL && service->parameter != NULL && service->milters != NULL;
}

/* A line of `postconf -M': service type private unpriv chroot wakeup maxproc command. What is
 * indented goes on with the one before. */
static bool note_service(struct postfix *postfix, char *line, char *const values[])
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
    if (strcmp(fields[COMMAND], "smtpd") == 0)
        return add(postfix, name, smtpd_milters, values[SMTPD_MILTERS], *fields[CHROOT] == 'y');
    if (strcmp(fields[COMMAND], "cleanup") == 0)
        return add(postfix, name, "non_smtpd_milters", values[NON_SMTPD_MILTERS],
                   *fields[CHROOT] == 'y');
    return true;
}

/* A line of `postconf -P': service/type/parameter = value, of a service that has its own. */
static bool note_override(struct postfix *postfix, char *line, char *const values[])
{
    char *value = strstr(line, " = ");

    (void)values;
    if (value == NULL)
        return true;
    *value = '\0';
    value += 3;
    for (size_t i = 0; i < postfix->count; i++) {
        struct postfix_service *service = &postfix->services[i];
        size_t length = strlen(service->name);
        if (strncmp(line, service->name, length) != 0 || line[length] != '/' ||
            strcmp(line + length + 1, service->parameter) != 0)
            continue;
        free(service->milters);
        service->milters = strdup(value);
        return service->milters != NULL;
    }
    return true;
}

static bool read_lines(struct postfix *postfix, const char *directory, const char *option,
                       bool (*note)(struct postfix *postfix, char *line, char *const values[]),
                       char *const values[], struct failure *why)
{
    const char *const question[] = {option, NULL};
    char *text = postconf_read(directory, question, why);
    char *rest = text;
    bool good = true;

    if (text == NULL)
        return false;
    for (char *line = strsep(&rest, "\n"); line != NULL && good; line = strsep(&rest, "\n"))
        good = note(postfix, line, values);
    free(text);
    return good || out_of_memory(why);
}

bool postfix_read(struct postfix *postfix, const char *directory, struct failure *why)
{
    char *values[VALUE_COUNT] = {NULL};
    char *text = NULL;
    bool good;

    *postfix = (struct postfix){0};
    good = read_values(values, directory, &text, why);
    if (good) {
        postfix->queue_directory = copy(values[QUEUE_DIRECTORY]);
        postfix->mail_owner = copy(values[MAIL_OWNER]);
        good =
            (postfix->queue_directory != NULL && postfix->mail_owner != NULL) || out_of_memory(why);
    }
    good = good && read_lines(postfix, directory, "-M", note_service, values, why) &&
           read_lines(postfix, directory, "-xP", note_override, values, why);
    free(text);
    return good;
}

void postfix_reset(struct postfix *postfix)
{
    for (size_t i = 0; i < postfix->count; i++) {
        free(postfix->services[i].name);
        free(postfix->services[i].parameter);
        free(postfix->services[i].milters);
    }
    free(postfix->services);
    free(postfix->queue_directory);
    free(postfix->mail_owner);
    *postfix = (struct postfix){0};
}

/* In braces a milter has options after it. */
bool postfix_next_milter(const char **cursor, char milter[SOCKET_NAME_SIZE])
{
    static const char between[] = ", \t";
    const char *text = *cursor + strspn(*cursor, between);
    bool in_braces = *text == '{';
    size_t length;

    if (in_braces)
        text += 1 + strspn(text + 1, between);
    length = strcspn(text, in_braces ? ", \t}" : between);
    *cursor = text + length;
    if (in_braces)
        *cursor += strcspn(*cursor, "}") + (strchr(*cursor, '}') != NULL);
    if (length == 0 || length >= SOCKET_NAME_SIZE)
        return false;
    memcpy(milter, text, length);
    milter[length] = '\0';
    return true;
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

/* What follows the queue directory in a path below it; NULL for another. */
static const char *below_queue(const struct postfix *postfix, const char *path)
{
    size_t length = strlen(postfix->queue_directory);

    return strncmp(path, postfix->queue_directory, length) == 0 && path[length] == '/'
               ? path + length + 1
               : NULL;
}

bool postfix_name(const struct postfix *postfix, const struct postfix_service *service,
                  const struct socket_name *ours, char out[SOCKET_NAME_SIZE])
{
    const char *below = ours->kind == SOCKET_UNIX ? below_queue(postfix, ours->path) : NULL;

    if (below != NULL)
        (void)snprintf(out, SOCKET_NAME_SIZE, "unix:%s", below);
    else if (ours->kind == SOCKET_UNIX && service->chrooted)
        (void)snprintf(out, SOCKET_NAME_SIZE, "unix:mailfrom-milter/milter.sock");
    else
        socket_name_for_postfix(ours, out);
    return below != NULL || ours->kind != SOCKET_UNIX || !service->chrooted;
}
