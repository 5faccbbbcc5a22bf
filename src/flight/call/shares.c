/* SPDX-License-Identifier: Apache-2.0 */
/* The channel: numbers, limits, packets.
 *
 * A packet has 32 bytes and, when it passes memory, one descriptor with them. Packets are only read
 * when somebody looks for something: a claim, or room to pass more. The reads of one look end,
 * since a peer can neither release more than it was passed nor pass more than may wait. Any fault
 * breaks the channel: the descriptor is closed, what waits unclaimed is dropped, and `is_broken`
 * stays. Owner: the connection and the bodies that are mapped. Thread class: free, under the leaf
 * mutex. unix(7) "SCM_RIGHTS". */
#include "flight/call/shares.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/budget.h"
#include "base/clock.h"
#include "base/cursor.h"
#include "base/error.h"
#include "base/process.h"
#include "base/refcount.h"
#include "base/segment.h"
#include "flight/call/share_packet.h"

enum {
    NUMBERS_MAX = 64,  /* of a direction: passed and not released */
    MACHINE_SHARE = 4, /* of the machine's memory may be with peers */
};

/* What a socket moves in a second, at least: nobody waits longer for a release than sending takes.
 */
#define SOCKET_BYTES_PER_S ((uint64_t)2 << 30)
#define WAIT_NS_LEAST ((int64_t)2 * CFL_NS_PER_MS)

/* Passed to the peer and not released. */
struct sent {
    uint64_t number;
    uint64_t memory_id;
    uint64_t counted_bytes; /* 0 when the same memory is counted with another number */
};

/* Passed by the peer and not claimed; a part of what is held. */
struct waiting {
    uint64_t number;
    uint64_t size_bytes;
    uint32_t stream_id;
    int fd; /* -1: this process had no descriptor left */
};

struct cfl_shares {
    struct cfl_refcount refs;
    const struct cflight_allocator *alloc;
    uint64_t bytes_max;
    bool is_server;
    pid_t pid; /* a child of fork() shares the channel and must not touch it; nor the mutex, which a
                  thread may hold that it does not have */
    pthread_mutex_t mutex;
    struct {
        int fd; /* -1: closed */
        bool is_broken;
        bool is_agreed;
        bool was_waited_in_vain; /* since the peer last released anything */
        uint64_t next_number;
        struct sent sent[NUMBERS_MAX];
        size_t sent_count;
        uint64_t sent_bytes;
        uint64_t last_number; /* of what the peer passed */
        size_t held_count;    /* of these, not released by this side */
        struct waiting waiting[NUMBERS_MAX];
        size_t waiting_count;
    } locked;
};

/* What all connections of the process have passed. */
static struct cfl_budget all_passed;
static pthread_once_t all_passed_once = PTHREAD_ONCE_INIT;
static atomic_uint_least64_t passed_count;
static atomic_uint_least64_t mapped_count;

static void init_all_passed(void)
{
    long page_count = sysconf(_SC_PHYS_PAGES);
    long page_bytes = sysconf(_SC_PAGESIZE);
    uint64_t machine_bytes =
        page_count > 0 && page_bytes > 0 ? (uint64_t)page_count * (uint64_t)page_bytes : 0;
    cfl_budget_init(&all_passed, NULL, machine_bytes / MACHINE_SHARE);
}

struct cfl_share_counters cfl_share_counters(void)
{
    struct cfl_share_counters counters = {
        .passed = atomic_load(&passed_count),
        .mapped = atomic_load(&mapped_count),
        .live_bytes = atomic_load(&all_passed.used_bytes),
    };
    return counters;
}

/* ---- life ---- */

static struct cfl_shares *shares_new(const struct cflight_allocator *alloc,
                                     const struct cfl_limits *limits, int fd, bool is_server)
{
    struct cfl_shares *shares = cfl_alloc_zeroed(alloc, sizeof *shares);
    if (shares == NULL) {
        return NULL;
    }
    (void)pthread_once(&all_passed_once, init_all_passed);
    cfl_refcount_init(&shares->refs);
    shares->alloc = alloc;
    shares->bytes_max = limits->shared_bytes_max;
    shares->is_server = is_server;
    shares->pid = cfl_process_id();
    (void)pthread_mutex_init(&shares->mutex, NULL);
    shares->locked.fd = fd;
    shares->locked.is_agreed = is_server;
    return shares;
}

