/* SPDX-License-Identifier: Apache-2.0 */
/* Plain members of options structs, from keyword arguments, by a table.
 * Thread class: with the GIL. */
#include "base/settings.h"

#include <math.h>
#include <string.h>

#include "base/convert.h"

int cfp_milliseconds(double seconds, const char *what, int64_t *ret_ms)
{
    static const double most = 1e12; /* who waits longer waits for ever */
    if (!(seconds >= 0)) {
        PyErr_Format(PyExc_ValueError, "%s must be a number of seconds, 0 or more", what);
        return -1;
    }
    *ret_ms = (int64_t)ceil((seconds < most ? seconds : most) * 1000);
    return 0;
}

int cfp_timeout_get(PyObject *value, const char *what, int64_t *ret_ms)
{
    if (value == NULL || value == Py_None) {
        return 0;
    }
    double seconds = PyFloat_AsDouble(value);
    if (seconds == -1.0 && PyErr_Occurred() != NULL) {
        return -1;
    }
    return cfp_milliseconds(seconds, what, ret_ms);
}

static int amount_of(PyObject *value, const char *name, uint64_t max, uint64_t *ret_amount)
{
    int64_t amount = 0;
    bool is_out = cfp_int64_get(value, &amount) < 0;
    if (is_out && !PyErr_ExceptionMatches(PyExc_OverflowError)) {
        return -1;
    }
    if (is_out || amount <= 0 || (uint64_t)amount > max) {
        PyErr_Format(PyExc_ValueError, "%s must be between 1 and %llu", name,
                     (unsigned long long)max);
        return -1;
    }
    *ret_amount = (uint64_t)amount;
    return 0;
}

static int limit_of(PyObject *value, const char *name, int64_t *ret_ms)
{
    double seconds = PyFloat_AsDouble(value);
    if (seconds == -1.0 && PyErr_Occurred() != NULL) {
        return -1;
    }
    if (isinf(seconds) && seconds > 0) {
        *ret_ms = -1;
        return 0;
    }
    if (seconds == 0) {
        PyErr_Format(PyExc_ValueError, "%s must be more than 0 seconds; math.inf is no limit",
                     name);
        return -1;
    }
    return cfp_milliseconds(seconds, name, ret_ms);
}

static int store(PyObject *value, const struct cfp_setting *setting, void *member)
{
    uint64_t amount = 0;
    int64_t ms = 0;
    int is_set = 0;
    switch (setting->kind) {
    case CFP_SETTING_SECONDS:
        if (cfp_timeout_get(value, setting->name, &ms) < 0) {
            return -1;
        }
        memcpy(member, &ms, sizeof(ms));
        return 0;
    case CFP_SETTING_LIMIT:
        if (limit_of(value, setting->name, &ms) < 0) {
            return -1;
        }
        memcpy(member, &ms, sizeof(ms));
        return 0;
    case CFP_SETTING_U32:
        if (amount_of(value, setting->name, UINT32_MAX, &amount) < 0) {
            return -1;
        }
        uint32_t small = (uint32_t)amount;
        memcpy(member, &small, sizeof(small));
        return 0;
    case CFP_SETTING_U64:
        if (amount_of(value, setting->name, INT64_MAX, &amount) < 0) {
            return -1;
        }
        memcpy(member, &amount, sizeof(amount));
        return 0;
    case CFP_SETTING_FLAG:
        is_set = PyObject_IsTrue(value);
        if (is_set >= 0) {
            bool flag = is_set != 0;
            memcpy(member, &flag, sizeof(flag));
        }
        return is_set < 0 ? -1 : 0;
    }
    return 0;
}

int cfp_settings_take(PyObject *keywords, const struct cfp_setting *table, void *options)
{
    for (; table->name != NULL; table++) {
        PyObject *value = PyDict_GetItemString(keywords, table->name);
        if (value == NULL) {
            continue;
        }
        if (value != Py_None && store(value, table, (char *)options + table->offset) < 0) {
            return -1;
        }
        if (PyDict_DelItemString(keywords, table->name) < 0) {
            return -1;
        }
    }
    return 0;
}
