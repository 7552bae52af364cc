/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Which section `ses` of the settings, that is which account and region, an identity belongs to.
 */
#ifndef CTL_SECTION_H
#define CTL_SECTION_H

#include "common/settings.h"

/* The section of this title; NULL: there is none. */
const struct settings_ses *section_find(const struct settings *settings, const char *title);

/* The section that the record of the identity came from; without a record (NULL), or if its
 * section is gone, the one of the title wanted; without a title (NULL) the only one there is.
 * Fails with EX_CONFIG and lists the sections, or with EX_USAGE if the record's is not the one
 * wanted. */
bool section_choose(const struct settings_ses **section, const struct settings *settings,
                    const struct mail_from *record, const char *wanted, struct failure *why);

/* As people call it: `ses "eu"', or `ses'. */
enum { SECTION_NAME_SIZE = MAIL_FROM_SECTION_MAX + 8 };
const char *section_name(const char *title, char out[SECTION_NAME_SIZE]);

#endif
