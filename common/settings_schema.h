/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The one table of all settings. Reading (settings.c) and printing (settings_print.c) follow it,
 * and nobody else includes this.
 */
#ifndef COMMON_SETTINGS_SCHEMA_H
#define COMMON_SETTINGS_SCHEMA_H

#include "common/settings.h"

enum setting_type {
    TYPE_TEXT,
    TYPE_PATH,     /* absolute */
    TYPE_SOCKET,   /* as libmilter takes it */
    TYPE_DOMAIN,   /* brought into canonical form */
    TYPE_WORD,     /* one of words, kept as its index */
    TYPE_SWITCH,   /* true or false */
    TYPE_MODE,     /* permission bits in octal */
    TYPE_NETWORKS, /* a list */
    TYPE_REJECT_REPLY,
    TYPE_DEFER_REPLY
};

struct setting {
    const char *section; /* NULL at top level */
    const char *name;
    enum setting_type type;
    const char *initial; /* in the syntax of the file */
    size_t offset;       /* in struct settings */
    const char *const *words;
    size_t word_count;
    const char *help;
};

extern const struct setting settings_schema[];
extern const size_t settings_schema_count;

enum { SETTINGS_COUNT_MAX = 100, SETTINGS_SECTION_COUNT = 1 };
extern const char *const settings_sections[SETTINGS_SECTION_COUNT];

/* Does the setting stand in this section (NULL: at top level)? */
bool setting_is_in(const struct setting *setting, const char *section);

const struct setting *setting_find(const char *section, const char *name);

/* Every setting at its default; NULL: out of memory. Free with settings_free. */
struct settings *settings_default(void);

/* Where the value of a setting lies. */
void *setting_slot(struct settings *settings, const struct setting *setting);

#endif
