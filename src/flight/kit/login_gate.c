/* SPDX-License-Identifier: Apache-2.0 */
/* Wrong passwords slow the one who sends them, and nobody else.
 *
 * Verifying a password is slow by design, so only a few are verified at once. The others wait here,
 * for WAIT_MS at most, and turns go round by address: next is an address that has nothing running,
 * of those the one that was served longest ago. What an address did counts:
 *
 * - Half of the turns at once are enough for an address; one, as soon as it sent a wrong password.
 * - A connection that sent a wrong password is suspect until it sends a right one. It goes after
 *   the others of its address, has one place in the queue together with all suspects there, and
 *   from the fourth wrong password of its address on it waits before it is asked again, for longer
 *   each time, DELAY_MAX_MS at most. So whoever shares an address with somebody who guesses still
 *   logs in at once, over a connection of his own.
 * - When all places are taken, a call of the address that has most of them loses its place to one
 *   of an address that has none or fewer.
 *
 * Addresses are kept in a table: those with a turn or a place, and those that sent a wrong password
 * during the last FORGET_MS. When it is full, the one that has been quiet longest is forgotten.
 *
 * Locks: the mutex is a leaf; each waiting thread has a condition on its stack. Thread class: free.
 */
#include "flight/kit/login_gate.h"

#include <string.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/condition.h"
#include "base/error.h"
#include "base/search.h"

enum {
    ADDRESSES_MAX = 1024,
    SUSPECTS_MAX = 128, /* connections of an address; older ones are forgotten */
    WAIT_MS = 5000,
    FORGET_MS = 10 * 60 * 1000,
    FREE_FAILURES = 3, /* people mistype */
    DELAY_MS = 50,     /* of the first suspect call that waits; each further one doubles it */
    DELAY_MAX_MS = 800,
};

struct cfl_login_address {
    struct cfl_peer_address address;
    size_t running_count;
    size_t waiting_count;
    size_t suspect_waiting_count;
    uint32_t failure_count;
    int64_t failed_ns;
    uint64_t served;                 /* when it was served last, by the count of the gate */
    uint16_t suspects[SUSPECTS_MAX]; /* ports; a ring */
    size_t suspect_count;
    size_t next_suspect;
};

/* A thread in the queue. */
struct waiter {
    struct cfl_list node;
    pthread_cond_t condition;
    struct cfl_login_address *address;
    bool is_suspect;
    bool is_admitted;
    bool is_dropped;
};

bool cfl_login_gate_init(struct cfl_login_gate *gate, const struct cflight_allocator *alloc,
                         const struct cfl_login_limits *limits)
{
    memset(gate, 0, sizeof *gate);
    gate->alloc = alloc;
    gate->limits = *limits;
    cfl_list_init(&gate->locked.waiting);
    return pthread_mutex_init(&gate->mutex, NULL) == 0;
}

void cfl_login_gate_done(struct cfl_login_gate *gate)
{
    for (size_t i = 0; i < gate->locked.count; i++) {
        cfl_free(gate->alloc, gate->locked.addresses[i], sizeof *gate->locked.addresses[i]);
    }
    cfl_free_array(gate->alloc, gate->locked.addresses, gate->locked.capacity,
                   sizeof *gate->locked.addresses);
    (void)pthread_mutex_destroy(&gate->mutex);
}

/* ---- the table of addresses ---- */

static int compare_address(const void *element, const void *bytes)
{
    const struct cfl_login_address *const *entry = element;
    return memcmp((*entry)->address.bytes, bytes, CFL_PEER_ADDRESS_BYTES);
}

static bool find_locked(const struct cfl_login_gate *gate, const struct cfl_peer_address *address,
                        size_t *ret_index)
{
    return cfl_search(gate->locked.addresses, gate->locked.count, sizeof *gate->locked.addresses,
                      address->bytes, compare_address, ret_index);
}

static void remove_locked(struct cfl_login_gate *gate, size_t index)
{
    struct cfl_login_address **place = &gate->locked.addresses[index];
    cfl_free(gate->alloc, *place, sizeof **place);
    gate->locked.count--;
    memmove(place, place + 1, (gate->locked.count - index) * sizeof *place);
}

