/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "dns/resolv_conf.h"

#include <stdlib.h>
#include <string.h>

static const char white[] = " \t\r\n";

static void take_line(struct resolv_conf *conf, char *line)
{
    char *rest;
    const char *word = strtok_r(line, white, &rest);
    const char *address = strtok_r(NULL, white, &rest);
    struct failure ignored;

    if (word == NULL || address == NULL || strcmp(word, "nameserver") != 0 ||
        conf->count == DNS_SERVERS_MAX)
        return;
    if (server_parse(&conf->servers[conf->count], address, &ignored))
        conf->count++;
    else if (conf->skipped[0] == '\0')
        (void)snprintf(conf->skipped, sizeof conf->skipped, "%s", address);
}

void resolv_conf_parse(struct resolv_conf *conf, FILE *in)
{
    char *line = NULL;
    size_t size = 0;

    conf->count = 0;
    conf->skipped[0] = '\0';
    while (getline(&line, &size, in) >= 0)
        take_line(conf, line);
    free(line);
}

/* The time is looked at first: what is written meanwhile shows as a change. */
void resolv_conf_read(struct resolv_conf *conf, const char *path)
{
    FILE *in;

    *conf = (struct resolv_conf){.path = path};
    if (stat(path, &conf->seen) != 0)
        conf->seen = (struct stat){.st_ino = 0};
    in = fopen(path, "re");
    if (in == NULL)
        return;
    resolv_conf_parse(conf, in);
    (void)fclose(in);
}

bool resolv_conf_is_same(const struct resolv_conf *a, const struct resolv_conf *b)
{
    for (unsigned i = 0; i < a->count && i < b->count; i++) {
        if (strcmp(a->servers[i].text, b->servers[i].text) != 0)
            return false;
    }
    return a->count == b->count && strcmp(a->skipped, b->skipped) == 0;
}

static bool is_same_time(const struct timespec *a, const struct timespec *b)
{
    return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

bool resolv_conf_has_changed(const struct resolv_conf *conf)
{
    struct stat now;

    if (stat(conf->path, &now) != 0)
        now = (struct stat){.st_ino = 0};
    return now.st_dev != conf->seen.st_dev || now.st_ino != conf->seen.st_ino ||
           now.st_size != conf->seen.st_size || !is_same_time(&now.st_mtim, &conf->seen.st_mtim) ||
           !is_same_time(&now.st_ctim, &conf->seen.st_ctim);
}
