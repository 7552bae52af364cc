/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * The instance metadata of EC2, version 2 (with a token), falling back to version 1 as the SDKs do:
 * AWS_EC2_METADATA_DISABLED, AWS_EC2_METADATA_V1_DISABLED, AWS_EC2_METADATA_SERVICE_ENDPOINT and
 * its _MODE, or the profile's ec2_metadata_service_endpoint and the like. One try of a second for
 * each request.
 */
#ifndef SES_IMDS_H
#define SES_IMDS_H

#include "ses/endpoint.h"
#include "ses/provider.h"

/* The credentials of the instance's role. No metadata, no role: OUTCOME_NOT_FOUND; but where the
 * metadata are known to be there, because somebody named them or keys came from there before, not
 * to reach them is OUTCOME_NETWORK. */
enum outcome imds_read_keys(const struct provider *provider, struct keys *keys,
                            struct failure *why);

/* The region of the instance. */
enum outcome imds_read_region(const struct provider *provider, char region[ENDPOINT_REGION_MAX + 1],
                              struct failure *why);

#endif
