/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The only includer of confuse.h. libconfuse reads the syntax; each value is checked while its line
 * is known, and taken over when the whole file is.
 */
#include "common/identity.h"
#include "common/reply.h"
#include "common/settings_schema.h"
#include "common/word.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

#include <confuse.h>

enum {
    FILE_SIZE_MAX = 1 << 20,
    TEXT_MAX = 1024,
    OPTIONS_MAX = SETTINGS_COUNT_MAX + SETTINGS_SECTION_COUNT + 2
};

/* --- one value --- */

static bool read_mode(int *mode, const char *text, struct failure *why)
{
    char *end;
    unsigned long value = strtoul(text, &end, 8);

    *mode = (int)value;
    return (text[0] == '0' && *end == '\0' && value <= 0777) ||
           failure_set(why, EX_CONFIG, "a mode is octal, 0000 to 0777, as in \"0660\"");
}

static bool read_word(int *index, const struct setting *setting, const char *text,
                      struct failure *why)
{
    char choice[200];

    *index = word_find(setting->words, setting->word_count, text);
    if (*index >= 0)
        return true;
    word_choice(setting->words, setting->word_count, choice, sizeof choice);
    return failure_set(why, EX_CONFIG, "\"%.100s\" is not one of %s", text, choice);
}

/* Of a socket's text, what comes after the prefix; NULL if it has another. */
static const char *after(const char *text, const char *prefix)
{
    size_t length = strlen(prefix);
    return strncmp(text, prefix, length) == 0 ? text + length : NULL;
}

/* libmilter would read the port 25x as 25. */
static bool is_number(const char *text, unsigned long max, char end)
{
    char *rest;
    unsigned long value = strtoul(text, &rest, 10);

    return text[0] >= '0' && text[0] <= '9' && value <= max &&
           (*rest == '\0' || (*rest == end && rest[1] != '\0'));
}

static bool check_socket(const char *text, struct failure *why)
{
    const char *rest;

    if ((rest = after(text, "unix:")) != NULL || (rest = after(text, "local:")) != NULL ||
        text[0] == '/') {
        rest = rest == NULL ? text : rest;
        if (rest[0] == '/' && rest[1] != '\0')
            return true;
    } else if ((rest = after(text, "inet:")) != NULL || (rest = after(text, "inet6:")) != NULL) {
        if (is_number(rest, 65535, '@'))
            return true;
    } else if ((rest = after(text, "fd:")) != NULL && is_number(rest, 1023, '\0')) {
        return true;
    }
    return failure_set(why, EX_CONFIG,
                       "a socket is unix:/path, local:/path, inet:port@host, inet6:port@host or "
                       "fd:number");
}

static bool set_text(char **slot, const char *text, struct failure *why)
{
    free(*slot);
    *slot = strdup(text);
    return *slot != NULL || failure_set(why, EX_OSERR, "out of memory");
}

static bool set_domain(char **slot, const char *text, struct failure *why)
{
    char domain[IDENTITY_DOMAIN_MAX + 1] = "";

    if (*text != '\0' && !identity_parse_domain(domain, text, strlen(text), why))
        return false;
    return set_text(slot, domain, why);
}

/* Checks one text value and stores it. */
static bool set_value(struct settings *settings, const struct setting *setting, const char *text,
                      struct failure *why)
{
    void *slot = setting_slot(settings, setting);

    if (strlen(text) > TEXT_MAX)
        return failure_set(why, EX_CONFIG, "at most %d octets", TEXT_MAX);
    switch (setting->type) {
    case TYPE_TEXT:
        return set_text(slot, text, why);
    case TYPE_PATH:
        if (text[0] != '/')
            return failure_set(why, EX_CONFIG, "an absolute path is needed, not \"%.100s\"", text);
        return set_text(slot, text, why);
    case TYPE_SOCKET:
        return check_socket(text, why) && set_text(slot, text, why);
    case TYPE_DOMAIN:
        return set_domain(slot, text, why);
    case TYPE_WORD:
        return read_word(slot, setting, text, why);
    case TYPE_MODE:
        return read_mode(slot, text, why);
    case TYPE_REJECT_REPLY:
        return reply_check(text, '5', why) && set_text(slot, text, why);
    case TYPE_DEFER_REPLY:
        return reply_check(text, '4', why) && set_text(slot, text, why);
    case TYPE_SWITCH:
    case TYPE_NETWORKS:
        break; /* read_option knows them by their own libconfuse types */
    }
    return true;
}