static bool is_idle(const struct cfl_login_address *entry)
{
    return entry->running_count == 0 && entry->waiting_count == 0;
}

/* Forgets what is old, and the quietest address when there is no room for another. The latter
 * always exists: far fewer addresses than the table holds can be inside at once. */
static void make_room_locked(struct cfl_login_gate *gate, int64_t now_ns)
{
    size_t quietest = SIZE_MAX;
    if (gate->locked.count < ADDRESSES_MAX) {
        return;
    }
    for (size_t i = gate->locked.count; i-- > 0;) {
        const struct cfl_login_address *entry = gate->locked.addresses[i];
        if (!is_idle(entry)) {
            continue;
        }
        if (cfl_deadline_after_ms(entry->failed_ns, FORGET_MS) <= now_ns) {
            remove_locked(gate, i);
            quietest = quietest == SIZE_MAX ? SIZE_MAX : quietest - 1;
        } else if (quietest == SIZE_MAX ||
                   entry->failed_ns < gate->locked.addresses[quietest]->failed_ns) {
            quietest = i;
        }
    }
    if (gate->locked.count >= ADDRESSES_MAX && quietest != SIZE_MAX) {
        remove_locked(gate, quietest);
    }
}

/* The entry of an address, made when there is none; NULL without memory. */
static struct cfl_login_address *entry_locked(struct cfl_login_gate *gate,
                                              const struct cfl_peer_address *address,
                                              int64_t now_ns)
{
    size_t index = 0;
    if (!find_locked(gate, address, &index)) {
        make_room_locked(gate, now_ns);
        struct cfl_login_address *entry = cfl_alloc_zeroed(gate->alloc, sizeof *entry);
        if (entry == NULL ||
            !cfl_grow_array(gate->alloc, (void **)&gate->locked.addresses, &gate->locked.capacity,
                            gate->locked.count + 1, sizeof *gate->locked.addresses)) {
            cfl_free(gate->alloc, entry, sizeof *entry);
            return NULL;
        }
        (void)find_locked(gate, address, &index);
        entry->address = *address;
        struct cfl_login_address **place = &gate->locked.addresses[index];
        memmove(place + 1, place, (gate->locked.count - index) * sizeof *place);
        *place = entry;
        gate->locked.count++;
    }
    struct cfl_login_address *entry = gate->locked.addresses[index];
    if (entry->failure_count > 0 && cfl_deadline_after_ms(entry->failed_ns, FORGET_MS) <= now_ns) {
        entry->failure_count = 0;
        entry->suspect_count = 0;
        entry->next_suspect = 0;
    }
    return entry;
}

/* ---- suspects ---- */

static size_t find_suspect(const struct cfl_login_address *entry, uint16_t port)
{
    size_t index = 0;
    while (index < entry->suspect_count && entry->suspects[index] != port) {
        index++;
    }
    return index;
}

static bool is_suspect(const struct cfl_login_address *entry, uint16_t port)
{
    return find_suspect(entry, port) < entry->suspect_count;
}

/* Without ports connections cannot be told apart. */
static void suspect(struct cfl_login_address *entry, uint16_t port)
{
    if (port == 0 || is_suspect(entry, port)) {
        return;
    }
    entry->suspects[entry->next_suspect] = port;
    entry->next_suspect = (entry->next_suspect + 1) % SUSPECTS_MAX;
    entry->suspect_count += entry->suspect_count < SUSPECTS_MAX ? 1 : 0;
}

static void trust(struct cfl_login_address *entry, uint16_t port)
{
    size_t index = find_suspect(entry, port);
    if (index < entry->suspect_count) {
        entry->suspects[index] = entry->suspects[--entry->suspect_count];
        entry->next_suspect = entry->suspect_count;
    }
}

/* When suspects of the address may be asked again. */
static int64_t suspects_due_ns(const struct cfl_login_address *entry)
{
    if (entry->failure_count <= FREE_FAILURES) {
        return entry->failed_ns;
    }
    int64_t delay_ms = DELAY_MS;
    for (uint32_t i = FREE_FAILURES + 1; i < entry->failure_count && delay_ms < DELAY_MAX_MS; i++) {
        delay_ms *= 2;
    }
    return cfl_deadline_after_ms(entry->failed_ns, delay_ms);
}

