/* SPDX-License-Identifier: Apache-2.0 */
/* A FlightClient's options: from the constructor's keywords to the library's struct.
 *
 * A build keeps whatever the struct points at until the client is made, which copies it. Tables of
 * callbacks belong to the client once it is made, and before to the build.
 * Thread class: with the GIL. */
#include "client/client.h"

#include <string.h>

#include "base/callbacks.h"
#include "base/convert.h"
#include "base/exceptions.h"
#include "base/metrics.h"
#include "base/settings.h"
#include "values/values.h"

/* Everything the constructor was given, and the memory that holds it while the client is made. */
struct client_arguments {
    PyObject *location;
    PyObject *tls_root_certs;
    PyObject *cert_chain;
    PyObject *private_key;
    PyObject *override_hostname;
    PyObject *middleware;
    PyObject *write_size_limit_bytes;
    PyObject *disable_server_verification;
    PyObject *generic_options;
    PyObject *user_agent;
    PyObject *authority;
    PyObject *token_provider;
    PyObject *tls_revocation_lists;
    PyObject *tls_min_version;
    PyObject *tls12_ciphers;
    PyObject *tls13_ciphers;
    PyObject *proxy;
    PyObject *metrics;
    PyObject *balance;
};

#define SETTING(name, kind, member) CFP_SETTING(name, kind, cflight_client_options, member)
static const struct cfp_setting client_settings[] = {
    SETTING("connect_timeout", SECONDS, connect_timeout_ms),
    SETTING("keepalive_interval", SECONDS, keepalive_interval_ms),
    SETTING("keepalive_timeout", SECONDS, keepalive_timeout_ms),
    SETTING("keepalive_without_calls", FLAG, keepalive_without_calls),
    SETTING("keepalive_is_agreed", FLAG, keepalive_is_agreed),
    SETTING("idle_watch_is_off", FLAG, idle_watch_is_off),
    SETTING("shared_bodies_are_off", FLAG, shared_bodies_are_off),
    SETTING("message_bytes_max", U64, message_bytes_max),
    SETTING("metadata_bytes_max", U32, metadata_bytes_max),
    SETTING("stream_window_bytes", U32, stream_window_bytes),
    SETTING("pool_bytes_max", U64, pool_bytes_max),
    SETTING("allow_common_name", FLAG, tls.allow_common_name),
    {NULL, CFP_SETTING_FLAG, 0},
};

/* Keeps the object (taken) until the client is made, and returns it borrowed. */
static PyObject *keep(struct cfp_client_build *build, PyObject *object)
{
    if (object == NULL || PyList_Append(build->kept, object) < 0) {
        Py_XDECREF(object);
        return NULL;
    }
    Py_DECREF(object);
    return object;
}

static int pem_of(struct cfp_client_build *build, PyObject *value, struct cflight_bytes *ret_pem)
{
    int is_given = PyObject_IsTrue(value);
    if (is_given <= 0) {
        return is_given;
    }
    PyObject *bytes = keep(build, cfp_to_bytes(value));
    if (bytes == NULL) {
        return -1;
    }
    *ret_pem = cfp_view(bytes);
    return 0;
}

static int text_of(struct cfp_client_build *build, PyObject *value, const char **ret_text)
{
    struct cflight_bytes bytes = {0};
    if (pem_of(build, value, &bytes) < 0) {
        return -1;
    }
    if (bytes.data != NULL) {
        *ret_text = (const char *)bytes.data;
    }
    return 0;
}

static int own_certificate(struct cfp_client_build *build, const struct client_arguments *given)
{
    struct cflight_client_tls *tls = &build->options.tls;
    return pem_of(build, given->cert_chain, &tls->cert_chain) < 0 ||
                   pem_of(build, given->private_key, &tls->private_key) < 0
               ? -1
               : 0;
}

static bool has_pem(struct cflight_bytes text)
{
    static const char begin[] = "-----BEGIN ";
    return memmem(text.data, text.len_bytes, begin, sizeof(begin) - 1) != NULL;
}

/* Other clients drop what they are given beside disable_server_verification, so that it may be
 * anything: what cannot be a certificate or key is dropped here, too, with a warning. */
