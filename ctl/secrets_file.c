/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/secrets_file.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <time.h>
#include <unistd.h>

#include "common/moment.h"

enum {
    LOCK_TRIES = 100, /* a tenth of a second each */
    LINE_SIZE = 1024, /* no line that return_secrets_load accepts is longer */
    MODE_MAX = 0640
};

static bool fail(const char *path, struct failure *why)
{
    int code = errno == EACCES || errno == EPERM ? EX_NOPERM
               : errno == ENOENT                 ? EX_NOINPUT
                                                 : EX_IOERR;

    return failure_set(why, code, "%s: %s", path, strerror(errno));
}

/* --- the directory --- */

/* In a sticky directory nobody can replace what belongs to root: good enough to pass through. */
static bool check_directory(int directory, const char *path, bool may_be_sticky,
                            struct failure *why)
{
    struct stat status;

    if (fstat(directory, &status) != 0)
        return fail(path, why);
    if (status.st_uid != 0)
        return failure_set(why, EX_NOPERM,
                           "%s: belongs to user number %lu, who could replace the secrets; keep "
                           "secrets-file in a directory of root's",
                           path, (unsigned long)status.st_uid);
    if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0 &&
        !(may_be_sticky && (status.st_mode & S_ISVTX) != 0))
        return failure_set(why, EX_NOPERM,
                           "%s: others than root may write to it (mode %04o), and could replace "
                           "the secrets; keep secrets-file in a directory that only root may "
                           "change",
                           path, (unsigned)(status.st_mode & 07777));
    return true;
}

static bool descend(struct secrets_file *file, const char *name, const char *path,
                    struct failure *why)
{
    int next =
        openat(file->directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY);

    /* Linux says ENOTDIR of a symbolic link. */
    if (next < 0 && (errno == ELOOP || errno == ENOTDIR))
        return failure_set(why, EX_CONFIG,
                           "%s: a symbolic link, or not a directory; write the path of "
                           "secrets-file without symbolic links",
                           path);
    if (next < 0)
        return fail(path, why);
    (void)close(file->directory);
    file->directory = next;
    return check_directory(next, path, true, why);
}

/* From / down, one name at a time: whoever can change none of the directories cannot lead root
 * astray. */
static bool enter_directory(struct secrets_file *file, struct failure *why)
{
    char parent[PATH_MAX] = "/";
    const char *name = file->path + 1;
    const char *slash;

    file->directory = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file->directory < 0)
        return fail(parent, why);
    if (strlen(file->path) >= sizeof parent)
        return failure_set(why, EX_CONFIG, "secrets-file: the path is too long");
    if (!check_directory(file->directory, parent, true, why))
        return false;
    for (; (slash = strchr(name, '/')) != NULL; name = slash + 1) {
        (void)snprintf(parent, sizeof parent, "%.*s", (int)(slash - file->path), file->path);
        if (slash > name && !descend(file, parent + (name - file->path), parent, why))
            return false;
    }
    if (name[0] == '\0' || strlen(name) >= sizeof file->name)
        return failure_set(why, EX_CONFIG, "secrets-file %s: not the name of a file", file->path);
    strcpy(file->name, name);
    return check_directory(file->directory, parent, false, why);
}

static bool lock(const struct secrets_file *file, struct failure *why)
{
    static const struct timespec pause = {.tv_nsec = 100000000};

    for (int tries = 0; flock(file->directory, LOCK_EX | LOCK_NB) != 0; tries++) {
        if (errno != EWOULDBLOCK)
            return fail(file->path, why);
        if (tries == LOCK_TRIES)
            return failure_set(why, EX_TEMPFAIL,
                               "%s: another program has kept its directory locked for %d seconds; "
                               "try again",
                               file->path, LOCK_TRIES / 10);
        (void)nanosleep(&pause, NULL);
    }
    return true;
}

/* --- the file --- */

static bool choose_reader(struct secrets_file *file, const char *milter_user, struct failure *why)
{
    bool is_set = milter_user[0] != '\0';
    const struct passwd *user = getpwnam(is_set ? milter_user : "mailfrom-milter");

    if (user == NULL && is_set)
        return failure_set(why, EX_CONFIG, "milter: user: there is no user \"%s\"", milter_user);
    file->owner = 0;
    file->group = user == NULL ? 0 : user->pw_gid;
    file->mode = user == NULL ? 0600 : MODE_MAX;
    return true;
}

/* The same owner and group, and no more permissions. */
static bool keep_reader(struct secrets_file *file, struct failure *why)
{
    struct stat status;

    if (fstat(fileno(file->in), &status) != 0)
        return fail(file->path, why);
    file->owner = status.st_uid;
    file->group = status.st_gid;
    file->mode = status.st_mode & MODE_MAX;
    return true;
}

