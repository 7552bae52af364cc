/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The only includer of confuse.h. libconfuse reads the syntax; each value is checked while its line
 * is known, and taken over when the whole file is.
 */
#include "common/listen_address.h"
#include "common/nearest.h"
#include "common/settings_schema.h"
#include "common/settings_text.h"

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

/* --- one option --- */

static bool read_list(void *base, const struct setting *setting, cfg_opt_t *option,
                      struct failure *why)
{
    size_t count = cfg_opt_size(option);
    const char **items = calloc(count + 1, sizeof *items);
    bool worked;

    if (items == NULL)
        return failure_set(why, EX_OSERR, "out of memory");
    for (size_t i = 0; i < count; i++)
        items[i] = cfg_opt_getnstr(option, (unsigned)i);
    worked = setting_read_list(base, setting, items, count, why);
    free(items);
    return worked;
}

static bool read_option(void *base, const struct setting *setting, cfg_opt_t *option,
                        struct failure *why)
{
    const char *text;

    if (setting_is_list(setting))
        return read_list(base, setting, option, why);
    if (setting->type == TYPE_SWITCH) {
        *(bool *)setting_slot(base, setting) = cfg_opt_getnbool(option, 0);
        return true;
    }
    text = cfg_opt_getnstr(option, 0);
    return setting_read_text(base, setting, text == NULL ? "" : text, why);
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
        used += (size_t)snprintf(out + used, size - used, ", %s {..}", settings_sections[i].name);
}

/* What the one who wrote the name is likely to have meant; "" for nothing. */
static const char *nearest_name(const char *section, const char *name, size_t length)
{
    struct nearest nearest = nearest_begin(name, length);

    for (size_t i = 0; i < settings_schema_count; i++) {
        if (setting_is_in(&settings_schema[i], section))
            nearest_try(&nearest, settings_schema[i].name);
    }
    for (size_t i = 0; section == NULL && i < SETTINGS_SECTION_COUNT; i++)
        nearest_try(&nearest, settings_sections[i].name);
    return nearest.word == NULL ? "" : nearest.word;
}

/* text: what libconfuse says of a name that it does not know, which it puts in quotes. */
static void refuse_name(const char *section, const char *text, int line)
{
    const char *name = text + strcspn(text, "'");
    const char *meant;
    char names[TEXT_MAX / 2];

    name += *name == '\'';
    meant = nearest_name(section, name, strcspn(name, "'"));
    list_names(section, names, sizeof names);
    (void)failure_set(complaint, EX_CONFIG, "%s:%d: %s; %s%s%s %s", draft_name, line, text,
                      meant[0] == '\0' ? "" : "did you mean '", meant,
                      meant[0] == '\0' ? "there are" : "'? There are", names);
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

    if (complaint->text[0] != '\0' || format == NULL)
        return; /* the first error is the one that counts */
    (void)vsnprintf(text, sizeof text, format, arguments);
    if (cfg->line > draft_lines) {
        (void)failure_set(complaint, EX_CONFIG, "%s:%d: the file ends %s", draft_name, draft_lines,
                          strncmp(format, no_option, strlen(no_option)) == 0
                              ? "inside of a section: } is missing"
                              : "where a value should stand");
    } else if (strncmp(format, no_option, strlen(no_option)) == 0) {
        refuse_name(section_of(cfg), text, cfg->line);
    } else if (strncmp(format, "found duplicate title", strlen("found duplicate title")) == 0) {
        (void)failure_set(complaint, EX_CONFIG,
                          "%s:%d: two sections of one name; each needs a title of its own, as in "
                          "ses \"eu\" { .. }",
                          draft_name, cfg->line);
    } else {
        (void)failure_set(complaint, EX_CONFIG, "%s:%d: %s", draft_name, cfg->line, text);
    }
}

/* What the settings of a section lie in; NULL: out of memory. */
static void *base_of(cfg_t *cfg)
{
    const char *title = cfg_title(cfg);
    return title == NULL ? (void *)draft : settings_ses_of(draft, title);
}

/* Called when the value has been read, while the line is known. */
static int on_value(cfg_t *cfg, cfg_opt_t *option)
{
    const struct setting *setting = setting_find(section_of(cfg), cfg_opt_name(option));
    void *base = base_of(cfg);
    struct failure why = {.exit_code = EX_OSERR, .text = "out of memory"};

    if (setting == NULL || (base != NULL && read_option(base, setting, option, &why)))
        return 0;
    /* It is no fault of this line. */
    if (why.exit_code == EX_OSERR)
        *complaint = why;
    cfg_error(cfg, "%s: %s", setting->name, why.text);
    return -1;
}

