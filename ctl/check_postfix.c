/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Does Postfix pass its mail to this milter? What everybody stumbles over: Debian's smtpd is
 * chrooted, and looks for the socket elsewhere than where main.cf seems to say.
 */
#include "ctl/check.h"

#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>

#include "ctl/permission.h"
#include "ctl/postfix.h"

enum { LINE_SIZE = 600 };

static const char socket_file[] = "milter.sock";

enum lead {
    LEADS_ELSEWHERE, /* to milters that have nothing to do with this one */
    LEADS_ASTRAY,    /* to a socket that is not there, and is meant to be this one's */
    LEADS_HERE
};

struct scene {
    const struct check *check;
    const struct postfix *postfix;
    struct socket_name ours;
};

static const char *last_part(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? path : slash + 1;
}

static bool is_socket(const char *path)
{
    struct stat status;

    return stat(path, &status) == 0 && S_ISSOCK(status.st_mode);
}

/* As far as one can tell. What is there is somebody's, though maybe another mailfrom-milter's. */
static bool is_meant_to_be(const struct socket_name *ours, const struct socket_name *name,
                           const char *text)
{
    if (name->kind == SOCKET_UNIX && is_socket(name->path))
        return false;
    if (strcasestr(text, "mailfrom") != NULL)
        return true;
    if (ours->kind != name->kind)
        return false;
    if (ours->kind == SOCKET_INET)
        return strcmp(ours->port, name->port) == 0;
    return strcmp(last_part(ours->path), last_part(name->path)) == 0;
}

static enum lead follow_one(const struct scene *scene, const struct postfix_service *service,
                            const char *text)
{
    struct socket_name name;

    if (!socket_name_read_postfix(&name, text))
        return strcasestr(text, "mailfrom") != NULL ? LEADS_ASTRAY : LEADS_ELSEWHERE;
    postfix_resolve(scene->postfix, service, &name);
    if (socket_name_leads_to(&scene->ours, &name))
        return LEADS_HERE;
    return is_meant_to_be(&scene->ours, &name, text) ? LEADS_ASTRAY : LEADS_ELSEWHERE;
}

/* The best of the milters of a service. astray: the one that leads astray. */
static enum lead follow(const struct scene *scene, const struct postfix_service *service,
                        char astray[SOCKET_NAME_SIZE])
{
    const char *cursor = postfix_value(scene->postfix, service, postfix_milters(service));
    char text[SOCKET_NAME_SIZE];
    enum lead best = LEADS_ELSEWHERE;

    while (best != LEADS_HERE && postfix_next_milter(&cursor, text)) {
        enum lead lead = follow_one(scene, service, text);
        if (lead == LEADS_ASTRAY)
            memcpy(astray, text, sizeof text);
        if (lead > best)
            best = lead;
    }
    return best;
}

static void put(const struct scene *scene, struct finding *finding)
{
    finding->check = "postfix";
    findings_put(scene->check->findings, finding);
}

/* Where it looks is told apart from what main.cf says. */
static void tell_astray(const struct scene *scene, const struct postfix_service *service,
                        const char *astray)
{
    struct finding finding = {.level = FINDING_ERROR};
    char subject[300];
    char line[SOCKET_NAME_SIZE];
    struct socket_name name;
    const char *parameter = postfix_milters(service);
    bool possible = postfix_name(scene->postfix, service, &scene->ours, socket_file, line);

    (void)snprintf(subject, sizeof subject, "postfix %s", service->name);
    finding.subject = subject;
    finding_found(&finding, "%s has %s, and the milter listens at %s", parameter, astray,
                  scene->check->settings->milter.socket);
    if (service->chrooted && socket_name_read_postfix(&name, astray) && name.kind == SOCKET_UNIX) {
        postfix_resolve(scene->postfix, service, &name);
        finding_found(&finding, "%s has %s, which is %s since the service is chrooted", parameter,
                      astray, name.path);
    }
    finding_expected(&finding, "%s = %s", parameter, line);
    if (!possible)
        finding_advise(&finding,
                       "and socket = \"unix:%s/mailfrom-milter/%s\", or n in the chroot column of "
                       "master.cf",
                       scene->postfix->queue_directory, socket_file);
    else
        finding_advise(&finding, "put this line into main.cf");
    put(scene, &finding);
}