static int own_certificate_unverified(struct cfp_client_build *build,
                                      const struct client_arguments *given)
{
    struct cflight_client_tls *tls = &build->options.tls;
    if (own_certificate(build, given) < 0) {
        return -1;
    }
    if (tls->cert_chain.data == NULL || (has_pem(tls->cert_chain) && has_pem(tls->private_key))) {
        return 0;
    }
    tls->cert_chain = (struct cflight_bytes){0};
    tls->private_key = (struct cflight_bytes){0};
    return PyErr_WarnEx(PyExc_UserWarning,
                        "cert_chain and private_key hold no PEM: no certificate is shown", 1);
}

static int tls_of(struct cfp_client_build *build, const struct client_arguments *given)
{
    struct cflight_client_tls *tls = &build->options.tls;
    int skip = PyObject_IsTrue(given->disable_server_verification);
    if (skip < 0) {
        return -1;
    }
    tls->skip_verification = skip != 0;
    if (text_of(build, given->override_hostname, &tls->override_hostname) < 0) {
        return -1;
    }
    if (!skip) {
        return pem_of(build, given->tls_root_certs, &tls->root_certs) < 0
                   ? -1
                   : own_certificate(build, given);
    }
    return own_certificate_unverified(build, given);
}

/* Options of gRPC that mean nothing here: never silently. */
static int warn_of_option(const char *name)
{
    return PyErr_WarnFormat(PyExc_UserWarning, 1, "generic option '%s' has no effect here", name);
}

/* Unlike other texts, an empty one counts. */
static int plain_text_of(struct cfp_client_build *build, PyObject *value, const char **ret_text)
{
    if (value == Py_None) {
        return 0;
    }
    PyObject *bytes = keep(build, cfp_to_bytes(value));
    *ret_text = bytes == NULL ? NULL : PyBytes_AS_STRING(bytes);
    return bytes == NULL ? -1 : 0;
}

/* Versions and ciphers count also where certificates are not verified. */
static int policy_of(struct cfp_client_build *build, const struct client_arguments *given)
{
    struct cflight_tls_policy *policy = &build->options.tls.policy;
    return cfp_tls_version_get(given->tls_min_version, &policy->min_version) < 0 ||
                   plain_text_of(build, given->tls12_ciphers, &policy->tls12_ciphers) < 0 ||
                   plain_text_of(build, given->tls13_ciphers, &policy->tls13_ciphers) < 0 ||
                   pem_of(build, given->tls_revocation_lists, &policy->revocation_lists) < 0
               ? -1
               : 0;
}

static int balance_of(struct cfp_client_build *build, PyObject *value)
{
    if (value == Py_None) {
        return 0;
    }
    bool is_round_robin =
        PyUnicode_Check(value) && PyUnicode_CompareWithASCIIString(value, "round_robin") == 0;
    if (!is_round_robin &&
        (!PyUnicode_Check(value) || PyUnicode_CompareWithASCIIString(value, "sticky") != 0)) {
        PyErr_SetString(PyExc_ValueError, "`balance` is \"sticky\", \"round_robin\" or None");
        return -1;
    }
    build->options.balance = is_round_robin ? CFLIGHT_BALANCE_ROUND_ROBIN : CFLIGHT_BALANCE_STICKY;
    return 0;
}

/* The policies of gRPC that have a counterpart. */
static int set_policy(struct cfp_client_build *build, PyObject *value)
{
    const char *name = NULL;
    if (text_of(build, value, &name) < 0) {
        return -1;
    }
    bool is_round_robin = name != NULL && strcmp(name, "round_robin") == 0;
    if (!is_round_robin && (name == NULL || strcmp(name, "pick_first") != 0)) {
        return warn_of_option("grpc.lb_policy_name");
    }
    build->options.balance = is_round_robin ? CFLIGHT_BALANCE_ROUND_ROBIN : CFLIGHT_BALANCE_STICKY;
    return 0;
}

