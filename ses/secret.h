/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Secrets that come back in what a service says, which must not come into a log or a reply. Pure.
 */
#ifndef SES_SECRET_H
#define SES_SECRET_H

#include "ses/keys.h"

/* Cuts the text where it shows the secret: all of it or, as texts are cut short, 16 octets and more
 * of its beginning. "" is no secret. */
void secret_cut(char *text, const char *secret);

/* The secrets of keys. */
void secret_cut_keys(char *text, const struct keys *keys);

#endif