/* ---- turns ---- */

static bool may_run(const struct cfl_login_gate *gate, const struct waiter *waiter, int64_t now_ns)
{
    const struct cfl_login_address *entry = waiter->address;
    size_t share = entry->failure_count > 0 ? 1 : (gate->limits.running_max + 1) / 2;
    return entry->running_count < share &&
           (!waiter->is_suspect || suspects_due_ns(entry) <= now_ns);
}

/* Whether `a`, which came after `b`, goes before it all the same. */
static bool goes_before(const struct waiter *a, const struct waiter *b)
{
    if (a->address == b->address) {
        return b->is_suspect && !a->is_suspect;
    }
    bool a_is_idle = a->address->running_count == 0;
    bool b_is_idle = b->address->running_count == 0;
    return a_is_idle != b_is_idle ? a_is_idle : a->address->served < b->address->served;
}

static struct waiter *next_locked(struct cfl_login_gate *gate, int64_t now_ns)
{
    struct waiter *next = NULL;
    for (struct cfl_list *node = gate->locked.waiting.next; node != &gate->locked.waiting;
         node = node->next) {
        struct waiter *waiter = CFL_LIST_ENTRY(node, struct waiter, node);
        if (may_run(gate, waiter, now_ns) && (next == NULL || goes_before(waiter, next))) {
            next = waiter;
        }
    }
    return next;
}

static void take_off_locked(struct cfl_login_gate *gate, struct waiter *waiter)
{
    cfl_list_remove(&waiter->node);
    gate->locked.waiting_count--;
    waiter->address->waiting_count--;
    waiter->address->suspect_waiting_count -= waiter->is_suspect ? 1 : 0;
}

/* Hands out all turns that can be. */
static void admit_locked(struct cfl_login_gate *gate, int64_t now_ns)
{
    while (gate->locked.running_count < gate->limits.running_max) {
        struct waiter *waiter = next_locked(gate, now_ns);
        if (waiter == NULL) {
            return;
        }
        take_off_locked(gate, waiter);
        gate->locked.running_count++;
        waiter->address->running_count++;
        waiter->address->served = ++gate->locked.served_count;
        waiter->is_admitted = true;
        (void)pthread_cond_signal(&waiter->condition);
    }
}

/* Takes a place from the address that has most of them, a suspect's first, the youngest first. */
static bool drop_one_locked(struct cfl_login_gate *gate, const struct cfl_login_address *newcomer)
{
    struct waiter *victim = NULL;
    for (struct cfl_list *node = gate->locked.waiting.next; node != &gate->locked.waiting;
         node = node->next) {
        struct waiter *waiter = CFL_LIST_ENTRY(node, struct waiter, node);
        if (waiter->address->waiting_count <= newcomer->waiting_count) {
            continue;
        }
        if (victim == NULL || waiter->address->waiting_count > victim->address->waiting_count ||
            (waiter->address == victim->address && (waiter->is_suspect || !victim->is_suspect))) {
            victim = waiter;
        }
    }
    if (victim == NULL) {
        return false;
    }
    take_off_locked(gate, victim);
    victim->is_dropped = true;
    (void)pthread_cond_signal(&victim->condition);
    return true;
}

/* Gives the waiter a turn or a place, or drops it. */
static void queue_locked(struct cfl_login_gate *gate, struct waiter *waiter, int64_t now_ns)
{
    cfl_list_append(&gate->locked.waiting, &waiter->node);
    gate->locked.waiting_count++;
    waiter->address->waiting_count++;
    waiter->address->suspect_waiting_count += waiter->is_suspect ? 1 : 0;
    admit_locked(gate, now_ns);
    if (waiter->is_admitted) {
        return;
    }
    bool is_one_too_many = waiter->is_suspect && waiter->address->suspect_waiting_count > 1;
    if (is_one_too_many || (gate->locked.waiting_count > gate->limits.waiting_max &&
                            !drop_one_locked(gate, waiter->address))) {
        take_off_locked(gate, waiter);
        waiter->is_dropped = true;
    }
}

