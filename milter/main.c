/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * mailfrom-milter: command line, start, reload, stop.
 */
#include "build-config.h"

#include "common/command_line.h"
#include "common/daemon.h"
#include "common/log.h"
#include "common/log_limit.h"
#include "common/notify.h"
#include "common/return_secrets.h"
#include "common/sandbox.h"
#include "common/settings.h"
#include "milter/front.h"
#include "milter/live_settings.h"
#include "milter/metrics_server.h"
#include "milter/milter.h"
#include "milter/peers.h"
#include "milter/return_map.h"
#include "milter/self_test.h"
#include "milter/signals.h"
#include "milter/socket.h"
#include "milter/socket_file.h"
#include "milter/socketmap_server.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include <libmilter/mfapi.h>

static const char usage[] =
    "usage: mailfrom-milter [-c FILE] [-f] [--check] [--version]\n"
    "\n"
    "  -c FILE    read the settings from FILE (default " DEFAULT_SETTINGS_FILE ")\n"
    "  -f         stay in the foreground and log to stderr\n"
    "  --check    check the settings, print those in effect, and exit\n"
    "  --version  print the version and exit\n"
    "\n"
    "Signals: HUP and USR1 reload the settings, TERM and INT stop.\n";
static const struct command_line_program program = {"mailfrom-milter", usage, false};

static struct command_line options;
static struct lookup *lookup;
static bool is_reload_refused; /* the last one */

/* --- while it runs --- */

/* What is taken up at the start only. */
static void warn_of_restart(const struct settings *old, const struct settings *new)
{
    const struct {
        const char *name;
        bool has_changed;
    } rows[] = {
        {"socket", strcmp(old->milter.socket, new->milter.socket) != 0},
        {"socket-mode", old->milter.socket_mode != new->milter.socket_mode},
        {"socket-group", strcmp(old->milter.socket_group, new->milter.socket_group) != 0},
        {"user", strcmp(old->milter.user, new->milter.user) != 0},
        {"metrics", strcmp(old->milter.metrics, new->milter.metrics) != 0},
        {"seccomp", old->seccomp != new->seccomp},
        {"return-path: socket", strcmp(old->return_path.socket, new->return_path.socket) != 0},
        {"return-path: socket-mode", old->return_path.socket_mode != new->return_path.socket_mode},
        {"return-path: socket-group",
         strcmp(old->return_path.socket_group, new->return_path.socket_group) != 0},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (rows[i].has_changed)
            log_write(LOG_WARNING, "%s has changed; restart to apply it", rows[i].name);
    }
}

/* NULL where there are no return paths. */
static bool read_secrets(struct return_secrets **secrets, const struct settings *settings,
                         struct failure *why)
{
    *secrets = NULL;
    return settings->return_path.secrets_file[0] == '\0' ||
           return_secrets_read(secrets, settings->return_path.secrets_file, why);
}

static bool take_settings_anew(struct failure *why)
{
    struct settings *settings;
    struct return_secrets *secrets;
    struct live_settings *live;

    if (!settings_read(&settings, options.settings_file, why))
        return false;
    if (!read_secrets(&secrets, settings, why)) {
        settings_free(settings);
        return false;
    }
    live = live_settings_acquire();
    warn_of_restart(live_settings_get(live), settings);
    live_settings_release(live);
    log_configure(settings->log_format, settings->log_level);
    if (live_settings_take(settings, secrets))
        return true;
    settings_free(settings);
    return_secrets_free(secrets);
    return failure_set(why, EX_OSERR, "out of memory");
}

/* One line for who asks the supervisor. */
static void tell_status(void)
{
    struct live_settings *live = live_settings_acquire();
    char store[NOTIFY_STATUS_MAX - 50], status[NOTIFY_STATUS_MAX + 1];

    lookup_describe(lookup, store, sizeof store);
    (void)snprintf(status, sizeof status, "%s%s%s",
                   live_settings_get(live)->milter.mode == MODE_MONITOR ? "monitor mode; " : "",
                   is_reload_refused ? "settings of before the last reload; " : "", store);
    live_settings_release(live);
    notify_status(status);
}

static void reload(void)
{
    struct failure why;

    notify_reloading();
    is_reload_refused = !take_settings_anew(&why);
    if (is_reload_refused)
        log_write(LOG_ERR, "%s; the old settings stay in force", why.text);
    else
        log_write(LOG_INFO, "settings reloaded from %s", options.settings_file);
    lookup_forget_damage(lookup);
    notify_ready();
    tell_status();
}

/* Alive is who can judge a message: of a thread that keeps the store for good, the watchdog learns.
 */
static void every_second(void)
{
    struct live_settings *live = live_settings_acquire();
    bool is_alive = lookup_check(lookup, live_settings_get(live)->store);

    live_settings_release(live);
    if (is_alive)
        notify_alive();
    tell_status();
    log_limit_check();
}

static void pause_milliseconds(long milliseconds)
{
    const struct timespec pause = {.tv_nsec = milliseconds * 1000000};
    (void)nanosleep(&pause, NULL);
}