static int set_integer_option(struct cfp_client_build *build, const char *name, long long value)
{
    struct cflight_client_options *options = &build->options;
    uint64_t amount = value < 0 ? 0 : (uint64_t)value;
    if (strcmp(name, "grpc.max_receive_message_length") == 0) {
        options->message_bytes_max = amount;
    } else if (strcmp(name, "grpc.keepalive_time_ms") == 0) {
        options->keepalive_interval_ms = (int64_t)amount;
    } else if (strcmp(name, "grpc.keepalive_timeout_ms") == 0) {
        options->keepalive_timeout_ms = (int64_t)amount;
    } else if (strcmp(name, "grpc.keepalive_permit_without_calls") == 0) {
        options->keepalive_without_calls = amount != 0;
    } else if (strcmp(name, "grpc.max_metadata_size") == 0) {
        options->metadata_bytes_max = amount > UINT32_MAX ? UINT32_MAX : (uint32_t)amount;
    } else if (strcmp(name, "grpc.max_send_message_length") == 0) {
        options->write_size_limit_bytes = amount;
    } else if (strcmp(name, "grpc.enable_http_proxy") == 0) {
        options->proxy = amount == 0 ? "" : options->proxy;
    } else {
        return warn_of_option(name);
    }
    return 0;
}

/* Joins it with what was given before, to the front or to the end. */
static int add_user_agent(struct cfp_client_build *build, PyObject *value, bool is_first)
{
    const char *former = build->options.user_agent;
    if (text_of(build, value, &build->options.user_agent) < 0) {
        return -1;
    }
    if (former == NULL || former == build->options.user_agent) {
        return 0;
    }
    const char *added = build->options.user_agent;
    PyObject *both = keep(
        build, PyBytes_FromFormat("%s %s", is_first ? added : former, is_first ? former : added));
    if (both == NULL) {
        return -1;
    }
    build->options.user_agent = PyBytes_AS_STRING(both);
    return 0;
}

static int set_text_option(struct cfp_client_build *build, const char *name, PyObject *value)
{
    struct cflight_client_options *options = &build->options;
    if (strcmp(name, "grpc.ssl_target_name_override") == 0) {
        return text_of(build, value, &options->tls.override_hostname);
    }
    if (strcmp(name, "grpc.primary_user_agent") == 0 ||
        strcmp(name, "grpc.secondary_user_agent") == 0) {
        return add_user_agent(build, value, name[5] == 'p');
    }
    if (strcmp(name, "grpc.http_proxy") == 0) {
        bool is_off = options->proxy != NULL && options->proxy[0] == '\0';
        return is_off ? 0 : plain_text_of(build, value, &options->proxy);
    }
    if (strcmp(name, "grpc.lb_policy_name") == 0) {
        return set_policy(build, value);
    }
    if (strcmp(name, "grpc.default_authority") == 0) {
        return text_of(build, value, &options->authority);
    }
    return warn_of_option(name);
}

static int generic_option(struct cfp_client_build *build, PyObject *item)
{
    PyObject *pair = keep(build, PySequence_Tuple(item));
    if (pair == NULL) {
        return -1;
    }
    if (PyTuple_GET_SIZE(pair) != 2) {
        PyErr_SetString(PyExc_ValueError, "a generic option is a pair of name and value");
        return -1;
    }
    PyObject *name = keep(build, cfp_to_bytes(PyTuple_GET_ITEM(pair, 0)));
    PyObject *value = PyTuple_GET_ITEM(pair, 1);
    if (name == NULL) {
        return -1;
    }
    if (cfp_is_text(value)) {
        return set_text_option(build, PyBytes_AS_STRING(name), value);
    }
    int64_t number = 0;
    if (cfp_int64_get(value, &number) < 0) {
        return -1;
    }
    return set_integer_option(build, PyBytes_AS_STRING(name), number);
}

static int generic_options_of(struct cfp_client_build *build, PyObject *value)
{
    if (value == Py_None) {
        return 0;
    }
    PyObject *list = keep(build, PySequence_List(value));
    if (list == NULL) {
        return -1;
    }
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(list); i++) {
        if (generic_option(build, PyList_GET_ITEM(list, i)) < 0) {
            return -1;
        }
    }
    return 0;
}

