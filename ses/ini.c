/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ses/ini.h"

#include <string.h>
#include <sysexits.h>

struct text {
    const char *start;
    size_t length;
};

struct parser {
    void (*visit)(void *context, const struct ini_item *item);
    void *context;
    struct failure *why;
    unsigned line;
    size_t key_indent;
    bool in_section;
    bool has_key;    /* key and value are waiting for what the next line brings */
    bool has_nested; /* the value was empty and nested keys follow */
    char section[INI_NAME_MAX + 1];
    char key[INI_NAME_MAX + 1];
    char nested[INI_NAME_MAX + 1];
    char value[INI_VALUE_MAX + 1];
    size_t value_length;
};

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\f' || c == '\v';
}

static struct text trim(struct text text)
{
    while (text.length > 0 && is_space(text.start[0])) {
        text.start++;
        text.length--;
    }
    while (text.length > 0 && is_space(text.start[text.length - 1]))
        text.length--;
    return text;
}

static bool fail(struct parser *parser, const char *what)
{
    return failure_set(parser->why, EX_CONFIG, "line %u: %s", parser->line, what);
}

static void emit(struct parser *parser)
{
    struct ini_item item = {parser->section, parser->key,
                            parser->has_nested ? parser->nested : NULL, parser->value};

    if (parser->has_key)
        parser->visit(parser->context, &item);
    parser->has_key = false;
    parser->has_nested = false;
}

static bool copy_lower(struct parser *parser, struct text text, char out[INI_NAME_MAX + 1])
{
    if (text.length == 0)
        return fail(parser, "a key is missing before the =");
    if (text.length > INI_NAME_MAX)
        return fail(parser, "a key is too long");
    for (size_t i = 0; i < text.length; i++) {
        out[i] = text.start[i];
        if (out[i] >= 'A' && out[i] <= 'Z')
            out[i] += 'a' - 'A';
    }
    out[text.length] = '\0';
    return true;
}

static bool append_value(struct parser *parser, struct text text)
{
    size_t newline = parser->value_length > 0;

    if (text.length + newline > INI_VALUE_MAX - parser->value_length)
        return fail(parser, "a value is too long");
    if (newline > 0)
        parser->value[parser->value_length++] = '\n';
    memcpy(parser->value + parser->value_length, text.start, text.length);
    parser->value_length += text.length;
    parser->value[parser->value_length] = '\0';
    return true;
}

static bool set_value(struct parser *parser, struct text text)
{
    parser->value_length = 0;
    parser->value[0] = '\0';
    return append_value(parser, text);
}

/* Quotes go, white space becomes one space: `profile "my name"` is the profile `my name`. */
static bool take_section_name(struct parser *parser, struct text text)
{
    size_t used = 0;

    for (size_t i = 0; i < text.length; i++) {
        char c = text.start[i];
        if (is_space(c))
            c = ' ';
        if (c == '"' || c == '\'' || (c == ' ' && used > 0 && parser->section[used - 1] == ' '))
            continue;
        if (used == INI_NAME_MAX)
            return fail(parser, "the name of a section is too long");
        parser->section[used++] = c;
    }
    parser->section[used] = '\0';
    return used > 0 || fail(parser, "the name of a section is missing");
}

static void emit_section(struct parser *parser)
{
    struct ini_item item = {.section = parser->section};

    parser->visit(parser->context, &item);
}

static bool take_section(struct parser *parser, struct text line)
{
    const char *bracket = memchr(line.start, ']', line.length);

    emit(parser);
    if (bracket == NULL)
        return fail(parser, "the ] of a section is missing");
    parser->in_section = true;
    if (!take_section_name(parser,
                           trim((struct text){line.start + 1, (size_t)(bracket - line.start - 1)})))
        return false;
    emit_section(parser);
    return true;
}

/* Splits at the first = or :. */
static bool split(struct text line, struct text *key, struct text *value)
{
    for (size_t i = 0; i < line.length; i++) {
        if (line.start[i] == '=' || line.start[i] == ':') {
            *key = trim((struct text){line.start, i});
            *value = trim((struct text){line.start + i + 1, line.length - i - 1});
            return true;
        }
    }
    return false;
}

static bool take_key(struct parser *parser, struct text line, size_t indent)
{
    struct text key, value;

    emit(parser);
    if (!parser->in_section)
        return fail(parser, "a key stands before the first section");
    if (!split(line, &key, &value))
        return fail(parser, "neither a section nor a key with a value");
    if (!copy_lower(parser, key, parser->key) || !set_value(parser, value))
        return false;
    parser->has_key = true;
    parser->key_indent = indent;
    return true;
}

static bool take_nested(struct parser *parser, struct text line)
{
    struct text key, value;

    if (!split(line, &key, &value))
        return fail(parser, "not a nested key with a value");
    if (parser->has_nested)
        emit(parser);
    if (!copy_lower(parser, key, parser->nested) || !set_value(parser, value))
        return false;
    parser->has_key = true;
    parser->has_nested = true;
    return true;
}

static bool take_line(struct parser *parser, struct text raw)
{
    struct text line = trim(raw);
    size_t indent = (size_t)(line.start - raw.start);

    if (memchr(raw.start, '\0', raw.length) != NULL)
        return fail(parser, "a NUL octet; if the file is UTF-16, save it as UTF-8");
    if (line.length == 0 || line.start[0] == '#' || line.start[0] == ';')
        return true;
    if (parser->has_key && indent > parser->key_indent)
        return parser->has_nested || parser->value_length == 0 ? take_nested(parser, line)
                                                               : append_value(parser, line);
    return line.start[0] == '[' ? take_section(parser, line) : take_key(parser, line, indent);
}

static bool take_lines(struct parser *parser, struct text rest)
{
    bool fine = true;

    while (rest.length > 0 && fine) {
        const char *newline = memchr(rest.start, '\n', rest.length);
        size_t length = newline != NULL ? (size_t)(newline - rest.start) : rest.length;
        parser->line++;
        fine = take_line(parser, (struct text){rest.start, length});
        length += newline != NULL;
        rest.start += length;
        rest.length -= length;
    }
    return fine;
}

bool ini_parse(const char *bytes, size_t length,
               void (*visit)(void *context, const struct ini_item *item), void *context,
               struct failure *why)
{
    static const char mark[] = "\xef\xbb\xbf";
    struct parser parser = {.visit = visit, .context = context, .why = why};
    bool fine;

    if (length > INI_FILE_MAX)
        return failure_set(why, EX_CONFIG, "longer than %d octets", INI_FILE_MAX);
    if (length >= 3 && memcmp(bytes, mark, 3) == 0) {
        bytes += 3;
        length -= 3;
    }
    fine = take_lines(&parser, (struct text){bytes, length});
    if (fine)
        emit(&parser);
    explicit_bzero(parser.value, sizeof parser.value);
    return fine;
}
