/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * What goes wrong with one operation of an account, over time: when to try again, and what of it is
 * worth a line in the log. Pure.
 */
#ifndef SYNC_TROUBLE_H
#define SYNC_TROUBLE_H

#include "sync/backoff.h"

enum { TROUBLE_REPEAT = 3600000 /* milliseconds between two lines on what a person has to mend */ };

/* All zero: none. Times are milliseconds since the epoch. */
struct trouble {
    unsigned failures; /* since the last success */
    unsigned in_a_row; /* of these, the last ones that call for the same patience */
    enum outcome outcome;
    char code[OUTCOME_CODE_SIZE];
    int64_t since;
    int64_t logged;
    int64_t until; /* no call before this */
};

/* Takes note of a failure. code: AWS's name for it, "" for none. True: it is to be logged, being
 * new, another than before, or one that has been waiting for a person for an hour. */
bool trouble_add(struct trouble *trouble, enum outcome outcome, const char *code, int64_t now,
                 double random);

#endif
