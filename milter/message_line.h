/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The line that each message has in the log, as text or as JSON. Nothing is allocated. Any thread.
 */
#ifndef MILTER_MESSAGE_LINE_H
#define MILTER_MESSAGE_LINE_H

#include "common/judgement.h"

/* queue_id: NULL if the MTA has not said it. */
void message_line_log(const char *queue_id, const struct judgement_message *message,
                      const struct judgement *judgement, bool monitoring);

#endif
