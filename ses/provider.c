/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "ses/provider.h"

#include <sysexits.h>

enum outcome provider_worked(bool fine, const struct failure *why)
{
    if (fine)
        return OUTCOME_OK;
    return why->exit_code == EX_OSERR ? OUTCOME_LOCAL : OUTCOME_NO_CREDENTIALS;
}

enum outcome provider_called(enum outcome outcome)
{
    switch (outcome) {
    case OUTCOME_OK:
    case OUTCOME_THROTTLED:
    case OUTCOME_SERVER_ERROR:
    case OUTCOME_NETWORK:
    case OUTCOME_MALFORMED_REPLY:
    case OUTCOME_REFUSED:
    case OUTCOME_STOPPED:
    case OUTCOME_LOCAL:
        return outcome;
    case OUTCOME_EXPIRED_TOKEN:
    case OUTCOME_CLOCK_SKEW:
    case OUTCOME_NO_CREDENTIALS:
    case OUTCOME_ACCESS_DENIED:
    case OUTCOME_BAD_REQUEST:
    case OUTCOME_NOT_FOUND:
        break;
    }
    return OUTCOME_NO_CREDENTIALS;
}

enum outcome provider_exchanged(enum http_result result)
{
    return provider_called(call_outcome_of(result));
}
