/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Return paths, where the settings have them: is there a secret to sign them with, does
 * mailfrom-milter answer for them, and does the MTA ask?
 */
#include "ctl/check_return.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/moment.h"
#include "ctl/permission.h"

enum { SECONDS_A_DAY = 24 * 60 * 60, DAYS_OF_A_SECRET = 2 * 365 };

void check_return_put(const struct check_return *scene, enum finding_level level,
                      struct finding *finding)
{
    finding->level = level;
    finding->check = "return-path";
    findings_put(scene->check->findings, finding);
}

/* --- the secrets --- */

/* Whom the milter runs as: by the settings, else whoever made its socket. False: not known. */
static bool find_user(const struct check_return *scene, struct permission_user *user)
{
    const char *name = scene->check->settings->milter.user;
    const struct passwd *entry = NULL;
    struct failure ignored;
    struct stat status;

    if (*name == '\0' && scene->ours.kind == SOCKET_UNIX && stat(scene->ours.path, &status) == 0)
        entry = getpwuid(status.st_uid);
    if (entry != NULL)
        name = entry->pw_name;
    return *name != '\0' && permission_user_read(user, name, &ignored);
}

static bool check_rights(const struct check_return *scene, const char *file,
                         const struct stat *status)
{
    struct finding finding = {.subject = file};
    struct permission_user user;
    bool is_known = find_user(scene, &user);
    struct failure why;

    if ((status->st_mode & (S_IWGRP | S_IRWXO)) != 0) {
        finding_found(&finding, "has mode %04o, so mailfrom-milter refuses it",
                      status->st_mode & 07777U);
        finding_expected(&finding, "0640");
        finding_advise(&finding, "chmod 0640 %s, and replace the secret if others have seen it",
                       file);
    } else if (is_known && status->st_uid != 0 && status->st_uid != user.uid) {
        finding_found(&finding, "belongs to user number %lu, so mailfrom-milter refuses it",
                      (unsigned long)status->st_uid);
        finding_expected(&finding, "root");
        finding_advise(&finding, "chown root %s", file);
    } else if (is_known && !permission_holds(&user, file, MAY_READ, &why)) {
        finding_found(&finding, "the milter's user %s may not read it: %s", user.name, why.text);
        finding_advise(&finding, "give it to a group of that user: chgrp GROUP %s", file);
    } else {
        return true;
    }
    check_return_put(scene, FINDING_ERROR, &finding);
    return false;
}

/* A secret whose line does not say when it was created is as old as the file at least. */
static void tell_age(const struct check_return *scene, const char *file, const struct stat *status)
{
    const struct return_secrets *secrets = scene->secrets;
    const struct return_secret *first = &secrets->items[0];
    int64_t now = scene->check->now / 1000;
    bool is_known = first->created != 0;
    int64_t created = is_known ? first->created * SECONDS_A_DAY : (int64_t)status->st_mtime;
    struct finding finding = {.subject = file};
    char age[MOMENT_AGE_SIZE];

    moment_age(created, now, age);
    finding_found(&finding, "has %zu secret%s; %s signs, and is %s%s old", secrets->count,
                  secrets->count == 1 ? "" : "s", first->id, is_known ? "" : "at least ", age);
    if (secrets->count > 1 || now - created <= (int64_t)DAYS_OF_A_SECRET * SECONDS_A_DAY) {
        check_return_put(scene, FINDING_OK, &finding);
        return;
    }
    finding_advise(&finding, "replace it: mailfromctl return-path key new");
    check_return_put(scene, FINDING_WARNING, &finding);
}

static void tell_unreadable(const struct check_return *scene, const char *file, int error)
{
    struct finding finding = {.subject = file};

    finding_found(&finding, "the secrets cannot be read: %s", strerror(error));
    if (error == ENOENT)
        finding_advise(&finding, "create them: mailfromctl return-path key new");
    if (error == EACCES)
        finding_advise(&finding, "that is so for you; run this as root to be sure");
    check_return_put(scene, error == EACCES ? FINDING_WARNING : FINDING_ERROR, &finding);
}

/* Not return_secrets_read, which looks at the rights as it who calls it has to. */
static void check_secrets(struct check_return *scene)
{
    const char *file = scene->check->settings->return_path.secrets_file;
    int descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    FILE *in = descriptor < 0 ? NULL : fdopen(descriptor, "r");
    struct finding finding = {.subject = file};
    struct stat status;
    struct failure why;

    if (in == NULL) {
        tell_unreadable(scene, file, errno);
        if (descriptor >= 0)
            (void)close(descriptor);
        return;
    }
    (void)setvbuf(in, NULL, _IONBF, 0); /* stdio would keep a copy of the secrets */
    if (fstat(descriptor, &status) != 0 || !S_ISREG(status.st_mode)) {
        finding_found(&finding, "is not a regular file");
        check_return_put(scene, FINDING_ERROR, &finding);
    } else if (!return_secrets_parse(&scene->secrets, in, file, &why)) {
        finding.subject = "secrets-file";
        finding_found(&finding, "%s", why.text);
        check_return_put(scene, FINDING_ERROR, &finding);
    } else if (check_rights(scene, file, &status)) {
        tell_age(scene, file, &status);
    }
    (void)fclose(in);
}

/* --- all of it --- */

static bool add_domain(void *context, const char *mail_from_domain,
                       const struct store_return *entry)
{
    struct domain_list *domains = context;

    if (entry->references > 0)
        domain_list_add(domains, mail_from_domain);
    return !domains->is_cut;
}

static void find_domains(struct check_return *scene)
{
    const struct check *check = scene->check;
    struct finding finding = {.subject = "store"};
    struct failure why;

    if (check->settings->default_mail_from_domain[0] != '\0')
        domain_list_add(&scene->domains, check->settings->default_mail_from_domain);
    if (check->store == NULL || store_each_return(check->store, add_domain, &scene->domains, &why))
        return;
    finding_found(&finding, "%s", why.text);
    check_return_put(scene, FINDING_ERROR, &finding);
}

/* False: there is none. Without a host it is on the loopback, other than that of the milter. */
static bool find_socket(struct check_return *scene)
{
    const char *text = scene->check->settings->return_path.socket;

    if (!socket_name_read(&scene->ours, text))
        return false;
    if (scene->ours.kind == SOCKET_INET && scene->ours.host[0] == '\0')
        strcpy(scene->ours.host, strncasecmp(text, "inet6:", 6) == 0 ? "::1" : "127.0.0.1");
    return true;
}

/* Another gateway may be the one that takes all bounces. */
static void tell_no_socket(const struct check_return *scene)
{
    struct finding finding = {.subject = "settings"};

    finding_found(&finding, "section return-path has no socket, so no MTA can ask here where a "
                            "bounce belongs");
    finding_advise(&finding, "set it, unless other gateways take all bounces");
    check_return_put(scene, FINDING_WARNING, &finding);
}

void check_return_path(const struct check *check)
{
    struct check_return scene = {.check = check};
    bool has_socket;

    if (check->settings->return_path.secrets_file[0] == '\0')
        return;
    has_socket = find_socket(&scene);
    check_secrets(&scene);
    if (has_socket) {
        find_domains(&scene);
        check_return_map(&scene);
        check_return_postfix(&scene);
        check_return_sendmail(&scene);
    } else {
        tell_no_socket(&scene);
    }
    return_secrets_free(scene.secrets);
}
