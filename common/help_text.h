/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Help texts, filled to the 80 columns of a terminal, so that whoever writes one need not count. A
 * text is made of:
 *
 *   paragraphs, which blank lines separate;
 *   items, "  NAME  what it is": two blanks before and at least two between. Lines after it that
 *       begin with more than two blanks belong to it, and are put below "what it is";
 *   a usage, "Usage: PROGRAM ..": what is in brackets, and an option and its value, stay together.
 */
#ifndef COMMON_HELP_TEXT_H
#define COMMON_HELP_TEXT_H

#include <stdio.h>

enum { HELP_TEXT_WIDTH = 79 };

/* Ends with a newline. A word longer than the line has one of its own. */
void help_text_write(FILE *out, const char *text);

#endif
