/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * What the mail path counts since the program began. Adding takes no lock; whoever reads may see
 * one message in one counter and not yet in another. Any thread.
 */
#ifndef MILTER_COUNTERS_H
#define MILTER_COUNTERS_H

#include "common/decision.h"
#include "common/return_address.h"
#include "common/settings.h"

enum { COUNTERS_MODE_COUNT = MODE_MONITOR + 1 };

/* What cannot be worked out or handed over: the message is deferred, or the MTA refused. And why a
 * peer of the milter's socket is not listened to any longer. */
enum counters_trouble {
    TROUBLE_OUT_OF_MEMORY,
    TROUBLE_REPLY,       /* libmilter does not take the reply */
    TROUBLE_NEW_SENDER,  /* the MTA does not take the new envelope sender */
    TROUBLE_NEGOTIATION, /* the MTA offers too little */
    TROUBLE_PACKET,      /* it sent what is no packet, or none that belongs there */
    TROUBLE_TIMEOUT,     /* it was too slow */
    TROUBLE_CONNECTIONS  /* there were too many */
};
enum { COUNTERS_TROUBLE_COUNT = TROUBLE_CONNECTIONS + 1 };
extern const char *const counters_trouble_words[COUNTERS_TROUBLE_COUNT];

/* The upper bounds of the histogram, in nanoseconds; the last bucket has none. */
enum { COUNTERS_BOUND_COUNT = 12, COUNTERS_BUCKET_COUNT };
extern const int64_t counters_bounds[COUNTERS_BOUND_COUNT];

struct counters {
    uint64_t messages[COUNTERS_MODE_COUNT][REASON_COUNT][VERDICT_COUNT];
    uint64_t buckets[COUNTERS_BUCKET_COUNT]; /* of the time a decision took; not cumulative */
    uint64_t nanoseconds;                    /* of all decisions */
    uint64_t connections;                    /* since the beginning */
    uint64_t connections_closed;             /* of them */
    uint64_t troubles[COUNTERS_TROUBLE_COUNT];
    uint64_t return_paths[RETURN_FORM_COUNT];                 /* of new envelope senders */
    uint64_t returns[RETURN_RESULT_COUNT][RETURN_FORM_COUNT]; /* questions of the MTA */
};

void counters_add_message(enum settings_mode mode, struct decision decision, int64_t nanoseconds);
void counters_add_connection(void);
void counters_close_connection(void);
void counters_add_trouble(enum counters_trouble trouble);
void counters_add_return_path(enum return_form form);
void counters_add_return(enum return_result result, enum return_form form);

void counters_read(struct counters *counters);

#endif
