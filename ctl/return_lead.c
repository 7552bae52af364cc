/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/return_lead.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const char socket_file[] = "return.sock";

const char *const return_lead_return[] = {"return", "virtuser", NULL};
const char *const return_lead_domain[] = {"domain", "return", "virtuser", NULL};
const char *const return_lead_check[] = {"check", NULL};

void return_lead_put(struct return_lead *scene, enum finding_level level, struct finding *finding)
{
    scene->wrong += level != FINDING_OK;
    check_return_put(scene->shared, level, finding);
}

/* --- where a map leads --- */

static bool is_among(const char *const names[], const char *name)
{
    while (*names != NULL && strcmp(*names, name) != 0)
        names++;
    return *names != NULL;
}

static bool is_socket(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && S_ISSOCK(status.st_mode);
}

/* The service that connects. */
static const struct postfix_service *client_of(const struct return_lead *scene,
                                               const struct postfix_service *service,
                                               const struct postfix_map *map)
{
    static const struct postfix_service unchrooted;
    const struct postfix_service *proxymap = postfix_service(&scene->postfix, "proxymap/unix");

    if (map->proxied)
        return proxymap == NULL ? &unchrooted : proxymap;
    return service == NULL ? &unchrooted : service;
}

enum lead return_lead_of_map(const struct return_lead *scene, const struct postfix_service *service,
                             const char *const names[], const struct postfix_map *map)
{
    struct socket_name socket = map->socket;

    postfix_resolve(&scene->postfix, client_of(scene, service, map), &socket);
    if (postfix_leads_to(&scene->postfix, client_of(scene, service, map), &scene->shared->ours,
                         &socket))
        return is_among(names, map->name) ? LEADS_HERE : LEADS_ASTRAY;
    if (!is_among(names, map->name))
        return LEADS_ELSEWHERE;
    return socket.kind == SOCKET_UNIX && is_socket(socket.path) ? LEADS_ELSEWHERE : LEADS_ASTRAY;
}

enum lead return_lead_of(const struct return_lead *scene, const struct postfix_service *service,
                         const char *value, const char *const names[], struct postfix_map *astray)
{
    enum lead best = LEADS_ELSEWHERE;
    struct postfix_map map;

    while (best != LEADS_HERE && postfix_next_map(&value, &map)) {
        enum lead lead = return_lead_of_map(scene, service, names, &map);
        if (lead == LEADS_ASTRAY)
            *astray = map;
        if (lead > best)
            best = lead;
    }
    return best;
}

/* How the service has to name one of our maps. *possible: see postfix_name. */
static void name_map(const struct return_lead *scene, const struct postfix_service *service,
                     const char *name, bool *possible, char out[RETURN_LEAD_LINE_SIZE])
{
    static const struct postfix_service unchrooted;
    char socket[SOCKET_NAME_SIZE];

    *possible = postfix_name(&scene->postfix, service == NULL ? &unchrooted : service,
                             &scene->shared->ours, socket_file, socket);
    (void)snprintf(out, RETURN_LEAD_LINE_SIZE, "socketmap:%s:%s", socket, name);
}

/* --- what is told of a parameter --- */

bool return_lead_was_told(const struct return_lead *scene, const char *const cause[])
{
    for (size_t i = 0; i < scene->told_count; i++) {
        if (scene->told[i] == cause)
            return true;
    }
    return false;
}

bool return_lead_is_news(struct return_lead *scene, const struct postfix_service *service,
                         const char *parameter, const char *const cause[])
{
    if (postfix_has_own(&scene->postfix, service, parameter))
        return true;
    if (return_lead_was_told(scene, cause))
        return false;
    if (scene->told_count < RETURN_LEAD_CAUSES)
        scene->told[scene->told_count++] = cause;
    return true;
}

const char *return_lead_subject(const struct return_lead *scene,
                                const struct postfix_service *service, const char *parameter,
                                char out[RETURN_LEAD_SUBJECT_SIZE])
{
    bool is_its_own = postfix_has_own(&scene->postfix, service, parameter);

    (void)snprintf(out, RETURN_LEAD_SUBJECT_SIZE, "postfix%s%s", is_its_own ? " " : "",
                   is_its_own ? service->name : "");
    return out;
}

void return_lead_tell_astray(struct return_lead *scene, const struct postfix_service *service,
                             const char *parameter, const char *const names[],
                             const struct postfix_map *astray)
{
    const struct postfix_service *client = client_of(scene, service, astray);
    struct socket_name socket = astray->socket;
    struct finding finding = {0};
    char subject[RETURN_LEAD_SUBJECT_SIZE];
    char line[RETURN_LEAD_LINE_SIZE];
    bool possible;

    if (!return_lead_is_news(scene, service, parameter, names))
        return;
    finding.subject = return_lead_subject(scene, service, parameter, subject);
    name_map(scene, client, names[0], &possible, line);
    postfix_resolve(&scene->postfix, client, &socket);
    if (socket_name_leads_to(&scene->shared->ours, &socket)) {
        finding_found(&finding, "%s has %s, which is not the map for it", parameter, astray->text);
    } else if (client->chrooted && socket.kind == SOCKET_UNIX) {
        (void)snprintf(subject, sizeof subject, "postfix %s", client->name);
        finding_found(&finding, "%s has %s, which is %s since the service is chrooted", parameter,
                      astray->text, socket.path);
    } else {
        finding_found(&finding, "%s has %s, and mailfrom-milter answers at %s", parameter,
                      astray->text, scene->shared->check->settings->return_path.socket);
    }
    finding_expected(&finding, "%s", line);
    if (possible)
        finding_advise(&finding, "put that in its place");
    else
        finding_advise(&finding,
                       "and socket = \"unix:%s/mailfrom-milter/%s\" in section return-path, or n "
                       "in the chroot column of master.cf",
                       scene->postfix.queue_directory, socket_file);
    return_lead_put(scene, FINDING_ERROR, &finding);
}

void return_lead_tell_missing(struct return_lead *scene, const struct postfix_service *service,
                              const char *parameter, const char *const names[],
                              const char *consequence, enum finding_level level)
{
    const char *value = postfix_value(&scene->postfix, service, parameter);
    bool is_restriction = names == return_lead_check;
    struct finding finding = {0};
    char subject[RETURN_LEAD_SUBJECT_SIZE];
    char map[RETURN_LEAD_LINE_SIZE];
    bool possible;

    if (!return_lead_is_news(scene, service, parameter, names))
        return;
    finding.subject = return_lead_subject(scene, service, parameter, subject);
    name_map(scene, service, names[0], &possible, map);
    finding_found(&finding, "%s does not ask mailfrom-milter, so %s", parameter, consequence);
    if (is_restriction)
        finding_expected(&finding, "%s = check_recipient_access %s%s%s", parameter, map,
                         *value == '\0' ? "" : ", ", value);
    else
        finding_expected(&finding, "%s = %s%s%s", parameter, value, *value == '\0' ? "" : ", ",
                         map);
    finding_advise(&finding, "put that into %s",
                   postfix_has_own(&scene->postfix, service, parameter) ? "master.cf" : "main.cf");
    return_lead_put(scene, level, &finding);
}