static bool is_ours(const struct cfl_shares *shares)
{
    return shares->pid == cfl_process_id();
}

/* The descriptor stays, since a thread may poll it. */
static void break_locked(struct cfl_shares *shares)
{
    for (size_t i = 0; i < shares->locked.waiting_count; i++) {
        if (shares->locked.waiting[i].fd >= 0) {
            (void)close(shares->locked.waiting[i].fd);
        }
    }
    shares->locked.waiting_count = 0;
    shares->locked.sent_count = 0;
    cfl_budget_give_back(&all_passed, shares->locked.sent_bytes);
    shares->locked.sent_bytes = 0;
    if (!shares->locked.is_broken) {
        shares->locked.is_broken = true;
        if (is_ours(shares)) {
            (void)shutdown(shares->locked.fd, SHUT_RDWR);
        }
    }
}

static void close_locked(struct cfl_shares *shares)
{
    break_locked(shares);
    if (shares->locked.fd >= 0) {
        (void)close(shares->locked.fd);
        shares->locked.fd = -1;
    }
}

void cfl_shares_close(struct cfl_shares *shares)
{
    if (shares != NULL && is_ours(shares)) {
        (void)pthread_mutex_lock(&shares->mutex);
        close_locked(shares);
        (void)pthread_mutex_unlock(&shares->mutex);
    }
}

struct cfl_shares *cfl_shares_ref(struct cfl_shares *shares)
{
    if (shares != NULL) {
        cfl_refcount_up(&shares->refs);
    }
    return shares;
}

void cfl_shares_unref(struct cfl_shares *shares)
{
    if (shares == NULL || !cfl_refcount_down(&shares->refs)) {
        return;
    }
    close_locked(shares);
    (void)pthread_mutex_destroy(&shares->mutex);
    cfl_free(shares->alloc, shares, sizeof *shares);
}

cflight_status cfl_shares_offer(const struct cflight_allocator *alloc,
                                const struct cfl_limits *limits, struct cfl_shares **ret_shares,
                                int *ret_peer_fd, cflight_error **reterr)
{
    int ends[2] = {-1, -1};
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) {
        return cfl_error_set_os(reterr, CFLIGHT_RESOURCE_EXHAUSTED, errno,
                                "cannot make the channel for shared memory");
    }
    struct cfl_shares *shares = shares_new(alloc, limits, ends[0], false);
    if (shares == NULL) {
        (void)close(ends[0]);
        (void)close(ends[1]);
        return cfl_error_no_memory(reterr);
    }
    *ret_shares = shares;
    *ret_peer_fd = ends[1];
    return CFLIGHT_OK;
}

struct cfl_shares *cfl_shares_accept(const struct cflight_allocator *alloc,
                                     const struct cfl_limits *limits, int fd)
{
    const struct cfl_share_packet hello = {.kind = CFL_SHARE_HELLO};
    struct cfl_shares *shares = NULL;
    if (cfl_share_is_channel(fd) && cfl_share_packet_send(fd, &hello, -1)) {
        shares = shares_new(alloc, limits, fd, true);
    }
    if (shares == NULL) {
        (void)close(fd);
    }
    return shares;
}

/* ---- what the peer says ---- */

static bool take_pass_locked(struct cfl_shares *shares, const struct cfl_share_received *received)
{
    const struct cfl_share_packet *packet = &received->packet;
    if ((received->fd < 0 && !received->was_fd_lost) ||
        packet->number != shares->locked.last_number + 1 ||
        shares->locked.held_count == NUMBERS_MAX) {
        return false;
    }
    struct waiting *waiting = &shares->locked.waiting[shares->locked.waiting_count++];
    shares->locked.last_number = packet->number;
    shares->locked.held_count++;
    waiting->number = packet->number;
    waiting->size_bytes = packet->size_bytes;
    waiting->stream_id = packet->stream_id;
    waiting->fd = received->fd;
    return true;
}