static bool open_file(struct secrets_file *file, const char *milter_user, struct failure *why)
{
    int descriptor = openat(file->directory, file->name,
                            O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

    if (descriptor < 0 && errno == ENOENT)
        return choose_reader(file, milter_user, why);
    if (descriptor < 0 && errno == ELOOP)
        return failure_set(why, EX_CONFIG,
                           "%s: a symbolic link; name the file itself in secrets-file", file->path);
    if (descriptor < 0)
        return fail(file->path, why);
    file->in = fdopen(descriptor, "r");
    if (file->in == NULL) {
        (void)close(descriptor);
        return failure_set(why, EX_OSERR, "out of memory");
    }
    (void)setvbuf(file->in, NULL, _IONBF, 0);
    return keep_reader(file, why);
}

bool secrets_file_open(struct secrets_file *file, const char *path, const char *milter_user,
                       struct failure *why)
{
    *file = (struct secrets_file){.path = path, .directory = -1};
    if (geteuid() != 0)
        return failure_set(why, EX_NOPERM, "%s: only root may change it; run this as root", path);
    return enter_directory(file, why) && lock(file, why) && open_file(file, milter_user, why);
}

void secrets_file_close(struct secrets_file *file)
{
    if (file->in != NULL)
        (void)fclose(file->in);
    if (file->directory >= 0)
        (void)close(file->directory); /* and with it the lock */
}

bool secrets_file_read(struct secrets_file *file, struct return_secrets **secrets,
                       struct failure *why)
{
    if (file->in != NULL)
        return return_secrets_load(secrets, file->in, file->path, why);
    *secrets = return_secrets_new();
    return *secrets != NULL || failure_set(why, EX_OSERR, "out of memory");
}

/* --- writing --- */

static bool write_text(int out, const char *text)
{
    size_t length = strlen(text);
    ssize_t written;

    for (; length > 0; text += written, length -= (size_t)written) {
        written = write(out, text, length);
        if (written < 0)
            return false;
    }
    return true;
}

/* Whole, or the next line would become part of it: a NUL hides the end. */
static bool is_comment(const char *line)
{
    return line[strspn(line, " \t")] == '#' && strchr(line, '\n') != NULL;
}

static bool copy_comments(int out, FILE *in)
{
    char line[LINE_SIZE];
    bool good = true;

    if (in == NULL)
        return true;
    rewind(in);
    while (good && fgets(line, sizeof line, in) != NULL && is_comment(line))
        good = write_text(out, line);
    explicit_bzero(line, sizeof line); /* the first secret */
    return good && !ferror(in);
}

static bool write_secret(int out, const struct return_secret *secret)
{
    char line[RETURN_SECRET_TEXT_MAX + MOMENT_DAY_SIZE + 32];
    char day[MOMENT_DAY_SIZE];
    bool good;

    (void)snprintf(line, sizeof line, "%s%s%s\n", secret->text,
                   moment_format_day(secret->created, day) ? "   # created " : "", day);
    good = write_text(out, line);
    explicit_bzero(line, sizeof line);
    return good;
}

/* The owner last: until then nobody but root can read it. */
static bool fill(const struct secrets_file *file, int out, const struct return_secrets *secrets)
{
    bool good = copy_comments(out, file->in);

    for (size_t i = 0; good && i < secrets->count; i++)
        good = write_secret(out, &secrets->items[i]);
    return good && fchown(out, file->owner, file->group) == 0 && fchmod(out, file->mode) == 0 &&
           fsync(out) == 0;
}

bool secrets_file_write(struct secrets_file *file, const struct return_secrets *secrets,
                        struct failure *why)
{
    char temporary[NAME_MAX + 1];
    int out;
    bool good;

    if (snprintf(temporary, sizeof temporary, ".%s.new", file->name) >= (int)sizeof temporary)
        return failure_set(why, EX_CONFIG, "secrets-file %s: the name is too long", file->path);
    /* Under the lock, it can only be what a program has left that was killed. */
    (void)unlinkat(file->directory, temporary, 0);
    out = openat(file->directory, temporary,
                 O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC, 0600);
    if (out < 0)
        return fail(file->path, why);
    good = fill(file, out, secrets) || fail(file->path, why);
    if (close(out) != 0 && good)
        good = fail(file->path, why);
    if (good && renameat(file->directory, temporary, file->directory, file->name) != 0)
        good = fail(file->path, why);
    if (!good) {
        (void)unlinkat(file->directory, temporary, 0);
        return false;
    }
    return fsync(file->directory) == 0 || fail(file->path, why);
}
