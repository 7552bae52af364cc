/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Some of the MAIL FROM domains of a store that may have very many. Pure.
 */
#ifndef CTL_DOMAIN_LIST_H
#define CTL_DOMAIN_LIST_H

#include "common/identity.h"

enum { DOMAIN_LIST_MAX = 20 };

struct domain_list {
    char names[DOMAIN_LIST_MAX][IDENTITY_DOMAIN_MAX + 1];
    size_t count;
    bool is_cut; /* there are more */
};

/* Each once, while there is room. Canonical form. */
void domain_list_add(struct domain_list *list, const char *domain);

#endif
