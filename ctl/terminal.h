/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Text from outside, as it may be shown on a terminal: as it is, but for control characters and
 * octets outside ASCII, which become \xHH. Unlike log_escape it leaves spaces and brackets alone,
 * so that what is shown can be typed.
 */
#ifndef CTL_TERMINAL_H
#define CTL_TERMINAL_H

#include <stddef.h>

/* A text of more than TERMINAL_TEXT_MAX octets is cut and ends in "...". */
enum { TERMINAL_TEXT_MAX = 512, TERMINAL_TEXT_SIZE = 4 * TERMINAL_TEXT_MAX + 4 };

/* Returns out. */
const char *terminal_text(const char *text, char out[TERMINAL_TEXT_SIZE]);

/* An identity or a domain: its A-labels as U-labels, where stdout is a terminal that shows all of
 * them. Returns out. */
const char *terminal_name(const char *name, char out[TERMINAL_TEXT_SIZE]);

/* How many columns of the terminal a text takes that one of these returned. */
size_t terminal_width(const char *text);

/* How many columns the terminal has that stdout is; 0 if it is none. */
size_t terminal_columns(void);

#endif
