/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "tests/unit/fault_handlers.h"

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* A page of a file that was cut short after it was mapped: reading it is a SIGBUS. */
static void *lost_page;

static int make_lost_page(void **state)
{
    long size = sysconf(_SC_PAGESIZE);
    FILE *file = tmpfile();

    (void)state;
    if (file == NULL || ftruncate(fileno(file), size) != 0)
        return -1;
    lost_page = mmap(NULL, (size_t)size, PROT_READ, MAP_SHARED, fileno(file), 0);
    if (lost_page == MAP_FAILED || ftruncate(fileno(file), 0) != 0)
        return -1;
    return fclose(file);
}

static int free_lost_page(void **state)
{
    (void)state;
    return munmap(lost_page, (size_t)sysconf(_SC_PAGESIZE));
}

static void read_lost_page(void *context)
{
    int *steps = context;

    ++*steps;
    *steps += 100 + *(volatile char *)lost_page;
}

/* A page that may not be read at all. */
static void read_forbidden_page(void *context)
{
    size_t size = (size_t)sysconf(_SC_PAGESIZE);
    volatile char *page = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int *steps = context;

    ++*steps;
    *steps += 100 + *page;
}

static void step(void *context)
{
    ++*(int *)context;
}

static void raise_fault(void *context)
{
    int *steps = context;

    ++*steps;
    fault_raise();
    *steps += 100;
}

/* As a processor does for a division by zero; not all do. */
static void divide_by_zero(void *context)
{
    volatile int *steps = context;

    ++*steps;
    (void)raise(SIGFPE);
    *steps += 100;
}

/* The stack ends first. */
static volatile bool ends;

static int use_stack(volatile const char *above)
{
    volatile char room[4096];

    room[0] = above[0];
    return ends ? 0 : 1 + use_stack(room) + room[0];
}

static void use_the_stack_up(void *context)
{
    volatile int *steps = context;

    ++*steps;
    *steps += 100 + use_stack("");
}

static void go_in_circles(void *context)
{
    ++*(volatile int *)context;
    for (volatile int circles = 0;; circles = !circles)
        continue;
}

static void says_that_work_was_done(void **state)
{
    (void)state;
    int steps = 0;

    assert_true(fault_guard(step, &steps));
    assert_int_equal(steps, 1);
}

static void ends_work_that_faults(void **state)
{
    (void)state;
    static void (*const faults[])(void *) = {read_lost_page, read_forbidden_page, divide_by_zero,
                                             use_the_stack_up, raise_fault};

    fault_handlers_restore();
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        int steps = 0;
        assert_false(fault_guard(faults[i], &steps));
        assert_int_equal(steps, 1);
    }
}

static void says_what_ended_it(void **state)
{
    (void)state;
    int steps = 0;

    fault_handlers_restore();
    assert_false(fault_guard(read_lost_page, &steps));
    assert_int_equal(fault_last().signal, SIGBUS);
    assert_ptr_equal(fault_last().address, lost_page);
    assert_false(fault_guard(use_the_stack_up, &steps));
    assert_int_equal(fault_last().signal, SIGSEGV);
    assert_false(fault_guard(raise_fault, &steps));
    assert_int_equal(fault_last().signal, 0);
}

static void ends_work_that_goes_in_circles(void **state)
{
    (void)state;
    int steps = 0;

    fault_handlers_restore();
    assert_false(fault_guard_for(1, go_in_circles, &steps));
    assert_int_equal(steps, 1);
    assert_true(fault_guard_for(1, step, &steps));
    assert_int_equal(steps, 2);
}

static void works_again_after_a_fault(void **state)
{
    (void)state;
    int steps = 0;

    fault_handlers_restore();
    for (int i = 0; i < 1000; i++) {
        assert_false(fault_guard(read_lost_page, &steps));
        assert_true(fault_guard(step, &steps));
    }
    assert_int_equal(steps, 2000);
}

static void does_nothing_outside_of_a_guard(void **state)
{
    (void)state;
    int steps = 0;

    fault_raise();
    assert_true(fault_guard(step, &steps));
    fault_raise();
    assert_false(fault_guard(raise_fault, &steps));
    fault_raise();
}

