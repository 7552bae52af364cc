/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The syntax of the AWS config and credentials files, as the AWS CLI reads it: sections, `key =
 * value` or `key: value`, keys in any case, lines that begin with # or ; are comments (a # later in
 * a line belongs to the value), an indented line goes on with the value of the key above, and under
 * a key without a value it is a nested `key = value`. Other than the CLI, a section or key
 * that comes twice is no error: the later value counts. Pure, no allocation.
 */
#ifndef SES_INI_H
#define SES_INI_H

#include "common/failure.h"

#include <stddef.h>

enum {
    INI_FILE_MAX = 1024 * 1024, /* octets */
    INI_NAME_MAX = 256,         /* of a section or a key */
    INI_VALUE_MAX = 16384
};

struct ini_item {
    const char *section; /* between the brackets, white space and quotes made plain:
                          * "profile my name" */
    const char *key;     /* lower case; NULL: the section itself, then there is nothing below */
    const char *nested; /* the key below a key without a value, lower case; NULL if there is none */
    const char *value;  /* trimmed; continued lines are joined by \n */
};

/* Calls visit for each section and each item in it, in the order of the file; what it gets holds
 * for the call only. Fails with EX_CONFIG and the number of the line; values are never shown. */
bool ini_parse(const char *bytes, size_t length,
               void (*visit)(void *context, const struct ini_item *item), void *context,
               struct failure *why);

#endif
