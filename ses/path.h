/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Names of files as the AWS tools take them: with ~ for the home, and $NAME or ${NAME} for a
 * variable of the environment. Pure.
 */
#ifndef SES_PATH_H
#define SES_PATH_H

#include "ses/environment.h"

#include <limits.h>

/* ~ and what begins with ~/; without HOME it stays. A result that is too long is cut. */
void path_expand_home(char out[PATH_MAX], const char *path, const struct environment *environment);

/* Variables first, of which those that are not set stay as they are; then ~. */
void path_expand(char out[PATH_MAX], const char *path, const struct environment *environment);

#endif
