/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Sections without a title, where libconfuse demands one: gives them an empty one. Pure.
 */
#ifndef COMMON_SETTINGS_TITLE_H
#define COMMON_SETTINGS_TITLE_H

#include <stdbool.h>

/* The text with "" between the word `section` and {, wherever the two follow each other outside of
 * strings, comments and other sections. Lines keep their numbers. Free it. NULL: out of memory. */
char *settings_title_add(const char *text, const char *section);

/* Is it one that may stand in a name in the store? */
bool settings_title_is_good(const char *title);

#endif