static bool set_networks(struct settings *settings, cfg_opt_t *option, struct failure *why)
{
    unsigned count = cfg_opt_size(option);

    if (count > SETTINGS_NETWORKS_MAX)
        return failure_set(why, EX_CONFIG, "at most %d networks", SETTINGS_NETWORKS_MAX);
    for (unsigned i = 0; i < count; i++) {
        if (!network_parse(&settings->milter.outbound_networks[i], cfg_opt_getnstr(option, i), why))
            return false;
    }
    settings->milter.outbound_networks_count = count;
    return true;
}

static bool read_option(struct settings *settings, const struct setting *setting, cfg_opt_t *option,
                        struct failure *why)
{
    const char *text;

    switch (setting->type) {
    case TYPE_SWITCH:
        *(bool *)setting_slot(settings, setting) = cfg_opt_getnbool(option, 0);
        return true;
    case TYPE_NETWORKS:
        return set_networks(settings, option, why);
    case TYPE_TEXT:
    case TYPE_PATH:
    case TYPE_SOCKET:
    case TYPE_DOMAIN:
    case TYPE_WORD:
    case TYPE_MODE:
    case TYPE_REJECT_REPLY:
    case TYPE_DEFER_REPLY:
        break;
    }
    text = cfg_opt_getnstr(option, 0);
    return set_value(settings, setting, text == NULL ? "" : text, why);
}

/* --- the file --- */

/* libconfuse's callbacks carry no context; settings are read by one thread at a time. */
static struct failure *complaint;
static struct settings *draft;
static const char *draft_name;
static int draft_lines;

/* libconfuse takes the end of the file for the end of a section. This line, put after the last one,
 * is out of place in any: a file that was cut short does not pass. */
static const char last_line[] = "\nend-of-settings = true\n";
static const char last_name[] = "end-of-settings";

static void list_names(const char *section, char *out, size_t size)
{
    size_t used = 0;

    out[0] = '\0';
    for (size_t i = 0; i < settings_schema_count && used < size; i++) {
        if (setting_is_in(&settings_schema[i], section))
            used += (size_t)snprintf(out + used, size - used, "%s%s", used == 0 ? "" : ", ",
                                     settings_schema[i].name);
    }
    for (size_t i = 0; section == NULL && i < SETTINGS_SECTION_COUNT && used < size; i++)
        used += (size_t)snprintf(out + used, size - used, ", %s {..}", settings_sections[i]);
}

/* The section that libconfuse is in: its name, or NULL for the top level. */
static const char *section_of(cfg_t *cfg)
{
    const char *name = cfg_name(cfg);
    return name == NULL || strcmp(name, "root") == 0 ? NULL : name;
}

__attribute__((format(printf, 2, 0))) static void on_error(cfg_t *cfg, const char *format,
                                                           va_list arguments)
{
    static const char no_option[] = "no such option";
    char text[TEXT_MAX / 2];
    char names[TEXT_MAX / 2];

    if (complaint->text[0] != '\0' || format == NULL)
        return; /* the first error is the one that counts */
    (void)vsnprintf(text, sizeof text, format, arguments);
    if (cfg->line > draft_lines) {
        (void)failure_set(complaint, EX_CONFIG, "%s:%d: the file ends %s", draft_name, draft_lines,
                          strncmp(format, no_option, strlen(no_option)) == 0
                              ? "inside of a section: } is missing"
                              : "where a value should stand");
    } else if (strncmp(format, no_option, strlen(no_option)) == 0) {
        list_names(section_of(cfg), names, sizeof names);
        (void)failure_set(complaint, EX_CONFIG, "%s:%d: %s; there are %s", draft_name, cfg->line,
                          text, names);
    } else {
        (void)failure_set(complaint, EX_CONFIG, "%s:%d: %s", draft_name, cfg->line, text);
    }
}

