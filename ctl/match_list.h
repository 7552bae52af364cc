/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Is a domain in a list of Postfix's: mydestination, relay_domains, virtual_alias_domains, ..?
 * Names, !names, files and tables; the first that matches decides. Knows nothing of tables: it has
 * them looked up.
 */
#ifndef CTL_MATCH_LIST_H
#define CTL_MATCH_LIST_H

enum match { MATCH_NO, MATCH_YES, MATCH_UNKNOWN };

/* What else matches beside the name itself. */
enum match_style {
    MATCH_NAMES,     /* nothing */
    MATCH_DOTTED,    /* .example.com matches subdomains */
    MATCH_SUBDOMAINS /* example.com matches its subdomains too */
};

struct match_tables {
    enum match (*look_up)(void *context, const char *table, const char *key);
    void *context;
};

/* MATCH_UNKNOWN: a table or file cannot be read, and nothing else matches. */
enum match match_list_has(const char *list, const char *domain, enum match_style style,
                          const struct match_tables *tables);

#endif