/* libmilter's listener notices a stop when its poll of 5 s ends, or when somebody knocks. */
static void *knock(void *unused)
{
    (void)unused;
    for (int i = 0; i < 100; i++) {
        pause_milliseconds(50);
        socket_nudge();
    }
    return NULL;
}

static atomic_bool is_stopping;

static void stop(void)
{
    pthread_t thread;

    atomic_store(&is_stopping, true);
    notify_stopping();
    log_write(LOG_INFO, "stopping");
    if (pthread_create(&thread, NULL, knock, NULL) == 0)
        (void)pthread_detach(thread);
}

/* --- start --- */

static bool bind_return_map(const struct settings *settings, struct failure *why)
{
    return socketmap_server_bind(settings->return_path.socket, settings->return_path.socket_mode,
                                 settings->return_path.socket_group, settings->milter.user, why);
}

static bool start_return_map(struct failure *why)
{
    static const struct socketmap_handlers handlers = {return_map_answer};

    return socketmap_server_start(&handlers, &socketmap_server_limits, why);
}

static bool start(struct settings *settings, struct failure *why)
{
    static const struct signals_handlers handlers = {reload, every_second, stop};
    struct return_secrets *secrets;

    signals_init(&handlers);
    peers_init();
    if (!options.foreground && !daemon_go_to_background(why))
        return false;
    log_configure(settings->log_format, settings->log_level);
    notify_open();
    log_open(program.name, options.foreground ? LOG_TO_STDERR : LOG_TO_SYSLOG);
    if (!milter_register(why) || !read_secrets(&secrets, settings, why) ||
        !metrics_server_bind(settings, why) || !socket_open(settings, why) ||
        !metrics_server_listen(why) || !bind_return_map(settings, why) ||
        !daemon_become(settings->milter.user, why))
        return false;
    if (secrets != NULL)
        daemon_forbid_core();
    log_write(LOG_INFO, "version %s, socket %s, mode %s", PACKAGE_VERSION, settings->milter.socket,
              settings->milter.mode == MODE_MONITOR ? "monitor" : "enforce");
    lookup = lookup_open(settings->store);
    if (lookup == NULL || !live_settings_take(settings, secrets))
        return failure_set(why, EX_OSERR, "out of memory");
    if (settings->seccomp && !sandbox_enter_milter(socket_family(), why))
        return false;
    log_write(LOG_INFO, "%s", settings->seccomp ? sandbox_description : "no seccomp filter");
    return_map_use(lookup);
    if (!metrics_server_start(lookup, why) || !start_return_map(why))
        return false;
    milter_use(lookup, metrics_server_is_on());
    front_use(socket_listener(), &milter_front_policy, &front_limits);
    self_test_start();
    if (!options.foreground && !daemon_leave_terminal(why))
        return false;
    tell_status();
    notify_ready();
    daemon_tell_parent(EX_OK);
    return true;
}

/* libmilter's threads are still there when smfi_main returns: what they are at is waited for, and
 * what they use is left to the kernel. */
static void finish(void)
{
    struct live_settings *live = live_settings_acquire();

    for (int i = 0; i < 100 && milter_in_progress() > 0; i++)
        pause_milliseconds(10);
    metrics_server_stop();
    socketmap_server_stop();
    socket_remove(live_settings_get(live));
    live_settings_release(live);
    log_limit_finish();
    log_write(LOG_INFO, "stopped");
}

static int fail(const struct failure *why)
{
    (void)fprintf(stderr, "%s: %s\n", program.name, why->text);
    daemon_tell_parent(why->exit_code);
    return why->exit_code;
}

/* What a start does, in its order, but that a milter may run beside it, and hold the sockets. */
static bool check_start(const struct settings *settings, struct failure *why)
{
    const char *user = settings->milter.user;

    return socket_file_check(settings->milter.socket, settings->milter.socket_mode,
                             settings->milter.socket_group, user, why) &&
           socket_file_check(settings->return_path.socket, settings->return_path.socket_mode,
                             settings->return_path.socket_group, user, why) &&
           daemon_become(user, why);
}

static int check(struct settings *settings, struct failure *why)
{
    struct return_secrets *secrets;
    int exit_code = EX_OK;

    if (read_secrets(&secrets, settings, why) && check_start(settings, why))
        settings_print(settings, stdout);
    else
        exit_code = fail(why);
    return_secrets_free(secrets);
    settings_free(settings);
    return exit_code;
}

/* --- main --- */

int main(int argc, char **argv)
{
    struct settings *settings;
    struct failure why;

    options = command_line_read(&program, argc, argv);
    if (!settings_read(&settings, options.settings_file, &why))
        return fail(&why);
    if (options.check)
        return check(settings, &why);
    if (!start(settings, &why))
        return fail(&why);
    /* Told to stop before it listens, libmilter calls that a failure. */
    if (smfi_main() != MI_SUCCESS && !atomic_load(&is_stopping)) {
        (void)failure_set(&why, EX_SOFTWARE, "libmilter gave up; its reason is in the mail log");
        log_write(LOG_CRIT, "%s", why.text);
        return fail(&why);
    }
    finish();
    return EX_OK;
}
