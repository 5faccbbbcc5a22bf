/* SPDX-License-Identifier: Apache-2.0 */
/* Channels whose other end lies: packets by hand. */
#define _GNU_SOURCE /* memfd_create */
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/segment.h"
#include "flight/call/shares.h"
#include "quiet_fork.h"
#include "test.h"

#ifndef SO_PASSPIDFD
#define SO_PASSPIDFD 76 /* of Linux; the C library's headers may be older */
#endif

enum { PACKET_BYTES = 32, HELLO = 0, PASS = 1, RELEASE = 2, SIZE_BYTES = 1 << 20 };

static bool pass(struct cfl_shares *shares, uint64_t id, int fd, uint64_t size_bytes,
                 uint64_t *ret_number)
{
    const struct cfl_shared_memory memory = {id, fd, size_bytes};
    return cfl_shares_pass(shares, &memory, 1, ret_number);
}

/* A client's channel, and the end that a server would have. */
struct pair {
    struct cfl_shares *shares;
    int peer;
};

static void put(uint8_t *target, uint64_t value, int byte_count)
{
    for (int i = 0; i < byte_count; i++) {
        target[i] = (uint8_t)(value >> (8 * i));
    }
}

static void say(int peer, uint8_t kind, uint64_t number, uint64_t size_bytes, const int *fds,
                size_t fd_count)
{
    uint8_t bytes[PACKET_BYTES] = {'C', 'F', 'S', 'B', 1, kind};
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(4 * sizeof(int))];
    } control = {.room = {0}};
    struct iovec view = {bytes, sizeof bytes};
    struct msghdr message = {.msg_iov = &view, .msg_iovlen = 1};
    put(bytes + 8, number, 8);
    put(bytes + 16, size_bytes, 8);
    put(bytes + 24, 1, 4);
    if (fd_count > 0) {
        message.msg_control = &control;
        message.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
        memcpy(CMSG_DATA(header), fds, fd_count * sizeof(int));
    }
    assert_int_equal(sendmsg(peer, &message, MSG_NOSIGNAL), PACKET_BYTES);
}

static struct pair make_pair(void)
{
    struct pair pair = {NULL, -1};
    cflight_error *error = NULL;
    CHECK_OK(cfl_shares_offer(NULL, &cfl_limits_default, &pair.shares, &pair.peer, &error), error);
    say(pair.peer, HELLO, 0, 0, NULL, 0);
    return pair;
}

static void end_pair(struct pair *pair)
{
    cfl_shares_unref(pair->shares);
    (void)close(pair->peer);
}