/* The first number under which memory is with the peer; NULL when it is not. */
static struct sent *find_memory_locked(struct cfl_shares *shares, uint64_t memory_id)
{
    for (size_t i = 0; i < shares->locked.sent_count; i++) {
        if (shares->locked.sent[i].memory_id == memory_id) {
            return &shares->locked.sent[i];
        }
    }
    return NULL;
}

/* Memory that was passed twice counts until the last number of it is released. */
static bool take_release_locked(struct cfl_shares *shares,
                                const struct cfl_share_received *received)
{
    for (size_t i = 0; i < shares->locked.sent_count; i++) {
        struct sent sent = shares->locked.sent[i];
        if (sent.number != received->packet.number) {
            continue;
        }
        shares->locked.sent[i] = shares->locked.sent[--shares->locked.sent_count];
        struct sent *other = find_memory_locked(shares, sent.memory_id);
        if (other != NULL) {
            other->counted_bytes += sent.counted_bytes;
        } else {
            shares->locked.sent_bytes -= sent.counted_bytes;
            cfl_budget_give_back(&all_passed, sent.counted_bytes);
        }
        shares->locked.was_waited_in_vain = false;
        return received->fd < 0 && !received->was_fd_lost;
    }
    return false;
}

static bool take_packet_locked(struct cfl_shares *shares, const struct cfl_share_received *received)
{
    if (!received->is_valid) {
        return false;
    }
    switch (received->packet.kind) {
    case CFL_SHARE_HELLO: {
        bool is_due = !shares->is_server && !shares->locked.is_agreed && received->fd < 0;
        shares->locked.is_agreed = true;
        return is_due;
    }
    case CFL_SHARE_PASS:
        return take_pass_locked(shares, received);
    case CFL_SHARE_RELEASE:
        return take_release_locked(shares, received);
    default:
        return false;
    }
}

/* Reads a packet, if there is one. */
static bool look_once_locked(struct cfl_shares *shares)
{
    struct cfl_share_received received;
    if (shares->locked.is_broken || !cfl_share_packet_read(shares->locked.fd, &received)) {
        return false;
    }
    if (!take_packet_locked(shares, &received)) {
        if (received.fd >= 0) {
            (void)close(received.fd);
        }
        break_locked(shares);
    }
    return true;
}

/* Reads what the peer has said. False when the channel is broken. */
static bool look_locked(struct cfl_shares *shares)
{
    while (look_once_locked(shares)) {
    }
    return !shares->locked.is_broken;
}

/* ---- passing ---- */

static bool has_room_locked(const struct cfl_shares *shares, size_t number_max, uint64_t more_bytes)
{
    return !shares->locked.is_broken && shares->locked.is_agreed &&
           shares->locked.sent_count < number_max && more_bytes <= shares->bytes_max &&
           shares->locked.sent_bytes <= shares->bytes_max - more_bytes;
}

bool cfl_shares_is_agreed(struct cfl_shares *shares)
{
    (void)pthread_mutex_lock(&shares->mutex);
    if (!shares->locked.is_agreed) {
        (void)look_locked(shares);
    }
    bool is_agreed = shares->locked.is_agreed && !shares->locked.is_broken;
    (void)pthread_mutex_unlock(&shares->mutex);
    return is_agreed;
}

/* Looks for releases only when much is with the peer: each look is a call of the system. */
static bool may_pass_locked(struct cfl_shares *shares, uint64_t more_bytes)
{
    return has_room_locked(shares, NUMBERS_MAX / 2, more_bytes) ||
           (look_locked(shares) && has_room_locked(shares, NUMBERS_MAX, more_bytes));
}

/* Of memory that the peer has already, nothing more counts. */
static uint64_t more_bytes_locked(struct cfl_shares *shares, const struct cfl_shared_memory *memory)
{
    return find_memory_locked(shares, memory->id) != NULL ? 0 : memory->size_bytes;
}

/* Whether a release may make room. */
static bool is_worth_waiting_locked(struct cfl_shares *shares,
                                    const struct cfl_shared_memory *memory)
{
    return !may_pass_locked(shares, more_bytes_locked(shares, memory)) &&
           !shares->locked.is_broken && shares->locked.is_agreed && shares->locked.sent_count > 0 &&
           !shares->locked.was_waited_in_vain && memory->size_bytes <= shares->bytes_max;
}

