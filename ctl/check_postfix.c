/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Does Postfix pass its mail to this milter, and may it connect to the socket?
 */
#include "ctl/check_listener.h"

#include <string.h>
#include <sysexits.h>

#include "ctl/permission.h"

struct scene {
    const struct check *check;
    const struct postfix *postfix;
    struct socket_name ours;
};

static void put(const struct scene *scene, struct finding *finding)
{
    finding->check = "postfix";
    findings_put(scene->check->findings, finding);
}

/* Either the socket itself is in the way, or a directory above it, which may be there for others
 * too. */
static void advise_access(const struct scene *scene, const struct permission_user *user,
                          struct finding *finding)
{
    char directory[SOCKET_PATH_SIZE];
    struct failure why;
    char *slash;

    (void)snprintf(directory, sizeof directory, "%s", scene->ours.path);
    slash = strrchr(directory, '/');
    if (slash != NULL && slash != directory)
        *slash = '\0';
    if (permission_holds(user, directory, MAY_SEARCH, &why))
        finding_advise(finding, "set socket-group = \"%s\" and socket-mode = \"0660\"", user->name);
    else
        finding_advise(finding,
                       "move the socket to a directory that %s may enter, or give it to "
                       "its group with mode 2750",
                       user->name);
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
        advise_access(scene, &user, &finding);
    } else {
        return; /* there is no socket, as check_socket has said */
    }
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
        check_listeners(check, &postfix, &scene.ours);
    }
    postfix_reset(&postfix);
}
