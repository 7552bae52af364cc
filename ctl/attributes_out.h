/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Writes records as JSON, piece by piece, so that a million of them need not be in memory. The
 * counterpart of ctl/attributes.h. Write errors are left to the stream.
 */
#ifndef CTL_ATTRIBUTES_OUT_H
#define CTL_ATTRIBUTES_OUT_H

#include "common/mail_from.h"

#include <stdio.h>

/* SES's own fields, or those of "Record" too? */
enum attributes_form { ATTRIBUTES_SES, ATTRIBUTES_WITH_RECORD };

/* The map that attributes_read reads: one begin, an entry for each identity (count: how many came
 * before), one end with their number. Fields are absent where SES leaves them out; four spaces a
 * level, as the AWS CLI prints. FeedbackForwardingStatus stands in "Record" if that is printed,
 * else beside the others if it is off. */
void attributes_out_begin(FILE *out);
void attributes_out_entry(FILE *out, const char *key, const struct mail_from *record,
                          enum attributes_form form, uint64_t count);
void attributes_out_end(FILE *out, uint64_t count);

/* The same as an array of flat objects, one a line, in which every field always stands. */
void attributes_out_list_begin(FILE *out);
void attributes_out_list_entry(FILE *out, const char *key, const struct mail_from *record,
                               uint64_t count);
void attributes_out_list_end(FILE *out, uint64_t count);

#endif