static void wait_locked(struct cfl_login_gate *gate, struct waiter *waiter, int64_t now_ns)
{
    int64_t deadline_ns = cfl_deadline_after_ms(now_ns, WAIT_MS);
    while (!waiter->is_admitted && !waiter->is_dropped && now_ns < deadline_ns) {
        int64_t until_ns = deadline_ns;
        if (waiter->is_suspect && suspects_due_ns(waiter->address) > now_ns) {
            until_ns = cfl_deadline_earlier(until_ns, suspects_due_ns(waiter->address));
        }
        (void)cfl_condition_wait_until(&waiter->condition, &gate->mutex, until_ns);
        now_ns = cfl_clock_now_ns(NULL);
        admit_locked(gate, now_ns);
    }
    if (!waiter->is_admitted && !waiter->is_dropped) {
        take_off_locked(gate, waiter);
    }
}

/* What an address with nothing against it is not remembered for. */
static void forget_locked(struct cfl_login_gate *gate, const struct cfl_peer_address *address)
{
    size_t index = 0;
    if (find_locked(gate, address, &index) && is_idle(gate->locked.addresses[index]) &&
        gate->locked.addresses[index]->failure_count == 0) {
        remove_locked(gate, index);
    }
}

cflight_status cfl_login_gate_enter(struct cfl_login_gate *gate,
                                    const struct cfl_peer_address *address, cflight_error **reterr)
{
    struct waiter waiter = {.is_admitted = false};
    cfl_condition_init(&waiter.condition);
    (void)pthread_mutex_lock(&gate->mutex);
    int64_t now_ns = cfl_clock_now_ns(NULL);
    waiter.address = entry_locked(gate, address, now_ns);
    bool has_memory = waiter.address != NULL;
    if (has_memory) {
        waiter.is_suspect = is_suspect(waiter.address, address->port);
        queue_locked(gate, &waiter, now_ns);
        wait_locked(gate, &waiter, now_ns);
        forget_locked(gate, address);
    }
    (void)pthread_mutex_unlock(&gate->mutex);
    (void)pthread_cond_destroy(&waiter.condition);
    if (waiter.is_admitted) {
        return CFLIGHT_OK;
    }
    return has_memory ? cflight_error_set_message(
                            reterr, CFLIGHT_UNAVAILABLE,
                            "too many passwords wait to be verified; try again in a moment")
                      : cfl_error_no_memory(reterr);
}

/* Has suspects of an address look again when they are due. */
static void wake_suspects_locked(struct cfl_login_gate *gate, const struct cfl_login_address *entry)
{
    for (struct cfl_list *node = gate->locked.waiting.next; node != &gate->locked.waiting;
         node = node->next) {
        struct waiter *waiter = CFL_LIST_ENTRY(node, struct waiter, node);
        if (waiter->address == entry && waiter->is_suspect) {
            (void)pthread_cond_signal(&waiter->condition);
        }
    }
}

void cfl_login_gate_leave(struct cfl_login_gate *gate, const struct cfl_peer_address *address,
                          enum cfl_login_result result)
{
    size_t index = 0;
    (void)pthread_mutex_lock(&gate->mutex);
    int64_t now_ns = cfl_clock_now_ns(NULL);
    gate->locked.running_count--;
    if (find_locked(gate, address, &index)) { /* always: an entry with a turn stays */
        struct cfl_login_address *entry = gate->locked.addresses[index];
        entry->running_count--;
        if (result == CFL_LOGIN_WRONG) {
            entry->failure_count += entry->failure_count < UINT32_MAX ? 1 : 0;
            entry->failed_ns = now_ns;
            suspect(entry, address->port);
            wake_suspects_locked(gate, entry);
        } else if (result == CFL_LOGIN_RIGHT) {
            trust(entry, address->port);
        }
        forget_locked(gate, address);
    }
    admit_locked(gate, now_ns);
    (void)pthread_mutex_unlock(&gate->mutex);
}
