/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The parts of `mailfromctl return-path`. Each has its own name in argv[0].
 */
#ifndef CTL_RETURN_PATH_H
#define CTL_RETURN_PATH_H

#include "ctl/command.h"

bool return_path_key_new(struct invocation *invocation, struct failure *why);
bool return_path_key_promote(struct invocation *invocation, struct failure *why);
bool return_path_key_list(struct invocation *invocation, struct failure *why);
bool return_path_encode(struct invocation *invocation, struct failure *why);
bool return_path_decode(struct invocation *invocation, struct failure *why);

#endif
