/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * cmocka puts its own handlers for SIGBUS and SIGSEGV around each test, over those that
 * common/fault.c installs once. A test that reads damaged stores puts the latter back.
 */
#ifndef TESTS_UNIT_FAULT_HANDLERS_H
#define TESTS_UNIT_FAULT_HANDLERS_H

#include "common/fault.h"

#include <signal.h>
#include <stddef.h>

static struct sigaction fault_handlers[2];

static inline void fault_handlers_do_nothing(void *context)
{
    (void)context;
}

/* Before cmocka runs. */
static inline void fault_handlers_keep(void)
{
    (void)fault_guard(fault_handlers_do_nothing, NULL);
    (void)sigaction(SIGBUS, NULL, &fault_handlers[0]);
    (void)sigaction(SIGSEGV, NULL, &fault_handlers[1]);
}

/* First in a test. */
static inline void fault_handlers_restore(void)
{
    (void)sigaction(SIGBUS, &fault_handlers[0], NULL);
    (void)sigaction(SIGSEGV, &fault_handlers[1], NULL);
}

#endif
