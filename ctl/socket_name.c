/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/socket_name.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool copy(char *out, size_t size, const char *text, size_t length)
{
    if (length >= size)
        return false;
    memcpy(out, text, length);
    out[length] = '\0';
    return true;
}

/* Without the brackets that IPv6 addresses may have. */
static bool copy_host(struct socket_name *name, const char *text, size_t length)
{
    if (length >= 2 && text[0] == '[' && text[length - 1] == ']')
        return copy(name->host, sizeof name->host, text + 1, length - 2);
    return copy(name->host, sizeof name->host, text, length);
}

static const char *after(const char *text, const char *prefix)
{
    size_t length = strlen(prefix);

    return strncasecmp(text, prefix, length) == 0 ? text + length : NULL;
}

static const char *path_of(const char *text)
{
    const char *path = after(text, "unix:");

    if (path == NULL)
        path = after(text, "local:");
    return path == NULL && *text == '/' ? text : path;
}

static const char *inet_of(const char *text)
{
    const char *rest = after(text, "inet:");

    return rest == NULL ? after(text, "inet6:") : rest;
}

bool socket_name_read(struct socket_name *name, const char *text)
{
    const char *path = path_of(text);
    const char *inet = inet_of(text);
    size_t port;

    *name = (struct socket_name){.kind = SOCKET_UNIX};
    if (path != NULL)
        return copy(name->path, sizeof name->path, path, strlen(path));
    name->kind = SOCKET_DESCRIPTOR;
    if (inet == NULL)
        return after(text, "fd:") != NULL;
    name->kind = SOCKET_INET;
    port = strcspn(inet, "@");
    if (!copy(name->port, sizeof name->port, inet, port))
        return false;
    inet += port;
    return *inet == '\0' || copy_host(name, inet + 1, strlen(inet + 1));
}

bool socket_name_read_postfix(struct socket_name *name, const char *text)
{
    const char *path = path_of(text);
    const char *inet = inet_of(text);
    const char *colon = inet == NULL ? NULL : strrchr(inet, ':');

    *name = (struct socket_name){.kind = SOCKET_UNIX};
    if (path != NULL)
        return copy(name->path, sizeof name->path, path, strlen(path));
    name->kind = SOCKET_INET;
    return colon != NULL && copy_host(name, inet, (size_t)(colon - inet)) &&
           copy(name->port, sizeof name->port, colon + 1, strlen(colon + 1));
}

void socket_name_for_postfix(const struct socket_name *name, char out[SOCKET_NAME_SIZE])
{
    bool bracketed = strchr(name->host, ':') != NULL;

    if (name->kind == SOCKET_UNIX)
        (void)snprintf(out, SOCKET_NAME_SIZE, "unix:%s", name->path);
    else
        (void)snprintf(out, SOCKET_NAME_SIZE, "inet:%s%s%s:%s", bracketed ? "[" : "",
                       name->host[0] == '\0' ? "127.0.0.1" : name->host, bracketed ? "]" : "",
                       name->port);
}

bool socket_host_is_loopback(const char *host)
{
    return strncmp(host, "127.", 4) == 0 || strcmp(host, "::1") == 0 ||
           strcasecmp(host, "localhost") == 0;
}

void socket_real_path(const char *path, char out[SOCKET_REAL_SIZE])
{
    const char *slash = strrchr(path, '/');
    char directory[SOCKET_PATH_SIZE];
    char *real;

    (void)snprintf(out, SOCKET_REAL_SIZE, "%s", path);
    if (slash == NULL)
        return;
    (void)snprintf(directory, sizeof directory, "%.*s", slash == path ? 1 : (int)(slash - path),
                   path);
    real = realpath(directory, NULL);
    if (real != NULL)
        (void)snprintf(out, SOCKET_REAL_SIZE, "%s%s", real, slash);
    free(real);
}

/* One socket has several names: a link to it, /var/run and /run. While the milter is away there is
 * no socket, and its directory has to do. */
static bool is_same_path(const char *path, const char *other)
{
    char *real = realpath(path, NULL);
    char *other_real = realpath(other, NULL);
    bool known = real != NULL && other_real != NULL;
    bool same = known && strcmp(real, other_real) == 0;
    char place[SOCKET_REAL_SIZE];
    char other_place[SOCKET_REAL_SIZE];

    free(real);
    free(other_real);
    if (known)
        return same;
    socket_real_path(path, place);
    socket_real_path(other, other_place);
    return strcmp(place, other_place) == 0;
}

bool socket_name_leads_to(const struct socket_name *name, const struct socket_name *other)
{
    if (name->kind != other->kind || name->kind == SOCKET_DESCRIPTOR)
        return false;
    if (name->kind == SOCKET_UNIX)
        return is_same_path(name->path, other->path);
    if (strcmp(name->port, other->port) != 0)
        return false;
    return name->host[0] == '\0' || strcasecmp(name->host, other->host) == 0 ||
           (socket_host_is_loopback(name->host) && socket_host_is_loopback(other->host));
}