static int middleware_of(struct cfp_client_build *build, PyObject *value)
{
    if (value == Py_None) {
        return 0;
    }
    PyObject *list = keep(build, PySequence_List(value));
    if (list == NULL) {
        return -1;
    }
    size_t count = (size_t)PyList_GET_SIZE(list);
    build->middleware = cfp_scratch_new(&build->scratch, count, sizeof(*build->middleware));
    if (build->middleware == NULL) {
        return -1;
    }
    build->options.middleware = build->middleware;
    for (size_t i = 0; i < count; i++) {
        if (cfp_client_middleware_table(build->state, PyList_GET_ITEM(list, (Py_ssize_t)i),
                                        &build->middleware[i]) < 0) {
            return -1;
        }
        build->options.middleware_count = i + 1;
    }
    return 0;
}

static int provider_of(struct cfp_client_build *build, PyObject *value)
{
    if (value == Py_None) {
        return 0;
    }
    if (cfp_token_provider_table(build->state, value, &build->tokens) < 0) {
        return -1;
    }
    build->options.token_provider = &build->tokens;
    return 0;
}

/* "host" and "port" as a URI. TLS when roots are given, or anything was said about verification. */
static PyObject *uri_of_tuple(struct cfp_state *state, PyObject *location,
                              const struct client_arguments *given)
{
    PyObject *host = NULL;
    PyObject *port = NULL;
    int number = 0;
    if (!PyArg_ParseTuple(location, "OO;`location` must be a pair of host and port", &host,
                          &port) ||
        cfp_int_get(port, &number) < 0) {
        return NULL;
    }
    int has_roots = PyObject_IsTrue(given->tls_root_certs);
    PyObject *host_bytes = has_roots < 0 ? NULL : cfp_to_bytes(host);
    if (host_bytes == NULL) {
        return NULL;
    }
    bool is_tls = has_roots || given->disable_server_verification != Py_None;
    PyObject *uri = cfp_host_uri(state, is_tls ? "grpc+tls" : "grpc+tcp", host_bytes, number);
    Py_DECREF(host_bytes);
    return uri;
}

static PyObject *uri_of(struct cfp_state *state, const struct client_arguments *given)
{
    PyObject *location = given->location;
    if (PyTuple_Check(location)) {
        return uri_of_tuple(state, location, given);
    }
    if (!cfp_is_text(location) && !PyObject_TypeCheck(location, state->location_type)) {
        return PyErr_Format(PyExc_TypeError,
                            "`location` argument must be a string, tuple or a Location instance");
    }
    return cfp_location_uri(state, location, "");
}

static int fill_options(struct cfp_client_build *build, const struct client_arguments *given)
{
    if (given->write_size_limit_bytes != Py_None) {
        int64_t limit = 0;
        if (cfp_int64_get(given->write_size_limit_bytes, &limit) < 0) {
            return -1;
        }
        build->options.write_size_limit_bytes = limit < 0 ? 0 : (uint64_t)limit;
    }
    return tls_of(build, given) < 0 || policy_of(build, given) < 0 ||
                   text_of(build, given->user_agent, &build->options.user_agent) < 0 ||
                   text_of(build, given->authority, &build->options.authority) < 0 ||
                   plain_text_of(build, given->proxy, &build->options.proxy) < 0 ||
                   cfp_metrics_get(build->state, given->metrics, "metrics",
                                   &build->options.metrics) < 0 ||
                   balance_of(build, given->balance) < 0 ||
                   middleware_of(build, given->middleware) < 0 ||
                   provider_of(build, given->token_provider) < 0
               ? -1
               : 0;
}

