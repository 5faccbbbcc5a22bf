/* SPDX-License-Identifier: Apache-2.0 */
/* Connecting, with a limit and a way out at every moment.
 *
 * Every wait is one poll over what is under way and the cancel descriptor, until the earlier of the
 * deadline and the next step. TCP attempts run side by side: the next address gets its turn 250 ms
 * after the last one, or at once when that failed, and the first socket that connects wins (RFC
 * 8305 5). Why each address failed is collected for the message. With a proxy all this leads to the
 * proxy, and a tunnel from there (tunnel.c). No call was sent when connecting fails, so such errors
 * are safe to retry; what the TLS handshake says is not, as it would say it again. Thread class:
 * free. */
#include "net/dial.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/error.h"
#include "net/address.h"
#include "net/resolve.h"
#include "net/socket.h"

#define ATTEMPT_DELAY_NS (250 * CFL_NS_PER_MS) /* RFC 8305 8: Connection Attempt Delay */
#define UNIX_RETRY_FIRST_NS (1 * CFL_NS_PER_MS)
#define UNIX_RETRY_MAX_NS (50 * CFL_NS_PER_MS)

enum wait_outcome {
    WAIT_READY,  /* one of the descriptors */
    WAIT_PASSED, /* the time to wait until */
    WAIT_DEADLINE,
    WAIT_CANCELLED,
};

/* One call of cfl_dial. */
struct dial {
    const struct cfl_dial_target *target;
    const struct cfl_clock *clock;
    int64_t deadline_ns;
    int cancel_fd;
    const char *host; /* of the next hop: the proxy, if there is one; NULL for Unix sockets */
    uint16_t port;
    struct cfl_buf label; /* terminated text of the target */
    struct cfl_buf hop;   /* the same of what is connected to */
    struct cfl_buf reasons;
    struct cfl_address_list addresses;
    struct pollfd attempts[CFL_ADDRESSES_MAX +
                           1]; /* by address, fd -1 when none runs; one more for cancel_fd */
    size_t started_count;
    size_t running_count;
};

/* Nothing was sent, so trying again is safe, and it may help. */
static void set_retry_safe(cflight_status status, cflight_error **reterr)
{
    if (reterr != NULL && (status == CFLIGHT_UNAVAILABLE || status == CFLIGHT_DEADLINE_EXCEEDED)) {
        cfl_error_set_retry(*reterr, CFLIGHT_RETRY_SAFE);
    }
}

/* Waits for `fds[0..count-1]`; `fds[count]` must exist and is lent to the cancel descriptor for the
 * time of the call. */
static enum wait_outcome dial_wait(const struct dial *dial, struct pollfd *fds, size_t count,
                                   int64_t until_ns)
{
    for (;;) {
        int64_t now_ns = cfl_clock_now_ns(dial->clock);
        int64_t wake_ns = cfl_deadline_earlier(until_ns, dial->deadline_ns);
        fds[count].fd = dial->cancel_fd;
        fds[count].events = POLLIN;
        int ready_count = poll(fds, (nfds_t)(count + 1), cfl_deadline_poll_ms(now_ns, wake_ns));
        fds[count].fd = -1;
        if (ready_count > 0) {
            return fds[count].revents != 0 ? WAIT_CANCELLED : WAIT_READY;
        }
        now_ns = cfl_clock_now_ns(dial->clock);
        if (now_ns >= dial->deadline_ns) {
            return WAIT_DEADLINE;
        }
        if (now_ns >= until_ns) {
            return WAIT_PASSED;
        }
    }
}

static const char *limit_name(const struct dial *dial)
{
    return dial->target->limit_name != NULL ? dial->target->limit_name : "the connect timeout";
}

/* Turns an outcome other than ready or passed into its error. */
static cflight_status stopped(const struct dial *dial, enum wait_outcome outcome,
                              cflight_error **reterr)
{
    const char *hop = (const char *)dial->hop.data;
    if (outcome == WAIT_CANCELLED) {
        return cflight_error_set(reterr, CFLIGHT_CANCELLED, "connecting to %s was cancelled", hop);
    }
    return cflight_error_set(reterr, CFLIGHT_DEADLINE_EXCEEDED, "%s passed while connecting to %s",
                             limit_name(dial), hop);
}

/* Adds "; address: reason". */
static void add_reason(struct dial *dial, const struct cfl_address *address, const char *reason)
{
    char text[CFL_ADDRESS_TEXT_BYTES];
    cfl_address_text(address, text);
    (void)cfl_buf_append_format(&dial->reasons, "%s%s: %s", dial->reasons.len_bytes > 0 ? "; " : "",
                                text, reason);
}

