/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * What the administrator can do about a call that AWS refused. Pure: AWS's own words stay as they
 * are, and come first.
 */
#ifndef CTL_ADVICE_H
#define CTL_ADVICE_H

#include "ses/outcome.h"

#include "common/failure.h"

/* The call that was made. */
struct advice_call {
    const char *action;   /* as IAM names it, without "ses:" */
    const char *identity; /* NULL: IAM has no resource for the action but * */
    const char *region;   /* "" if it is not known */
};

/* Puts what to do behind the text of a failure of the SES client. The exit code stays. */
void advice_append(struct failure *why, enum outcome outcome, const struct outcome_error *error,
                   const struct advice_call *call);

#endif
