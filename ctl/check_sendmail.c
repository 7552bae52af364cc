/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Does Sendmail pass its mail to this milter, each daemon of its?
 */
#include "ctl/check.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "ctl/sendmail_filter.h"

enum { SUBJECT_SIZE = 600 };

static struct finding about(enum finding_level level)
{
    return (struct finding){.level = level, .check = "sendmail", .subject = "sendmail"};
}

/* Only the directory of the socket itself is there for it. One above, or one for everybody as /tmp
 * is, has its mode for a reason. */
static void advise_directory(struct finding *finding, const char *directory, bool holds_socket,
                             mode_t mode)
{
    if (holds_socket && (mode & S_ISVTX) == 0)
        finding_advise(finding, "chmod go-w %s", directory);
    else
        finding_advise(finding,
                       "leave %s as it is, and move the socket to a directory such as "
                       "/run/mailfrom-milter",
                       directory);
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
        advise_directory(&finding, part, strchr(slash + 1, '/') == NULL, status.st_mode);
        findings_put(check->findings, &finding);
        return;
    }
}

static void tell_undefined(const struct check *check)
{
    struct finding finding = about(FINDING_WARNING);

    finding_found(&finding, "no filter of %s leads to this milter", check->sendmail_cf);
    finding_advise(&finding,
                   "put INPUT_MAIL_FILTER(`mailfrom-milter', `S=%s, F=T, T=S:10s;R:10s;E:5m') "
                   "into sendmail.mc",
                   check->settings->milter.socket);
    findings_put(check->findings, &finding);
}

/* F=T defers, and F=4 closes the connection, which comes to the same. */
static bool defers(const struct sendmail_filter *filter)
{
    return filter->action[0] == 'T' || filter->action[0] == '4';
}

static void tell_action(const struct check *check, const struct sendmail_filter *filter)
{
    struct finding finding = about(FINDING_WARNING);

    if (filter->action[0] == '\0')
        finding_found(&finding, "the filter %s has no F=, so mail passes while the milter is away",
                      filter->name);
    else
        finding_found(&finding,
                      "the filter %s has F=%s, so mail is refused for good while the milter is "
                      "away",
                      filter->name, filter->action);
    finding_expected(&finding, "F=T");
    finding_advise(&finding, "change it in sendmail.mc");
    findings_put(check->findings, &finding);
}

/* "sendmail MTA, MTA-v6": this daemon, and those after it that have no filters of their own either,
 * for that is one line of sendmail.mc. */
static void write_subject(const struct sendmail_filters *filters, size_t first,
                          char subject[SUBJECT_SIZE])
{
    const struct sendmail_daemon *daemons = filters->daemons;
    int used = snprintf(subject, SUBJECT_SIZE, "sendmail%s%s", *daemons[first].name ? " " : "",
                        daemons[first].name);

    for (size_t i = first + 1; !daemons[first].has_own && i < filters->daemon_count; i++) {
        if (!daemons[i].has_own && used >= 0 && used < SUBJECT_SIZE)
            used += snprintf(subject + used, SUBJECT_SIZE - (size_t)used, ", %s", daemons[i].name);
    }
}

static void tell_daemon(const struct check *check, const struct sendmail_filters *filters,
                        size_t index)
{
    const struct sendmail_daemon *daemon = &filters->daemons[index];
    struct finding finding = about(FINDING_WARNING);
    char subject[SUBJECT_SIZE];

    write_subject(filters, index, subject);
    finding.subject = subject;
    if (daemon->filter != NULL) {
        if (!defers(daemon->filter))
            return; /* as has been said of the filter */
        finding.level = FINDING_OK;
        finding_found(&finding, "the filter %s leads to this milter", daemon->filter->name);
    } else if (daemon->has_own) {
        finding_found(&finding,
                      "its own filters (%s) do not include %s, so mail that comes in there does "
                      "not meet this milter",
                      *daemon->list == '\0' ? "none" : daemon->list, filters->list[0].name);
        finding_advise(&finding,
                       "add it to InputMailFilters= of its DAEMON_OPTIONS in sendmail.mc");
    } else {
        finding_found(&finding, "the filter %s leads to this milter, and is not used",
                      filters->list[0].name);
        finding_advise(&finding, "use INPUT_MAIL_FILTER in sendmail.mc");
    }
    findings_put(check->findings, &finding);
}

static bool is_used(const struct sendmail_filters *filters, const struct sendmail_filter *filter)
{
    for (size_t i = 0; i < filters->daemon_count; i++) {
        if (filters->daemons[i].filter == filter)
            return true;
    }
    return false;
}

static void tell(const struct check *check, const struct sendmail_filters *filters)
{
    bool shared = false;

    if (filters->count == 0) {
        tell_undefined(check);
        return;
    }
    for (size_t i = 0; i < filters->count; i++) {
        if (is_used(filters, &filters->list[i]) && !defers(&filters->list[i]))
            tell_action(check, &filters->list[i]);
    }
    for (size_t i = 0; i < filters->daemon_count; i++) {
        if (filters->daemons[i].has_own || !shared)
            tell_daemon(check, filters, i);
        shared = shared || !filters->daemons[i].has_own;
    }
}

void check_sendmail(const struct check *check)
{
    struct finding finding = about(FINDING_ERROR);
    struct sendmail_filters filters;
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
    sendmail_read_filters(&filters, file, &ours);
    (void)fclose(file);
    tell(check, &filters);
    if (ours.kind == SOCKET_UNIX && filters.count > 0)
        check_sendmail_directories(check, ours.path);
}