static void add_os_reason(struct dial *dial, const struct cfl_address *address, int os_code)
{
    char text[128] = "";
    add_reason(dial, address, strerror_r(os_code, text, sizeof text) == 0 ? text : "unknown error");
}

/* Connecting to a free port of this machine can meet itself: the system picks that same port for
 * our end, and the two ends of one socket shake hands. */
static bool is_connected_to_itself(int fd, const struct cfl_address *address)
{
    struct cfl_address own = {.len_bytes = sizeof own.storage};
    return address->storage.ss_family != AF_UNIX && cfl_address_port(address) != 0 &&
           getsockname(fd, (struct sockaddr *)&own.storage, &own.len_bytes) == 0 &&
           own.len_bytes == address->len_bytes &&
           memcmp(&own.storage, &address->storage, own.len_bytes) == 0;
}

/* Returns 0 when connected, EINPROGRESS, or why not. */
static int connect_now(int fd, const struct cfl_address *address)
{
    if (connect(fd, (const struct sockaddr *)&address->storage, address->len_bytes) != 0) {
        return errno == EINTR ? EINPROGRESS : errno; /* an interrupted connect goes on by itself */
    }
    return is_connected_to_itself(fd, address) ? ECONNREFUSED : 0;
}

/* Starts an attempt on the next address. Returns true with `*ret_fd` when it is connected at once.
 */
static bool start_attempt(struct dial *dial, int *ret_fd)
{
    const struct cfl_address *address = &dial->addresses.items[dial->started_count];
    struct pollfd *attempt = &dial->attempts[dial->started_count++];
    int fd = cfl_socket_new(address->storage.ss_family);
    if (fd < 0) {
        add_os_reason(dial, address, errno);
        return false;
    }
    int code = connect_now(fd, address);
    if (code == 0) {
        *ret_fd = fd;
        return true;
    }
    if (code != EINPROGRESS) {
        add_os_reason(dial, address, code);
        (void)close(fd);
        return false;
    }
    attempt->fd = fd;
    attempt->events = POLLOUT;
    dial->running_count++;
    return false;
}

/* Looks at the attempts that poll reported. Returns true with `*ret_fd` when one is connected;
 * failed ones end. */
static bool collect_attempts(struct dial *dial, int *ret_fd)
{
    for (size_t i = 0; i < dial->started_count; i++) {
        struct pollfd *attempt = &dial->attempts[i];
        if (attempt->fd < 0 || attempt->revents == 0) {
            continue;
        }
        int fd = attempt->fd;
        int code = 0;
        socklen_t code_bytes = sizeof code;
        if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &code_bytes) != 0) {
            code = errno;
        }
        if (code == 0 && is_connected_to_itself(fd, &dial->addresses.items[i])) {
            code = ECONNREFUSED;
        }
        attempt->fd = -1;
        dial->running_count--;
        if (code == 0) {
            *ret_fd = fd;
            return true;
        }
        add_os_reason(dial, &dial->addresses.items[i], code);
        (void)close(fd);
    }
    return false;
}

static void close_attempts(struct dial *dial)
{
    for (size_t i = 0; i < dial->started_count; i++) {
        if (dial->attempts[i].fd >= 0) {
            (void)close(dial->attempts[i].fd);
            dial->attempts[i].fd = -1;
        }
    }
}

/* Puts the reasons of all addresses into the error; those still running say that nothing answered.
 */
static cflight_status not_connected(struct dial *dial, cflight_status status,
                                    cflight_error **reterr)
{
    for (size_t i = 0; i < dial->started_count; i++) {
        if (dial->attempts[i].fd >= 0) {
            add_reason(dial, &dial->addresses.items[i], "no answer");
        }
    }
    (void)cfl_buf_append_u8(&dial->reasons, 0);
    const char *hop = (const char *)dial->hop.data;
    const char *reasons = dial->reasons.failed ? "out of memory" : (const char *)dial->reasons.data;
    if (status == CFLIGHT_DEADLINE_EXCEEDED) {
        return cflight_error_set(reterr, status, "%s passed while connecting to %s: %s",
                                 limit_name(dial), hop, reasons);
    }
    return cflight_error_set(reterr, status, "cannot connect to %s: %s", hop, reasons);
}