static void guard_within(void *context)
{
    int *steps = context;

    if (!fault_guard(read_lost_page, context))
        *steps += 1000;
    *steps += 100;
}

static void guard_within_and_fault_after(void *context)
{
    (void)fault_guard(step, context);
    read_lost_page(context);
}

static void catches_at_the_outermost_guard(void **state)
{
    (void)state;
    int steps = 0;

    fault_handlers_restore();
    assert_false(fault_guard(guard_within, &steps));
    assert_int_equal(steps, 1);
    assert_false(fault_guard(guard_within_and_fault_after, &steps));
    assert_int_equal(steps, 3);
}

struct thread {
    void (*work)(void *context);
    int steps;
    int faults;
};

enum { THREADS = 8, ROUNDS = 500 };

static void *guard_often(void *context)
{
    struct thread *thread = context;

    for (int i = 0; i < ROUNDS; i++)
        thread->faults += !fault_guard(thread->work, &thread->steps);
    return NULL;
}

static void leaves_other_threads_alone(void **state)
{
    (void)state;
    static void (*const faults[THREADS / 2])(void *) = {read_lost_page, divide_by_zero,
                                                        read_lost_page, use_the_stack_up};
    struct thread threads[THREADS];
    pthread_t ids[THREADS];

    fault_handlers_restore();
    for (int i = 0; i < THREADS; i++) {
        threads[i] = (struct thread){i % 2 ? faults[i / 2] : step, 0, 0};
        assert_int_equal(pthread_create(&ids[i], NULL, guard_often, &threads[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        (void)pthread_join(ids[i], NULL);
        assert_int_equal(threads[i].steps, ROUNDS);
        assert_int_equal(threads[i].faults, i % 2 ? ROUNDS : 0);
    }
}

static void *fault_unguarded(void *context)
{
    read_lost_page(context);
    return NULL;
}

/* In another thread than the one that is inside of a guard. */
static void start_a_thread_that_faults(void *context)
{
    pthread_t id;

    if (pthread_create(&id, NULL, fault_unguarded, context) == 0)
        (void)pthread_join(id, NULL);
}

static void guard_a_thread_that_faults(void *context)
{
    (void)fault_guard(start_a_thread_that_faults, context);
}

static void give_up(void *context)
{
    (void)context;
    abort();
}

/* The memory of the program itself is damaged: see the header. */
static void guard_what_gives_up(void *context)
{
    (void)fault_guard(give_up, context);
}

/* The signal that ends a child process in which work runs unguarded, 0 if none does. */
static int killed_by(void (*work)(void *context))
{
    static const struct rlimit no_core = {0, 0};
    int steps = 0;
    int status = 0;
    pid_t child = fork();

    if (child == 0) {
        (void)setrlimit(RLIMIT_CORE, &no_core);
        work(&steps);
        _exit(EXIT_SUCCESS);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void kills_as_ever_outside_of_a_guard(void **state)
{
    (void)state;
    fault_handlers_restore();
    assert_int_equal(killed_by(step), 0);
    assert_int_equal(killed_by(read_lost_page), SIGBUS);
    assert_int_equal(killed_by(read_forbidden_page), SIGSEGV);
    assert_int_equal(killed_by(divide_by_zero), SIGFPE);
    assert_int_equal(killed_by(use_the_stack_up), SIGSEGV);
    assert_int_equal(killed_by(guard_what_gives_up), SIGABRT);
    assert_int_equal(killed_by(guard_a_thread_that_faults), SIGBUS);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(says_that_work_was_done),
        cmocka_unit_test(ends_work_that_faults),
        cmocka_unit_test(says_what_ended_it),
        cmocka_unit_test(ends_work_that_goes_in_circles),
        cmocka_unit_test(works_again_after_a_fault),
        cmocka_unit_test(does_nothing_outside_of_a_guard),
        cmocka_unit_test(catches_at_the_outermost_guard),
        cmocka_unit_test(leaves_other_threads_alone),
        cmocka_unit_test(kills_as_ever_outside_of_a_guard),
    };
    fault_handlers_keep();
    return cmocka_run_group_tests(tests, make_lost_page, free_lost_page);
}
