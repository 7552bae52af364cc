/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ctl/aws_option.h"

#include <string.h>
#include <sysexits.h>

#include "ctl/account.h"

bool aws_option_output(const struct invocation *invocation, const char *format, struct failure *why)
{
    return strcmp(format, "json") == 0 ||
           invocation_misused(invocation, why, "--output is json here, not %.80s", format);
}

bool aws_option_region(const struct settings_ses **section, const struct settings *settings,
                       const char *region, struct failure *why)
{
    char own[ENDPOINT_REGION_MAX + 1];

    for (size_t i = 0; i < settings->ses_count; i++) {
        *section = &settings->ses[i];
        if (account_region(*section, own) && strcmp(own, region) == 0)
            return true;
    }
    return failure_set(why, EX_CONFIG, "no section `ses' of the settings has the region %.80s",
                       region);
}
