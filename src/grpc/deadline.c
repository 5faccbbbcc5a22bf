/* SPDX-License-Identifier: Apache-2.0 */
/* The deadlines of a connection's calls: a binary heap, so that the earliest is at hand with
 * thousands of calls. Room in the heap is made when a call starts; the rest cannot fail. Thread
 * class: one at a time. */
#include "base/alloc.h"
#include "grpc/internal.h"

static void put(struct cfl_grpc_conn *conn, size_t index, struct cfl_grpc_call *call)
{
    conn->heap[index] = call;
    call->heap_index = index + 1;
}

static void sift_up(struct cfl_grpc_conn *conn, size_t index, struct cfl_grpc_call *call)
{
    while (index > 0) {
        size_t parent = (index - 1) / 2;
        if (conn->heap[parent]->deadline_ns <= call->deadline_ns) {
            break;
        }
        put(conn, index, conn->heap[parent]);
        index = parent;
    }
    put(conn, index, call);
}

static void sift_down(struct cfl_grpc_conn *conn, size_t index, struct cfl_grpc_call *call)
{
    for (;;) {
        size_t child = index * 2 + 1;
        if (child >= conn->heap_count) {
            break;
        }
        if (child + 1 < conn->heap_count &&
            conn->heap[child + 1]->deadline_ns < conn->heap[child]->deadline_ns) {
            child++;
        }
        if (call->deadline_ns <= conn->heap[child]->deadline_ns) {
            break;
        }
        put(conn, index, conn->heap[child]);
        index = child;
    }
    put(conn, index, call);
}

bool cfl_grpc_deadline_add(struct cfl_grpc_call *call)
{
    struct cfl_grpc_conn *conn = call->conn;
    if (call->deadline_ns == CFL_TIME_NEVER) {
        return true;
    }
    if (!cfl_grow_array(conn->alloc, (void **)&conn->heap, &conn->heap_capacity,
                        conn->heap_count + 1, sizeof(struct cfl_grpc_call *))) {
        return false;
    }
    conn->heap_count++;
    sift_up(conn, conn->heap_count - 1, call);
    return true;
}

void cfl_grpc_deadline_remove(struct cfl_grpc_call *call)
{
    struct cfl_grpc_conn *conn = call->conn;
    if (call->heap_index == 0) {
        return;
    }
    size_t index = call->heap_index - 1;
    call->heap_index = 0;
    conn->heap_count--;
    struct cfl_grpc_call *last = conn->heap[conn->heap_count];
    if (last == call) {
        return;
    }
    if (index > 0 && last->deadline_ns < conn->heap[(index - 1) / 2]->deadline_ns) {
        sift_up(conn, index, last);
    } else {
        sift_down(conn, index, last);
    }
}

int64_t cfl_grpc_deadline_first_ns(const struct cfl_grpc_conn *conn)
{
    return conn->heap_count == 0 ? CFL_TIME_NEVER : conn->heap[0]->deadline_ns;
}

struct cfl_grpc_call *cfl_grpc_deadline_pop(struct cfl_grpc_conn *conn, int64_t now_ns)
{
    if (conn->heap_count == 0 || conn->heap[0]->deadline_ns > now_ns) {
        return NULL;
    }
    struct cfl_grpc_call *call = conn->heap[0];
    cfl_grpc_deadline_remove(call);
    return call;
}
