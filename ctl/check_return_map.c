/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The mailfrom-milter that runs, asked for return paths as an MTA asks it. That a signature made
 * here comes back as the address that was signed proves that it has the secret of the file.
 */
#include "ctl/check_return.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/return_path.h"
#include "ctl/map_client.h"

/* Of an original sender that no identity has: then only the MAIL FROM domain decides. */
static const char original_local[] = "mailfromctl-check";
static const char original_domain[] = "check.invalid";

enum { KEY_SIZE = LOCAL_PART_MAX + 1 + IDENTITY_DOMAIN_MAX + 1 };

struct talk {
    const struct check_return *scene;
    int descriptor;
    struct finding finding;
};

static bool tell(struct talk *talk, enum finding_level level)
{
    check_return_put(talk->scene, level, &talk->finding);
    return false;
}

/* False: there is no answer that says anything, and that has been told. */
static bool ask(struct talk *talk, const char *map, const char *key, struct map_client_reply *reply)
{
    struct failure why;

    if (!map_client_ask(talk->descriptor, map, key, reply, &why)) {
        finding_found(&talk->finding, "does not answer for return paths: %s", why.text);
        finding_advise(&talk->finding, "restart mailfrom-milter, or see its log");
        return tell(talk, FINDING_ERROR);
    }
    if (reply->status == MAP_CLIENT_TROUBLE) {
        finding_found(&talk->finding, "cannot say where bounces belong: %s", reply->text);
        finding_advise(&talk->finding, "see the log of mailfrom-milter");
        return tell(talk, FINDING_ERROR);
    }
    return true;
}

/* --- what is asked for --- */

static bool ask_for_domain(struct talk *talk, const char *domain)
{
    struct map_client_reply reply;

    if (!ask(talk, "domain", domain, &reply))
        return false;
    if (reply.status == MAP_CLIENT_OK)
        return true;
    finding_found(&talk->finding, "mailfrom-milter does not know the MAIL FROM domain %s", domain);
    finding_advise(&talk->finding, "reload mailfrom-milter, which has other settings or no secret");
    return tell(talk, FINDING_ERROR);
}

static bool ask_for_postmaster(struct talk *talk, const char *domain)
{
    struct map_client_reply reply;
    char key[KEY_SIZE];

    (void)snprintf(key, sizeof key, "postmaster@%s", domain);
    if (!ask(talk, "return", key, &reply))
        return false;
    if (reply.status == MAP_CLIENT_OK)
        return true;
    finding_found(&talk->finding, "mailfrom-milter takes no mail for %s", key);
    finding_advise(&talk->finding, "restart mailfrom-milter");
    return tell(talk, FINDING_ERROR);
}

static bool sign(const struct check_return *scene, const char *domain, char key[KEY_SIZE])
{
    const struct return_original original = {original_local, strlen(original_local),
                                             original_domain, strlen(original_domain)};
    char content[LOCAL_PART_MAX];
    size_t length;

    if (!return_path_sign(content, &length, RETURN_SRS, &original, domain, scene->secrets,
                          return_path_day(scene->check->now / 1000)))
        return false;
    (void)snprintf(key, KEY_SIZE, "%.*s@%s", (int)length, content, domain);
    return true;
}

static bool ask_for_signed(struct talk *talk, const char *domain)
{
    const struct check_return *scene = talk->scene;
    struct map_client_reply reply;
    char expected[KEY_SIZE];
    char key[KEY_SIZE];

    (void)snprintf(expected, sizeof expected, "%s@%s", original_local, original_domain);
    if (!sign(scene, domain, key))
        return true;
    if (!ask(talk, "return", key, &reply))
        return false;
    if (reply.status == MAP_CLIENT_OK && strcmp(reply.text, expected) == 0)
        return true;
    finding_found(&talk->finding, "mailfrom-milter does not take what the secret %s of %s signs",
                  scene->secrets->items[0].id, scene->check->settings->return_path.secrets_file);
    finding_advise(&talk->finding,
                   "reload mailfrom-milter, and have the same file on all gateways");
    return tell(talk, FINDING_ERROR);
}

/* --- at which domains --- */

/* The first one at which a bounce is not refused because feedback forwarding is off. */
static bool note_forwarded(void *context, const char *mail_from_domain,
                           const struct store_return *entry)
{
    char *domain = context;

    if (entry->references == 0 || entry->feedback_off)
        return true;
    (void)snprintf(domain, IDENTITY_DOMAIN_MAX + 1, "%s", mail_from_domain);
    return false;
}

/* "": there is none. */
static void find_forwarded(const struct check *check, char domain[IDENTITY_DOMAIN_MAX + 1])
{
    struct failure ignored;

    (void)snprintf(domain, IDENTITY_DOMAIN_MAX + 1, "%s",
                   check->settings->default_mail_from_domain);
    if (domain[0] == '\0' && check->store != NULL)
        (void)store_each_return(check->store, note_forwarded, domain, &ignored);
}

static bool converse(struct talk *talk)
{
    const struct check_return *scene = talk->scene;
    const struct domain_list *domains = &scene->domains;
    char forwarded[IDENTITY_DOMAIN_MAX + 1];
    struct map_client_reply reply;

    if (domains->count == 0)
        return ask(talk, "domain", original_domain, &reply);
    find_forwarded(scene->check, forwarded);
    /* The last one is of the store, if any is. */
    return ask_for_domain(talk, domains->names[domains->count - 1]) &&
           ask_for_postmaster(talk, domains->names[domains->count - 1]) &&
           (scene->secrets == NULL || forwarded[0] == '\0' || ask_for_signed(talk, forwarded));
}

void check_return_map(const struct check_return *scene)
{
    const char *socket = scene->check->settings->return_path.socket;
    struct talk talk = {.scene = scene, .finding = {.level = FINDING_ERROR, .subject = socket}};

    if (scene->ours.kind == SOCKET_DESCRIPTOR) {
        finding_found(&talk.finding, "passed by systemd; where it listens is not known here");
        check_return_put(scene, FINDING_OK, &talk.finding);
        return;
    }
    if (!check_connection(&scene->ours, &talk.descriptor, &talk.finding)) {
        check_return_put(scene, talk.finding.level, &talk.finding);
        return;
    }
    if (converse(&talk)) {
        finding_found(&talk.finding, "mailfrom-milter answers for return paths");
        check_return_put(scene, FINDING_OK, &talk.finding);
    }
    (void)close(talk.descriptor);
}
