/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * In place of common/sandbox.c where there is no libseccomp, and in builds with sanitizers, whose
 * runtime needs more of the kernel than the programs do.
 */
#include "common/sandbox.h"

const char sandbox_description[] = "no seccomp filter: built without one";

bool sandbox_enter_milter(int family, struct failure *why)
{
    (void)family;
    (void)why;
    return true;
}

bool sandbox_enter_sync(struct failure *why)
{
    (void)why;
    return true;
}
