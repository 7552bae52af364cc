/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Options of the AWS CLI that hands used to it give here too, so that a command line that worked
 * with `aws` works, or says why not.
 */
#ifndef CTL_AWS_OPTION_H
#define CTL_AWS_OPTION_H

#include "ctl/command.h"

/* --output: json is what there is. Fails with EX_USAGE. */
bool aws_option_output(const struct invocation *invocation, const char *format,
                       struct failure *why);

/* --region: the first section `ses' of it. Fails with EX_CONFIG if there is none. */
bool aws_option_region(const struct settings_ses **section, const struct settings *settings,
                       const char *region, struct failure *why);

#endif
