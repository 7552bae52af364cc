/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/section.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

enum { LIST_SIZE = 512 };

const struct settings_ses *section_find(const struct settings *settings, const char *title)
{
    for (size_t i = 0; i < settings->ses_count; i++) {
        if (strcmp(settings->ses[i].title, title) == 0)
            return &settings->ses[i];
    }
    return NULL;
}

const char *section_name(const char *title, char out[SECTION_NAME_SIZE])
{
    (void)snprintf(out, SECTION_NAME_SIZE, title[0] == '\0' ? "ses" : "ses \"%s\"", title);
    return out;
}

static void list_titles(const struct settings *settings, char out[LIST_SIZE])
{
    char name[SECTION_NAME_SIZE];
    size_t used = 0;

    for (size_t i = 0; i < settings->ses_count && used < LIST_SIZE; i++)
        used += (size_t)snprintf(out + used, LIST_SIZE - used, "%s%s", i == 0 ? "" : ", ",
                                 section_name(settings->ses[i].title, name));
}

static bool refuse(const struct settings *settings, const char *wanted, struct failure *why)
{
    char list[LIST_SIZE];

    if (settings->ses_count == 0)
        return failure_set(why, EX_CONFIG,
                           "the settings have no section `ses', so no AWS account is known");
    list_titles(settings, list);
    if (wanted != NULL)
        return failure_set(why, EX_CONFIG, "no section %.64s; there are %s", wanted, list);
    return failure_set(why, EX_CONFIG, "which section? Choose one with --section TITLE: %s", list);
}

/* The section that the record names, if the settings still have it. */
static const struct settings_ses *find_origin(const struct settings *settings,
                                              const struct mail_from *record)
{
    if (record == NULL || record->source != MAIL_FROM_SES)
        return NULL;
    return section_find(settings, record->section);
}

bool section_choose(const struct settings_ses **section, const struct settings *settings,
                    const struct mail_from *record, const char *wanted, struct failure *why)
{
    const struct settings_ses *origin = find_origin(settings, record);
    const struct settings_ses *named = wanted != NULL ? section_find(settings, wanted) : NULL;
    char name[SECTION_NAME_SIZE];

    if (wanted != NULL && named == NULL)
        return refuse(settings, wanted, why);
    if (origin != NULL && named != NULL && origin != named)
        return failure_set(why, EX_USAGE, "the identity comes from the section %s",
                           section_name(origin->title, name));
    *section = origin != NULL ? origin : named;
    if (*section != NULL)
        return true;
    *section = settings->ses;
    return settings->ses_count == 1 || refuse(settings, NULL, why);
}