static int memory(size_t len_bytes, int seals)
{
    int fd = memfd_create("hostile", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    uint8_t *bytes = calloc(1, len_bytes);
    assert_true(fd >= 0);
    assert_non_null(bytes);
    assert_int_equal(write(fd, bytes, len_bytes), len_bytes);
    assert_int_equal(fcntl(fd, F_ADD_SEALS, seals), 0);
    free(bytes);
    return fd;
}

enum { ALL_SEALS = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW };

/* Passes a descriptor and maps what a message would name. */
static cflight_status map_passed(int fd, uint64_t said_bytes, uint64_t offset, uint64_t len_bytes)
{
    struct pair pair = make_pair();
    struct cfl_share share = {.fd = -1};
    struct cfl_share_name name = {1, offset, len_bytes};
    cflight_buffer *body = NULL;
    cflight_error *error = NULL;
    say(pair.peer, PASS, 1, said_bytes, &fd, 1);
    CHECK_OK(cfl_shares_claim(pair.shares, 1, &share, &error), error);
    cflight_status status = cfl_share_map(&share, NULL, &name, &body, &error);
    assert_true((status == CFLIGHT_OK) == (error == NULL));
    assert_null(share.shares);
    cflight_error_free(error);
    cflight_buffer_unref(body);
    end_pair(&pair);
    return status;
}

/* Goal: memory is only mapped when nobody can change it and all of it is there, and only what lies
 * within it. Method: one fault at a time. */
TEST(shares_hostile, memory_is_checked_before_it_is_mapped)
{
    static const struct {
        int seals;
        uint64_t said_bytes, offset, len_bytes;
        cflight_status status;
    } CASES[] = {
        {ALL_SEALS, SIZE_BYTES, 0, SIZE_BYTES, CFLIGHT_OK},
        {ALL_SEALS, SIZE_BYTES, SIZE_BYTES - 64, 64, CFLIGHT_OK},
        {0, SIZE_BYTES, 0, SIZE_BYTES, CFLIGHT_DATA_LOSS},
        {F_SEAL_WRITE | F_SEAL_GROW, SIZE_BYTES, 0, SIZE_BYTES, CFLIGHT_DATA_LOSS},
        {F_SEAL_SHRINK | F_SEAL_GROW, SIZE_BYTES, 0, SIZE_BYTES, CFLIGHT_DATA_LOSS},
        {F_SEAL_WRITE | F_SEAL_SHRINK, SIZE_BYTES, 0, SIZE_BYTES, CFLIGHT_DATA_LOSS},
        {F_SEAL_FUTURE_WRITE | F_SEAL_SHRINK | F_SEAL_GROW, SIZE_BYTES, 0, SIZE_BYTES,
         CFLIGHT_DATA_LOSS},
        {ALL_SEALS, 2 * SIZE_BYTES, 0, SIZE_BYTES, CFLIGHT_DATA_LOSS},
        {ALL_SEALS, SIZE_BYTES, 0, SIZE_BYTES + 1, CFLIGHT_DATA_LOSS},
        {ALL_SEALS, SIZE_BYTES, 64, SIZE_BYTES, CFLIGHT_DATA_LOSS},
        {ALL_SEALS, SIZE_BYTES, UINT64_MAX - 63, 128, CFLIGHT_DATA_LOSS},
        {ALL_SEALS, SIZE_BYTES, 64, UINT64_MAX, CFLIGHT_DATA_LOSS},
        {ALL_SEALS, SIZE_BYTES, 8, 64, CFLIGHT_DATA_LOSS},
        {ALL_SEALS, SIZE_BYTES, 0, 0, CFLIGHT_DATA_LOSS},
        {ALL_SEALS, UINT64_MAX, 0, UINT64_MAX, CFLIGHT_DATA_LOSS},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        int fd = memory(SIZE_BYTES, CASES[i].seals);
        CHECK_STATUS(map_passed(fd, CASES[i].said_bytes, CASES[i].offset, CASES[i].len_bytes),
                     CASES[i].status);
        (void)close(fd);
    }
}

/* Goal: holes, files and devices are refused. Method: each, with the size that it has. */
TEST(shares_hostile, only_whole_memory_is_mapped)
{
    int holey = memfd_create("holes", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    assert_int_equal(ftruncate(holey, 1 << 30), 0);
    assert_int_equal(fcntl(holey, F_ADD_SEALS, ALL_SEALS), 0);
    CHECK_STATUS(map_passed(holey, 1 << 30, 0, 1 << 20), CFLIGHT_DATA_LOSS);
    (void)close(holey);

    char path[] = "/tmp/cflight-share-XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(ftruncate(file, 4096), 0);
    CHECK_STATUS(map_passed(file, 4096, 0, 4096), CFLIGHT_DATA_LOSS);
    (void)close(file);

    int device = open("/dev/zero", O_RDONLY | O_CLOEXEC);
    assert_true(device >= 0);
    CHECK_STATUS(map_passed(device, 4096, 0, 4096), CFLIGHT_DATA_LOSS);
    (void)close(device);
}

/* Goal: what was mapped cannot be changed. Method: every way to write that the peer has left. */
TEST(shares_hostile, mapped_memory_cannot_be_changed)
{
    int fd = memory(SIZE_BYTES, ALL_SEALS);
    uint8_t byte = 1;
    assert_int_equal(pwrite(fd, &byte, 1, 0), -1);
    assert_true(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED);
    assert_int_equal(ftruncate(fd, 0), -1);
    assert_int_equal(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096), -1);
    (void)close(fd);
}

/* After a fault nothing goes through the channel, and all that came is closed. */
static void check_broken(struct pair *pair)
{
    uint64_t number = 0;
    struct cfl_share share = {.fd = -1};
    cflight_error *error = NULL;
    char byte = 0;
    CHECK_STATUS(cfl_shares_claim(pair->shares, 1000, &share, &error), CFLIGHT_INTERNAL);
    cflight_error_free(error);
    assert_false(pass(pair->shares, 1, pair->peer, 1, &number));
    while (recv(pair->peer, &byte, 1, MSG_DONTWAIT) > 0) {
    }
    assert_int_equal(recv(pair->peer, &byte, 1, MSG_DONTWAIT), 0); /* its end is closed */
    end_pair(pair);
}

/* Goal: a packet that breaks the rules ends sharing, and no descriptor stays. Method: one fault at
 * a time, behind a good packet; the frame counts descriptors. */
TEST(shares_hostile, a_faulty_packet_ends_sharing)
{
    int fd = memory(SIZE_BYTES, ALL_SEALS);
    const int many[] = {fd, fd, fd, fd};
    static const struct {
        uint8_t kind;
        uint64_t number;
        size_t fd_count;
    } CASES[] = {
        {PASS, 2, 0},    /* without a descriptor */
        {PASS, 2, 4},    /* with several */
        {PASS, 1, 1},    /* a number again */
        {PASS, 3, 1},    /* a number left out */
        {HELLO, 0, 0},   /* again */
        {RELEASE, 7, 0}, /* what was never passed */
        {RELEASE, 1, 1}, /* with a descriptor */
        {99, 2, 0},      /* no kind at all */
    };
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct pair pair = make_pair();
        say(pair.peer, PASS, 1, SIZE_BYTES, &fd, 1);
        say(pair.peer, CASES[i].kind, CASES[i].number, SIZE_BYTES, many, CASES[i].fd_count);
        check_broken(&pair);
    }
    static const char *const TEXTS[] = {"", "CFSB",
                                        "another protocol, and longer than a packet is"};
    for (size_t i = 1; i < 3; i++) {
        struct pair pair = make_pair();
        assert_true(send(pair.peer, TEXTS[i], strlen(TEXTS[i]), 0) > 0);
        check_broken(&pair);
    }
    (void)close(fd);
}

