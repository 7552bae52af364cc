/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * mailfrom-sync: command line, start, reload, stop.
 */
#include "build-config.h"

#include "sync/health.h"
#include "sync/orphan.h"
#include "sync/preflight.h"
#include "sync/runner.h"

#include "common/command_line.h"
#include "common/daemon.h"
#include "common/instance.h"
#include "common/log.h"
#include "common/log_limit.h"
#include "common/notify.h"
#include "common/sandbox.h"
#include "common/store_directory.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

/* Seconds between two lines for the supervisor. */
enum { STATUS_EVERY = 5 };

static const char usage[] =
    "usage: mailfrom-sync [-c FILE] [-f] [--once] [--check] [--version]\n"
    "\n"
    "  -c FILE    read the settings from FILE (default " DEFAULT_SETTINGS_FILE ")\n"
    "  -f         stay in the foreground and log to stderr\n"
    "  --once     refresh everything once, in the foreground, print a summary, and exit\n"
    "  --check    check the settings, print those in effect, and exit\n"
    "  --version  print the version and exit\n"
    "\n"
    "Signals: HUP and USR1 reload the settings, TERM and INT stop.\n";
static const struct command_line_program program = {"mailfrom-sync", usage, true};

static struct command_line options;

/* What runs. settings are those that runner uses. */
static struct {
    struct settings *settings;
    char *directory; /* of the store: as at the start, whatever a reload says */
    char *group;
    struct shared_store *store;
    struct transitions *transitions;
    struct runner *runner;
    bool is_reload_refused; /* the last one */
    sigset_t signals;
} sync_state;

/* --- settings --- */

static struct settings *read_settings(struct failure *why)
{
    struct settings *settings;

    if (!settings_read(&settings, options.settings_file, why))
        return NULL;
    if (!runner_has_work(settings))
        (void)failure_set(why, EX_CONFIG,
                          "%s: there is neither a section ses nor local { expected-mx }, so there "
                          "is nothing to do",
                          options.settings_file);
    else if (preflight_check(settings, why))
        return settings;
    else
        (void)failure_prefix(why, "%s", options.settings_file);
    settings_free(settings);
    return NULL;
}

/* What is taken up at the start only. */
static void warn_of_restart(const struct settings *new)
{
    static const char text[] = "%s has changed; restart to apply it";

    if (strcmp(sync_state.directory, new->store) != 0)
        log_write(LOG_WARNING, text, "store");
    if (strcmp(sync_state.settings->sync.user, new->sync.user) != 0)
        log_write(LOG_WARNING, text, "user");
    if (sync_state.settings->seccomp != new->seccomp)
        log_write(LOG_WARNING, text, "seccomp");
}

static struct runner *run_with(const struct settings *settings, struct failure *why)
{
    orphan_warn(sync_state.store, settings);
    return runner_start(settings, sync_state.store, sync_state.transitions, options.once, why);
}

/* One line for who asks the supervisor. */
static void tell_status(void)
{
    static const char warning[] = "settings of before the last reload; ";
    char status[NOTIFY_STATUS_MAX + 1] = "";

    if (sync_state.is_reload_refused)
        strcpy(status, warning);
    health_describe(sync_state.store, sync_state.settings, status + strlen(status),
                    sizeof status - strlen(status));
    notify_status(status);
}

/* The threads end before others begin: two clients of one account would spend its budget twice. */
static void reload(void)
{
    struct failure why;
    struct settings *settings = read_settings(&why);

    if (settings == NULL) {
        log_write(LOG_ERR, "%s; the old settings stay in force", why.text);
        return;
    }
    warn_of_restart(settings);
    runner_stop(sync_state.runner);
    sync_state.runner = run_with(settings, &why);
    if (sync_state.runner != NULL) {
        log_configure(settings->log_format, settings->log_level);
        settings_free(sync_state.settings);
        sync_state.settings = settings;
        sync_state.is_reload_refused = false;
        log_write(LOG_INFO, "settings reloaded from %s", options.settings_file);
        return;
    }
    settings_free(settings);
    log_write(LOG_ERR, "%s; the old settings stay in force", why.text);
    sync_state.runner = run_with(sync_state.settings, &why);
    if (sync_state.runner == NULL)
        log_write(LOG_CRIT, "%s; trying again", why.text);
}

/* After a reload, while the store could not be read: it was replaced, or another program wrote. */
static void begin_again(void)
{
    struct failure why;

    sync_state.runner = run_with(sync_state.settings, &why);
    if (sync_state.runner != NULL)
        log_write(LOG_NOTICE, "goes on");
}

/* For the supervisor, a reload is over when it has come to its end, good or bad. */
static void reload_and_tell(void)
{
    notify_reloading();
    sync_state.is_reload_refused = true;
    reload();
    notify_ready();
    tell_status();
}

/* --- start --- */

