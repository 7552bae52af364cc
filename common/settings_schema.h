/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The one table of all settings. Reading (settings.c, settings_value.c) and printing
 * (settings_print.c) follow it, and nobody else includes this.
 */
#ifndef COMMON_SETTINGS_SCHEMA_H
#define COMMON_SETTINGS_SCHEMA_H

#include "common/settings.h"

enum setting_type {
    TYPE_TEXT,
    TYPE_PATH,       /* absolute; empty where that is the default */
    TYPE_SOCKET,     /* as libmilter takes it; empty where that is the default */
    TYPE_LISTEN,     /* as common/listen_address.h takes it; may be empty */
    TYPE_DOMAIN,     /* brought into canonical form */
    TYPE_ADDRESS,    /* an email address or a local part; may be empty */
    TYPE_URL,        /* http or https; may be empty */
    TYPE_WORD,       /* one of words, kept as its index */
    TYPE_SWITCH,     /* true or false */
    TYPE_MODE,       /* permission bits in octal */
    TYPE_DURATION,   /* int64_t milliseconds */
    TYPE_NUMBER,     /* int */
    TYPE_RATE,       /* double */
    TYPE_NETWORKS,   /* a list; the only one is that of section milter */
    TYPE_IDENTITIES, /* struct settings_list, in canonical form */
    TYPE_DOMAINS,    /* the same, domains only */
    TYPE_SERVERS,    /* struct settings_list of addresses with or without a port */
    TYPE_PORTS,      /* struct settings_list of numbers of ports */
    TYPE_REJECT_REPLY,
    TYPE_DEFER_REPLY
};

struct setting {
    const char *section; /* NULL at top level */
    const char *name;
    enum setting_type type;
    const char *initial; /* in the syntax of the file; the items of a list with spaces between */
    size_t offset;       /* in the base of the section */
    const char *const *words;
    size_t word_count;
    const char *minimum; /* of a duration, a number or a rate, in the syntax of the file */
    const char *maximum;
    const char *help;
};

extern const struct setting settings_schema[];
extern const size_t settings_schema_count;

struct settings_section {
    const char *name;
    bool repeated;    /* any number of them, told apart by title; else there is one */
    const char *help; /* may be NULL */
};

enum { SETTINGS_COUNT_MAX = 100, SETTINGS_SECTION_COUNT = 5 };
extern const struct settings_section settings_sections[SETTINGS_SECTION_COUNT];

/* Does the setting stand in this section (NULL: at top level)? */
bool setting_is_in(const struct setting *setting, const char *section);

const struct setting *setting_find(const char *section, const char *name);

/* Every setting at its default, without any repeated section; NULL: out of memory. Free with
 * settings_free. */
struct settings *settings_default(void);

/* The section `ses` of that title, made with its defaults if there is none yet. NULL: out of
 * memory. Holds until the next one is made. */
struct settings_ses *settings_ses_of(struct settings *settings, const char *title);

/* Where a value lies. base: struct settings_ses for the settings of section ses, struct settings
 * for all others. */
void *setting_slot(void *base, const struct setting *setting);
const void *setting_value(const void *base, const struct setting *setting);

/* Checks a value and stores it. EX_CONFIG: what is wrong and what is allowed. (settings_value.c) */
bool setting_read_text(void *base, const struct setting *setting, const char *text,
                       struct failure *why);
bool setting_read_list(void *base, const struct setting *setting, const char *const items[],
                       size_t count, struct failure *why);
bool setting_is_list(const struct setting *setting);
bool setting_set_default(void *base, const struct setting *setting, struct failure *why);
void setting_free(void *base, const struct setting *setting);

#endif