static cflight_status connect_tcp(struct dial *dial, int *ret_fd, cflight_error **reterr)
{
    int64_t next_start_ns = cfl_clock_now_ns(dial->clock);
    for (;;) {
        bool has_more = dial->started_count < dial->addresses.count;
        int64_t now_ns = cfl_clock_now_ns(dial->clock);
        if (has_more && (now_ns >= next_start_ns || dial->running_count == 0)) {
            if (start_attempt(dial, ret_fd)) {
                return CFLIGHT_OK;
            }
            bool is_running = dial->attempts[dial->started_count - 1].fd >= 0;
            next_start_ns = is_running ? cfl_deadline_after_ns(now_ns, ATTEMPT_DELAY_NS) : now_ns;
            continue;
        }
        if (dial->running_count == 0) {
            return not_connected(dial, CFLIGHT_UNAVAILABLE, reterr);
        }
        enum wait_outcome outcome = dial_wait(dial, dial->attempts, dial->started_count,
                                              has_more ? next_start_ns : CFL_TIME_NEVER);
        if (outcome == WAIT_CANCELLED) {
            return stopped(dial, outcome, reterr);
        }
        if (outcome == WAIT_DEADLINE) {
            return not_connected(dial, CFLIGHT_DEADLINE_EXCEEDED, reterr);
        }
        size_t running_before = dial->running_count;
        if (outcome == WAIT_READY && collect_attempts(dial, ret_fd)) {
            return CFLIGHT_OK;
        }
        if (dial->running_count < running_before) {
            next_start_ns = cfl_clock_now_ns(dial->clock);
        }
    }
}

/* A Unix socket connects at once or not at all. A full backlog cannot be waited for: EAGAIN, and no
 * event tells when there is room, so this tries again with growing pauses. */
static cflight_status connect_unix(struct dial *dial, int *ret_fd, cflight_error **reterr)
{
    const struct cfl_address *address = &dial->addresses.items[0];
    int64_t pause_ns = UNIX_RETRY_FIRST_NS;
    for (;;) {
        int fd = cfl_socket_new(AF_UNIX);
        int code = fd < 0 ? errno : connect_now(fd, address);
        if (code == 0) {
            *ret_fd = fd;
            return CFLIGHT_OK;
        }
        if (fd >= 0) {
            (void)close(fd);
        }
        if (code != EAGAIN && code != EINPROGRESS) {
            return cfl_error_set_os(reterr, CFLIGHT_UNAVAILABLE, code, "cannot connect to %s",
                                    (const char *)dial->hop.data);
        }
        struct pollfd cancel[1];
        int64_t now_ns = cfl_clock_now_ns(dial->clock);
        enum wait_outcome outcome =
            dial_wait(dial, cancel, 0, cfl_deadline_after_ns(now_ns, pause_ns));
        if (outcome == WAIT_CANCELLED || outcome == WAIT_DEADLINE) {
            return stopped(dial, outcome, reterr);
        }
        pause_ns = cfl_deadline_earlier(2 * pause_ns, UNIX_RETRY_MAX_NS);
    }
}

static cflight_status look_up(struct dial *dial, cflight_error **reterr)
{
    struct cfl_resolve *resolve = NULL;
    if (dial->target->address != NULL && dial->target->proxy == NULL) {
        dial->addresses.items[0] = *dial->target->address;
        dial->addresses.count = 1;
        return CFLIGHT_OK;
    }
    if (cfl_address_list_direct(dial->host, dial->port, &dial->addresses)) {
        return CFLIGHT_OK;
    }
    cflight_status status = cfl_resolve_start(dial->host, dial->port, &resolve, reterr);
    if (status != CFLIGHT_OK) {
        return status;
    }
    struct pollfd fds[2] = {{.fd = cfl_resolve_fd(resolve), .events = POLLIN}};
    enum wait_outcome outcome = dial_wait(dial, fds, 1, CFL_TIME_NEVER);
    if (outcome == WAIT_READY) {
        status = cfl_resolve_take(resolve, &dial->addresses, reterr);
    } else if (outcome == WAIT_CANCELLED) {
        status = stopped(dial, outcome, reterr);
    } else {
        status = cflight_error_set(reterr, CFLIGHT_DEADLINE_EXCEEDED,
                                   "%s passed while looking up the host '%s'", limit_name(dial),
                                   dial->host);
    }
    cfl_resolve_free(resolve);
    return status;
}