/* Called at the end of a section that may stand there several times. */
static int on_section(cfg_t *cfg, cfg_opt_t *option)
{
    cfg_t *section = cfg_opt_getnsec(option, cfg_opt_size(option) - 1);
    const struct settings_ses *ses = NULL;

    if (!settings_text_is_good_title(cfg_title(section)))
        cfg_error(cfg, "a title has up to %d letters, digits, dots, hyphens and underscores",
                  MAIL_FROM_SECTION_MAX);
    else if (cfg_opt_size(option) > SETTINGS_SES_MAX)
        cfg_error(cfg, "at most %d sections %s", SETTINGS_SES_MAX, cfg_opt_name(option));
    else if ((ses = base_of(section)) == NULL)
        (void)failure_set(complaint, EX_OSERR, "out of memory");
    else if (ses->expire_after <= ses->refresh_after ||
             ses->expire_after <= ses->refresh_unsettled_after)
        cfg_error(cfg, "expire-after must be longer than refresh-after and "
                       "refresh-unsettled-after");
    else
        return 0;
    return -1;
}

static cfg_opt_t option_of(const struct setting *setting)
{
    cfg_opt_t text = CFG_STR(setting->name, setting->initial, CFGF_NONE);
    cfg_opt_t list = CFG_STR_LIST(setting->name, (char *)setting->initial, CFGF_NONE);
    cfg_opt_t toggle = CFG_BOOL(setting->name, cfg_true, CFGF_NONE);

    toggle.def.boolean = strcmp(setting->initial, "true") == 0 ? cfg_true : cfg_false;
    return setting_is_list(setting) ? list : setting->type == TYPE_SWITCH ? toggle : text;
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

static void set_callbacks(cfg_t *cfg)
{
    char path[100];

    (void)cfg_set_error_function(cfg, on_error);
    for (size_t i = 0; i < settings_schema_count; i++) {
        (void)snprintf(path, sizeof path, "%s%s%s",
                       settings_schema[i].section == NULL ? "" : settings_schema[i].section,
                       settings_schema[i].section == NULL ? "" : "|", settings_schema[i].name);
        (void)cfg_set_validate_func(cfg, path, on_value);
    }
    for (size_t i = 0; i < SETTINGS_SECTION_COUNT; i++) {
        if (settings_sections[i].repeated)
            (void)cfg_set_validate_func(cfg, settings_sections[i].name, on_section);
    }
}

static cfg_t *make_parser(void)
{
    static cfg_opt_t section_options[SETTINGS_SECTION_COUNT][OPTIONS_MAX];
    static cfg_opt_t options[OPTIONS_MAX];
    cfg_opt_t sections[SETTINGS_SECTION_COUNT];
    cfg_t *cfg;

    for (size_t i = 0; i < SETTINGS_SECTION_COUNT; i++) {
        cfg_flag_t flags = settings_sections[i].repeated
                               ? CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES
                               : CFGF_NONE;
        cfg_opt_t section = CFG_SEC(settings_sections[i].name, section_options[i], flags);
        fill_options(section_options[i], settings_sections[i].name, NULL);
        sections[i] = section;
    }
    fill_options(options, NULL, sections);
    cfg = cfg_init(options, CFGF_NONE);
    if (cfg != NULL)
        set_callbacks(cfg);
    return cfg;
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

/* An empty list is no value, so that on_value does not hear of it. */
static bool read_lists(cfg_t *cfg, struct settings *settings, struct failure *why)
{
    cfg_t *milter = cfg_getsec(cfg, "milter");

    for (size_t i = 0; i < settings_schema_count; i++) {
        const struct setting *setting = &settings_schema[i];
        if (setting_is_list(setting) && setting_is_in(setting, "milter") &&
            !read_option(settings, setting, cfg_getopt(milter, setting->name), why))
            return false;
    }
    return true;
}

/* What one setting allows another. */
static bool check_metrics(const struct settings *settings, const char *name, struct failure *why)
{
    const char *text = settings->milter.metrics;
    struct listen_address address;

    if (text[0] == '\0' || settings->milter.metrics_remote)
        return true;
    return (listen_address_parse(&address, text, why) && listen_address_is_loopback(&address)) ||
           failure_set(why, EX_CONFIG,
                       "%s: metrics: %s is no loopback address; to let other machines read the "
                       "metrics, set metrics-remote = true as well",
                       name, text);
}

static bool check_return_path(const struct settings *settings, const char *name,
                              struct failure *why)
{
    if (settings->return_path.socket[0] != '\0' && settings->return_path.secrets_file[0] == '\0')
        return failure_set(why, EX_CONFIG,
                           "%s: return-path: a socket without a secrets-file answers nothing; set "
                           "both",
                           name);
    return settings->return_path.return_domains.count <= SETTINGS_RETURN_DOMAINS_MAX ||
           failure_set(why, EX_CONFIG, "%s: return-domains: at most %d of them", name,
                       SETTINGS_RETURN_DOMAINS_MAX);
}

/* A grace time that one look-up outlasts is none: the next time-out would demote. */
static bool check_local(const struct settings *settings, const char *name, struct failure *why)
{
    return settings->local.indeterminate_grace >
               settings->local.pending_interval + settings->local.timeout ||
           failure_set(why, EX_CONFIG,
                       "%s: indeterminate-grace must be longer than pending-interval and timeout "
                       "of section local together, so that a look-up is repeated within it",
                       name);
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
    errno = 0;
    result = cfg_parse_buf(cfg, text);
    if (result != CFG_SUCCESS && why->text[0] == '\0' && errno == ENOMEM)
        (void)failure_set(why, EX_OSERR, "out of memory");
    if (result == CFG_SUCCESS && !cfg_getbool(cfg, last_name)) {
        (void)failure_set(why, EX_CONFIG, "%s:%d: the file ends inside of a comment", name,
                          draft_lines);
        result = CFG_PARSE_ERROR;
    }
    if (result == CFG_SUCCESS &&
        (!read_lists(cfg, settings, why) || !check_metrics(settings, name, why) ||
         !check_local(settings, name, why) || !check_return_path(settings, name, why)))
        result = CFG_PARSE_ERROR;
    (void)cfg_free(cfg);
    if (result == CFG_SUCCESS)
        return true;
    return why->text[0] != '\0' ? false : failure_set(why, EX_CONFIG, "%s: syntax error", name);
}

/* Some editors put it before UTF-8. */
static const char byte_order_mark[] = "\xef\xbb\xbf";

/* The whole file with the last line after it; to be freed. */
static char *read_text(FILE *in, const char *name, struct failure *why)
{
    char *text = malloc(FILE_SIZE_MAX + sizeof last_line);
    size_t length = text == NULL ? 0 : fread(text, 1, FILE_SIZE_MAX, in);
    size_t mark = length >= sizeof byte_order_mark - 1 &&
                          memcmp(text, byte_order_mark, sizeof byte_order_mark - 1) == 0
                      ? sizeof byte_order_mark - 1
                      : 0;

    if (text == NULL) {
        (void)failure_set(why, EX_OSERR, "out of memory");
    } else if (ferror(in) || !feof(in)) {
        (void)failure_set(why, EX_CONFIG, "%s: not a file of settings (%d octets at most)", name,
                          FILE_SIZE_MAX - 1);
    } else if (memchr(text, '\0', length) != NULL) {
        (void)failure_set(why, EX_CONFIG,
                          "%s: a file of settings holds no NUL octets; if it is UTF-16, save it as "
                          "UTF-8",
                          name);
    } else {
        length -= mark;
        if (mark > 0)
            memmove(text, text + mark, length);
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

bool settings_parse(struct settings **settings, FILE *in, const char *name, struct failure *why)
{
    char *text = read_text(in, name, why);
    char *titled = text == NULL ? NULL : settings_text_add_titles(text, "ses");
    bool worked = false;

    *settings = titled == NULL ? NULL : settings_default();
    if (titled != NULL)
        settings_text_blank_comments(titled);
    if (*settings != NULL)
        worked = parse(*settings, titled, name, why);
    else if (text != NULL)
        (void)failure_set(why, EX_OSERR, "out of memory");
    free(titled);
    free(text);
    if (!worked) {
        settings_free(*settings);
        *settings = NULL;
    }
    return worked;
}

bool settings_rewrite(const struct settings *settings, const struct mail_from *record)
{
    if (record->source == MAIL_FROM_LOCAL)
        return settings->local.rewrite;
    for (size_t i = 0; record->source == MAIL_FROM_SES && i < settings->ses_count; i++) {
        if (strcmp(settings->ses[i].title, record->section) == 0)
            return settings->ses[i].rewrite;
    }
    return settings->rewrite;
}
