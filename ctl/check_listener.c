/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * What everybody stumbles over: Debian's smtpd is chrooted, and looks for the socket elsewhere than
 * where main.cf seems to say; and master.cf, which nobody looks at, switches milters off for just
 * the port that mail is submitted to.
 */
#include "ctl/check_listener.h"

#include <stdio.h>
#include <string.h>

#include "ctl/check_filter.h"
#include "ctl/filter_way.h"
#include "ctl/listener.h"

enum { SUBJECT_SIZE = 600, LINE_SIZE = 1024 };

static const char socket_file[] = "milter.sock";

struct scene {
    const struct check *check;
    struct listeners listeners;
};

/* --- the words --- */

/* A fault with all who have it from one line. */
struct group {
    enum listener_fault fault;
    struct listener *first;
    struct listener_origin origin;
    bool both;         /* smtpd_milters and non_smtpd_milters */
    const char *other; /* the parameter that is not the first's, if both */
    char subject[SUBJECT_SIZE];
};

static void put(const struct scene *scene, struct finding *finding)
{
    finding->check = "postfix";
    findings_put(scene->check->findings, finding);
}

/* "postfix smtp/inet, submission/inet", cut where there are very many. */
static void gather(const struct scene *scene, struct group *group)
{
    int used = snprintf(group->subject, sizeof group->subject, "postfix");

    for (size_t i = 0; i < scene->listeners.count; i++) {
        struct listener *listener = &scene->listeners.list[i];
        struct listener_origin origin = listener_origin(&scene->listeners, listener, group->fault);
        bool is_first = listener == group->first;
        if (!listener_has(&scene->listeners, listener, group->fault) ||
            listener->is_way_back != group->first->is_way_back ||
            (!is_first && !listener_is_same(&scene->listeners, &group->origin, &origin)))
            continue;
        listener->told[group->fault] = true;
        if (strcmp(origin.parameter, group->origin.parameter) != 0) {
            group->both = true;
            group->other = origin.parameter;
        }
        if (used >= 0 && (size_t)used < sizeof group->subject)
            used += snprintf(group->subject + used, sizeof group->subject - (size_t)used, "%s%s",
                             is_first ? " " : ", ", listener->is.service->name);
    }
}

/* Where the line belongs. */
static void advise_line(const struct group *group, struct finding *finding, const char *value)
{
    if (group->origin.own) {
        finding_advise(finding, "postconf -P '%s/%s=%s', then postfix reload",
                       group->origin.service->name, group->origin.parameter, value);
        return;
    }
    if (group->both)
        finding_expected(finding, "%s = %s and %s = $%s", group->origin.parameter, value,
                         group->other, group->origin.parameter);
    else
        finding_expected(finding, "%s = %s", group->origin.parameter, value);
    finding_advise(finding, "put that into main.cf");
}

static void tell_way_back(const struct scene *scene, const struct group *group,
                          struct finding *finding)
{
    finding->level = FINDING_OK;
    finding_found(finding, "%s lets it take mail back from the content filter %s unchanged",
                  group->origin.parameter, scene->listeners.filter);
}

/* The value with this line in the place of the one that leads astray: the others are to stay. */
static void replace(char value[LINE_SIZE], const char *list, const char *astray, const char *line)
{
    const char *at = strstr(list, astray);

    (void)snprintf(value, LINE_SIZE, "%.*s%s%s", at == NULL ? 0 : (int)(at - list), list, line,
                   at == NULL ? "" : at + strlen(astray));
}

static void tell_astray(const struct scene *scene, const struct group *group,
                        struct finding *finding)
{
    const struct postfix_service *connects = group->first->is.connects;
    const char *astray = group->first->milter.name;
    char line[SOCKET_NAME_SIZE];
    char value[LINE_SIZE];
    struct socket_name name;
    bool possible =
        postfix_name(scene->listeners.postfix, connects, scene->listeners.ours, socket_file, line);

    finding_found(finding, "%s has %s, and the milter listens at %s", group->origin.parameter,
                  astray, scene->check->settings->milter.socket);
    if (connects->chrooted && socket_name_read_postfix(&name, astray) && name.kind == SOCKET_UNIX) {
        postfix_resolve(scene->listeners.postfix, connects, &name);
        finding_found(finding, "%s has %s, which is %s since the service is chrooted",
                      group->origin.parameter, astray, name.path);
    }
    replace(value, listener_value(&scene->listeners, &group->origin), astray, line);
    advise_line(group, finding, value);
    if (possible)
        return;
    finding_expected(finding, "%s = %s", group->origin.parameter, value);
    finding_advise(finding,
                   "and socket = \"unix:%s/mailfrom-milter/%s\", or n in the chroot column of "
                   "master.cf",
                   scene->listeners.postfix->queue_directory, socket_file);
}

static void tell_missing(const struct scene *scene, const struct group *group,
                         struct finding *finding)
{
    const char *milters = listener_value(&scene->listeners, &group->origin);
    char name[SOCKET_NAME_SIZE];
    char value[LINE_SIZE];