static cflight_status connect_target(struct dial *dial, int *ret_fd, cflight_error **reterr)
{
    const struct cfl_dial_target *target = dial->target;
    cflight_status status = CFLIGHT_OK;
    if (target->unix_path != NULL) {
        status = cfl_address_from_unix(target->unix_path, &dial->addresses.items[0], reterr);
        dial->addresses.count = 1;
        return status != CFLIGHT_OK ? status : connect_unix(dial, ret_fd, reterr);
    }
    if (target->host == NULL || target->host[0] == '\0') {
        return cflight_error_set(reterr, CFLIGHT_INVALID_ARGUMENT,
                                 "the host name to connect to is empty");
    }
    status = look_up(dial, reterr);
    if (status != CFLIGHT_OK && target->proxy != NULL) {
        return cfl_error_prefix(reterr, status, "cannot reach %s", (const char *)dial->hop.data);
    }
    return status != CFLIGHT_OK ? status : connect_tcp(dial, ret_fd, reterr);
}

/* A step of a conversation before the connection is there; `*ret_wait` CFL_READY_NONE ends it. */
typedef cflight_status (*step_fn)(void *user_data, unsigned int *ret_wait, cflight_error **reterr);

/* Takes steps until the last one, or the deadline: `doing` and the target say of what. */
static cflight_status converse(struct dial *dial, int fd, step_fn step, void *user_data,
                               const char *doing, cflight_error **reterr)
{
    for (;;) {
        unsigned int wait = CFL_READY_NONE;
        cflight_status status = step(user_data, &wait, reterr);
        if (status != CFLIGHT_OK || wait == CFL_READY_NONE) {
            return status;
        }
        struct pollfd fds[2] = {
            {.fd = fd, .events = (wait & CFL_READY_WRITE) != 0 ? POLLOUT : POLLIN}};
        enum wait_outcome outcome = dial_wait(dial, fds, 1, CFL_TIME_NEVER);
        if (outcome == WAIT_CANCELLED) {
            return stopped(dial, outcome, reterr);
        }
        if (outcome == WAIT_DEADLINE) {
            status = cflight_error_set(reterr, CFLIGHT_DEADLINE_EXCEEDED, "%s passed %s %s",
                                       limit_name(dial), doing, (const char *)dial->label.data);
            set_retry_safe(status, reterr);
            return status;
        }
    }
}

/* A conversation with the proxy. */
struct asking {
    struct cfl_tunnel tunnel;
    int fd;
};

static cflight_status ask(void *user_data, unsigned int *ret_wait, cflight_error **reterr)
{
    struct asking *asking = user_data;
    return cfl_tunnel_step(&asking->tunnel, asking->fd, ret_wait, reterr);
}

/* From the proxy on to the target. */
static cflight_status open_tunnel(struct dial *dial, int fd, cflight_error **reterr)
{
    struct asking asking = {.fd = fd};
    struct cfl_buf doing;
    const char *hop = (const char *)dial->hop.data;
    cfl_buf_init(&doing, dial->label.alloc);
    (void)cfl_buf_append_format(&doing, "while %s was asked for", hop);
    (void)cfl_buf_append_u8(&doing, 0);
    cflight_status status = cfl_tunnel_init(&asking.tunnel, dial->target->proxy, hop,
                                            (const char *)dial->label.data, reterr);
    if (status == CFLIGHT_OK && doing.failed) {
        status = cfl_error_no_memory(reterr);
    }
    if (status == CFLIGHT_OK) {
        status = converse(dial, fd, ask, &asking, (const char *)doing.data, reterr);
    }
    cfl_tunnel_done(&asking.tunnel);
    cfl_buf_done(&doing);
    return status;
}

static cflight_status shake_hands(void *user_data, unsigned int *ret_wait, cflight_error **reterr)
{
    return cfl_transport_handshake(user_data, ret_wait, reterr);
}

/* Makes the transport, which takes the socket whatever happens. */
static cflight_status make_transport(struct dial *dial, const struct cflight_allocator *alloc,
                                     int fd, struct cfl_transport **ret_transport,
                                     cflight_error **reterr)
{
    const struct cfl_dial_target *target = dial->target;
    struct cfl_transport *transport = NULL;
    struct cfl_address peer = {.len_bytes = sizeof peer.storage};
    if (target->unix_path != NULL ||
        getpeername(fd, (struct sockaddr *)&peer.storage, &peer.len_bytes) != 0) {
        peer = dial->addresses.items[0];
    }
    cfl_socket_tune(fd, peer.storage.ss_family);
    cflight_status status = cfl_transport_new(alloc, fd, &peer, &transport, reterr);
    if (status != CFLIGHT_OK) {
        (void)close(fd);
        return status;
    }
    if (target->tls != NULL) {
        const char *name = target->tls_name != NULL ? target->tls_name : target->host;
        status = cfl_transport_start_tls_client(transport, target->tls,
                                                name != NULL ? name : "localhost", reterr);
        if (status == CFLIGHT_OK) {
            status =
                converse(dial, fd, shake_hands, transport, "during the TLS handshake with", reterr);
        }
    }
    if (status != CFLIGHT_OK) {
        cfl_transport_free(transport);
        return status;
    }
    *ret_transport = transport;
    return CFLIGHT_OK;
}

