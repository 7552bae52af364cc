/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Lists of restrictions of Postfix's smtpd: whom they let in, and in which order. Pure.
 */
#ifndef CTL_RESTRICTIONS_H
#define CTL_RESTRICTIONS_H

#include "ctl/postfix.h"

/* Does the list end in a refusal of all but known clients, such as those who authenticate? As far
 * as can be told; where it cannot, it is taken to be open. */
bool restrictions_are_closed(const char *list);

/* A restriction within a list. */
struct restriction {
    char permit[64]; /* the first one before it that permits something; "" for none */
};

/* Finds the restriction of that name whose argument is, or contains, a table for which is_it says
 * so. */
bool restrictions_find(const char *list, const char *name,
                       bool (*is_it)(void *context, const struct postfix_map *map), void *context,
                       struct restriction *found);

/* Are two lists the same, whatever their spaces and commas are? */
bool restrictions_equal(const char *list, const char *other);

/* Has the list this word? */
bool restrictions_have(const char *list, const char *word);

#endif
