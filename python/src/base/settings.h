/* SPDX-License-Identifier: Apache-2.0 */
#ifndef CFP_SETTINGS_H
#define CFP_SETTINGS_H

#include "base/state.h"

/* Keyword arguments that are plain members of an options struct of the library. None leaves a
 * member as it is. */
enum cfp_setting_kind {
    CFP_SETTING_SECONDS, /* a float to int64_t milliseconds; 0 or more */
    CFP_SETTING_LIMIT,   /* the same, but more than 0; math.inf is none, -1 */
    CFP_SETTING_U32,     /* an int, 1 or more */
    CFP_SETTING_U64,     /* likewise */
    CFP_SETTING_FLAG,    /* anything to bool */
};

struct cfp_setting {
    const char *name; /* NULL ends a table */
    enum cfp_setting_kind kind;
    size_t offset; /* of the member */
};

/* An entry of a table: its kind without the prefix, and the member of `struct type`. */
#define CFP_SETTING(name, kind, type, member)                   \
    {                                                           \
        name, CFP_SETTING_##kind, offsetof(struct type, member) \
    }

/* Moves the keywords that the table names out of the dict and into the struct; 0 or -1. */
int cfp_settings_take(PyObject *keywords, const struct cfp_setting *table, void *options);

/* Seconds to milliseconds, rounded up; `what` names the value. */
int cfp_milliseconds(double seconds, const char *what, int64_t *ret_ms);
/* As above for an optional Python number; None and NULL leave *ret_ms alone. */
int cfp_timeout_get(PyObject *value, const char *what, int64_t *ret_ms);

#endif /* CFP_SETTINGS_H */
