/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Does Sendmail pass its mail to this milter? Read from sendmail.cf: lines like
 * `Xmailfrom, S=unix:/run/mailfrom-milter/milter.sock, F=T, T=C:10s' and those that list filters.
 */
#include "ctl/check.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

enum { FILTER_NAME_SIZE = 64 };

struct filter {
    bool defined;
    bool used;
    bool with_default_action; /* F=: what happens while the milter is away */
    char name[FILTER_NAME_SIZE];
};

static struct finding about(enum finding_level level)
{
    return (struct finding){.level = level, .check = "sendmail", .subject = "sendmail"};
}

/* The value of an equate in an X line: S=value up to the comma. */
static bool find_equate(const char *line, char letter, char *out, size_t size)
{
    const char *at = line;
    size_t length;

    while ((at = strchr(at, ',')) != NULL) {
        at += 1 + strspn(at + 1, " \t");
        if (at[0] != letter || at[1] != '=')
            continue;
        at += 2;
        length = strcspn(at, ", \t\n");
        if (length >= size)
            return false;
        memcpy(out, at, length);
        out[length] = '\0';
        return true;
    }
    return false;
}

static void note_definition(struct filter *filter, const char *line, const struct socket_name *ours)
{
    char value[SOCKET_NAME_SIZE];
    struct socket_name name;

    if (!find_equate(line, 'S', value, sizeof value) || !socket_name_read(&name, value) ||
        !socket_name_leads_to(ours, &name))
        return;
    filter->defined = true;
    filter->with_default_action = find_equate(line, 'F', value, sizeof value);
    (void)snprintf(filter->name, sizeof filter->name, "%.*s", (int)strcspn(line + 1, ", \t\n"),
                   line + 1);
}

/* A line that puts filters to use: for all daemons, or for one. The filters stand before it. */
static void note_use(struct filter *filter, const char *line)
{
    const char *list = strcasestr(line, "InputMailFilters=");
    size_t length = strlen(filter->name);

    if (list == NULL)
        list = strcasestr(line, "InputFilter=");
    if (list == NULL || !filter->defined)
        return;
    list = strchr(list, '=');
    while (list != NULL && *list != '\0') {
        list += 1 + strspn(list + 1, " \t");
        if (strncmp(list, filter->name, length) == 0 && strchr(",; \t\n", list[length]) != NULL)
            filter->used = true;
        list += strcspn(list, ",;");
    }
}

/* Twice, as what is used may stand above what is defined. */
static void read_file(FILE *file, struct filter *filter, const struct socket_name *ours)
{
    char *line = NULL;
    size_t size = 0;

    while (getline(&line, &size, file) >= 0) {
        if (line[0] == 'X')
            note_definition(filter, line, ours);
    }
    rewind(file);
    while (getline(&line, &size, file) >= 0) {
        if (line[0] == 'O')
            note_use(filter, line);
    }
    free(line);
}

void check_sendmail_directories(const struct check *check, const char *path)
{
    struct finding finding = about(FINDING_ERROR);
    const char *slash = path;
    struct stat status;
    char part[SOCKET_PATH_SIZE];

    while ((slash = strchr(slash + 1, '/')) != NULL) {
        (void)snprintf(part, sizeof part, "%.*s", (int)(slash - path), path);
        if (stat(part, &status) != 0 || (status.st_mode & (S_IWGRP | S_IWOTH)) == 0)
            continue;
        finding_found(&finding, "it refuses the socket as unsafe: %s has mode %04o", part,
                      status.st_mode & 07777U);
        finding_expected(&finding, "a directory that only its owner may write to");
        finding_advise(&finding, "chmod go-w %s, or another socket", part);
        findings_put(check->findings, &finding);
        return;
    }
}

static void tell(const struct check *check, const struct filter *filter)
{
    const char *socket = check->settings->milter.socket;
    struct finding finding = about(FINDING_WARNING);

    if (!filter->defined) {
        finding_found(&finding, "no filter of %s leads to this milter", check->sendmail_cf);
        finding_advise(&finding,
                       "put INPUT_MAIL_FILTER(`mailfrom-milter', `S=%s, F=T, T=S:10s;R:10s;E:5m') "
                       "into sendmail.mc",
                       socket);
    } else if (!filter->used) {
        finding_found(&finding, "the filter %s leads to this milter, and is not used",
                      filter->name);
        finding_advise(&finding, "use INPUT_MAIL_FILTER in sendmail.mc");
    } else if (!filter->with_default_action) {
        finding_found(&finding, "the filter %s has no F=, so mail passes while the milter is away",
                      filter->name);
        finding_expected(&finding, "F=T");
    } else {
        finding.level = FINDING_OK;
        finding_found(&finding, "the filter %s leads to this milter", filter->name);
    }
    findings_put(check->findings, &finding);
}

void check_sendmail(const struct check *check)
{
    struct finding finding = about(FINDING_ERROR);
    struct filter filter = {.defined = false};
    struct socket_name ours;
    FILE *file;

    if (!socket_name_read(&ours, check->settings->milter.socket) || ours.kind == SOCKET_DESCRIPTOR)
        return;
    file = fopen(check->sendmail_cf, "re");
    if (file == NULL && errno == ENOENT)
        return;
    if (file == NULL) {
        finding.level = FINDING_WARNING;
        finding_found(&finding, "%s: %s", check->sendmail_cf, strerror(errno));
        findings_put(check->findings, &finding);
        return;
    }
    read_file(file, &filter, &ours);
    (void)fclose(file);
    tell(check, &filter);
    if (ours.kind == SOCKET_UNIX && filter.defined)
        check_sendmail_directories(check, ours.path);
}