/* Goal: descriptors that nobody asks for are bounded. Method: 65 of them. */
TEST(shares_hostile, what_waits_is_bounded)
{
    struct pair pair = make_pair();
    int fd = memory(4096, ALL_SEALS);
    for (uint64_t number = 1; number <= 65; number++) {
        say(pair.peer, PASS, number, 4096, &fd, 1);
    }
    check_broken(&pair);
    (void)close(fd);
}

static bool awaits_none(void *user_data, uint32_t stream_id)
{
    (void)user_data;
    (void)stream_id;
    return false;
}

/* Goal: what a peer passes without waiting for releases is bounded, claimed or not: each number
 * costs a descriptor, then a mapping. Method: claim 64, keep them, let go of one, go beyond. */
TEST(shares_hostile, what_is_held_is_bounded)
{
    enum { HELD_MAX = 64 };
    struct pair pair = make_pair();
    int fd = memory(4096, ALL_SEALS);
    struct cfl_share shares[HELD_MAX];
    cflight_error *error = NULL;
    for (uint64_t number = 1; number <= HELD_MAX; number++) {
        say(pair.peer, PASS, number, 4096, &fd, 1);
        CHECK_OK(cfl_shares_claim(pair.shares, number, &shares[number - 1], &error), error);
    }
    cfl_share_drop(&shares[0]);
    say(pair.peer, PASS, HELD_MAX + 1, 4096, &fd, 1);
    CHECK_OK(cfl_shares_claim(pair.shares, HELD_MAX + 1, &shares[0], &error), error);
    say(pair.peer, PASS, HELD_MAX + 2, 4096, &fd, 1);
    struct cfl_share more = {.fd = -1};
    CHECK_STATUS(cfl_shares_claim(pair.shares, HELD_MAX + 2, &more, &error), CFLIGHT_INTERNAL);
    cflight_error_free(error);
    for (size_t i = 0; i < HELD_MAX; i++) {
        cfl_share_drop(&shares[i]);
    }
    (void)close(fd);
    end_pair(&pair);
}