void cfl_shares_wait(struct cfl_shares *shares, const struct cfl_shared_memory *memory)
{
    int64_t patience_ns =
        WAIT_NS_LEAST + (int64_t)(memory->size_bytes * CFL_NS_PER_S / SOCKET_BYTES_PER_S);
    int64_t until_ns = cfl_deadline_after_ns(cfl_clock_now_ns(NULL), patience_ns);
    (void)pthread_mutex_lock(&shares->mutex);
    /* Half of the numbers at once, so that the two sides do not wake each other for each. */
    bool was_full = is_worth_waiting_locked(shares, memory);
    while (
        was_full && !shares->locked.is_broken &&
        (shares->locked.sent_count > NUMBERS_MAX / 2 || is_worth_waiting_locked(shares, memory))) {
        struct pollfd wanted = {.fd = shares->locked.fd, .events = POLLIN};
        int64_t left_ns = until_ns - cfl_clock_now_ns(NULL);
        if (left_ns <= 0) {
            shares->locked.was_waited_in_vain = is_worth_waiting_locked(shares, memory);
            break;
        }
        (void)pthread_mutex_unlock(&shares->mutex);
        (void)poll(&wanted, 1, (int)(left_ns / CFL_NS_PER_MS) + 1);
        (void)pthread_mutex_lock(&shares->mutex);
        (void)look_locked(shares);
    }
    (void)pthread_mutex_unlock(&shares->mutex);
}

bool cfl_shares_is_full(struct cfl_shares *shares, const struct cfl_shared_memory *memory)
{
    (void)pthread_mutex_lock(&shares->mutex);
    bool is_full = is_worth_waiting_locked(shares, memory);
    (void)pthread_mutex_unlock(&shares->mutex);
    return is_full;
}

static bool pass_locked(struct cfl_shares *shares, const struct cfl_shared_memory *memory,
                        uint32_t stream_id)
{
    const struct cfl_share_packet packet = {.kind = CFL_SHARE_PASS,
                                            .number = shares->locked.next_number + 1,
                                            .size_bytes = memory->size_bytes,
                                            .stream_id = stream_id};
    /* A look may take away what counts the same memory. */
    if (!may_pass_locked(shares, more_bytes_locked(shares, memory))) {
        return false;
    }
    uint64_t more_bytes = more_bytes_locked(shares, memory);
    if (!has_room_locked(shares, NUMBERS_MAX, more_bytes) ||
        !cfl_budget_take(&all_passed, more_bytes)) {
        return false;
    }
    if (!cfl_share_packet_send(shares->locked.fd, &packet, memory->fd)) {
        cfl_budget_give_back(&all_passed, more_bytes);
        return false;
    }
    shares->locked.next_number = packet.number;
    shares->locked.sent[shares->locked.sent_count++] =
        (struct sent){packet.number, memory->id, more_bytes};
    shares->locked.sent_bytes += more_bytes;
    atomic_fetch_add(&passed_count, 1);
    return true;
}

bool cfl_shares_pass(struct cfl_shares *shares, const struct cfl_shared_memory *memory,
                     uint32_t stream_id, uint64_t *ret_number)
{
    (void)pthread_mutex_lock(&shares->mutex);
    bool is_passed = pass_locked(shares, memory, stream_id);
    if (is_passed) {
        *ret_number = shares->locked.next_number;
    }
    (void)pthread_mutex_unlock(&shares->mutex);
    return is_passed;
}

/* ---- claiming ---- */

/* A release that the channel does not take is the loss of a peer that does not read it. */
static void release_locked(struct cfl_shares *shares, uint64_t number)
{
    const struct cfl_share_packet packet = {.kind = CFL_SHARE_RELEASE, .number = number};
    shares->locked.held_count--;
    if (!shares->locked.is_broken) {
        (void)cfl_share_packet_send(shares->locked.fd, &packet, -1);
    }
}

static bool take_waiting_locked(struct cfl_shares *shares, uint64_t number,
                                struct waiting *ret_waiting)
{
    for (size_t i = 0; i < shares->locked.waiting_count; i++) {
        if (shares->locked.waiting[i].number == number) {
            *ret_waiting = shares->locked.waiting[i];
            shares->locked.waiting[i] = shares->locked.waiting[--shares->locked.waiting_count];
            return true;
        }
    }
    return false;
}

