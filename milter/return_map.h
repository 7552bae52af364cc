/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * What the MTA may look up about return paths: one way of asking for each of four maps.
 *
 *     return   a return path -> the original address; a MAIL FROM domain -> itself, so that
 *              virtual_alias_domains = $virtual_alias_maps, the default of Postfix, works
 *     virtuser the same, by the name that Sendmail's virtusertable has
 *     domain   a MAIL FROM domain -> itself
 *     check    a return path -> an action of access(5): a refusal that says why, DUNNO, or
 *              mailfrom_bounces_only, a restriction class that lets the null sender through
 *
 * Everything else is not found, which is a permanent error at the recipient. Only a store that
 * cannot be read is a temporary one.
 */
#ifndef MILTER_RETURN_MAP_H
#define MILTER_RETURN_MAP_H

#include "common/lookup.h"
#include "milter/socketmap.h"

/* Before the first answer. */
void return_map_use(struct lookup *lookup);

/* For struct socketmap_handlers. Logs and counts. */
void return_map_answer(const char *map, size_t map_length, const char *key, size_t key_length,
                       struct socketmap_reply *reply);

#endif
