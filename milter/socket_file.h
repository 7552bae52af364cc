/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The file of a unix socket: whether its place is free, and who may connect. For libmilter's socket
 * and for our own. At the start of the program, before any thread.
 */
#ifndef MILTER_SOCKET_FILE_H
#define MILTER_SOCKET_FILE_H

#include "common/failure.h"
#include "common/owner.h"

#include <sys/types.h>

struct socket_file_rights {
    uid_t owner; /* -1 for that of the process */
    gid_t group; /* the same */
    mode_t mode; /* permission bits */
};

/* The path in unix:/path, local:/path or /path, within that text; NULL for any other kind. */
const char *socket_file_path(const char *socket);

/* Looks up the group, and the user that the program becomes; "" for that of the process. EX_CONFIG
 * if there is no such group or user. */
bool socket_file_find_rights(struct socket_file_rights *rights, int mode, const char *group,
                             const char *user, struct failure *why);

/* Fails if someone answers at the path (EX_UNAVAILABLE), or if it is too long (EX_CONFIG). Does not
 * tell what else may be there. */
bool socket_file_check_free(const char *path, struct failure *why);

/* For umask(2) while the socket is bound, so that the file has its mode from the start. A chmod(2)
 * afterwards would follow a symbolic link that someone might have put in its place. */
mode_t socket_file_mask(const struct socket_file_rights *rights);

/* Gives the file to its owner and group, once the socket is bound. owner: who was entered for its
 * directory (owner_enter_parent), and is left here. It is given by a descriptor, and only if it is
 * what was just made: the owner of the directory may have put another file in its place. EX_NOPERM.
 */
bool socket_file_give(struct owner *owner, const char *path,
                      const struct socket_file_rights *rights, struct failure *why);

/* Removes it, for the owner of its directory. */
void socket_file_remove(const char *path);

/* For --check: could a socket be bound there now, as a setting names it (socket_file_path), and be
 * given to its group? Binds one beside it, and removes that. Nothing is tried for other kinds. */
bool socket_file_check(const char *socket, int mode, const char *group, const char *user,
                       struct failure *why);

#endif
