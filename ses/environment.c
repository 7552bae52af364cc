/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ses/environment.h"

#include <stdlib.h>
#include <strings.h>

static const char *get_from_process(void *context, const char *name)
{
    (void)context;
    return getenv(name);
}

const struct environment environment_process = {get_from_process, NULL};

const char *environment_get(const struct environment *environment, const char *name)
{
    const char *value = environment->get(environment->context, name);

    return value != NULL && value[0] != '\0' ? value : NULL;
}

bool environment_is_true(const struct environment *environment, const char *name)
{
    const char *value = environment_get(environment, name);

    return value != NULL && strcasecmp(value, "true") == 0;
}