/* The line for main.cf that adds this milter to others. */
static void line_for(const struct scene *scene, const char *parameter, char *line, size_t size)
{
    const struct postfix *postfix = scene->postfix;
    char name[SOCKET_NAME_SIZE];

    for (size_t i = 0; i < postfix->count; i++) {
        const struct postfix_service *service = &postfix->services[i];
        const char *milters;
        if (postfix_milters(service) == NULL || strcmp(postfix_milters(service), parameter) != 0)
            continue;
        milters = postfix_value(postfix, service, parameter);
        (void)postfix_name(postfix, service, &scene->ours, socket_file, name);
        (void)snprintf(line, size, "%s = %s%s%s", parameter, milters,
                       milters[0] == '\0' ? "" : ", ", name);
        return;
    }
    (void)snprintf(line, size, "%s", parameter);
}

static void tell_missing(const struct scene *scene, bool smtpd, bool submitted)
{
    struct finding finding = {.level = FINDING_WARNING, .subject = "postfix"};
    char smtpd_line[LINE_SIZE];
    char submitted_line[LINE_SIZE];

    line_for(scene, "smtpd_milters", smtpd_line, sizeof smtpd_line);
    line_for(scene, "non_smtpd_milters", submitted_line, sizeof submitted_line);
    if (smtpd || submitted)
        finding_found(&finding, "%s does not name this milter, so mail %s does not meet it",
                      smtpd ? "non_smtpd_milters" : "smtpd_milters",
                      smtpd ? "of sendmail(1)" : "that comes by SMTP");
    else
        finding_found(&finding, "neither smtpd_milters nor non_smtpd_milters names this milter");
    finding_expected(&finding, "%s%s%s", smtpd ? "" : smtpd_line, smtpd || submitted ? "" : " and ",
                     submitted ? "" : submitted_line);
    finding_advise(&finding, "put that into main.cf");
    put(scene, &finding);
}

static void tell_access(const struct scene *scene)
{
    struct finding finding = {.level = FINDING_ERROR, .subject = "postfix"};
    struct permission_user user;
    struct failure why;

    if (!permission_user_read(&user, scene->postfix->mail_owner, &why)) {
        finding_found(&finding, "mail_owner: %s", why.text);
    } else if (permission_holds(&user, scene->ours.path, MAY_WRITE, &why)) {
        finding.level = FINDING_OK;
        finding_found(&finding, "its user %s may connect to the socket", user.name);
    } else if (why.exit_code == EX_NOPERM) {
        finding_found(&finding, "its user %s may not connect to the socket: %s", user.name,
                      why.text);
        finding_advise(&finding,
                       "set socket-group = \"%s\" and socket-mode = \"0660\", or open "
                       "the directory to that user",
                       user.name);
    } else {
        return; /* there is no socket, as check_socket has said */
    }
    put(scene, &finding);
}

static void tell_services(const struct scene *scene)
{
    struct finding finding = {.level = FINDING_OK, .subject = "postfix"};
    const struct postfix *postfix = scene->postfix;
    char astray[SOCKET_NAME_SIZE];
    bool told = false;
    bool smtpd = false;
    bool submitted = false;

    for (size_t i = 0; i < postfix->count; i++) {
        const struct postfix_service *service = &postfix->services[i];
        const char *parameter = postfix_milters(service);
        bool is_smtpd = parameter != NULL && strcmp(parameter, "smtpd_milters") == 0;
        enum lead lead = parameter == NULL ? LEADS_ELSEWHERE : follow(scene, service, astray);
        if (lead == LEADS_ASTRAY)
            tell_astray(scene, service, astray);
        told = told || lead == LEADS_ASTRAY;
        smtpd = smtpd || (is_smtpd && lead != LEADS_ELSEWHERE);
        submitted = submitted || (!is_smtpd && lead != LEADS_ELSEWHERE);
    }
    if (!smtpd || !submitted)
        tell_missing(scene, smtpd, submitted);
    if (!smtpd || !submitted || told)
        return;
    finding_found(&finding, "smtpd_milters and non_smtpd_milters lead to this milter");
    put(scene, &finding);
}

void check_postfix(const struct check *check)
{
    struct finding finding = {.level = FINDING_ERROR, .subject = "postfix"};
    struct postfix postfix;
    struct scene scene = {.check = check, .postfix = &postfix};
    struct failure why;

    if (!postfix_read(&postfix, check->postfix_config, &why)) {
        finding_found(&finding, "%s", why.text);
        if (why.exit_code != EX_UNAVAILABLE) /* no Postfix: nothing to say */
            put(&scene, &finding);
    } else if (socket_name_read(&scene.ours, check->settings->milter.socket) &&
               scene.ours.kind != SOCKET_DESCRIPTOR) {
        if (scene.ours.kind == SOCKET_UNIX)
            tell_access(&scene);
        tell_services(&scene);
    }
    postfix_reset(&postfix);
}
