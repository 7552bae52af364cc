/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Does Postfix pass its mail to this milter, and may it connect to the socket?
 */
#include "ctl/check_listener.h"

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
