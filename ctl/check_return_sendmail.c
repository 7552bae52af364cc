/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Does Sendmail ask mailfrom-milter for return paths? That is what return-path.m4 puts into its
 * configuration.
 */
#include "ctl/check_return.h"

#include <stdio.h>
#include <string.h>

#include "ctl/sendmail.h"

static const char default_socket[] = "/run/mailfrom-milter/return.sock";

/* The lines of sendmail.mc: the socket only where it is not the one that is in the file. */
static void advise(const struct check_return *scene, struct finding *finding)
{
    const struct socket_name *ours = &scene->ours;
    char where[SOCKET_NAME_SIZE * 2] = "";

    if (ours->kind == SOCKET_INET)
        (void)snprintf(where, sizeof where, "inet:%s@%s", ours->port, ours->host);
    else if (strcmp(ours->path, default_socket) != 0)
        (void)snprintf(where, sizeof where, "local:%s", ours->path);
    finding_expected(finding, "%s%s%sinclude(`/usr/share/mailfrom-milter/return-path.m4')dnl",
                     where[0] == '\0' ? "" : "define(`confRETURN_PATH_SOCKET', `", where,
                     where[0] == '\0' ? "" : "')dnl and ");
    finding_advise(finding, "put that into sendmail.mc");
}

static void tell(const struct check_return *scene, const struct sendmail_return *found)
{
    const char *file = scene->check->sendmail_cf;
    struct finding finding = {.subject = "sendmail"};

    if (found->looks_up && found->checks) {
        finding_found(&finding, "asks mailfrom-milter for return paths");
        check_return_put(scene, FINDING_OK, &finding);
        return;
    }
    advise(scene, &finding);
    if (found->has_rules && found->elsewhere[0] != '\0') {
        finding_found(&finding, "asks for return paths at %s, and mailfrom-milter answers at %s",
                      found->elsewhere, scene->check->settings->return_path.socket);
    } else if (found->looks_up) { /* with FEATURE(`virtusertable') */
        finding_found(&finding, "does not ask the map check, so anyone may write to an unsigned "
                                "return path");
        check_return_put(scene, FINDING_WARNING, &finding);
        return;
    } else {
        finding_found(&finding,
                      "%s does not ask mailfrom-milter for return paths, so bounces do not come "
                      "back",
                      file);
    }
    check_return_put(scene, FINDING_ERROR, &finding);
}

static const char *directory_end(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash == NULL ? path : slash;
}

/* That of the milter's socket has been looked at. */
static bool has_directory_of_its_own(const struct check_return *scene)
{
    struct socket_name milter;
    size_t length = (size_t)(directory_end(scene->ours.path) - scene->ours.path);

    return !socket_name_read(&milter, scene->check->settings->milter.socket) ||
           milter.kind != SOCKET_UNIX ||
           (size_t)(directory_end(milter.path) - milter.path) != length ||
           strncmp(milter.path, scene->ours.path, length) != 0;
}

void check_return_sendmail(const struct check_return *scene)
{
    struct sendmail_return found;
    FILE *file;

    if (scene->ours.kind == SOCKET_DESCRIPTOR)
        return;
    file = fopen(scene->check->sendmail_cf, "re");
    if (file == NULL) /* check_sendmail has told it */
        return;
    sendmail_read_return(&found, file, &scene->ours);
    (void)fclose(file);
    tell(scene, &found);
    if (scene->ours.kind == SOCKET_UNIX && has_directory_of_its_own(scene))
        check_sendmail_directories(scene->check, scene->ours.path);
}
