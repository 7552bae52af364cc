/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * What Postfix's smtpd does about recipients: who may write to a return path, and what becomes of
 * one that there is not.
 */
#include "ctl/return_lead.h"

#include <stdio.h>
#include <string.h>

#include "ctl/restrictions.h"

static const char class_name[] = "mailfrom_bounces_only";

struct sought {
    const struct return_lead *scene;
    const struct postfix_service *service;
};

static bool is_check_map(void *context, const struct postfix_map *map)
{
    const struct sought *sought = context;

    return return_lead_of_map(sought->scene, sought->service, return_lead_check, map) == LEADS_HERE;
}

static const char *const restriction_lists[] = {
    "smtpd_recipient_restrictions", "smtpd_relay_restrictions", "smtpd_sender_restrictions",
    "smtpd_helo_restrictions", "smtpd_client_restrictions"};
enum { LIST_COUNT = sizeof restriction_lists / sizeof *restriction_lists };

static void tell_late(struct return_lead *scene, const struct postfix_service *service,
                      const char *parameter, const char *permit)
{
    struct finding finding = {0};
    char subject[RETURN_LEAD_SUBJECT_SIZE];

    if (!return_lead_is_news(scene, service, parameter, return_lead_check))
        return;
    finding.subject = return_lead_subject(scene, service, parameter, subject);
    finding_found(&finding,
                  "%s has %s before the map check, so whoever that lets in is not checked",
                  parameter, permit);
    finding_advise(&finding, "put check_recipient_access with the map check first");
    return_lead_put(scene, FINDING_WARNING, &finding);
}

static void check_restriction(struct return_lead *scene, const struct postfix_service *service)
{
    bool bounces_only = scene->shared->check->settings->return_path.accept_from == ACCEPT_FROM_NULL;
    struct sought sought = {scene, service};
    struct restriction found;
    struct postfix_map astray;

    for (int i = 0; i < LIST_COUNT; i++) {
        const char *list = postfix_value(&scene->postfix, service, restriction_lists[i]);
        if (!restrictions_find(list, "check_recipient_access", is_check_map, &sought, &found))
            continue;
        scene->class_is_needed = true;
        if (found.permit[0] != '\0')
            tell_late(scene, service, restriction_lists[i], found.permit);
        return;
    }
    for (int i = 0; i < LIST_COUNT; i++) {
        const char *list = postfix_value(&scene->postfix, service, restriction_lists[i]);
        if (return_lead_of(scene, service, list, return_lead_check, &astray) != LEADS_ASTRAY)
            continue;
        return_lead_tell_astray(scene, service, restriction_lists[i], return_lead_check, &astray);
        return;
    }
    return_lead_tell_missing(scene, service, restriction_lists[0], return_lead_check,
                             bounces_only ? "accept-from = \"null\" is not enforced"
                                          : "anyone may write to an unsigned return path",
                             bounces_only ? FINDING_ERROR : FINDING_WARNING);
}

/* What the map check answers for an unsigned return path is the name of this class. */
void check_return_class(struct return_lead *scene)
{
    const char *classes = postfix_value(&scene->postfix, NULL, "smtpd_restriction_classes");
    const char *value = postfix_value(&scene->postfix, NULL, class_name);
    const char *null_key = postfix_value(&scene->postfix, NULL, "smtpd_null_access_lookup_key");
    struct finding finding = {.subject = "postfix"};
    char expected[RETURN_LEAD_LINE_SIZE];

    (void)snprintf(expected, sizeof expected, "check_sender_access inline:{%s=OK}, reject",
                   null_key);
    if (!restrictions_have(classes, class_name)) {
        finding_found(&finding,
                      "smtpd_restriction_classes does not have %s, so bounces to unsigned return "
                      "paths are deferred",
                      class_name);
        finding_expected(&finding, "smtpd_restriction_classes = %s%s%s and %s = %s", classes,
                         *classes == '\0' ? "" : ", ", class_name, class_name, expected);
        finding_advise(&finding, "put both into main.cf");
        return_lead_put(scene, FINDING_ERROR, &finding);
    } else if (!restrictions_equal(value, expected)) {
        finding_found(&finding, "%s is %s%s%s", class_name, *value == '\0' ? "empty" : "\"", value,
                      *value == '\0' ? "" : "\"");
        finding_expected(&finding, "%s", expected);
        finding_advise(&finding, "put that into main.cf");
        return_lead_put(scene, FINDING_WARNING, &finding);
    }
}

/* --- recipients that there are not --- */

static void check_unlisted(struct return_lead *scene, const struct postfix_service *service)
{
    static const char parameter[] = "smtpd_reject_unlisted_recipient";
    static const char *const these[] = {"unlisted", NULL};
    struct finding finding = {0};
    char subject[RETURN_LEAD_SUBJECT_SIZE];

    if (strcmp(postfix_value(&scene->postfix, service, parameter), "no") != 0)
        return;
    for (int i = 0; i < LIST_COUNT; i++) {
        if (restrictions_have(postfix_value(&scene->postfix, service, restriction_lists[i]),
                              "reject_unlisted_recipient"))
            return;
    }
    if (!return_lead_is_news(scene, service, parameter, these))
        return;
    finding.subject = return_lead_subject(scene, service, parameter, subject);
    finding_found(&finding, "%s = no, so forged return paths are accepted, and bounce later",
                  parameter);
    finding_expected(&finding, "yes");
    finding_advise(&finding, "or put reject_unlisted_recipient into %s", restriction_lists[0]);
    return_lead_put(scene, FINDING_WARNING, &finding);
}

/* --- all of it --- */

bool check_return_takes_bounces(const struct return_lead *scene,
                                const struct postfix_service *service)
{
    for (int i = 0; i < LIST_COUNT; i++) {
        if (restrictions_are_closed(postfix_value(&scene->postfix, service, restriction_lists[i])))
            return false;
    }
    return true;
}

void check_return_smtpd(struct return_lead *scene, const struct postfix_service *service)
{
    check_restriction(scene, service);
    check_unlisted(scene, service);
}
