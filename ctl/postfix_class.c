/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/postfix_class.h"

#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include "ctl/deadline.h"
#include "ctl/postconf.h"
#include "ctl/restrictions.h"

const char *const postfix_class_parameters[POSTFIX_CLASS_COUNT] = {
    [CLASS_LOCAL] = "mydestination",
    [CLASS_ALIAS] = "virtual_alias_domains",
    [CLASS_MAILBOX] = "virtual_mailbox_domains",
    [CLASS_RELAY] = "relay_domains",
};

void postfix_classes_init(struct postfix_classes *classes, const struct postfix *postfix,
                          const struct socket_name *ours)
{
    *classes = (struct postfix_classes){
        .postfix = postfix, .ours = ours, .deadline = deadline_in(POSTFIX_CLASS_TIMEOUT)};
}

void postfix_classes_reset(struct postfix_classes *classes)
{
    for (size_t i = 0; i < classes->failed_count; i++)
        free(classes->failed[i]);
    classes->failed_count = 0;
}

/* One that fails may take its time each time. */
static enum match give_up(struct postfix_classes *classes, const char *table)
{
    char *copy = classes->failed_count < POSTFIX_FAILED_MAX ? strdup(table) : NULL;

    if (copy != NULL)
        classes->failed[classes->failed_count++] = copy;
    return MATCH_UNKNOWN;
}

static bool was_given_up(const struct postfix_classes *classes, const char *table)
{
    for (size_t i = 0; i < classes->failed_count; i++) {
        if (strcmp(classes->failed[i], table) == 0)
            return true;
    }
    return false;
}

/* mailfrom-milter knows all MAIL FROM domains, whether it runs now or not. */
static bool is_ours(const struct postfix_classes *classes, const char *table)
{
    const struct postfix_service *nowhere = &(struct postfix_service){.chrooted = false};
    struct postfix_map map;

    if (classes->ours == NULL || !postfix_next_map(&table, &map))
        return false;
    postfix_resolve(classes->postfix, nowhere, &map.socket);
    return socket_name_leads_to(classes->ours, &map.socket);
}

static enum match look_up(void *context, const char *table, const char *key)
{
    struct postfix_classes *classes = context;
    const struct postfix *postfix = classes->postfix;
    struct failure why;

    if (is_ours(classes, table))
        return MATCH_YES;
    if (was_given_up(classes, table))
        return MATCH_UNKNOWN;
    if (deadline_left(classes->deadline) == 0) {
        if (classes->why.text[0] == '\0')
            (void)failure_set(&classes->why, EX_TEMPFAIL, "postmap takes too long");
        return MATCH_UNKNOWN;
    }
    switch (postconf_look_up(postfix->directory, postfix->queue_directory, table, key, &why)) {
    case POSTCONF_YES:
        return MATCH_YES;
    case POSTCONF_NO:
        return MATCH_NO;
    case POSTCONF_FAILED:
        break;
    }
    if (classes->why.text[0] == '\0')
        classes->why = why;
    return give_up(classes, table);
}

enum match postfix_class_has(struct postfix_classes *classes, enum postfix_class class,
                             const char *domain)
{
    const struct match_tables tables = {look_up, classes};
    const char *parameter = postfix_class_parameters[class];
    const char *parents = postfix_value(classes->postfix, NULL, "parent_domain_matches_subdomains");
    enum match_style style = MATCH_NAMES;

    if (class == CLASS_RELAY) /* the others are lists of names, not of domains */
        style = restrictions_have(parents, parameter) ? MATCH_SUBDOMAINS : MATCH_DOTTED;

    return match_list_has(postfix_value(classes->postfix, NULL, parameter), domain, style, &tables);
}
