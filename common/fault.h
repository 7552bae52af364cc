/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Reading a file through a memory map, safely: where the file is cut short meanwhile, or its pages
 * lead LMDB astray, the kernel answers with SIGBUS (no such page), SIGSEGV (no such address, or no
 * stack left) or SIGFPE (a size of 0). Within fault_guard that ends the work, not the program.
 * LMDB's assertions end it by fault_raise. SIGABRT and SIGILL are not caught: libc and the compiler
 * raise these where the memory of the program itself is damaged, and then it must not go on.
 */
#ifndef COMMON_FAULT_H
#define COMMON_FAULT_H

#include <stdbool.h>
#include <sys/types.h>

/* Runs work(context) and returns true; false if it faulted half-way. What it held then is lost, so
 * it must hold nothing that others need: no locks, no half-made changes outside of the map. Any
 * thread; where guards are nested, the outermost catches. A fault outside of a guard takes the
 * signal's default action, as ever. */
bool fault_guard(void (*work)(void *context), void *context);

/* The same, for work that may go round in circles: ends it as well when it has used a processor for
 * so many seconds. It costs three system calls. Within another guard there is no limit. */
bool fault_guard_for(int seconds, void (*work)(void *context), void *context);

enum { FAULT_SIGNALS = 3 };
extern const int fault_signals[FAULT_SIGNALS]; /* that are caught */

/* What ended the last guard of this thread. SIGBUS says that the kernel could not bring a page: the
 * file ends before it, the disk fails, or the file system has no room for it. */
struct fault {
    int signal; /* 0: none of the processor's */
    const void *address;
};

struct fault fault_last(void);

/* Ends the guarded work of another thread, by its gettid(2), as a fault does. For work that goes
 * round in circles: it must not be in the middle of something that others need, such as malloc(3).
 * Nothing happens to a thread that is in no guard, or that is no more. */
void fault_interrupt(pid_t thread);

/* Ends the guarded work of this thread as a fault does; returns if there is none. */
void fault_raise(void);

#endif