/* Goal: what the kernel adds to packets by itself is not kept. Method: a peer that made the
 * channel, and so has this end of it too, asks for descriptors of processes (SO_PASSPIDFD, Linux
 * 6.5) with each packet; the frame counts descriptors. */
TEST(shares_hostile, descriptors_of_processes_are_not_kept)
{
    int fd = memory(4096, ALL_SEALS);
    const int on = 1;
    int ends[2];
    uint64_t number = 0;
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    struct cfl_shares *shares = cfl_shares_accept(NULL, &cfl_limits_default, ends[0]);
    assert_non_null(shares);
    bool are_added = setsockopt(ends[0], SOL_SOCKET, SO_PASSPIDFD, &on, sizeof on) == 0;
    for (uint64_t i = 1; i <= 64; i++) {
        assert_true(pass(shares, i, fd, 4096, &number));
    }
    for (uint64_t i = 1; i <= 64; i++) {
        say(ends[1], RELEASE, i, 0, NULL, 0);
    }
    assert_int_equal(pass(shares, 65, fd, 4096, &number), !are_added); /* reads what came */
    cfl_shares_unref(shares);
    (void)close(ends[1]);
    (void)close(fd);
}

/* Goal: what was passed for calls that ended is given back. Method: pass, drop, read the releases.
 */
TEST(shares_hostile, what_is_never_claimed_is_released)
{
    struct pair pair = make_pair();
    int fd = memory(4096, ALL_SEALS);
    uint8_t bytes[PACKET_BYTES];
    for (uint64_t number = 1; number <= 3; number++) {
        say(pair.peer, PASS, number, 4096, &fd, 1);
    }
    cfl_shares_drop_dead(pair.shares, awaits_none, NULL);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(recv(pair.peer, bytes, sizeof bytes, MSG_DONTWAIT), PACKET_BYTES);
        assert_int_equal(bytes[5], RELEASE);
    }
    (void)close(fd);
    end_pair(&pair);
}

/* Goal: a process without descriptors left fails the one message, and says why. Method: a limit
 * that is reached while the packet is read. */
