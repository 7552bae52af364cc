/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The parts of check_return_path, which share what they are about.
 */
#ifndef CTL_CHECK_RETURN_H
#define CTL_CHECK_RETURN_H

#include "common/return_secrets.h"
#include "ctl/check.h"
#include "ctl/domain_list.h"

struct check_return {
    const struct check *check;
    struct socket_name ours;        /* the setting socket of section return-path */
    struct return_secrets *secrets; /* NULL: they cannot be read */
    struct domain_list domains;     /* MAIL FROM domains, the default one first */
};

/* The running mailfrom-milter: does it answer, and with the same secret? */
void check_return_map(const struct check_return *scene);

/* The MTAs: do they ask it? */
void check_return_postfix(const struct check_return *shared);
void check_return_sendmail(const struct check_return *scene);

void check_return_put(const struct check_return *scene, enum finding_level level,
                      struct finding *finding);

#endif
