/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The store as the mail path sees it: shared by threads, and surviving whatever happens to the
 * file. While the store is missing, empty, foreign, newer or damaged, each lookup answers
 * LOOKUP_UNAVAILABLE; when it is there again, lookup_check picks it up. Each change of state is
 * logged once.
 */
#ifndef COMMON_LOOKUP_H
#define COMMON_LOOKUP_H

#include "common/decision.h"
#include "common/store.h"

struct lookup;

/* Tries to open the store at once; that it cannot is a state, not a failure. NULL: out of memory.
 */
struct lookup *lookup_open(const char *directory);
void lookup_close(struct lookup *lookup); /* NULL is fine */

/* Looks whether the store at the path is the one in use, and opens it anew if not. To be called
 * about once a second, by one thread; ends a lookup that a damaged page sends in circles. A
 * directory other than before is taken over. False: it could not even look, since somebody has
 * been keeping the store for a second. */
bool lookup_check(struct lookup *lookup, const char *directory);

/* For a person who asks for it: the next lookup_check tries a store that was found damaged, though
 * its files are the same. Any thread; waits for a second at most. */
void lookup_forget_damage(struct lookup *lookup);

/* The state of the store as a line for a person; waits for a second at most. Any thread. */
void lookup_describe(struct lookup *lookup, char *out, size_t size);

/* Any thread. Fills key and *record only for LOOKUP_FOUND, *why only for LOOKUP_UNAVAILABLE. */
enum lookup_result lookup_find(struct lookup *lookup, const struct identity *sender,
                               bool strip_label, char key[IDENTITY_SIZE], struct mail_from *record,
                               const struct store_trace *trace, struct failure *why);

/* store_returns, for whoever sends bounces back: LOOKUP_FOUND with at least one in out,
 * LOOKUP_UNKNOWN with none. Any thread. Fills *why only for LOOKUP_UNAVAILABLE. */
enum lookup_result lookup_returns(struct lookup *lookup, const char *mail_from_domain,
                                  int64_t gone_after, struct store_return out[STORE_RETURNS_MAX],
                                  size_t *count, struct failure *why);

/* For what is not the mail path: calls use with the store, and nobody else has it meanwhile, so it
 * must be quick. False: there is no store, or use failed; then *why says so. Any thread. */
bool lookup_with_store(struct lookup *lookup,
                       bool (*use)(struct store *store, void *context, struct failure *why),
                       void *context, struct failure *why);

#endif
