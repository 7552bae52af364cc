/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 */
#include "dns/allowance.h"

static double most(const struct allowance *allowance)
{
    return allowance->rate / 4 < 1 ? 1 : allowance->rate / 4;
}

void allowance_renew(struct allowance *allowance, int64_t now)
{
    int64_t passed = now - allowance->renewed;

    allowance->renewed = now;
    if (passed > 0)
        allowance->left += (double)passed * allowance->rate / 1000;
    if (allowance->left > most(allowance))
        allowance->left = most(allowance);
}

bool allowance_take(struct allowance *allowance)
{
    if (allowance_wait(allowance) > 0)
        return false;
    allowance_charge(allowance, 1);
    return true;
}

void allowance_charge(struct allowance *allowance, unsigned count)
{
    allowance->left -= count;
}

int64_t allowance_wait(const struct allowance *allowance)
{
    if (allowance->rate <= 0 || allowance->left >= 1)
        return 0;
    return (int64_t)((1 - allowance->left) * 1000 / allowance->rate) + 1;
}