/* What is left of the keywords when the settings were taken out. */
static int parse_arguments(PyObject *args, PyObject *keywords, struct client_arguments *ret_given)
{
    static char *names[] = {"location",
                            "tls_root_certs",
                            "cert_chain",
                            "private_key",
                            "override_hostname",
                            "middleware",
                            "write_size_limit_bytes",
                            "disable_server_verification",
                            "generic_options",
                            "user_agent",
                            "authority",
                            "token_provider",
                            "tls_revocation_lists",
                            "tls_min_version",
                            "tls12_ciphers",
                            "tls13_ciphers",
                            "proxy",
                            "metrics",
                            "balance",
                            NULL};
    struct client_arguments given = {NULL,    Py_None, Py_None, Py_None, Py_None, Py_None, Py_None,
                                     Py_None, Py_None, Py_None, Py_None, Py_None, Py_None, Py_None,
                                     Py_None, Py_None, Py_None, Py_None, Py_None};
    int is_parsed = PyArg_ParseTupleAndKeywords(
        args, keywords, "O|$OOOOOOOOOOOOOOOOOO:FlightClient", names, &given.location,
        &given.tls_root_certs, &given.cert_chain, &given.private_key, &given.override_hostname,
        &given.middleware, &given.write_size_limit_bytes, &given.disable_server_verification,
        &given.generic_options, &given.user_agent, &given.authority, &given.token_provider,
        &given.tls_revocation_lists, &given.tls_min_version, &given.tls12_ciphers,
        &given.tls13_ciphers, &given.proxy, &given.metrics, &given.balance);
    *ret_given = given;
    return is_parsed ? 0 : -1;
}

/* Keywords of their own win over generic options. `*ret_given` is valid until the build ends. */
static int build_begin(struct cfp_client_build *build, struct cfp_state *state, PyObject *args,
                       PyObject *kwargs, struct client_arguments *ret_given)
{
    *build = (struct cfp_client_build){.state = state, .options = CFLIGHT_CLIENT_OPTIONS_INIT};
    /* As other Flight clients do: certificates without alternative names are matched by CN. */
    build->options.tls.allow_common_name = true;
    build->kept = PyList_New(0);
    if (build->kept == NULL) {
        return -1;
    }
    PyObject *keywords = keep(build, kwargs == NULL ? PyDict_New() : PyDict_Copy(kwargs));
    if (keywords == NULL) {
        return -1;
    }
    PyObject *generic = PyDict_GetItemString(keywords, "generic_options");
    if ((generic != NULL && generic_options_of(build, generic) < 0) ||
        cfp_settings_take(keywords, client_settings, &build->options) < 0 ||
        parse_arguments(args, keywords, ret_given) < 0) {
        return -1;
    }
    return fill_options(build, ret_given);
}

void cfp_client_options_end(struct cfp_client_build *build)
{
    for (size_t i = 0; !build->is_taken && i < build->options.middleware_count; i++) {
        cfp_hold_free(build->middleware[i].user_data);
    }
    if (!build->is_taken) {
        cfp_hold_free(build->tokens.user_data);
    }
    Py_CLEAR(build->kept);
    cfp_scratch_done(&build->scratch);
}

static void list_holds(const struct cfp_client_build *build, struct cfp_hold_list *holds)
{
    for (size_t i = 0; i < build->options.middleware_count; i++) {
        cfp_hold_list_add(holds, build->middleware[i].user_data);
    }
    if (build->tokens.user_data != NULL) {
        cfp_hold_list_add(holds, build->tokens.user_data);
    }
}

cflight_client *cfp_client_make(struct cfp_state *state, PyObject *args, PyObject *kwargs,
                                struct cfp_hold_list *holds)
{
    struct cfp_client_build build;
    struct client_arguments given;
    cflight_client *client = NULL;
    cflight_error *error = NULL;
    PyObject *uri = NULL;
    if (build_begin(&build, state, args, kwargs, &given) < 0) {
        goto done;
    }
    uri = uri_of(state, &given);
    if (uri == NULL) {
        goto done;
    }
    cflight_status status =
        cflight_client_new(PyBytes_AS_STRING(uri), &build.options, &client, &error);
    if (status == CFLIGHT_OK) {
        build.is_taken = true;
        list_holds(&build, holds);
    } else {
        cfp_raise(state, status, error);
    }

done:
    Py_XDECREF(uri);
    cfp_client_options_end(&build);
    return client;
}