/* Called when the value has been read, while the line is known. */
static int on_value(cfg_t *cfg, cfg_opt_t *option)
{
    const struct setting *setting = setting_find(section_of(cfg), cfg_opt_name(option));
    struct failure why;

    if (setting == NULL || read_option(draft, setting, option, &why))
        return 0;
    cfg_error(cfg, "%s: %s", setting->name, why.text);
    return -1;
}

static cfg_opt_t option_of(const struct setting *setting)
{
    cfg_opt_t text = CFG_STR(setting->name, setting->initial, CFGF_NONE);
    cfg_opt_t list = CFG_STR_LIST(setting->name, NULL, CFGF_NODEFAULT);
    cfg_opt_t toggle = CFG_BOOL(setting->name, cfg_true, CFGF_NONE);

    toggle.def.boolean = strcmp(setting->initial, "true") == 0 ? cfg_true : cfg_false;
    return setting->type == TYPE_NETWORKS ? list : setting->type == TYPE_SWITCH ? toggle : text;
}

static void fill_options(cfg_opt_t options[OPTIONS_MAX], const char *section, cfg_opt_t *sections)
{
    cfg_opt_t last = CFG_BOOL(last_name, cfg_false, CFGF_NONE);
    cfg_opt_t end = CFG_END();
    size_t used = 0;

    for (size_t i = 0; i < settings_schema_count; i++) {
        if (setting_is_in(&settings_schema[i], section))
            options[used++] = option_of(&settings_schema[i]);
    }
    for (size_t i = 0; sections != NULL && i < SETTINGS_SECTION_COUNT; i++)
        options[used++] = sections[i];
    if (sections != NULL)
        options[used++] = last;
    options[used] = end;
}

static cfg_t *make_parser(void)
{
    static cfg_opt_t section_options[SETTINGS_SECTION_COUNT][OPTIONS_MAX];
    static cfg_opt_t options[OPTIONS_MAX];
    cfg_opt_t sections[SETTINGS_SECTION_COUNT];
    char path[100];
    cfg_t *cfg;

    for (size_t i = 0; i < SETTINGS_SECTION_COUNT; i++) {
        cfg_opt_t section = CFG_SEC(settings_sections[i], section_options[i], CFGF_NONE);
        fill_options(section_options[i], settings_sections[i], NULL);
        sections[i] = section;
    }
    fill_options(options, NULL, sections);
    cfg = cfg_init(options, CFGF_NONE);
    if (cfg == NULL)
        return NULL;
    (void)cfg_set_error_function(cfg, on_error);
    for (size_t i = 0; i < settings_schema_count; i++) {
        (void)snprintf(path, sizeof path, "%s%s%s",
                       settings_schema[i].section == NULL ? "" : settings_schema[i].section,
                       settings_schema[i].section == NULL ? "" : "|", settings_schema[i].name);
        (void)cfg_set_validate_func(cfg, path, on_value);
    }
    return cfg;
}

static bool set_defaults(struct settings *settings, struct failure *why)
{
    static const struct network loopback[] = {
        {{[10] = 0xff, [11] = 0xff, [12] = 127}, 104},
        {{[15] = 1}, 128},
    };

    memcpy(settings->milter.outbound_networks, loopback, sizeof loopback);
    settings->milter.outbound_networks_count = 2;
    for (size_t i = 0; i < settings_schema_count; i++) {
        if (settings_schema[i].type == TYPE_SWITCH)
            *(bool *)setting_slot(settings, &settings_schema[i]) =
                strcmp(settings_schema[i].initial, "true") == 0;
        else if (!set_value(settings, &settings_schema[i], settings_schema[i].initial, why))
            return false;
    }
    return true;
}

