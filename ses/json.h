/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * JSON from outside, with a maximum of depth, and without a trace of what it said once it is freed.
 */
#ifndef SES_JSON_H
#define SES_JSON_H

#include "common/failure.h"

#include <cjson/cJSON.h>
#include <stddef.h>

enum { JSON_DEPTH_MAX = 16 };

/* The value that the octets begin with, and where it ends. NULL: out of memory, or no JSON, and
 * *end is where it goes wrong. Nested as deeply as cJSON allows. Any thread. */
cJSON *json_read(const char *bytes, size_t length, const char **end, bool *out_of_memory);

/* One value and nothing after it; EX_PROTOCOL otherwise, or EX_OSERR. Never shows what it read.
 * Free the result with json_free. NULL: failed. */
cJSON *json_parse(const char *bytes, size_t length, struct failure *why);
void json_free(cJSON *json); /* wipes all strings; NULL is fine */

/* The text of a member, or NULL if it is absent, null, empty or no string. */
const char *json_text(const cJSON *object, const char *name);

/* Is the member something else than a string, null or absent? Then json_text must not be taken for
 * a word that it is not there. */
bool json_is_no_text(const cJSON *object, const char *name);

#endif