int cfp_client_options_begin(PyObject *client, struct cfp_client_build *ret_build)
{
    struct client_arguments given;
    PyObject *args = PyTuple_Pack(1, Py_None);
    int result = -1;
    if (args != NULL) {
        result = build_begin(ret_build, cfp_state_of(client), args,
                             ((struct cfp_client *)client)->settings, &given);
    }
    Py_XDECREF(args);
    for (size_t i = 0; result == 0 && i < ret_build->options.middleware_count; i++) {
        ret_build->middleware[i].release = NULL;
    }
    if (result == 0) {
        ret_build->tokens.release = NULL;
    }
    return result;
}

/* ---- reloading ---- */

/* Keywords of the constructor that a client can change; the name that it looks for stays. */
static const char *const tls_keywords[] = {
    "tls_root_certs",    "cert_chain",           "private_key",
    "allow_common_name", "tls_revocation_lists", "disable_server_verification",
    "tls_min_version",   "tls12_ciphers",        "tls13_ciphers",
};

enum { TLS_KEYWORD_COUNT = sizeof(tls_keywords) / sizeof(tls_keywords[0]) };

static bool is_tls_keyword(PyObject *name)
{
    for (size_t i = 0; i < TLS_KEYWORD_COUNT; i++) {
        if (PyUnicode_CompareWithASCIIString(name, tls_keywords[i]) == 0) {
            return true;
        }
    }
    return false;
}

static int check_tls_keywords(PyObject *kwargs)
{
    PyObject *name = NULL;
    PyObject *value = NULL;
    Py_ssize_t position = 0;
    while (kwargs != NULL && PyDict_Next(kwargs, &position, &name, &value)) {
        if (!is_tls_keyword(name)) {
            PyErr_Format(PyExc_TypeError, "reload_tls() has no keyword argument '%U'", name);
            return -1;
        }
    }
    return 0;
}

/* What was given now, and of the rest what the client had. */
static PyObject *merged_tls_keywords(PyObject *settings, PyObject *kwargs)
{
    PyObject *merged = PyDict_New();
    for (size_t i = 0; merged != NULL && i < TLS_KEYWORD_COUNT; i++) {
        PyObject *value = kwargs == NULL ? NULL : PyDict_GetItemString(kwargs, tls_keywords[i]);
        if (value == NULL) {
            value = PyDict_GetItemString(settings, tls_keywords[i]);
        }
        if (value != NULL && PyDict_SetItemString(merged, tls_keywords[i], value) < 0) {
            Py_CLEAR(merged);
        }
    }
    return merged;
}

/* Replaces the TLS settings by those of the keywords; 0 or -1. */
static int reload(struct cfp_client *client, struct cfp_state *state, PyObject *keywords)
{
    struct cfp_client_build build;
    struct client_arguments given;
    cflight_error *error = NULL;
    cflight_status status = CFLIGHT_OK;
    PyObject *args = PyTuple_Pack(1, Py_None);
    int result = args == NULL ? -1 : build_begin(&build, state, args, keywords, &given);
    if (result == 0) {
        const struct cflight_client_tls *tls = &build.options.tls;
        Py_BEGIN_ALLOW_THREADS
        status = cflight_client_reload_tls(client->client, tls, &error);
        Py_END_ALLOW_THREADS
        if (status != CFLIGHT_OK) {
            (void)cfp_raise(state, status, error);
            result = -1;
        }
    }
    if (args != NULL) {
        cfp_client_options_end(&build);
    }
    Py_XDECREF(args);
    return result;
}

PyObject *cfp_client_reload_tls(PyObject *self, PyObject *args, PyObject *kwargs)
{
    struct cfp_client *client = (struct cfp_client *)self;
    if (!PyArg_ParseTuple(args, ":reload_tls") || check_tls_keywords(kwargs) < 0) {
        return NULL;
    }
    if (client->client == NULL || client->settings == NULL) {
        return PyErr_Format(PyExc_ValueError, "FlightClient.__init__ was not called");
    }
    PyObject *keywords = merged_tls_keywords(client->settings, kwargs);
    int result = keywords == NULL ? -1 : reload(client, cfp_state_of(self), keywords);
    /* Clients of other locations, which fetch() makes, have the same from now on. */
    if (result == 0) {
        result = PyDict_Update(client->settings, keywords);
    }
    Py_XDECREF(keywords);
    return result < 0 ? NULL : Py_NewRef(Py_None);
}