    (void)postfix_name(scene->listeners.postfix, group->first->is.connects, scene->listeners.ours,
                       socket_file, name);
    (void)snprintf(value, sizeof value, "%s%s%s", milters, *milters == '\0' ? "" : ", ", name);
    finding->level = FINDING_WARNING;
    if (group->both)
        finding_found(finding, "neither smtpd_milters nor non_smtpd_milters names this milter, so "
                               "no mail meets it");
    else
        finding_found(finding, "%s%s does not name this milter, so mail %s does not meet it",
                      group->origin.parameter, group->origin.own ? " in master.cf" : "",
                      strcmp(group->first->is.service->command, "smtpd") == 0
                          ? "that comes in there"
                          : "of sendmail(1)");
    advise_line(group, finding, value);
    if (group->origin.own && group->first->main_leads_here)
        finding_advise(finding, "postconf -PX %s/%s, then postfix reload",
                       group->origin.service->name, group->origin.parameter);
}

static void tell_off(const struct scene *scene, const struct group *group, struct finding *finding)
{
    (void)scene;
    finding_found(finding,
                  "%s%s has no_milters, so mail that comes in there does not meet this "
                  "milter",
                  group->origin.parameter, group->origin.own ? " in master.cf" : "");
    finding->level = FINDING_WARNING;
    finding_advise(finding, "take no_milters out of %s",
                   group->origin.own ? "master.cf" : "main.cf");
}

static void tell_protocol(const struct scene *scene, const struct group *group,
                          struct finding *finding)
{
    finding_found(finding, "%s is %s, and a milter can change the sender from 6 on",
                  group->first->milter.protocol[0] != '\0' ? "protocol" : "milter_protocol",
                  listener_protocol(&scene->listeners, group->first));
    finding_advise(finding, "take it out of %s: 6 is the default",
                   group->origin.own ? "master.cf" : "main.cf");
}

static void tell_action(const struct scene *scene, const struct group *group,
                        struct finding *finding)
{
    const char *action = listener_action(&scene->listeners, group->first);
    bool with_milter = group->first->milter.default_action[0] != '\0';
    const char *word = with_milter ? "default_action" : "milter_default_action";

    finding->level = FINDING_WARNING;
    finding_found(finding, "%s is %s, so %s while the milter is away", word, action,
                  strcmp(action, "reject") == 0 ? "mail is refused for good"
                                                : "mail leaves with its old sender");
    finding_expected(finding, "%s=tempfail", word);
    finding_advise(finding, "change it in %s of %s", group->origin.parameter,
                   group->origin.own ? "master.cf" : "main.cf");
}

static void tell_maps(const struct scene *scene, const struct group *group, struct finding *finding)
{
    finding->level = FINDING_WARNING;
    finding_found(finding, "smtpd_milter_maps (%s) may give a client other milters or none",
                  listener_value(&scene->listeners, &group->origin));
    finding_advise(finding, "see that clients whose mail is outbound are not in it");
}

static void tell(const struct scene *scene, struct listener *listener, enum listener_fault fault)
{
    static void (*const words[FAULT_COUNT])(const struct scene *scene, const struct group *group,
                                            struct finding *finding) = {
        [FAULT_OFF] = tell_off,       [FAULT_MISSING] = tell_missing,
        [FAULT_ASTRAY] = tell_astray, [FAULT_PROTOCOL] = tell_protocol,
        [FAULT_ACTION] = tell_action, [FAULT_MAPS] = tell_maps,
    };
    struct group group = {.fault = fault,
                          .first = listener,
                          .origin = listener_origin(&scene->listeners, listener, fault)};
    struct finding finding = {.level = FINDING_ERROR, .subject = group.subject};

    gather(scene, &group);
    if (listener->is_way_back && (fault == FAULT_OFF || fault == FAULT_MISSING))
        tell_way_back(scene, &group, &finding);
    else
        words[fault](scene, &group, &finding);
    put(scene, &finding);
}

static void tell_right(const struct scene *scene, const struct listener *listener)
{
    struct finding finding = {.level = FINDING_OK};
    char subject[SUBJECT_SIZE];

    (void)snprintf(subject, sizeof subject, "postfix %s", listener->is.service->name);
    finding.subject = subject;
    finding_found(&finding, "%s leads to this milter", listener->is.parameter);
    put(scene, &finding);
}

/* --- all of them --- */

static void judge(const struct scene *scene, struct listener *listener)
{
    bool is_right = true;

    for (int i = 0; i < FAULT_COUNT; i++) {
        enum listener_fault fault = (enum listener_fault)i;
        if (!listener_has(&scene->listeners, listener, fault))
            continue;
        is_right = false;
        if (!listener->told[fault])
            tell(scene, listener, fault);
    }
    if (is_right)
        tell_right(scene, listener);
}

void check_listeners(const struct check *check, const struct postfix *postfix,
                     const struct socket_name *ours)
{
    struct scene scene = {.check = check};
    struct finding finding = {.level = FINDING_ERROR, .subject = "postfix"};

    if (!listeners_find(&scene.listeners, postfix, ours)) {
        finding_found(&finding, "out of memory");
        put(&scene, &finding);
        return;
    }
    filter_ways_mark(&scene.listeners);
    for (size_t i = 0; i < scene.listeners.count; i++)
        judge(&scene, &scene.listeners.list[i]);
    check_filters(check, &scene.listeners);
    if (scene.listeners.count == 0) {
        finding_found(&finding, "master.cf has no service that takes mail");
        put(&scene, &finding);
    }
    listeners_reset(&scene.listeners);
}
