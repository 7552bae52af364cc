/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The system calls that a program gives up for good once it has started (seccomp(2)), so that a
 * hole in it is worth less. There is no way back, and threads and children inherit it. A program
 * that was built without libseccomp, or with sanitizers, gives up nothing.
 */
#ifndef COMMON_SANDBOX_H
#define COMMON_SANDBOX_H

#include "common/failure.h"

/* The milter keeps what it needs and no more: no program is run, no process traced, no memory made
 * executable, nothing listened on, no socket made but for AF_UNIX (the log) and family, that of the
 * MTA's socket. What would be an attack ends the program; of everything else it is told that the
 * kernel does not know it, so that a C library that tries something new goes another way. Before
 * any thread is started. EX_OSERR. */
bool sandbox_enter_milter(int family, struct failure *why);

/* mailfrom-sync runs programs of the administrator's, which inherit this. So it only gives up what
 * belongs to whoever runs the machine: kernel, mounts, namespaces, keyrings, the memory of other
 * processes; these fail with EPERM. Nor does any program get more rights by being run, such as
 * sudo(8). Before any thread is started. EX_OSERR. */
bool sandbox_enter_sync(struct failure *why);

/* For the log: what success means in this build. */
extern const char sandbox_description[];

#endif
