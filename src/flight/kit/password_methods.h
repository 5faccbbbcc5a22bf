/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFL_FLIGHT_KIT_PASSWORD_METHODS_H
#define CFL_FLIGHT_KIT_PASSWORD_METHODS_H

#include <crypt.h>
#include <stdbool.h>
#include <stddef.h>

#include "cflight/error.h"

/* Methods of crypt(5) as they occur in a password file, each with its cost and the length of its
 * salt: what the time of a verification depends on. Thread class: one at a time while methods are
 * added, free afterwards. */

enum { CFL_PASSWORD_METHODS_MAX = 16, CFL_PASSWORD_LOCKED = -1 };

struct cfl_password_methods {
    const char *dummies[CFL_PASSWORD_METHODS_MAX]; /* a hash of each; borrowed */
    int count;
};

/* The method of a hash, added when it is new; CFL_PASSWORD_LOCKED for one that no password has.
 * `hash` must outlive the methods. @return CFLIGHT_OK, CFLIGHT_INVALID_ARGUMENT (too many) */
cflight_status cfl_password_method_of(struct cfl_password_methods *methods, const char *hash,
                                      struct crypt_data *data, int *ret_method,
                                      cflight_error **reterr);

/* Compares a password with a hash; `method` and `hash` are of one user, or LOCKED and NULL for
 * nobody. Takes the same time for all of them: one hash of each method, whichever is the user's. */
bool cfl_password_matches(const struct cfl_password_methods *methods, int method, const char *hash,
                          const char *password, struct crypt_data *data);

#endif /* CFL_FLIGHT_KIT_PASSWORD_METHODS_H */
