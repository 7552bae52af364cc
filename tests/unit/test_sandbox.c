/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/sandbox.h"
#include "tests/unit/scratch.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

extern char **environ;

/* --- what is tried; each returns 0 or an errno --- */

static int outcome(long result)
{
    return result < 0 ? errno : 0;
}

static int run_program(void)
{
    char program[] = "/bin/true";
    char *words[] = {program, NULL};
    return outcome(execve(words[0], words, environ));
}

static int make_child(void)
{
    pid_t child = fork();

    if (child == 0)
        _exit(0);
    return outcome(child);
}

static int trace(void)
{
    return outcome(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static int read_memory_of_others(void)
{
    return outcome(syscall(SYS_process_vm_readv, (long)getppid(), NULL, 0L, NULL, 0L, 0L));
}

static int mount_something(void)
{
    return outcome(mount("none", "/nonexistent", "tmpfs", 0, NULL));
}

static int leave_namespace(void)
{
    return outcome(unshare(CLONE_NEWUSER));
}

static int load_program_into_kernel(void)
{
    return outcome(syscall(SYS_bpf, 0L, NULL, 0L));
}

static int make_unix_socket(void)
{
    return outcome(socket(AF_UNIX, SOCK_DGRAM, 0));
}

static int make_inet_socket(void)
{
    return outcome(socket(AF_INET, SOCK_STREAM, 0));
}

static int make_inet6_socket(void)
{
    return outcome(socket(AF_INET6, SOCK_STREAM, 0));
}

static int make_netlink_socket(void)
{
    return outcome(socket(AF_NETLINK, SOCK_RAW, 0));
}

static int listen_anew(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int file = socket(AF_UNIX, SOCK_STREAM, 0);

    return outcome(bind(file, (const struct sockaddr *)&address, sizeof address.sun_family));
}

static int map_code(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return page == MAP_FAILED ? errno : 0;
}

static int turn_data_into_code(void)
{
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return page == MAP_FAILED ? errno : outcome(mprotect(page, 4096, PROT_READ | PROT_EXEC));
}

static int type_into_terminal(void)
{
    return outcome(ioctl(STDIN_FILENO, TIOCSTI, "x"));
}

static int signal_parent(void)
{
    return outcome(kill(getppid(), 0));
}

static int signal_itself(void)
{
    return raise(SIGURG) == 0 ? 0 : errno;
}

static void *set_flag(void *flag)
{
    *(int *)flag = 0;
    return NULL;
}

static int start_thread(void)
{
    int result = EINVAL;
    pthread_t thread;

    if (pthread_create(&thread, NULL, set_flag, &result) != 0)
        return EAGAIN;
    (void)pthread_join(thread, NULL);
    return result;
}

static int open_file(void)
{
    return outcome(open("/dev/null", O_RDWR | O_CLOEXEC));
}

static int get_more_rights(void)
{
    FILE *status = fopen("/proc/self/status", "r");
    char line[200];
    int value = 0;

    while (status != NULL && value == 0 && fgets(line, sizeof line, status) != NULL)
        (void)sscanf(line, "NoNewPrivs: %d", &value);
    return value == 1 ? EPERM : 0;
}

/* What a program that is run meets. */
static int trace_in_child(void)
{
    int status = 0;
    pid_t child = fork();

    if (child == 0)
        _exit(trace());
    if (child < 0 || waitpid(child, &status, 0) != child)
        return ECHILD;
    return WEXITSTATUS(status);
}

/* --- what comes of it --- */

enum { KILLED = 1000 };

static const struct attempt {
    const char *name;
    int (*attempt)(void);
    int milter; /* 0, an errno, or KILLED */
    int sync;
} attempts[] = {
    {"run a program", run_program, KILLED, 0},
    {"trace", trace, KILLED, EPERM},
    {"memory of others", read_memory_of_others, KILLED, EPERM},
    {"mount", mount_something, KILLED, EPERM},
    {"namespace", leave_namespace, KILLED, EPERM},
    {"bpf", load_program_into_kernel, KILLED, EPERM},
    {"fork", make_child, ENOSYS, 0},
    {"unix socket", make_unix_socket, 0, 0},
    {"inet socket", make_inet_socket, ENOSYS, 0},
    {"inet6 socket", make_inet6_socket, ENOSYS, 0},
    {"netlink socket", make_netlink_socket, ENOSYS, 0},
    {"bind", listen_anew, ENOSYS, 0},
    {"map code", map_code, ENOSYS, 0},
    {"data into code", turn_data_into_code, ENOSYS, 0},
    {"terminal", type_into_terminal, ENOSYS, ENOTTY},
    {"signal to another", signal_parent, ENOSYS, 0},
    {"signal to itself", signal_itself, 0, 0},
    {"thread", start_thread, 0, 0},
    {"file", open_file, 0, 0},
};

struct trial {
    bool is_milter;
    int family;
    int (*attempt)(void);
};

enum { NO_FILTER = 200 };

static int try_in_sandbox(void *context)
{
    const struct trial *trial = context;
    struct failure why;

    if (freopen("/dev/null", "r", stdin) == NULL)
        return NO_FILTER;
    if (!(trial->is_milter ? sandbox_enter_milter(trial->family, &why) : sandbox_enter_sync(&why)))
        return NO_FILTER;
    return trial->attempt();
}

static int come_of(struct trial trial)
{
    int status = scratch_run_child(try_in_sandbox, &trial);

    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS)
        return KILLED;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void expect(const char *name, struct trial trial, int expected)
{
    int found = come_of(trial);

    if (found != expected)
        fail_msg("%s, %s: %d instead of %d", trial.is_milter ? "milter" : "sync", name, found,
                 expected);
}

static void milter_keeps_what_it_needs(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++)
        expect(attempts[i].name, (struct trial){true, AF_UNIX, attempts[i].attempt},
               attempts[i].milter);
}

static void sync_gives_up_what_belongs_to_the_machine(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof attempts / sizeof *attempts; i++)
        expect(attempts[i].name, (struct trial){false, AF_UNSPEC, attempts[i].attempt},
               attempts[i].sync);
}

