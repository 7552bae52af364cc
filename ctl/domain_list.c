/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/domain_list.h"

#include <stdio.h>
#include <string.h>

void domain_list_add(struct domain_list *list, const char *domain)
{
    /* The last one first: the store has them in some order. */
    for (size_t i = list->count; i > 0; i--) {
        if (strcmp(list->names[i - 1], domain) == 0)
            return;
    }
    list->is_cut = list->count == DOMAIN_LIST_MAX;
    if (!list->is_cut)
        (void)snprintf(list->names[list->count++], sizeof list->names[0], "%s", domain);
}
