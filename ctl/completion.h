/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * What a shell offers to complete a command line of mailfromctl with. It is read off the texts that
 * help prints, the one table of commands: their parts, options, and what value each takes. So a new
 * command or option is completed as soon as it is in its help, and tests/lint/manual sees to it
 * that it is.
 */
#ifndef CTL_COMPLETION_H
#define CTL_COMPLETION_H

#include "ctl/command.h"

/* words: those of the command line after `mailfromctl', up to the one to complete, which may be
 * "" and comes last. Writes the candidates that begin with that, one per line; or :file or
 * :directory, which the shell has to look for. Identities and sections are those of the settings'
 * store, if it can be read; what goes wrong is not told, as that would end up on a prompt. */
void completion_print(int count, char *const words[], FILE *out);

#endif