static void milter_keeps_the_family_of_its_socket(void **state)
{
    (void)state;
    expect("inet", (struct trial){true, AF_INET, make_inet_socket}, 0);
    expect("inet6 beside inet", (struct trial){true, AF_INET, make_inet6_socket}, ENOSYS);
    expect("inet6", (struct trial){true, AF_INET6, make_inet6_socket}, 0);
    expect("unix beside inet6", (struct trial){true, AF_INET6, make_unix_socket}, 0);
    expect("unknown", (struct trial){true, AF_UNSPEC, make_inet_socket}, ENOSYS);
}

static void children_inherit_it(void **state)
{
    (void)state;
    expect("trace", (struct trial){false, AF_UNSPEC, trace_in_child}, EPERM);
}

static void nothing_gives_more_rights(void **state)
{
    (void)state;
    expect("rights", (struct trial){true, AF_UNIX, get_more_rights}, EPERM);
    expect("rights", (struct trial){false, AF_UNSPEC, get_more_rights}, EPERM);
}

/* --- a store within it --- */

static struct scratch scratch;

static int read_store(void)
{
    struct store *store;
    struct failure why;
    uint64_t count = 0;
    bool worked = store_open(&store, scratch.store, STORE_READ, NULL, &why) &&
                  store_count(store, &count, &why);

    if (!worked)
        return EIO;
    store_close(store);
    return count == 1 ? 0 : ENOENT;
}

static void milter_can_open_its_store(void **state)
{
    (void)state;
    static const struct scratch_record records[] = {
        {"a.example", {.source = MAIL_FROM_FILE, .verified = true}}};

    scratch_make(&scratch);
    scratch_fill(scratch.store, records, 1);
    expect("store", (struct trial){true, AF_UNIX, read_store}, 0);
    scratch_remove(&scratch);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(milter_keeps_what_it_needs),
        cmocka_unit_test(sync_gives_up_what_belongs_to_the_machine),
        cmocka_unit_test(milter_keeps_the_family_of_its_socket),
        cmocka_unit_test(children_inherit_it),
        cmocka_unit_test(nothing_gives_more_rights),
        cmocka_unit_test(milter_can_open_its_store),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
