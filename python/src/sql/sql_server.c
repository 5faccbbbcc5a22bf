/* SPDX-License-Identifier: Apache-2.0 */
/* The part of sql.Server that is written in C: a FlightServerCore that starts the library's Flight
 * SQL kit, and gives it what is not Flight SQL. Thread class: free. */
#include "sql/engine.h"

#include "base/convert.h"
#include "base/exceptions.h"
#include "base/settings.h"

/* The kit of a link. */
struct engine {
    cflight_sql_server *server;
    struct cflight_sql_handlers handlers;
    struct cflight_sql_server_options options;
    cflight_sql_info *info;
};

static void engine_free(struct engine *engine)
{
    cflight_sql_info_free(engine->info);
    PyMem_RawFree(engine);
}

static cflight_status start_sql(struct cfp_server_link *link, const char *location,
                                const struct cflight_server_handlers *handlers,
                                const struct cflight_server_options *options,
                                cflight_error **reterr)
{
    struct engine *engine = link->kit;
    engine->handlers.user_data = link;
    engine->options.server = options;
    engine->options.flight = handlers;
    engine->options.info = engine->info;
    cflight_status status = cflight_sql_server_new(location, &engine->handlers, &engine->options,
                                                   &engine->server, reterr);
    if (status == CFLIGHT_OK) {
        link->handle = cflight_sql_server_flight(engine->server);
    }
    return status;
}

static void end_sql(struct cfp_server_link *link)
{
    struct engine *engine = link->kit;
    if (engine != NULL) {
        cflight_sql_server_free(engine->server);
        engine_free(engine);
    }
}

static void finish_sql(struct cfp_server_link *link)
{
    struct engine *engine = link->kit;
    cflight_sql_server_finish(engine->server);
}

static int fill_info(struct cfp_state *state, PyObject *dict, cflight_sql_info **ret_info)
{
    cflight_error *error = NULL;
    cflight_status status = cflight_sql_info_new(ret_info, &error);
    if (status != CFLIGHT_OK) {
        cfp_raise(state, status, error);
        return -1;
    }
    PyObject *key = NULL;
    PyObject *value = NULL;
    Py_ssize_t position = 0;
    while (PyDict_Next(dict, &position, &key, &value)) {
        if (cfp_sql_info_put(state, *ret_info, key, value) < 0) {
            return -1;
        }
    }
    return 0;
}

#define SETTING(name, kind, member) CFP_SETTING(name, kind, cflight_sql_server_options, member)
static const struct cfp_setting sql_settings[] = {
    SETTING("statements_max", U32, statements_max),
    SETTING("statements_per_owner_max", U32, statements_per_owner_max),
    SETTING("statement_idle", SECONDS, statement_idle_ms),
    SETTING("transactions_max", U32, transactions_max),
    SETTING("transactions_per_owner_max", U32, transactions_per_owner_max),
    SETTING("transaction_idle", SECONDS, transaction_idle_ms),
    SETTING("transaction_total", SECONDS, transaction_total_ms),
    SETTING("savepoints_max", U32, savepoints_max),
    SETTING("results_max", U32, results_max),
    SETTING("results_per_owner_max", U32, results_per_owner_max),
    SETTING("result_inline_bytes", U32, result_inline_bytes),
    SETTING("results_bytes_max", U64, results_bytes_max),
    SETTING("result_valid", SECONDS, result_ms),
    SETTING("result_open", SECONDS, result_open_ms),
    SETTING("bound_bytes_max", U64, bound_bytes_max),
    SETTING("bound_bytes_total_max", U64, bound_bytes_total_max),
    SETTING("listing_bytes_max", U64, listing_bytes_max),
    SETTING("idle_sessions_max", U32, idle_sessions_max),
    SETTING("session_wait", SECONDS, session_wait_ms),
    SETTING("ticket_bytes_max", U32, ticket_bytes_max),
    SETTING("polls_max", U32, polls_max),
    SETTING("polls_per_owner_max", U32, polls_per_owner_max),
    SETTING("poll_wait", SECONDS, poll_ms),
    SETTING("poll_idle", SECONDS, poll_idle_ms),
    {NULL, CFP_SETTING_FLAG, 0},
};

/* Moves the limits out of the dict; what is left has no meaning. */
static int limits_take(PyObject *limits, struct engine *engine)
{
    PyObject *name = NULL;
    Py_ssize_t position = 0;
    if (cfp_settings_take(limits, sql_settings, &engine->options) < 0) {
        return -1;
    }
    if (PyDict_Next(limits, &position, &name, NULL)) {
        PyErr_Format(PyExc_ValueError, "there is no limit %R", name);
        return -1;
    }
    return 0;
}

/* Of the attributes that Server.__init__ has set, which stay until the server has started. */
static int engine_fill(PyObject *self, struct engine *engine)
{
    PyObject *offered = PyObject_GetAttrString(self, "_cflight_offered");
    PyObject *info = PyObject_GetAttrString(self, "_cflight_info");
    PyObject *limits = PyObject_GetAttrString(self, "_cflight_limits");
    PyObject *ticket_key = PyObject_GetAttrString(self, "_cflight_ticket_key");
    int result = -1;
    if (offered != NULL && info != NULL && limits != NULL && ticket_key != NULL &&
        PyDict_Check(info) && PyDict_Check(limits) && PyBytes_Check(ticket_key) &&
        cfp_sql_handlers(offered, &engine->handlers) == 0 && limits_take(limits, engine) == 0) {
        engine->options.ticket_key = cfp_view(ticket_key);
        result = fill_info(cfp_state_of(self), info, &engine->info);
    }
    Py_XDECREF(offered);
    Py_XDECREF(info);
    Py_XDECREF(limits);
    Py_XDECREF(ticket_key);
    return result;
}

static PyObject *server_start(PyObject *self, PyObject *args)
{
    static const struct cfp_server_kind kind = {start_sql, end_sql, finish_sql};
    struct engine *engine = PyMem_RawCalloc(1, sizeof(*engine));
    if (engine == NULL) {
        return PyErr_NoMemory();
    }
    engine->options = (struct cflight_sql_server_options)CFLIGHT_SQL_SERVER_OPTIONS_INIT;
    if (engine_fill(self, engine) < 0 || cfp_server_start(self, args, &kind, engine) < 0) {
        engine_free(engine);
        return NULL;
    }
    Py_RETURN_NONE;
}

static PyMethodDef server_methods[] = {
    {"_cflight_start", server_start, METH_VARARGS,
     PyDoc_STR("Start to listen; FlightServerBase calls it.")},
    {NULL, NULL, 0, NULL},
};

PyDoc_STRVAR(server_doc, "What a :class:`Server` is besides its methods.");

static PyType_Slot server_slots[] = {
    {Py_tp_doc, (void *)server_doc},
    {Py_tp_methods, server_methods},
    {0, NULL},
};

/* Of the size of its base. */
PyType_Spec cfp_sql_server_spec = {
    .name = "cflight.sql.ServerCore",
    .basicsize = 0,
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = server_slots,
};
