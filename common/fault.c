/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/fault.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static _Thread_local sigjmp_buf landing;
static _Thread_local volatile sig_atomic_t guarded;
static _Thread_local struct fault last;
static pthread_once_t installed = PTHREAD_ONCE_INIT;

void fault_raise(void)
{
    if (guarded) {
        guarded = 0;
        siglongjmp(landing, 1);
    }
}

static void on_fault(int signal_number, siginfo_t *info, void *context)
{
    (void)context;
    last = (struct fault){signal_number, info->si_addr};
    fault_raise();
    /* Not ours: the instruction runs again and faults for good, with a core file that shows it. */
    (void)signal(signal_number, SIG_DFL);
}

static void on_interrupt(int signal_number)
{
    (void)signal_number;
    fault_raise();
}

static void install(void)
{
    /* SA_NODEFER: the jump leaves the handler without restoring the signal mask, which would cost
     * a system call for every guard. */
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_NODEFER | SA_SIGINFO};

    (void)sigaction(SIGBUS, &action, NULL);
    (void)sigaction(SIGSEGV, &action, NULL);
    action.sa_handler = on_interrupt;
    action.sa_flags = SA_NODEFER | SA_RESTART;
    (void)sigaction(SIGURG, &action, NULL);
}

struct fault fault_last(void)
{
    return last;
}

/* SIGURG is ignored by default, so it does no harm where no guard was ever entered. */
void fault_interrupt(pid_t thread)
{
    (void)tgkill(getpid(), thread, SIGURG);
}

bool fault_guard(void (*work)(void *context), void *context)
{
    if (guarded) {
        work(context);
        return true;
    }
    (void)pthread_once(&installed, install);
    if (sigsetjmp(landing, 0) != 0)
        return false;
    last = (struct fault){0, NULL};
    guarded = 1;
    work(context);
    guarded = 0;
    return true;
}