static void add_place(struct cfl_buf *text, const char *host, uint16_t port)
{
    (void)cfl_buf_append_format(text, strchr(host, ':') != NULL ? "[%s]:%u" : "%s:%u", host,
                                (unsigned int)port);
}

/* Where to, and the texts of it. */
static cflight_status plan(struct dial *dial, cflight_error **reterr)
{
    const struct cfl_dial_target *target = dial->target;
    const struct cfl_proxy *proxy = target->proxy;
    dial->host = proxy == NULL ? target->host : proxy->host;
    dial->port = proxy == NULL ? target->port : proxy->port;
    if (target->unix_path != NULL) {
        (void)cfl_buf_append_format(&dial->label, "unix:%s", target->unix_path);
    } else {
        add_place(&dial->label, target->host == NULL ? "" : target->host, target->port);
    }
    if (proxy == NULL) {
        (void)cfl_buf_append_bytes(&dial->hop, cfl_buf_bytes(&dial->label));
    } else {
        (void)cfl_buf_append_text(&dial->hop, "the proxy ");
        add_place(&dial->hop, proxy->host, proxy->port);
    }
    (void)cfl_buf_append_u8(&dial->label, 0);
    (void)cfl_buf_append_u8(&dial->hop, 0);
    return dial->label.failed || dial->hop.failed ? cfl_error_no_memory(reterr) : CFLIGHT_OK;
}

/* Without addresses, and with no attempt running. */
static void init(struct dial *dial, const struct cflight_allocator *alloc)
{
    cfl_buf_init(&dial->label, alloc);
    cfl_buf_init(&dial->hop, alloc);
    cfl_buf_init(&dial->reasons, alloc);
    for (size_t i = 0; i <= CFL_ADDRESSES_MAX; i++) {
        dial->attempts[i].fd = -1;
    }
}

/* What `init` began; ends attempts that run. */
static void done(struct dial *dial, cflight_status status, cflight_error **reterr)
{
    if (status != CFLIGHT_OK && reterr != NULL) {
        cfl_error_set_operation(*reterr, "connect");
    }
    close_attempts(dial);
    cfl_buf_done(&dial->reasons);
    cfl_buf_done(&dial->hop);
    cfl_buf_done(&dial->label);
}

cflight_status cfl_dial_look_up(const struct cfl_dial_target *target, int64_t deadline_ns,
                                const struct cfl_clock *clock, int cancel_fd,
                                struct cfl_address_list *ret_list, cflight_error **reterr)
{
    struct dial dial = {
        .target = target, .clock = clock, .deadline_ns = deadline_ns, .cancel_fd = cancel_fd};
    init(&dial, NULL);
    cflight_status status = plan(&dial, reterr);
    if (status == CFLIGHT_OK) {
        status = look_up(&dial, reterr);
    }
    if (status == CFLIGHT_OK) {
        *ret_list = dial.addresses;
    }
    set_retry_safe(status, reterr);
    done(&dial, status, reterr);
    return status;
}

cflight_status cfl_dial(const struct cflight_allocator *alloc, const struct cfl_dial_target *target,
                        int64_t deadline_ns, const struct cfl_clock *clock, int cancel_fd,
                        struct cfl_transport **ret_transport, cflight_error **reterr)
{
    int fd = -1;
    struct dial dial = {
        .target = target, .clock = clock, .deadline_ns = deadline_ns, .cancel_fd = cancel_fd};
    init(&dial, alloc);
    cflight_status status = plan(&dial, reterr);
    if (status != CFLIGHT_OK) {
        goto done;
    }
    status = connect_target(&dial, &fd, reterr);
    if (status == CFLIGHT_OK && target->proxy != NULL) {
        status = open_tunnel(&dial, fd, reterr);
        if (status != CFLIGHT_OK) {
            (void)close(fd);
        }
    }
    if (status != CFLIGHT_OK) {
        set_retry_safe(status, reterr);
        goto done;
    }
    status = make_transport(&dial, alloc, fd, ret_transport, reterr);

done:
    done(&dial, status, reterr);
    return status;
}
