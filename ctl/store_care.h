/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * What somebody has to do about the store itself, whatever is in it: a program that keeps others
 * from writing, a reader that makes it grow, room that holds nothing.
 */
#ifndef CTL_STORE_CARE_H
#define CTL_STORE_CARE_H

#include "common/store_usage.h"

enum { STORE_CARE_MAX = 3, STORE_CARE_TEXT_SIZE = 256 };

struct store_care {
    struct store_usage usage;
    pid_t writer; /* the process that keeps others from writing, 0: none */
    bool is_urgent;
    size_t count;
    struct {
        char found[STORE_CARE_TEXT_SIZE];
        char advice[STORE_CARE_TEXT_SIZE];
    } concerns[STORE_CARE_MAX];
};

/* Takes two seconds where a process is writing all the time. */
bool store_care_look(struct store_care *care, struct store *store, const char *directory,
                     struct failure *why);

/* "1.5 GB"; at least 16 octets of room. */
void store_care_size(uint64_t octets, char *out, size_t size);

#endif
