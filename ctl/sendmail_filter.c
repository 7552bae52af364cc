/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/sendmail_filter.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void copy(char *out, size_t size, const char *text, size_t length)
{
    while (length > 0 && strchr(" \t\r\n", text[length - 1]) != NULL)
        length--;
    (void)snprintf(out, size, "%.*s", (int)length, text);
}

/* The value of an option: "O InputMailFilters=a", also with spaces around =. NULL for another. */
static const char *option_value(const char *line, const char *name)
{
    size_t length = strlen(name);

    if (line[0] != 'O' || line[1] != ' ')
        return NULL;
    line += 2 + strspn(line + 2, " \t");
    if (strncasecmp(line, name, length) != 0)
        return NULL;
    line += length + strspn(line + length, " \t");
    return *line == '=' ? line + 1 + strspn(line + 1, " \t") : NULL;
}

/* The value of an equate, "S=value", in a list by commas. Sendmail looks at the first letter of the
 * name only. NULL for none. */
static const char *find_equate(const char *list, char letter, size_t *length)
{
    while (*list != '\0') {
        const char *equals;

        list += strspn(list, ", \t");
        *length = strcspn(list, ",\r\n");
        equals = memchr(list, '=', *length);
        if (equals != NULL && (*list | 0x20) == (letter | 0x20)) {
            *length -= (size_t)(equals + 1 - list);
            return equals + 1;
        }
        list += *length;
        list += strspn(list, "\r\n");
    }
    return NULL;
}

static void note_filter(struct sendmail_filters *filters, const char *line,
                        const struct socket_name *ours)
{
    size_t name_length = strcspn(line + 1, ", \t\r\n");
    const char *equates = line + 1 + name_length;
    struct sendmail_filter *filter = &filters->list[filters->count];
    char address[SOCKET_NAME_SIZE];
    struct socket_name name;
    size_t length;
    const char *value = find_equate(equates, 'S', &length);

    if (value == NULL || filters->count == SENDMAIL_FILTERS_MAX)
        return;
    copy(address, sizeof address, value, length);
    if (!socket_name_read(&name, address) || !socket_name_leads_to(ours, &name))
        return;
    copy(filter->name, sizeof filter->name, line + 1, name_length);
    value = find_equate(equates, 'F', &length);
    if (value != NULL)
        copy(filter->action, sizeof filter->action, value, length);
    filters->count++;
}

static void note_daemon(struct sendmail_filters *filters, const char *options)
{
    struct sendmail_daemon *daemon = &filters->daemons[filters->daemon_count];
    size_t length;
    const char *value;

    if (filters->daemon_count == SENDMAIL_DAEMONS_MAX)
        return;
    value = find_equate(options, 'N', &length);
    if (value == NULL)
        value = find_equate(options, 'P', &length);
    copy(daemon->name, sizeof daemon->name, value == NULL ? "smtp" : value,
         value == NULL ? strlen("smtp") : length);
    value = find_equate(options, 'I', &length);
    daemon->has_own = value != NULL;
    if (value != NULL)
        copy(daemon->list, sizeof daemon->list, value, length);
    filters->daemon_count++;
}

static const struct sendmail_filter *find_in_list(const struct sendmail_filters *filters,
                                                  const char *list)
{
    for (list += strspn(list, ",; \t"); *list != '\0'; list += strspn(list, ",; \t")) {
        size_t length = strcspn(list, ",; \t");
        for (size_t i = 0; i < filters->count; i++) {
            if (strlen(filters->list[i].name) == length &&
                strncasecmp(filters->list[i].name, list, length) == 0)
                return &filters->list[i];
        }
        list += length;
    }
    return NULL;
}

void sendmail_read_filters(struct sendmail_filters *filters, FILE *file,
                           const struct socket_name *ours)
{
    char for_all[SENDMAIL_LIST_SIZE] = "";
    char *line = NULL;
    size_t size = 0;
    const char *value;

    *filters = (struct sendmail_filters){.count = 0};
    rewind(file);
    while (getline(&line, &size, file) >= 0) {
        if (line[0] == 'X')
            note_filter(filters, line, ours);
        value = option_value(line, "InputMailFilters");
        if (value != NULL) /* the last one counts */
            copy(for_all, sizeof for_all, value, strlen(value));
        value = option_value(line, "DaemonPortOptions");
        if (value != NULL)
            note_daemon(filters, value);
    }
    free(line);
    if (filters->daemon_count == 0)
        filters->daemon_count = 1;
    for (size_t i = 0; i < filters->daemon_count; i++) {
        struct sendmail_daemon *daemon = &filters->daemons[i];
        if (!daemon->has_own)
            memcpy(daemon->list, for_all, sizeof for_all);
        daemon->filter = find_in_list(filters, daemon->list);
    }
}
