/* SPDX-License-Identifier: BSD-2-Clause
 * SPDX-FileCopyrightText: the mailfrom-milter contributors
 *
 * Where the parameters of Postfix lead that should name a map of mailfrom-milter, and what is told
 * of those that do not.
 */
#ifndef CTL_RETURN_LEAD_H
#define CTL_RETURN_LEAD_H

#include "ctl/check_return.h"
#include "ctl/postfix_class.h"

enum { RETURN_LEAD_LINE_SIZE = 1024, RETURN_LEAD_SUBJECT_SIZE = 300, RETURN_LEAD_CAUSES = 8 };

/* The maps that do for a purpose, NULL at the end; the first is the one to advise. */
extern const char *const return_lead_return[]; /* where does the mail go? */
extern const char *const return_lead_domain[]; /* is it a MAIL FROM domain? */
extern const char *const return_lead_check[];  /* what is wrong with the recipient? */

enum lead {
    LEADS_ELSEWHERE, /* there is no such map */
    LEADS_ASTRAY,    /* to a socket that is not there, or a map that there is not */
    LEADS_HERE
};

/* What a check of Postfix is about. */
struct return_lead {
    const struct check_return *shared;
    struct postfix postfix;
    struct postfix_classes classes;
    const char *const *told[RETURN_LEAD_CAUSES]; /* what is wrong with main.cf, and has been said */
    size_t told_count;
    bool class_is_needed; /* a listener asks the map check */
    unsigned wrong;       /* how many findings that are not ok */
};

void return_lead_put(struct return_lead *scene, enum finding_level level, struct finding *finding);

/* Of one map, as the service would ask it; service: NULL for one without a chroot. */
enum lead return_lead_of_map(const struct return_lead *scene, const struct postfix_service *service,
                             const char *const names[], const struct postfix_map *map);

/* The best of the maps in a value. *astray: the one that leads astray. */
enum lead return_lead_of(const struct return_lead *scene, const struct postfix_service *service,
                         const char *value, const char *const names[], struct postfix_map *astray);

/* Is it to be told? What main.cf has is told once, whichever service comes first. cause: a table of
 * maps, or whatever stands for another cause. */
bool return_lead_is_news(struct return_lead *scene, const struct postfix_service *service,
                         const char *parameter, const char *const cause[]);
bool return_lead_was_told(const struct return_lead *scene, const char *const cause[]);

/* "postfix", or "postfix smtp/inet" where the service has a value of its own. Returns out. */
const char *return_lead_subject(const struct return_lead *scene,
                                const struct postfix_service *service, const char *parameter,
                                char out[RETURN_LEAD_SUBJECT_SIZE]);

/* Both only if it is news. consequence: what comes of it. */
void return_lead_tell_astray(struct return_lead *scene, const struct postfix_service *service,
                             const char *parameter, const char *const names[],
                             const struct postfix_map *astray);
void return_lead_tell_missing(struct return_lead *scene, const struct postfix_service *service,
                              const char *parameter, const char *const names[],
                              const char *consequence, enum finding_level level);

/* --- the parts of check_return_postfix --- */

/* Does the listener take mail from whoever has a bounce? */
bool check_return_takes_bounces(const struct return_lead *scene,
                                const struct postfix_service *service);

void check_return_smtpd(struct return_lead *scene, const struct postfix_service *service);
void check_return_class(struct return_lead *scene);
void check_return_domains(struct return_lead *scene);

#endif
