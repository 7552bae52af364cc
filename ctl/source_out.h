/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Writes a source for people, as a block of aligned lines, or for programs, as a JSON object. Write
 * errors are left to the stream.
 */
#ifndef CTL_SOURCE_OUT_H
#define CTL_SOURCE_OUT_H

#include "ctl/source.h"

/* now: milliseconds since the epoch. */
void source_out_text(FILE *out, const struct source *source, int64_t now);
void source_out_json(FILE *out, const struct source *source);

#endif