static void block_signals(void)
{
    (void)sigemptyset(&sync_state.signals);
    (void)sigaddset(&sync_state.signals, SIGHUP);
    (void)sigaddset(&sync_state.signals, SIGUSR1);
    (void)sigaddset(&sync_state.signals, SIGTERM);
    (void)sigaddset(&sync_state.signals, SIGINT);
    (void)pthread_sigmask(SIG_BLOCK, &sync_state.signals, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

/* Root makes the directory of the store, and touches nothing in it. */
static bool become_user(struct failure *why)
{
    const char *user = sync_state.settings->sync.user;

    if (geteuid() == 0 && *user != '\0' &&
        (!store_directory_make(sync_state.directory, sync_state.group, why) ||
         !store_directory_give(sync_state.directory, user, why)))
        return false;
    if (!daemon_become(user, why))
        return false;
    daemon_forbid_core();
    return true;
}

static bool open_store(struct failure *why)
{
    sync_state.directory = strdup(sync_state.settings->store);
    sync_state.group = strdup(sync_state.settings->store_group);
    if (sync_state.directory == NULL || sync_state.group == NULL)
        return failure_set(why, EX_OSERR, "out of memory");
    if (!become_user(why))
        return false;
    sync_state.store = shared_store_open(sync_state.directory, sync_state.group, why);
    return sync_state.store != NULL && instance_lock(sync_state.directory, why);
}

static bool start(struct failure *why)
{
    block_signals();
    if (!options.foreground && !daemon_go_to_background(why))
        return false;
    log_configure(sync_state.settings->log_format, sync_state.settings->log_level);
    notify_open();
    log_open(program.name, options.foreground ? LOG_TO_STDERR : LOG_TO_SYSLOG);
    if (!open_store(why))
        return false;
    if (sync_state.settings->seccomp && !sandbox_enter_sync(why))
        return false;
    sync_state.transitions = transitions_new(why);
    if (sync_state.transitions == NULL)
        return false;
    sync_state.runner = run_with(sync_state.settings, why);
    if (sync_state.runner == NULL)
        return false;
    if (!options.once)
        log_write(LOG_INFO, "version %s, store %s, accounts %zu, local identities %s, %s",
                  PACKAGE_VERSION, sync_state.directory, sync_state.settings->ses_count,
                  sync_state.settings->local.expected_mx.count > 0 ? "looked up" : "left alone",
                  sync_state.settings->seccomp ? sandbox_description : "no seccomp filter");
    if (!options.foreground && !daemon_leave_terminal(why))
        return false;
    tell_status();
    notify_ready();
    daemon_tell_parent(EX_OK);
    return true;
}

/* --- run --- */

static void show_progress(void)
{
    struct runner_progress progress = runner_progress(sync_state.runner);

    if (isatty(STDERR_FILENO))
        (void)fprintf(stderr, "\r%zu identities listed, %zu fetched, %zu looked up ",
                      progress.listed, progress.fetched, progress.looked_up);
}

static bool is_finished(void)
{
    if (!options.once)
        return false;
    show_progress();
    return runner_is_done(sync_state.runner) && transitions_are_done(sync_state.transitions);
}

/* Once a second, also where signals keep coming. */
static void look_after(void)
{
    static time_t next_look, next_status;
    struct timespec now;

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    if (now.tv_sec < next_look)
        return;
    next_look = now.tv_sec + 1;
    if (sync_state.runner == NULL)
        begin_again();
    if (sync_state.runner == NULL || runner_is_alive(sync_state.runner))
        notify_alive();
    log_limit_check();
    if (now.tv_sec < next_status)
        return;
    next_status = now.tv_sec + STATUS_EVERY;
    tell_status();
}

/* Returns the signal that ended it, or 0. */
static int run(void)
{
    const struct timespec pause = {.tv_sec = options.once ? 0 : 1,
                                   .tv_nsec = options.once ? 50000000 : 0};

    while (!is_finished()) {
        int received = sigtimedwait(&sync_state.signals, NULL, &pause);
        if (received == SIGTERM || received == SIGINT)
            return received;
        if ((received == SIGHUP || received == SIGUSR1) && !options.once)
            reload_and_tell();
        look_after();
    }
    return 0;
}

static bool report(int received, struct failure *why)
{
    if (options.once && isatty(STDERR_FILENO))
        (void)fputs("\r\033[K", stderr);
    if (!options.once)
        return true;
    if (received != 0)
        return failure_set(why, EX_TEMPFAIL, "stopped before everything was refreshed");
    return runner_report(sync_state.runner, why);
}

static void stop(void)
{
    runner_stop(sync_state.runner);
    log_limit_finish();
    transitions_free(sync_state.transitions);
    shared_store_close(sync_state.store);
    settings_free(sync_state.settings);
    free(sync_state.directory);
    free(sync_state.group);
}

static int fail(const struct failure *why)
{
    (void)fprintf(stderr, "%s: %s\n", program.name, why->text);
    daemon_tell_parent(why->exit_code);
    return why->exit_code;
}

static int check(void)
{
    struct failure why;
    struct settings *settings = read_settings(&why);

    if (settings == NULL || !daemon_become(settings->sync.user, &why))
        return fail(&why);
    settings_print(settings, stdout);
    settings_free(settings);
    return EX_OK;
}

int main(int argc, char **argv)
{
    struct failure why;
    int received;
    bool fine;

    options = command_line_read(&program, argc, argv);
    if (options.check)
        return check();
    sync_state.settings = read_settings(&why);
    if (sync_state.settings == NULL)
        return fail(&why);
    if (!start(&why)) {
        stop();
        return fail(&why);
    }
    received = run();
    notify_stopping();
    fine = report(received, &why);
    if (!options.once)
        log_write(LOG_INFO, "stopping");
    stop();
    if (!options.once)
        log_write(LOG_INFO, "stopped");
    return fine ? EX_OK : fail(&why);
}