TEST(shares_hostile, no_descriptor_left_is_an_error_of_its_message)
{
    struct pair pair = make_pair();
    int fd = memory(4096, ALL_SEALS);
    struct cfl_share share = {.fd = -1};
    cflight_error *error = NULL;
    struct rlimit before;
    say(pair.peer, PASS, 1, 4096, &fd, 1);
    say(pair.peer, PASS, 2, 4096, &fd, 1);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    struct rlimit none = {0, before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    cflight_status status = cfl_shares_claim(pair.shares, 1, &share, &error);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    CHECK_STATUS(status, CFLIGHT_RESOURCE_EXHAUSTED);
    assert_non_null(strstr(cflight_error_message(error), "RLIMIT_NOFILE"));
    cflight_error_free(error);
    error = NULL;
    say(pair.peer, PASS, 3, 4096, &fd, 1);
    CHECK_OK(cfl_shares_claim(pair.shares, 3, &share, &error), error);
    cfl_share_drop(&share);
    (void)close(fd);
    end_pair(&pair);
}

/* Goal: a client passes nothing before the server has answered, and nothing once it is gone. */
TEST(shares_hostile, nothing_is_passed_without_an_answer)
{
    struct pair pair = {NULL, -1};
    cflight_error *error = NULL;
    uint64_t number = 0;
    int fd = memory(4096, ALL_SEALS);
    CHECK_OK(cfl_shares_offer(NULL, &cfl_limits_default, &pair.shares, &pair.peer, &error), error);
    assert_false(pass(pair.shares, 1, fd, 4096, &number));
    say(pair.peer, HELLO, 0, 0, NULL, 0);
    assert_true(pass(pair.shares, 1, fd, 4096, &number));
    (void)close(pair.peer);
    assert_false(pass(pair.shares, 1, fd, 4096, &number));
    (void)close(fd);
    cfl_shares_unref(pair.shares);
}

/* Goal: what a peer does not release is bounded in number and bytes, memory that it has twice
 * counts once, and all comes back with the channel. */
TEST(shares_hostile, what_is_passed_is_bounded)
{
    struct pair pair = make_pair();
    int fd = memory(4096, ALL_SEALS);
    uint64_t number = 0;
    uint64_t live_bytes = cfl_share_counters().live_bytes;
    assert_false(pass(pair.shares, 100, fd, cfl_limits_default.shared_bytes_max + 1, &number));
    for (uint64_t i = 1; i <= 64; i++) {
        assert_true(pass(pair.shares, i % 2, fd, 4096, &number));
        assert_int_equal(number, i);
    }
    assert_int_equal(cfl_share_counters().live_bytes - live_bytes, 2 * 4096);
    assert_false(pass(pair.shares, 1, fd, 4096, &number));
    for (uint64_t i = 1; i < 64; i += 2) {
        say(pair.peer, RELEASE, i, 0, NULL, 0);
    }
    assert_true(pass(pair.shares, 3, fd, 4096, &number));
    assert_int_equal(number, 65);
    (void)close(fd);
    end_pair(&pair);
    assert_int_equal(cfl_share_counters().live_bytes, live_bytes);
}

/* Goal: a child of fork() that lets go of its copies takes nothing from its parent. Method: drop a
 * share and the channel in a child; nothing comes, and the parent goes on. */
TEST(shares_hostile, a_child_of_fork_says_nothing)
{
    struct pair pair = make_pair();
    struct cfl_share share = {.fd = -1};
    cflight_error *error = NULL;
    uint8_t bytes[PACKET_BYTES];
    int fd = memory(4096, ALL_SEALS);
    say(pair.peer, PASS, 1, 4096, &fd, 1);
    CHECK_OK(cfl_shares_claim(pair.shares, 1, &share, &error), error);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        cfl_share_drop(&share);
        cfl_shares_unref(pair.shares);
        _exit(0);
    }
    assert_int_equal(waitpid(child, NULL, 0), child);
    assert_int_equal(recv(pair.peer, bytes, sizeof bytes, MSG_DONTWAIT), -1);
    cfl_share_drop(&share);
    assert_int_equal(recv(pair.peer, bytes, sizeof bytes, MSG_DONTWAIT), PACKET_BYTES);
    (void)close(fd);
    end_pair(&pair);
}

/* What a process holds while one of its threads asks the channel. */
struct held {
    struct pair pair;
    struct cfl_share share;
};

static void ask(void *user_data)
{
    const struct cfl_shared_memory memory = {1, -1, SIZE_BYTES};
    (void)cfl_shares_is_full(((struct held *)user_data)->pair.shares, &memory);
}

static void let_go(void *user_data)
{
    struct held *held = user_data;
    cfl_share_drop(&held->share);
    cfl_shares_close(held->pair.shares);
    cfl_shares_unref(held->pair.shares);
}

/* Goal: a child of fork() does not wait for what its parent's threads did. Method: fork while one
 * asks whether there is room. */
TEST(shares_hostile, a_child_of_fork_waits_for_no_thread)
{
    struct held held = {make_pair(), {.fd = -1}};
    cflight_error *error = NULL;
    int fd = memory(4096, ALL_SEALS);
    say(held.pair.peer, PASS, 1, 4096, &fd, 1);
    CHECK_OK(cfl_shares_claim(held.pair.shares, 1, &held.share, &error), error);
    t_fork_beside(ask, let_go, &held);
    cfl_share_drop(&held.share);
    (void)close(fd);
    end_pair(&held.pair);
}
