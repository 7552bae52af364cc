/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Does libmilter read through the front? A thread connects to the milter's own socket as an MTA
 * does, and says in the log if it does not.
 */
#ifndef MILTER_SELF_TEST_H
#define MILTER_SELF_TEST_H

/* Right before smfi_main. Nothing waits for it, and nothing depends on what comes out. */
void self_test_start(void);

#endif
