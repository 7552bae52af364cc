/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/settings_schema.h"
#include "common/word.h"

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

static void print_value(FILE *out, const struct settings *settings, const struct setting *setting)
{
    const void *slot = (const char *)settings + setting->offset;

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
    case TYPE_NETWORKS:
        print_networks(out, settings);
        break;
    case TYPE_TEXT:
    case TYPE_PATH:
    case TYPE_SOCKET:
    case TYPE_DOMAIN:
    case TYPE_REJECT_REPLY:
    case TYPE_DEFER_REPLY:
        print_string(out, *(const char *const *)slot);
        break;
    }
}

static void print_section(FILE *out, const struct settings *settings, const char *section)
{
    const char *indent = section == NULL ? "" : "    ";

    for (size_t i = 0; i < settings_schema_count; i++) {
        if (!setting_is_in(&settings_schema[i], section))
            continue;
        (void)fprintf(out, "%s%s = ", indent, settings_schema[i].name);
        print_value(out, settings, &settings_schema[i]);
        (void)fputc('\n', out);
    }
}

void settings_print(const struct settings *settings, FILE *out)
{
    print_section(out, settings, NULL);
    for (size_t i = 0; i < SETTINGS_SECTION_COUNT; i++) {
        (void)fprintf(out, "\n%s {\n", settings_sections[i]);
        print_section(out, settings, settings_sections[i]);
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

    if (setting->words == NULL)
        return;
    word_choice(setting->words, setting->word_count, choice, sizeof choice);
    (void)fprintf(out, "%s# One of %s.\n", indent, choice);
}

static void print_sample_section(FILE *out, const struct settings *defaults, const char *section)
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

void settings_print_sample(FILE *out)
{
    struct settings *defaults = settings_default();

    if (defaults == NULL)
        return;
    (void)fputs("# Settings of mailfrom-milter and mailfromctl. What is commented out shows the "
                "default.\n\n",
                out);
    print_sample_section(out, defaults, NULL);
    for (size_t i = 0; i < SETTINGS_SECTION_COUNT; i++) {
        (void)fprintf(out, "\n%s {\n", settings_sections[i]);
        print_sample_section(out, defaults, settings_sections[i]);
        (void)fputs("}\n", out);
    }
    settings_free(defaults);
}
