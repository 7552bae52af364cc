/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Makes of a settings file what libconfuse reads as it is meant: it demands a title of a section,
 * and loses count of the lines behind a comment. Pure.
 */
#ifndef COMMON_SETTINGS_TEXT_H
#define COMMON_SETTINGS_TEXT_H

#include <stdbool.h>

/* The text with "" between the word `section` and {, wherever the two follow each other outside of
 * strings, comments and other sections. Lines keep their numbers. Free it. NULL: out of memory. */
char *settings_text_add_titles(const char *text, const char *section);

/* Spaces in place of comments. One that has no end stays. */
void settings_text_blank_comments(char *text);

/* Is it one that may stand in a name in the store? */
bool settings_text_is_good_title(const char *title);

#endif