/* Of the file, without the last line that was put behind it. */
static int count_lines(const char *text)
{
    const char *end = text + strlen(text) - strlen(last_line);
    int lines = end > text && end[-1] != '\n' ? 1 : 0;

    for (; text < end; text++)
        lines += *text == '\n';
    return lines;
}

static bool parse(struct settings *settings, const char *text, const char *name,
                  struct failure *why)
{
    cfg_t *cfg;
    int result;

    complaint = why;
    draft = settings;
    draft_name = name;
    draft_lines = count_lines(text);
    why->text[0] = '\0';
    cfg = make_parser();
    if (cfg == NULL)
        return failure_set(why, EX_OSERR, "out of memory");
    result = cfg_parse_buf(cfg, text);
    if (result == CFG_SUCCESS && !cfg_getbool(cfg, last_name)) {
        (void)failure_set(why, EX_CONFIG, "%s:%d: the file ends inside of a comment", name,
                          draft_lines);
        result = CFG_PARSE_ERROR;
    }
    (void)cfg_free(cfg);
    if (result == CFG_SUCCESS)
        return true;
    return why->text[0] != '\0' ? false : failure_set(why, EX_CONFIG, "%s: syntax error", name);
}

/* The whole file with the last line after it; to be freed. */
static char *read_text(FILE *in, const char *name, struct failure *why)
{
    char *text = malloc(FILE_SIZE_MAX + sizeof last_line);
    size_t length = text == NULL ? 0 : fread(text, 1, FILE_SIZE_MAX, in);

    if (text == NULL) {
        (void)failure_set(why, EX_OSERR, "out of memory");
    } else if (ferror(in) || !feof(in)) {
        (void)failure_set(why, EX_CONFIG, "%s: not a file of settings (%d octets at most)", name,
                          FILE_SIZE_MAX - 1);
    } else if (memchr(text, '\0', length) != NULL) {
        (void)failure_set(why, EX_CONFIG, "%s: a file of settings holds no NUL octets", name);
    } else {
        memcpy(text + length, last_line, sizeof last_line);
        return text;
    }
    free(text);
    return NULL;
}

bool settings_read(struct settings **settings, const char *file, struct failure *why)
{
    FILE *in = fopen(file, "re");
    bool worked;

    *settings = NULL;
    if (in == NULL)
        return failure_set(why, EX_CONFIG, "%s: %s", file, strerror(errno));
    worked = settings_parse(settings, in, file, why);
    (void)fclose(in);
    return worked;
}

struct settings *settings_default(void)
{
    struct settings *settings = calloc(1, sizeof *settings);
    struct failure why;

    if (settings != NULL && !set_defaults(settings, &why)) {
        settings_free(settings);
        settings = NULL;
    }
    return settings;
}

bool settings_parse(struct settings **settings, FILE *in, const char *name, struct failure *why)
{
    char *text = read_text(in, name, why);
    bool worked = false;

    *settings = text == NULL ? NULL : settings_default();
    if (*settings != NULL)
        worked = parse(*settings, text, name, why);
    else if (text != NULL)
        (void)failure_set(why, EX_OSERR, "out of memory");
    free(text);
    if (!worked) {
        settings_free(*settings);
        *settings = NULL;
    }
    return worked;
}

static bool is_allocated(enum setting_type type)
{
    return type != TYPE_WORD && type != TYPE_SWITCH && type != TYPE_MODE && type != TYPE_NETWORKS;
}

void settings_free(struct settings *settings)
{
    for (size_t i = 0; settings != NULL && i < settings_schema_count; i++) {
        if (is_allocated(settings_schema[i].type))
            free(*(char **)setting_slot(settings, &settings_schema[i]));
    }
    free(settings);
}
