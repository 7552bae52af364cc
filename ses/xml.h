/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * XML from outside, as the Query APIs of AWS (SES v1, STS) reply: each element reported with its
 * path and trimmed text when it ends. Depth and sizes have their maximum; a document type or an
 * entity declaration is refused at sight. Knows no element by name.
 */
#ifndef SES_XML_H
#define SES_XML_H

#include "common/failure.h"

#include <stddef.h>

enum {
    XML_DEPTH_MAX = 16,
    XML_PATH_MAX = 1024, /* octets of the names of all open elements */
    XML_TEXT_MAX = 16384 /* octets of text in one element */
};

/* One well-formed document. `leave` is called at the end of each element: path is "A/B/C", text
 * what stands in it and not in its children, without white space around it. Fails with EX_PROTOCOL;
 * leave may have been called before that. */
bool xml_parse(const char *bytes, size_t length,
               void (*leave)(void *context, const char *path, const char *text), void *context,
               struct failure *why);

/* Does the path end in this one? "B/C" ends "A/B/C", and not "A/BB/C". */
bool xml_path_ends(const char *path, const char *end);

#endif
