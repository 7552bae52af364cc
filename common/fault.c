/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/fault.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <time.h>
#include <unistd.h>

enum { HANDLER_STACK = 32 * 1024 };

static _Thread_local sigjmp_buf landing;
static _Thread_local volatile sig_atomic_t guarded;
static _Thread_local struct fault last;
static _Thread_local bool prepared;
const int fault_signals[FAULT_SIGNALS] = {SIGBUS, SIGFPE, SIGSEGV};
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
    if (info->si_code <= 0) /* somebody has sent it: there is no such instruction */
        (void)raise(signal_number);
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
    struct sigaction action = {.sa_sigaction = on_fault,
                               .sa_flags = SA_NODEFER | SA_SIGINFO | SA_ONSTACK};

    for (size_t i = 0; i < sizeof fault_signals / sizeof *fault_signals; i++)
        (void)sigaction(fault_signals[i], &action, NULL);
    action.sa_handler = on_interrupt;
    action.sa_flags = SA_NODEFER | SA_RESTART | SA_ONSTACK;
    (void)sigaction(SIGURG, &action, NULL);
}

/* Where the stack is used up, a handler needs another one. A sanitizer brings its own. */
static void prepare_thread(void)
{
    static _Thread_local char stack[HANDLER_STACK];
    const stack_t other = {.ss_sp = stack, .ss_size = sizeof stack};
    stack_t present;

    (void)pthread_once(&installed, install);
    if (sigaltstack(NULL, &present) == 0 && (present.ss_flags & SS_DISABLE) != 0)
        (void)sigaltstack(&other, NULL);
    prepared = true;
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
    if (!prepared)
        prepare_thread();
    if (sigsetjmp(landing, 0) != 0)
        return false;
    last = (struct fault){0, NULL};
    guarded = 1;
    work(context);
    guarded = 0;
    return true;
}

/* The thread's own timer, which counts what it uses of a processor. False: there can be none. */
static bool start_timer(timer_t *timer, int seconds)
{
    const struct itimerspec limit = {.it_value = {.tv_sec = seconds}};
    struct sigevent event = {.sigev_notify = SIGEV_THREAD_ID, .sigev_signo = SIGURG};

    event._sigev_un._tid = gettid(); /* glibc 2.36 has no name for it */
    if (timer_create(CLOCK_THREAD_CPUTIME_ID, &event, timer) != 0)
        return false;
    (void)timer_settime(*timer, 0, &limit, NULL);
    return true;
}

bool fault_guard_for(int seconds, void (*work)(void *context), void *context)
{
    timer_t timer;
    bool has_timer = !guarded && start_timer(&timer, seconds);
    bool worked = fault_guard(work, context);

    if (has_timer)
        (void)timer_delete(timer);
    return worked;
}
