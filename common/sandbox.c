/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "common/sandbox.h"

#include <errno.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sysexits.h>
#include <unistd.h>

#include <seccomp.h>

const char sandbox_description[] = "seccomp filter in force";

/* Names, not numbers: what an architecture or a libseccomp does not know is left out. */

/* For any arguments. Found with strace, and what stands for the same on other architectures and in
 * other versions of glibc. */
static const char *const milter_needs[] = {
    /* memory */
    "brk", "madvise", "mremap", "msync", "munmap",
    /* files: the settings, the store and its lock, the socket's file */
    "access", "chmod", "chown", "chown32", "close", "dup2", "dup3", "faccessat", "faccessat2",
    "fchmod", "fchmodat", "fchown", "fchown32", "fchownat", "fcntl", "fcntl64", "fdatasync",
    "flock", "fstat", "fstat64", "fstatat64", "fstatfs", "fstatfs64", "fsync", "ftruncate",
    "ftruncate64", "getcwd", "lchown", "lchown32", "lseek", "_llseek", "lstat", "lstat64",
    "newfstatat", "open", "openat", "pread64", "preadv", "pwrite64", "pwritev", "read", "readlink",
    "readlinkat", "readv", "stat", "stat64", "statfs", "statfs64", "statx", "umask", "unlink",
    "unlinkat", "write", "writev",
    /* connections; bind and listen are over */
    "accept", "accept4", "connect", "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_wait",
    "eventfd2", "getpeername", "getsockname", "getsockopt", "pipe", "pipe2", "poll", "ppoll",
    "ppoll_time64", "pselect6", "pselect6_time64", "recv", "recvfrom", "recvmsg", "select",
    "_newselect", "send", "sendmsg", "sendto", "setsockopt", "shutdown",
    /* signals */
    "restart_syscall", "rt_sigaction", "rt_sigpending", "rt_sigprocmask", "rt_sigreturn",
    "rt_sigtimedwait", "rt_sigtimedwait_time64", "sigaltstack", "sigreturn",
    /* threads; clone is below */
    "exit", "exit_group", "futex", "futex_time64", "get_robust_list", "gettid", "membarrier",
    "rseq", "sched_getaffinity", "sched_yield", "set_robust_list", "set_tid_address",
    /* time, chance, and who one is */
    "clock_getres", "clock_getres_time64", "clock_gettime", "clock_gettime64", "clock_nanosleep",
    "clock_nanosleep_time64", "getegid", "getegid32", "geteuid", "geteuid32", "getgid", "getgid32",
    "getpid", "getppid", "getrandom", "getrlimit", "getrusage", "gettimeofday", "getuid",
    "getuid32", "nanosleep", "sysinfo", "time", "timer_create", "timer_delete", "timer_settime",
    "timer_settime64", "ugetrlimit", "uname"};

/* Of one that goes on as root: see common/owner.h. */
static const char *const milter_needs_as_root[] = {"setfsgid",   "setfsgid32", "setfsuid",
                                                   "setfsuid32", "setgroups",  "setgroups32",
                                                   "getgroups",  "getgroups32"};

/* Nothing that the milter links ever does any of this. */
static const char *const milter_never_does[] = {"add_key",
                                                "bpf",
                                                "chroot",
                                                "delete_module",
                                                "execve",
                                                "execveat",
                                                "finit_module",
                                                "init_module",
                                                "io_uring_setup",
                                                "kexec_file_load",
                                                "kexec_load",
                                                "keyctl",
                                                "mount",
                                                "move_mount",
                                                "open_tree",
                                                "perf_event_open",
                                                "pivot_root",
                                                "process_vm_readv",
                                                "process_vm_writev",
                                                "ptrace",
                                                "request_key",
                                                "setns",
                                                "umount2",
                                                "unshare",
                                                "userfaultfd"};

/* Nothing that a program needs which tells of a change of status, or which brings keys. */
static const char *const sync_gives_up[] = {"acct",
                                            "add_key",
                                            "adjtimex",
                                            "bpf",
                                            "chroot",
                                            "clock_adjtime",
                                            "clock_adjtime64",
                                            "clock_settime",
                                            "clock_settime64",
                                            "delete_module",
                                            "fanotify_init",
                                            "finit_module",
                                            "fsconfig",
                                            "fsmount",
                                            "fsopen",
                                            "fspick",
                                            "init_module",
                                            "io_uring_enter",
                                            "io_uring_register",
                                            "io_uring_setup",
                                            "ioperm",
                                            "iopl",
                                            "kcmp",
                                            "kexec_file_load",
                                            "kexec_load",
                                            "keyctl",
                                            "lookup_dcookie",
                                            "mount",
                                            "mount_setattr",
                                            "move_mount",
                                            "move_pages",
                                            "nfsservctl",
                                            "open_by_handle_at",
                                            "open_tree",
                                            "perf_event_open",
                                            "pidfd_getfd",
                                            "pivot_root",
                                            "process_vm_readv",
                                            "process_vm_writev",
                                            "ptrace",
                                            "quotactl",
                                            "quotactl_fd",
                                            "reboot",
                                            "request_key",
                                            "setdomainname",
                                            "sethostname",
                                            "setns",
                                            "settimeofday",
                                            "stime",
                                            "swapoff",
                                            "swapon",
                                            "syslog",
                                            "umount",
                                            "umount2",
                                            "unshare",
                                            "userfaultfd",
                                            "vhangup"};

