/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/duration.h"
#include "common/settings_schema.h"
#include "common/word.h"

#include <stdlib.h>
#include <string.h>

/* A string as libconfuse reads it back: $ would begin the name of an environment variable. */
static void print_string(FILE *out, const char *text)
{
    (void)fputc('"', out);
    for (; *text != '\0'; text++) {
        if (strchr("\"\\$", *text) != NULL)
            (void)fputc('\\', out);
        (void)fputc(*text, out);
    }
    (void)fputc('"', out);
}

static void print_networks(FILE *out, const struct settings *settings)
{
    char text[NETWORK_TEXT_SIZE];

    (void)fputc('{', out);
    for (size_t i = 0; i < settings->milter.outbound_networks_count; i++) {
        network_format(&settings->milter.outbound_networks[i], text);
        (void)fprintf(out, "%s\"%s\"", i == 0 ? "" : ", ", text);
    }
    (void)fputc('}', out);
}

static void print_list(FILE *out, const struct settings_list *list)
{
    (void)fputc('{', out);
    for (size_t i = 0; i < list->count; i++) {
        (void)fputs(i == 0 ? "" : ", ", out);
        print_string(out, list->items[i]);
    }
    (void)fputc('}', out);
}

static void print_duration(FILE *out, int64_t milliseconds)
{
    char text[DURATION_TEXT_SIZE];

    duration_format(milliseconds, text);
    print_string(out, text);
}

static void print_value(FILE *out, const void *base, const struct setting *setting)
{
    const void *slot = setting_value(base, setting);

    switch (setting->type) {
    case TYPE_SWITCH:
        (void)fputs(*(const bool *)slot ? "true" : "false", out);
        break;
    case TYPE_WORD:
        print_string(out, setting->words[*(const int *)slot]);
        break;
    case TYPE_MODE:
        (void)fprintf(out, "\"%04o\"", (unsigned)*(const int *)slot);
        break;
    case TYPE_DURATION:
        print_duration(out, *(const int64_t *)slot);
        break;
    case TYPE_NUMBER:
        (void)fprintf(out, "%d", *(const int *)slot);
        break;
    case TYPE_RATE:
        (void)fprintf(out, "%g", *(const double *)slot);
        break;
    case TYPE_NETWORKS:
        print_networks(out, base);
        break;
    case TYPE_IDENTITIES:
    case TYPE_DOMAINS:
    case TYPE_SERVERS:
    case TYPE_PORTS:
        print_list(out, slot);
        break;
    case TYPE_TEXT:
    case TYPE_PATH:
    case TYPE_SOCKET:
    case TYPE_LISTEN:
    case TYPE_DOMAIN:
    case TYPE_ADDRESS:
    case TYPE_URL:
    case TYPE_REJECT_REPLY:
    case TYPE_DEFER_REPLY:
        print_string(out, *(const char *const *)slot);
        break;
    }
}

static void print_section(FILE *out, const void *base, const char *section)
{
    const char *indent = section == NULL ? "" : "    ";

    for (size_t i = 0; i < settings_schema_count; i++) {
        if (!setting_is_in(&settings_schema[i], section))
            continue;
        (void)fprintf(out, "%s%s = ", indent, settings_schema[i].name);
        print_value(out, base, &settings_schema[i]);
        (void)fputc('\n', out);
    }
}

static void print_titled(FILE *out, const struct settings_ses *ses, const char *section)
{
    (void)fprintf(out, "\n%s ", section);
    if (*ses->title != '\0')
        (void)fprintf(out, "\"%s\" ", ses->title);
    (void)fputs("{\n", out);
    print_section(out, ses, section);
    (void)fputs("}\n", out);
}

void settings_print(const struct settings *settings, FILE *out)
{
    print_section(out, settings, NULL);
    for (size_t i = 0; i < SETTINGS_SECTION_COUNT; i++) {
        const struct settings_section *section = &settings_sections[i];
        for (size_t k = 0; section->repeated && k < settings->ses_count; k++)
            print_titled(out, &settings->ses[k], section->name);
        if (section->repeated)
            continue;
        (void)fprintf(out, "\n%s {\n", section->name);
        print_section(out, settings, section->name);
        (void)fputs("}\n", out);
    }
}

