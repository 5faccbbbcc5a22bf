/* SPDX-License-Identifier: Apache-2.0 */
/* What a gateway does, as metrics: its connections as they are when somebody looks, and counts of
 * what has happened. Owner: the gateway, which takes its series away at its end. Thread class:
 * free. */
#include "adbc/gateway/internal.h"

static double read_count(void *user_data)
{
    const atomic_uint_fast64_t *count = user_data;
    return (double)atomic_load(count);
}

/* Adds what `number` says of the gateway, and of its reader. */
static double sum(struct gateway *gateway, double (*number)(const struct gateway *gateway))
{
    double value = 0;
    for (; gateway != NULL; gateway = gateway->reader) {
        (void)pthread_mutex_lock(&gateway->pool.mutex);
        value += number(gateway);
        (void)pthread_mutex_unlock(&gateway->pool.mutex);
    }
    return value;
}

static double idle_of(const struct gateway *gateway)
{
    return gateway->pool.idle_count;
}

static double read_idle(void *user_data)
{
    return sum(user_data, idle_of);
}

static double waiting_of(const struct gateway *gateway)
{
    return gateway->pool.waiting_count;
}

static double read_waiting(void *user_data)
{
    return sum(user_data, waiting_of);
}

static double in_use_of(const struct gateway *gateway)
{
    uint32_t count = gateway->pool.connection_count - gateway->pool.idle_count;
    return (double)count - (gateway->anchor == NULL ? 0 : 1);
}

static double read_in_use(void *user_data)
{
    return sum(user_data, in_use_of);
}

static cflight_status add(struct gateway *gateway, cflight_metrics *metrics, const char *name,
                          const char *help, double (*read)(void *user_data), void *user_data,
                          cflight_error **reterr)
{
    struct cflight_metric_params params = CFLIGHT_METRIC_PARAMS_INIT;
    params.name = name;
    params.help = help;
    params.kind = read == read_count ? CFLIGHT_METRIC_COUNTER : CFLIGHT_METRIC_GAUGE;
    params.read = read;
    params.user_data = user_data;
    cflight_status status =
        cflight_metrics_add(metrics, &params, &gateway->metrics[gateway->metric_count], reterr);
    gateway->metric_count += status == CFLIGHT_OK ? 1 : 0;
    return status;
}

cflight_status gateway_add_metrics(struct gateway *gateway, cflight_metrics *metrics,
                                   cflight_error **reterr)
{
    struct gateway_counts *counts = gateway->counts;
    const struct {
        const char *name;
        const char *help;
        double (*read)(void *user_data);
        void *user_data;
    } SERIES[GATEWAY_METRICS] = {
        {"cflight_database_connections_in_use", "Connections to the database that are in use.",
         read_in_use, gateway},
        {"cflight_database_connections_idle", "Connections to the database that nobody uses.",
         read_idle, gateway},
        {"cflight_database_connections_waiting", "Calls that wait for a connection.", read_waiting,
         gateway},
        {"cflight_database_connections_refused_total", "Calls that waited in vain.", read_count,
         &counts->refused},
        {"cflight_database_statements_total", "Statements that were run.", read_count,
         &counts->statements},
        {"cflight_database_statements_failed_total", "Statements that the database refused.",
         read_count, &counts->failed},
        {"cflight_database_statements_cancelled_total", "Statements that were told to end.",
         read_count, &counts->cancelled},
        {"cflight_database_statements_late_total", "Statements that ran for longer than they may.",
         read_count, &counts->late},
    };
    cflight_status status = CFLIGHT_OK;
    for (size_t i = 0; i < GATEWAY_METRICS && status == CFLIGHT_OK; i++) {
        status = add(gateway, metrics, SERIES[i].name, SERIES[i].help, SERIES[i].read,
                     SERIES[i].user_data, reterr);
    }
    return status;
}

void gateway_remove_metrics(struct gateway *gateway)
{
    while (gateway->metric_count > 0) {
        cflight_metric_remove(gateway->metrics[--gateway->metric_count]);
    }
}
