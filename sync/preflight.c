/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "sync/preflight.h"

#include "ses/endpoint.h"
#include "ses/profile.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

/* --- files and programs --- */

/* mode: permission bits of which one has to be there; 0: any will do. */
static bool check_file(const char *path, mode_t mode, struct failure *why)
{
    struct stat status;

    if (path[0] == '\0')
        return true;
    if (stat(path, &status) != 0)
        return errno == EACCES || failure_set(why, EX_CONFIG, "%s: %s", path, strerror(errno));
    if (!S_ISREG(status.st_mode))
        return failure_set(why, EX_CONFIG, "%s: not a regular file", path);
    return mode == 0 || (status.st_mode & mode) != 0 ||
           failure_set(why, EX_CONFIG, "%s: nobody may execute it", path);
}

/* --- the AWS files of the user that mailfrom-sync becomes --- */

struct home {
    const char *user; /* "" for that of the process */
};

static const char *get_variable(void *context, const char *name)
{
    const struct home *home = context;
    const char *user = home->user;
    const struct passwd *entry;

    if (strcmp(name, "HOME") != 0 || geteuid() != 0 || user[0] == '\0')
        return getenv(name);
    entry = getpwnam(user);
    return entry != NULL ? entry->pw_dir : NULL;
}

static bool check_profile(const struct settings *settings, const char *name, struct failure *why)
{
    struct home home = {settings->sync.user};
    struct environment environment = {get_variable, &home};
    struct profile profile;
    bool good;

    if (name[0] == '\0')
        return true;
    good = profile_read(&profile, name, &environment, why) ? profile_check(&profile, name, why)
                                                           : why->exit_code != EX_CONFIG;
    profile_reset(&profile);
    return good;
}

/* --- where SES is --- */

static const char *no_variable(void *context, const char *name)
{
    (void)context, (void)name;
    return NULL;
}

/* As AWS names its regions: eu-west-1, us-gov-east-1. Behind an endpoint of one's own any name may
 * be right. */
static bool is_region_of_aws(const char *region)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz";
    size_t parts = 0;
    size_t length;

    for (; (length = strspn(region, letters)) > 0 && region[length] == '-'; region += length + 1)
        parts++;
    return parts >= 2 && region[0] != '\0' && strspn(region, "0123456789") == strlen(region);
}

static bool check_region(const struct settings_ses *ses, struct failure *why)
{
    if (ses->region[0] == '\0')
        return true;
    if (!endpoint_check_region(ses->region, why))
        return false;
    return ses->endpoint[0] != '\0' || is_region_of_aws(ses->region) ||
           failure_set(why, EX_CONFIG, "\"%s\" is not a region of AWS (an example: eu-west-1)",
                       ses->region);
}

static bool check_endpoint(const struct settings_ses *ses, struct failure *why)
{
    static const struct profile no_profile;
    static const struct environment nowhere = {no_variable, NULL};
    struct endpoint_settings where = {
        .endpoint = ses->endpoint, .environment = &nowhere, .profile = &no_profile};
    struct endpoint endpoint;

    return ses->endpoint[0] == '\0' ||
           endpoint_resolve(&endpoint, ENDPOINT_SES, "us-east-1", &where, why);
}

/* --- all of it --- */

static bool name_setting(const char *setting, struct failure *why)
{
    return failure_prefix(why, "%s", setting);
}

static bool check_section(const struct settings *settings, const struct settings_ses *ses,
                          struct failure *why)
{
    return (check_region(ses, why) || name_setting("region", why)) &&
           (check_endpoint(ses, why) || name_setting("endpoint", why)) &&
           (check_profile(settings, ses->profile, why) || name_setting("profile", why)) &&
           (check_file(ses->ca_file, 0, why) || name_setting("ca-file", why)) &&
           (check_file(ses->on_transition, 0111, why) || name_setting("on-transition", why));
}

bool preflight_check(const struct settings *settings, struct failure *why)
{
    for (size_t i = 0; i < settings->ses_count; i++) {
        const struct settings_ses *ses = &settings->ses[i];
        if (!check_section(settings, ses, why))
            return failure_prefix(why, ses->title[0] == '\0' ? "ses%s" : "ses \"%s\"", ses->title);
    }
    return check_file(settings->local.on_transition, 0111, why) ||
           failure_prefix(why, "local: on-transition");
}
