/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The address classes of Postfix (ADDRESS_CLASS_README): which of them takes mail for a domain, by
 * its configuration. Tables are asked through postmap(1), for so long and no longer.
 */
#ifndef CTL_POSTFIX_CLASS_H
#define CTL_POSTFIX_CLASS_H

#include <stdint.h>

#include "ctl/match_list.h"
#include "ctl/postfix.h"

enum postfix_class { CLASS_LOCAL, CLASS_ALIAS, CLASS_MAILBOX, CLASS_RELAY };
enum { POSTFIX_CLASS_COUNT = CLASS_RELAY + 1 };
extern const char *const postfix_class_parameters[POSTFIX_CLASS_COUNT]; /* "mydestination", .. */

enum {
    POSTFIX_CLASS_TIMEOUT = 20000 /* milliseconds, for all questions */,
    POSTFIX_FAILED_MAX = 8
};

struct postfix_classes {
    const struct postfix *postfix;
    const struct socket_name *ours; /* of mailfrom-milter's own map, which is not asked; or NULL */
    int64_t deadline;
    char *failed[POSTFIX_FAILED_MAX]; /* tables that cannot be asked */
    size_t failed_count;
    struct failure why; /* of the first one; "" for none */
};

void postfix_classes_init(struct postfix_classes *classes, const struct postfix *postfix,
                          const struct socket_name *ours);
void postfix_classes_reset(struct postfix_classes *classes);

/* domain: canonical form. */
enum match postfix_class_has(struct postfix_classes *classes, enum postfix_class class,
                             const char *domain);

#endif
