/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Pieces of JSON on a stream. before: what stands before the name, the comma or the indentation.
 * Write errors are left to the stream.
 */
#ifndef CTL_JSON_OUT_H
#define CTL_JSON_OUT_H

#include <stdint.h>
#include <stdio.h>

void json_out_string(FILE *out, const char *text);

void json_out_text(FILE *out, const char *before, const char *name, const char *text);

/* RFC 3339 in UTC, or null for a moment that has no such form. */
void json_out_moment(FILE *out, const char *before, const char *name, int64_t moment);

#endif