#define COUNT(table) (sizeof(table) / sizeof *(table))

#ifdef __s390__
enum { CLONE_FLAGS = 1 };
#else
enum { CLONE_FLAGS = 0 };
#endif

/* Returns 0 or a negative errno, as libseccomp does; so do all below. */
static int add(scmp_filter_ctx filter, uint32_t action, const char *name,
               const struct scmp_arg_cmp *condition)
{
    int call = seccomp_syscall_resolve_name(name);

    return call == __NR_SCMP_ERROR
               ? 0
               : seccomp_rule_add_array(filter, action, call, condition != NULL, condition);
}

static int add_all(scmp_filter_ctx filter, uint32_t action, const char *const names[], size_t count)
{
    int result = 0;

    for (size_t i = 0; i < count && result == 0; i++)
        result = add(filter, action, names[i], NULL);
    return result;
}

static int allow_if(scmp_filter_ctx filter, const char *name, unsigned argument,
                    enum scmp_compare comparison, uint64_t first, uint64_t second)
{
    const struct scmp_arg_cmp condition = {argument, comparison, first, second};

    return add(filter, SCMP_ACT_ALLOW, name, &condition);
}

static int allow_memory(scmp_filter_ctx filter)
{
    static const char *const names[] = {"mmap", "mmap2", "mprotect"};
    int result = 0;

    for (size_t i = 0; i < COUNT(names) && result == 0; i++)
        result = allow_if(filter, names[i], 2, SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
    return result;
}

/* The arguments of clone3 lie in memory, where no filter sees them; it stays unknown, and glibc
 * takes clone. */
static int allow_threads(scmp_filter_ctx filter)
{
    return allow_if(filter, "clone", CLONE_FLAGS, SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD);
}

static int allow_sockets(scmp_filter_ctx filter, int family)
{
    int result = allow_if(filter, "socket", 0, SCMP_CMP_EQ, AF_UNIX, 0);

    if (result != 0 || family == AF_UNIX || family == AF_UNSPEC)
        return result;
    return allow_if(filter, "socket", 0, SCMP_CMP_EQ, (uint64_t)family, 0);
}

static int allow_some(scmp_filter_ctx filter, int family)
{
    static const unsigned long requests[] = {FIONBIO, FIONREAD, TCGETS};
    int result = allow_memory(filter);

    if (result == 0)
        result = allow_threads(filter);
    if (result == 0)
        result = allow_sockets(filter, family);
    for (size_t i = 0; i < COUNT(requests) && result == 0; i++)
        result = allow_if(filter, "ioctl", 1, SCMP_CMP_EQ, requests[i], 0);
    if (result == 0)
        result = allow_if(filter, "tgkill", 0, SCMP_CMP_EQ, (uint64_t)getpid(), 0);
    if (result == 0) /* read, not set */
        result = allow_if(filter, "prlimit64", 2, SCMP_CMP_EQ, 0, 0);
    return result;
}

static int fill_for_milter(scmp_filter_ctx filter, int family)
{
    int result = add_all(filter, SCMP_ACT_ALLOW, milter_needs, COUNT(milter_needs));

    if (result == 0 && geteuid() == 0)
        result = add_all(filter, SCMP_ACT_ALLOW, milter_needs_as_root, COUNT(milter_needs_as_root));
    if (result == 0)
        result = allow_some(filter, family);
    if (result == 0)
        result =
            add_all(filter, SCMP_ACT_KILL_PROCESS, milter_never_does, COUNT(milter_never_does));
    return result;
}

/* Other architectures have other numbers, and are a way around it. The filter is a tree, since each
 * system call goes through it. */
static int load(scmp_filter_ctx filter)
{
    int result = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);

    if (result == 0)
        result = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
    return result == 0 ? seccomp_load(filter) : result;
}

/* filter may be NULL. */
static bool finish(scmp_filter_ctx filter, int result, struct failure *why)
{
    if (filter == NULL)
        result = -ENOMEM;
    else if (result == 0)
        result = load(filter);
    if (filter != NULL)
        seccomp_release(filter);
    if (result != 0)
        return failure_set(why, EX_OSERR,
                           "cannot load the seccomp filter: %s; seccomp = false goes without",
                           strerror(-result));
    return true;
}

bool sandbox_enter_milter(int family, struct failure *why)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));

    return finish(filter, filter == NULL ? 0 : fill_for_milter(filter, family), why);
}

bool sandbox_enter_sync(struct failure *why)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    uint32_t refused = SCMP_ACT_ERRNO(EPERM);

    return finish(
        filter, filter == NULL ? 0 : add_all(filter, refused, sync_gives_up, COUNT(sync_gives_up)),
        why);
}
