/* SPDX-License-Identifier: Apache-2.0 */
/* How many connections each address has, so that one that opens all it can keeps nobody else out.
 *
 * An array in the order of the addresses' bytes: peers choose their addresses, and no choice makes
 * it slow. It is empty where there is no such limit. Lock: the server's mutex. */
#include "base/alloc.h"
#include "base/search.h"
#include "flight/server/server.h"
#include "flight/value/peer_address.h"

enum { TOLD_MAX = 4 };

struct cfl_server_address {
    uint8_t bytes[CFL_PEER_ADDRESS_BYTES];
    uint32_t connection_count;
};

static int compare(const void *element, const void *key)
{
    const struct cfl_server_address *address = element;
    return memcmp(address->bytes, key, sizeof address->bytes);
}

/* Gives the address of a connection; false for Unix sockets, which have none. */
static bool read_address(const struct cfl_server_connection *line,
                         struct cfl_peer_address *ret_address)
{
    cfl_peer_address_read(cfl_transport_peer(line->connection->transport)->name, ret_address);
    return ret_address->bytes[0] != 0;
}

static bool find_locked(const struct cflight_server *server, const struct cfl_peer_address *address,
                        size_t *ret_index)
{
    return cfl_search(server->locked.addresses, server->locked.address_count,
                      sizeof *server->locked.addresses, address->bytes, compare, ret_index);
}

enum cfl_server_room cfl_server_address_room_locked(const struct cflight_server *server,
                                                    const struct cfl_server_connection *line)
{
    struct cfl_peer_address address;
    size_t index = 0;
    uint32_t connections_max = server->options.connections_per_address_max;
    if (connections_max == 0 || !read_address(line, &address) ||
        !find_locked(server, &address, &index)) {
        return CFL_SERVER_ROOM;
    }
    uint32_t count = server->locked.addresses[index].connection_count;
    return count < connections_max                        ? CFL_SERVER_ROOM
           : count < (uint64_t)connections_max + TOLD_MAX ? CFL_SERVER_ROOM_TO_TELL
                                                          : CFL_SERVER_NO_ROOM;
}

bool cfl_server_count_address_locked(struct cflight_server *server,
                                     const struct cfl_server_connection *line)
{
    struct cfl_peer_address address;
    size_t index = 0;
    if (server->options.connections_per_address_max == 0 || !read_address(line, &address)) {
        return true;
    }
    if (!find_locked(server, &address, &index)) {
        if (!cfl_grow_array(server->alloc, (void **)&server->locked.addresses,
                            &server->locked.address_room, server->locked.address_count + 1,
                            sizeof *server->locked.addresses)) {
            return false;
        }
        struct cfl_server_address *place = server->locked.addresses + index;
        memmove(place + 1, place, (server->locked.address_count - index) * sizeof *place);
        memcpy(place->bytes, address.bytes, sizeof place->bytes);
        place->connection_count = 0;
        server->locked.address_count++;
    }
    server->locked.addresses[index].connection_count++;
    return true;
}

void cfl_server_forget_address_locked(struct cflight_server *server,
                                      const struct cfl_server_connection *line)
{
    struct cfl_peer_address address;
    size_t index = 0;
    if (server->options.connections_per_address_max == 0 || !read_address(line, &address) ||
        !find_locked(server, &address, &index)) {
        return;
    }
    struct cfl_server_address *place = server->locked.addresses + index;
    if (--place->connection_count == 0) {
        server->locked.address_count--;
        memmove(place, place + 1, (server->locked.address_count - index) * sizeof *place);
    }
}

void cfl_server_free_addresses(struct cflight_server *server)
{
    cfl_free_array(server->alloc, server->locked.addresses, server->locked.address_room,
                   sizeof *server->locked.addresses);
}