cflight_status cfl_shares_claim(struct cfl_shares *shares, uint64_t number,
                                struct cfl_share *ret_share, cflight_error **reterr)
{
    struct waiting waiting = {.fd = -1};
    (void)pthread_mutex_lock(&shares->mutex);
    bool is_there = take_waiting_locked(shares, number, &waiting);
    while (!is_there && look_once_locked(shares)) {
        is_there = take_waiting_locked(shares, number, &waiting);
    }
    bool was_lost = is_there && waiting.fd < 0;
    if (was_lost) {
        release_locked(shares, number);
    }
    (void)pthread_mutex_unlock(&shares->mutex);
    if (was_lost) {
        return cflight_error_set_message(
            reterr, CFLIGHT_RESOURCE_EXHAUSTED,
            "this process has no descriptor left for the memory that the peer passed "
            "(RLIMIT_NOFILE)");
    }
    if (!is_there) {
        return cflight_error_set(reterr, CFLIGHT_INTERNAL,
                                 "a message names shared memory that was not passed (number "
                                 "%" PRIu64 ")",
                                 number);
    }
    *ret_share = (struct cfl_share){cfl_shares_ref(shares), number, waiting.size_bytes, waiting.fd};
    return CFLIGHT_OK;
}

/* What a mapped body remembers. */
struct mapped {
    struct cfl_shares *shares;
    uint64_t number;
};

static void release_number(struct cfl_shares *shares, uint64_t number)
{
    if (is_ours(shares)) {
        (void)pthread_mutex_lock(&shares->mutex);
        release_locked(shares, number);
        (void)pthread_mutex_unlock(&shares->mutex);
    }
    cfl_shares_unref(shares);
}

static void on_unmapped(void *user_data)
{
    struct mapped *mapped = user_data;
    struct cfl_shares *shares = mapped->shares;
    uint64_t number = mapped->number;
    cfl_free(shares->alloc, mapped, sizeof *mapped);
    release_number(shares, number);
}

void cfl_share_drop(struct cfl_share *share)
{
    if (share->shares != NULL) {
        (void)close(share->fd);
        release_number(share->shares, share->number);
        *share = (struct cfl_share){.fd = -1};
    }
}

cflight_status cfl_share_map(struct cfl_share *share, const struct cflight_allocator *alloc,
                             const struct cfl_share_name *name, cflight_buffer **ret_body,
                             cflight_error **reterr)
{
    cflight_status status = CFLIGHT_OK;
    struct mapped *mapped = cfl_alloc(share->shares->alloc, sizeof *mapped);
    if (mapped == NULL) {
        status = cfl_error_no_memory(reterr);
        goto done;
    }
    *mapped = (struct mapped){share->shares, share->number};
    status = cfl_segment_map(alloc, share->fd, share->size_bytes, name->offset, name->len_bytes,
                             on_unmapped, mapped, ret_body, reterr);
    if (status != CFLIGHT_OK) {
        cfl_free(share->shares->alloc, mapped, sizeof *mapped);
        goto done;
    }
    (void)close(share->fd);
    *share = (struct cfl_share){.fd = -1};
    atomic_fetch_add(&mapped_count, 1);
done:
    cfl_share_drop(share);
    return status;
}

void cfl_shares_drop_dead(struct cfl_shares *shares,
                          bool (*is_awaited)(void *user_data, uint32_t stream_id), void *user_data)
{
    (void)pthread_mutex_lock(&shares->mutex);
    (void)look_locked(shares);
    for (size_t i = shares->locked.waiting_count; i > 0; i--) {
        struct waiting waiting = shares->locked.waiting[i - 1];
        if (is_awaited(user_data, waiting.stream_id)) {
            continue;
        }
        shares->locked.waiting[i - 1] = shares->locked.waiting[--shares->locked.waiting_count];
        if (waiting.fd >= 0) {
            (void)close(waiting.fd);
        }
        release_locked(shares, waiting.number);
    }
    (void)pthread_mutex_unlock(&shares->mutex);
}
