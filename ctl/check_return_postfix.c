/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Does Postfix ask mailfrom-milter for return paths? Its smtpd asks before it accepts one, its
 * trivial-rewrite whether it takes the domain at all, its cleanup where the mail goes.
 */
#include "ctl/return_lead.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "ctl/permission.h"
#include "ctl/restrictions.h"

/* --- virtual_alias_maps --- */

static void check_alias_maps(struct return_lead *scene, const struct postfix_service *service)
{
    static const char parameter[] = "virtual_alias_maps";
    const char *value = postfix_value(&scene->postfix, service, parameter);
    struct postfix_map astray;

    switch (return_lead_of(scene, service, value, return_lead_return, &astray)) {
    case LEADS_HERE:
        break;
    case LEADS_ASTRAY:
        return_lead_tell_astray(scene, service, parameter, return_lead_return, &astray);
        break;
    case LEADS_ELSEWHERE:
        return_lead_tell_missing(scene, service, parameter, return_lead_return,
                                 "bounces do not come back", FINDING_ERROR);
        break;
    }
}

/* --- who maps the addresses --- */

static bool maps_are_off(const struct return_lead *scene, const struct postfix_service *service)
{
    return restrictions_have(postfix_value(&scene->postfix, service, "receive_override_options"),
                             "no_address_mappings");
}

/* The cleanup of a service that receives mail. */
static const struct postfix_service *cleanup_of(const struct return_lead *scene,
                                                const struct postfix_service *service)
{
    char name[RETURN_LEAD_SUBJECT_SIZE];

    (void)snprintf(name, sizeof name, "%s/unix",
                   postfix_value(&scene->postfix, service, "cleanup_service_name"));
    return postfix_service(&scene->postfix, name);
}

static bool maps_addresses(const struct return_lead *scene, const struct postfix_service *service)
{
    const struct postfix_service *cleanup = cleanup_of(scene, service);
    struct postfix_map ignored;

    return !maps_are_off(scene, service) &&
           return_lead_of(scene, cleanup,
                          postfix_value(&scene->postfix, cleanup, "virtual_alias_maps"),
                          return_lead_return, &ignored) == LEADS_HERE;
}

static bool has_filter(const struct return_lead *scene, const struct postfix_service *service)
{
    return *postfix_value(&scene->postfix, service, "content_filter") != '\0' ||
           *postfix_value(&scene->postfix, service, "smtpd_proxy_filter") != '\0';
}

/* Does mail that goes through the content filter come back to a service that maps? */
static bool other_side_maps(const struct return_lead *scene, const struct postfix_service *service)
{
    for (size_t i = 0; i < scene->postfix.count; i++) {
        const struct postfix_service *other = &scene->postfix.services[i];
        bool receives =
            strcmp(other->command, "smtpd") == 0 || strcmp(other->command, "pickup") == 0;
        if (receives && other != service && !has_filter(scene, other) &&
            maps_addresses(scene, other))
            return true;
    }
    return false;
}

static void check_mapping(struct return_lead *scene, const struct postfix_service *service)
{
    static const char parameter[] = "receive_override_options";
    static const char *const these[] = {"mapping", NULL};
    const struct postfix_service *cleanup = cleanup_of(scene, service);
    struct finding finding = {0};
    char subject[RETURN_LEAD_SUBJECT_SIZE];

    if (!maps_are_off(scene, service)) {
        if (cleanup != NULL && !maps_addresses(scene, service) &&
            !(has_filter(scene, service) && other_side_maps(scene, service)))
            check_alias_maps(scene, cleanup);
        return;
    }
    if ((has_filter(scene, service) && other_side_maps(scene, service)) ||
        !return_lead_is_news(scene, service, parameter, these))
        return;
    finding.subject = return_lead_subject(scene, service, parameter, subject);
    finding_found(&finding, "%s has no_address_mappings, and %s, so bounces do not come back",
                  parameter,
                  has_filter(scene, service)
                      ? "no service behind the content filter maps either"
                      : "there is no content filter with a service behind it that maps");
    finding_advise(&finding, "take no_address_mappings away on one side of the content filter");
    return_lead_put(scene, FINDING_ERROR, &finding);
}

/* --- who may connect --- */

static void check_access(struct return_lead *scene)
{
    struct finding finding = {.subject = "postfix"};
    struct permission_user user;
    struct failure why;

    if (scene->shared->ours.kind != SOCKET_UNIX ||
        !permission_user_read(&user, scene->postfix.mail_owner, &why) ||
        permission_holds(&user, scene->shared->ours.path, MAY_WRITE, &why) ||
        why.exit_code != EX_NOPERM)
        return;
    finding_found(&finding, "its user %s may not connect to the socket of return paths: %s",
                  user.name, why.text);
    finding_advise(&finding,
                   "set socket-group = \"%s\" and socket-mode = \"0660\" in section return-path, "
                   "or open the directory to that user",
                   user.name);
    return_lead_put(scene, FINDING_ERROR, &finding);
}

/* --- all of it --- */

static void check_services(struct return_lead *scene)
{
    struct finding finding = {.subject = "postfix"};
    const struct postfix_service *cleanup = postfix_service(&scene->postfix, "cleanup/unix");

    for (size_t i = 0; i < scene->postfix.count; i++) {
        const struct postfix_service *service = &scene->postfix.services[i];
        if (strcmp(service->command, "smtpd") != 0 || !check_return_takes_bounces(scene, service))
            continue;
        check_alias_maps(scene, service);
        check_mapping(scene, service);
        check_return_smtpd(scene, service);
    }
    if (cleanup != NULL) /* Postfix's own bounces come from there */
        check_alias_maps(scene, cleanup);
    check_return_domains(scene);
    if (scene->class_is_needed)
        check_return_class(scene);
    if (scene->wrong > 0)
        return;
    finding_found(&finding, "asks mailfrom-milter for return paths");
    return_lead_put(scene, FINDING_OK, &finding);
}

void check_return_postfix(const struct check_return *shared)
{
    struct return_lead scene = {.shared = shared};
    struct failure ignored; /* check_postfix has told it */

    if (shared->ours.kind != SOCKET_DESCRIPTOR &&
        postfix_read(&scene.postfix, shared->check->postfix_config, &ignored)) {
        postfix_classes_init(&scene.classes, &scene.postfix, &shared->ours);
        check_access(&scene);
        check_services(&scene);
        postfix_classes_reset(&scene.classes);
    }
    postfix_reset(&scene.postfix);
}
