/* SPDX-License-Identifier: Apache-2.0 */
/* Packets of the channel, and the names of memory in messages.
 *
 * There is room for one descriptor and no more, so that a peer cannot leave others behind: the
 * kernel drops them and says that something was cut. When it says so and none came, this process
 * has no descriptor left. A peer that made the channel can have the kernel add a descriptor of a
 * process to each packet (SO_PASSPIDFD), which counts as one that it sent. Thread class: free.
 * unix(7) "SCM_RIGHTS". */
#define _GNU_SOURCE /* MSG_CMSG_CLOEXEC, struct ucred */
#include "flight/call/share_packet.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cursor.h"
#include "base/le.h"
#include "flight/call/shares.h"

enum { PACKET_BYTES = 32, VERSION = 1 };

#ifndef SCM_PIDFD
#define SCM_PIDFD 4 /* of Linux; the C library's headers may be older */
#endif

static const char MAGIC[] = {'C', 'F', 'S', 'B'};

void cfl_share_name_write(const struct cfl_share_name *name, uint8_t target[CFL_SHARE_NAME_BYTES])
{
    cfl_store_u64le(target, name->number);
    cfl_store_u64le(target + 8, name->offset);
    cfl_store_u64le(target + 16, name->len_bytes);
}

bool cfl_share_name_read(struct cflight_bytes value, struct cfl_share_name *ret_name)
{
    struct cfl_cursor cursor = cfl_cursor_make(value);
    return value.len_bytes == CFL_SHARE_NAME_BYTES &&
           cfl_cursor_u64le(&cursor, &ret_name->number) &&
           cfl_cursor_u64le(&cursor, &ret_name->offset) &&
           cfl_cursor_u64le(&cursor, &ret_name->len_bytes);
}

static void packet_write(const struct cfl_share_packet *packet, uint8_t target[PACKET_BYTES])
{
    memset(target, 0, PACKET_BYTES);
    memcpy(target, MAGIC, sizeof MAGIC);
    target[4] = VERSION;
    target[5] = packet->kind;
    cfl_store_u64le(target + 8, packet->number);
    cfl_store_u64le(target + 16, packet->size_bytes);
    cfl_store_u32le(target + 24, packet->stream_id);
}

static bool packet_read(struct cflight_bytes bytes, struct cfl_share_packet *ret_packet)
{
    struct cfl_cursor cursor = cfl_cursor_make(bytes);
    struct cflight_bytes head = {NULL, 0};
    uint32_t zero = 0;
    return cfl_cursor_bytes(&cursor, 8, &head) && memcmp(head.data, MAGIC, sizeof MAGIC) == 0 &&
           head.data[4] == VERSION && head.data[6] == 0 && head.data[7] == 0 &&
           cfl_cursor_u64le(&cursor, &ret_packet->number) &&
           cfl_cursor_u64le(&cursor, &ret_packet->size_bytes) &&
           cfl_cursor_u32le(&cursor, &ret_packet->stream_id) && cfl_cursor_u32le(&cursor, &zero) &&
           (ret_packet->kind = head.data[5], zero == 0) && cfl_cursor_left(&cursor) == 0;
}

bool cfl_share_is_channel(int fd)
{
    struct ucred peer = {0};
    int domain = 0;
    int type = 0;
    socklen_t domain_bytes = sizeof domain;
    socklen_t type_bytes = sizeof type;
    socklen_t peer_bytes = sizeof peer;
    return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &domain_bytes) == 0 &&
           domain == AF_UNIX && getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &type_bytes) == 0 &&
           type == SOCK_SEQPACKET &&
           getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &peer_bytes) == 0 &&
           peer.uid == geteuid();
}

bool cfl_share_packet_send(int fd, const struct cfl_share_packet *packet, int passed_fd)
{
    uint8_t bytes[PACKET_BYTES];
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } control = {.room = {0}};
    struct iovec view = {bytes, sizeof bytes};
    struct msghdr message = {.msg_iov = &view, .msg_iovlen = 1};
    ssize_t len_bytes = 0;
    packet_write(packet, bytes);
    if (passed_fd >= 0) {
        message.msg_control = &control;
        message.msg_controllen = sizeof control.room;
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(sizeof(int));
        memcpy(CMSG_DATA(header), &passed_fd, sizeof(int));
    }
    do {
        len_bytes = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    } while (len_bytes < 0 && errno == EINTR);
    return len_bytes == PACKET_BYTES;
}

bool cfl_share_packet_read(int fd, struct cfl_share_received *ret_received)
{
    uint8_t bytes[PACKET_BYTES + 1];
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec view = {bytes, sizeof bytes};
    struct msghdr message = {.msg_iov = &view,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = CMSG_LEN(sizeof(int))};
    ssize_t len_bytes = 0;
    do {
        len_bytes = recvmsg(fd, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    } while (len_bytes < 0 && errno == EINTR);
    if (len_bytes < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        return false;
    }
    *ret_received = (struct cfl_share_received){.fd = -1};
    if (len_bytes < 0) {
        return true;
    }
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    bool is_cut = (message.msg_flags & MSG_CTRUNC) != 0;
    bool has_int = header != NULL && header->cmsg_level == SOL_SOCKET &&
                   header->cmsg_len == CMSG_LEN(sizeof(int));
    bool has_fd = has_int && (header->cmsg_type == SCM_RIGHTS || header->cmsg_type == SCM_PIDFD);
    if (has_fd) {
        memcpy(&ret_received->fd, CMSG_DATA(header), sizeof(int));
    }
    ret_received->was_fd_lost = is_cut && !has_fd;
    /* Cut although one came: there were several. */
    ret_received->is_valid =
        !(is_cut && has_fd) &&
        packet_read(cflight_bytes_make(bytes, (size_t)len_bytes), &ret_received->packet);
    return true;
}
