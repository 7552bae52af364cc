/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Credentials from the endpoint of a container: ECS (AWS_CONTAINER_CREDENTIALS_RELATIVE_URI) and
 * EKS Pod Identity (AWS_CONTAINER_CREDENTIALS_FULL_URI with an authorization token).
 */
#ifndef SES_CONTAINER_H
#define SES_CONTAINER_H

#include "ses/provider.h"

/* Absent if neither variable is set. Plain http goes to the loopback and to the addresses of ECS
 * and EKS only. */
enum outcome container_read_keys(const struct provider *provider, struct keys *keys,
                                 struct failure *why);

#endif