/* --- the sample file --- */

/* Breaks the help into comment lines. */
static void print_help(FILE *out, const char *indent, const char *help)
{
    const char *word = help;
    size_t column = 0;

    while (*word != '\0') {
        size_t length = strcspn(word, " ");
        if (column == 0 || column + 1 + length > 92) {
            column = (size_t)fprintf(out, "%s%s#", column == 0 ? "" : "\n", indent);
        }
        column += 1 + length;
        (void)fprintf(out, " %.*s", (int)length, word);
        word += length;
        word += *word == ' ';
    }
    (void)fputc('\n', out);
}

static void print_choice(FILE *out, const char *indent, const struct setting *setting)
{
    char choice[200];

    if (setting->minimum != NULL)
        (void)fprintf(out, "%s# From %s to %s.\n", indent, setting->minimum, setting->maximum);
    if (setting->words == NULL)
        return;
    word_choice(setting->words, setting->word_count, choice, sizeof choice);
    (void)fprintf(out, "%s# One of %s.\n", indent, choice);
}

static void print_sample_section(FILE *out, const void *defaults, const char *section)
{
    const char *indent = section == NULL ? "" : "    ";
    const char *gap = "";

    for (size_t i = 0; i < settings_schema_count; i++) {
        if (!setting_is_in(&settings_schema[i], section))
            continue;
        (void)fputs(gap, out);
        gap = "\n";
        print_help(out, indent, settings_schema[i].help);
        print_choice(out, indent, &settings_schema[i]);
        (void)fprintf(out, "%s#%s = ", indent, settings_schema[i].name);
        print_value(out, defaults, &settings_schema[i]);
        (void)fputc('\n', out);
    }
}

/* A section that is commented out as a whole, so that the sample configures no account. */
static void print_sample_account(FILE *out, struct settings *defaults,
                                 const struct settings_section *section)
{
    const struct settings_ses *ses = settings_ses_of(defaults, "");
    char *text = NULL;
    size_t length = 0;
    FILE *memory = ses == NULL ? NULL : open_memstream(&text, &length);

    if (memory == NULL)
        return;
    print_sample_section(memory, ses, section->name);
    (void)fclose(memory);
    (void)fprintf(out, "#%s {\n", section->name);
    for (const char *line = text; line != NULL && *line != '\0';) {
        size_t end = strcspn(line, "\n");
        const char *hash = memchr(line, '#', end);
        bool is_setting = hash != NULL && hash[1] != ' ';
        /* The setting itself loses its own mark: one is enough. */
        (void)fprintf(out, is_setting ? "#    %.*s\n" : "#%.*s\n",
                      is_setting ? (int)(end - (size_t)(hash + 1 - line)) : (int)end,
                      is_setting ? hash + 1 : line);
        line += end + 1;
    }
    (void)fputs("#}\n", out);
    free(text);
}

static void print_sample_sections(FILE *out, struct settings *defaults)
{
    for (size_t i = 0; i < SETTINGS_SECTION_COUNT; i++) {
        const struct settings_section *section = &settings_sections[i];
        (void)fputc('\n', out);
        if (section->help != NULL)
            print_help(out, "", section->help);
        if (section->repeated) {
            print_sample_account(out, defaults, section);
            continue;
        }
        (void)fprintf(out, "%s {\n", section->name);
        print_sample_section(out, defaults, section->name);
        (void)fputs("}\n", out);
    }
}

void settings_print_sample(FILE *out)
{
    struct settings *defaults = settings_default();

    if (defaults == NULL)
        return;
    (void)fputs("# Settings of mailfrom-milter, mailfrom-sync and mailfromctl. What is commented "
                "out shows the\n# default.\n\n",
                out);
    print_sample_section(out, defaults, NULL);
    print_sample_sections(out, defaults);
    settings_free(defaults);
}
