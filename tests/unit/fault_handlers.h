/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * cmocka puts its own handlers for such signals around each test, over those that
 * common/fault.c installs once. A test that reads damaged stores puts the latter back.
 */
#ifndef TESTS_UNIT_FAULT_HANDLERS_H
#define TESTS_UNIT_FAULT_HANDLERS_H

#include "common/fault.h"

#include <signal.h>
#include <stddef.h>

static struct sigaction fault_handlers[FAULT_SIGNALS];

static inline void fault_handlers_do_nothing(void *context)
{
    (void)context;
}

/* Before cmocka runs. */
static inline void fault_handlers_keep(void)
{
    (void)fault_guard(fault_handlers_do_nothing, NULL);
    for (size_t i = 0; i < FAULT_SIGNALS; i++)
        (void)sigaction(fault_signals[i], NULL, &fault_handlers[i]);
}

/* First in a test. */
static inline void fault_handlers_restore(void)
{
    for (size_t i = 0; i < FAULT_SIGNALS; i++)
        (void)sigaction(fault_signals[i], &fault_handlers[i], NULL);
}

#endif
