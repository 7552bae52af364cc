/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Which domains Postfix takes: MAIL FROM domains have to be virtual alias domains, and nothing
 * else.
 */
#include "ctl/return_lead.h"

#include <stdio.h>
#include <string.h>

static const char *count_more(size_t count, char out[64])
{
    out[0] = '\0';
    if (count > 1)
        (void)snprintf(out, 64, " and %zu more", count - 1);
    return out;
}

/* The first of the domains that are in a class, or are not; their number in *count. */
static const char *find_domain(struct return_lead *scene, enum postfix_class class,
                               enum match match, size_t *count)
{
    const struct domain_list *domains = &scene->shared->domains;
    const char *first = NULL;

    *count = 0;
    for (size_t i = 0; i < domains->count; i++) {
        if (postfix_class_has(&scene->classes, class, domains->names[i]) != match)
            continue;
        if (first == NULL)
            first = domains->names[i];
        ++*count;
    }
    return first;
}

/* Another class takes one of them: Postfix then has two opinions. */
static bool check_class_of(struct return_lead *scene, enum postfix_class class)
{
    struct finding finding = {.subject = "postfix"};
    const char *parameter = postfix_class_parameters[class];
    char more[64];
    size_t count;
    const char *first = find_domain(scene, class, MATCH_YES, &count);

    if (first == NULL)
        return false;
    finding_found(&finding,
                  "%s has the MAIL FROM domain %s%s too, so recipients there that are not return "
                  "paths may be accepted",
                  parameter, first, count_more(count, more));
    finding_expected(&finding, "it in virtual_alias_domains only");
    finding_advise(&finding, "take it out of %s", parameter);
    return_lead_put(scene, FINDING_WARNING, &finding);
    return true;
}

/* trivial-rewrite, which decides where a domain belongs. */
static const struct postfix_service *find_rewrite(const struct return_lead *scene)
{
    return postfix_service(&scene->postfix, "rewrite/unix");
}

/* By its default it is $virtual_alias_maps, and then what is wrong has been said of these. */
static bool is_default(const struct return_lead *scene)
{
    return strcmp(postfix_value(&scene->postfix, NULL, "virtual_alias_domains"),
                  postfix_value(&scene->postfix, NULL, "virtual_alias_maps")) == 0;
}

static void check_alias_domains(struct return_lead *scene, bool is_taken_elsewhere)
{
    static const char parameter[] = "virtual_alias_domains";
    const struct postfix_service *rewrite = find_rewrite(scene);
    char consequence[RETURN_LEAD_LINE_SIZE];
    struct postfix_map astray;
    const char *first;
    char more[64];
    size_t count;

    switch (return_lead_of(scene, rewrite, postfix_value(&scene->postfix, NULL, parameter),
                           return_lead_domain, &astray)) {
    case LEADS_HERE:
        return;
    case LEADS_ASTRAY:
        if (!is_default(scene) || !return_lead_was_told(scene, return_lead_return))
            return_lead_tell_astray(scene, rewrite, parameter, return_lead_domain, &astray);
        return;
    case LEADS_ELSEWHERE:
        break;
    }
    if (is_default(scene) || is_taken_elsewhere)
        return;
    first = find_domain(scene, CLASS_ALIAS, MATCH_NO, &count);
    if (first == NULL && scene->shared->domains.count > 0)
        return;
    (void)snprintf(consequence, sizeof consequence, "mail for %s%s is refused",
                   first == NULL ? "MAIL FROM domains" : first, count_more(count, more));
    return_lead_tell_missing(scene, rewrite, parameter, return_lead_domain, consequence,
                             FINDING_ERROR);
}

void check_return_domains(struct return_lead *scene)
{
    struct finding finding = {.subject = "postfix"};
    bool is_taken = check_class_of(scene, CLASS_LOCAL);

    is_taken = check_class_of(scene, CLASS_MAILBOX) || is_taken;
    is_taken = check_class_of(scene, CLASS_RELAY) || is_taken;
    check_alias_domains(scene, is_taken);
    if (scene->classes.why.text[0] == '\0')
        return;
    finding_found(&finding, "which domains it takes is not known for certain: %s",
                  scene->classes.why.text);
    finding_advise(&finding, "see that table, or run this as root");
    return_lead_put(scene, FINDING_WARNING, &finding);
}
