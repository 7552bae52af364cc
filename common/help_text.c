/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/help_text.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

enum block { BLOCK_NONE, BLOCK_PARAGRAPH, BLOCK_ITEM, BLOCK_USAGE };
enum { ITEM_INDENT = 2, USAGE_HANG = 11 };

struct filling {
    FILE *out;
    enum block block;
    size_t column; /* where the line ends now */
    size_t hang;   /* where further lines of this block begin; 0 for an item: not known yet */
};

static void begin_line(struct filling *filling, size_t indent)
{
    (void)fprintf(filling->out, "%s%*s", filling->column > 0 ? "\n" : "", (int)indent, "");
    filling->column = indent;
}

/* What must not be divided. In a usage that is more than a word. */
static size_t unit_length(const char *text, size_t length, bool in_usage)
{
    size_t depth = 0;
    bool option = in_usage && text[0] == '-';
    size_t i;

    for (i = 0; i < length; i++) {
        depth += in_usage && text[i] == '[';
        depth -= depth > 0 && text[i] == ']';
        if (text[i] != ' ' || depth > 0)
            continue;
        if (!option || !isalnum((unsigned char)text[i + 1]))
            break;
        option = false; /* its value, and no more */
    }
    return i;
}

static void fill(struct filling *filling, const char *text, size_t length)
{
    while (length > 0) {
        size_t unit = unit_length(text, length, filling->block == BLOCK_USAGE);
        if (unit > 0) {
            bool begins = filling->column == filling->hang;
            if (!begins && filling->column + 1 + unit > HELP_TEXT_WIDTH) {
                begin_line(filling, filling->hang);
                begins = true;
            }
            (void)fprintf(filling->out, "%s%.*s", begins ? "" : " ", (int)unit, text);
            filling->column += unit + !begins;
        }
        unit += unit < length; /* the blank */
        text += unit;
        length -= unit;
    }
}

/* The name stands as it is; what it is, if that is on the same line, begins after it. */
static void begin_item(struct filling *filling, const char *line, size_t length)
{
    size_t name = ITEM_INDENT;
    size_t description;

    while (name < length && strncmp(line + name, "  ", 2) != 0)
        name++;
    description = name < length ? name + strspn(line + name, " ") : name;
    begin_line(filling, 0);
    (void)fprintf(filling->out, "%.*s", (int)description, line);
    filling->column = description;
    filling->hang = name < length ? description : 0;
    fill(filling, line + description, length - description);
}

static void take_line(struct filling *filling, const char *line, size_t length)
{
    size_t indent = strspn(line, " ");

    if (indent == ITEM_INDENT) {
        filling->block = BLOCK_ITEM;
        begin_item(filling, line, length);
        return;
    }
    if (filling->block == BLOCK_NONE || (indent == 0 && filling->block != BLOCK_PARAGRAPH)) {
        bool is_usage = strncasecmp(line, "usage:", 6) == 0;
        filling->block = is_usage ? BLOCK_USAGE : BLOCK_PARAGRAPH;
        begin_line(filling, 0);
        filling->hang = is_usage ? USAGE_HANG : 0;
        (void)fprintf(filling->out, "%.*s", is_usage ? 6 : 0, line);
        filling->column = is_usage ? 6 : 0;
        line += filling->column;
        length -= filling->column;
    } else {
        line += indent;
        length -= indent;
        if (filling->block == BLOCK_ITEM && filling->hang == 0)
            begin_line(filling, filling->hang = indent);
    }
    fill(filling, line, length);
}

void help_text_write(FILE *out, const char *text)
{
    struct filling filling = {.out = out};

    while (*text != '\0') {
        size_t length = strcspn(text, "\n");
        if (length == 0) {
            (void)fprintf(out, "%s\n", filling.column > 0 ? "\n" : "");
            filling = (struct filling){.out = out};
        } else {
            take_line(&filling, text, length);
        }
        text += length + (text[length] == '\n');
    }
    if (filling.column > 0)
        (void)fputc('\n', out);
}
