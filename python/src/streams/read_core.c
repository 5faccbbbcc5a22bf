/* SPDX-License-Identifier: Apache-2.0 */
/* The counted core of readers. See streams.h for who may do what. */
#include "streams/streams.h"

struct cfp_read_core *cfp_read_core_new(struct cfp_state *state, cflight_reader *reader,
                                        bool is_owned)
{
    struct cfp_read_core *core = PyMem_RawCalloc(1, sizeof(*core));
    if (core == NULL) {
        if (is_owned) {
            cflight_reader_free(reader);
        }
        PyErr_NoMemory();
        return NULL;
    }
    atomic_init(&core->refs, 1);
    atomic_init(&core->is_cancelled, false);
    (void)pthread_mutex_init(&core->lock, NULL);
    (void)pthread_mutex_init(&core->life_lock, NULL);
    core->state = state;
    core->reader = reader;
    core->is_owned = is_owned;
    return core;
}

struct cfp_read_core *cfp_read_core_ref(struct cfp_read_core *core)
{
    atomic_fetch_add_explicit(&core->refs, 1, memory_order_relaxed);
    return core;
}

void cfp_read_core_cancel(struct cfp_read_core *core)
{
    pthread_mutex_lock(&core->life_lock);
    atomic_store(&core->is_cancelled, true);
    if (core->reader != NULL) {
        cflight_reader_cancel(core->reader);
    }
    pthread_mutex_unlock(&core->life_lock);
}

void cfp_read_core_interrupt(void *core)
{
    cfp_read_core_cancel(core);
}

cflight_status cfp_read_core_is_over(cflight_error **reterr)
{
    return cflight_error_set_message(reterr, CFLIGHT_FAILED_PRECONDITION,
                                     "the reader is closed, or its call is over");
}

void cfp_read_core_detach_locked(struct cfp_read_core *core)
{
    cflight_reader *reader = core->reader;
    pthread_mutex_lock(&core->life_lock);
    core->reader = NULL;
    pthread_mutex_unlock(&core->life_lock);
    if (core->is_owned) {
        cflight_reader_free(reader);
    }
}

void cfp_read_core_unref(struct cfp_read_core *core)
{
    if (core == NULL || atomic_fetch_sub_explicit(&core->refs, 1, memory_order_acq_rel) != 1) {
        return;
    }
    if (core->is_owned) {
        cflight_reader_free(core->reader);
    }
    (void)pthread_mutex_destroy(&core->lock);
    (void)pthread_mutex_destroy(&core->life_lock);
    PyMem_RawFree(core->last_error);
    cfp_digest_free(core->digest);
    PyMem_RawFree(core);
}
