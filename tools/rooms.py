# SPDX-License-Identifier: Apache-2.0
"""Which part of src/ may use which. Layers stand one above the other; the folders of a layer are rooms,
with an order of their own. See docs/internals/architecture.md."""

LAYERS = {
    "base": {"base"},
    "ipc": {"base", "ipc"},
    "net": {"base", "net"},
    "h2": {"base", "h2"},
    "grpc": {"base", "h2", "grpc"},
    "flight": {"base", "ipc", "net", "h2", "grpc", "flight"},
}
# Inside a layer, each room sees itself and those it names. What has no folder is the layer's own room.
ROOMS = {
    "flight/value": {"flight/value"},
    "flight/call": {"flight/value", "flight/call"},
    "flight/client": {"flight/value", "flight/call", "flight/client"},
    "flight/fetch": {"flight/value", "flight/call", "flight/client", "flight/fetch"},
    "flight/server": {"flight/value", "flight/call", "flight/server"},
    "flight/kit": {"flight/value", "flight/kit"},
    "net": {"net", "net/openssl"},
    "net/openssl": {"net", "net/openssl"},
}
# Written as a user's code would be: they may call any public function, and include public headers.
LIKE_USERS = {"flight/kit"}


def room(name):
    """The room of a file, by its path below src/: "h2/session.c" is in "h2", "flight/call/call.h" in
    "flight/call"."""
    return name.rpartition("/")[0]


def layer(name):
    return name.split("/")[0]


def is_known(room_name):
    return room_name in ROOMS or room_name in LAYERS


def may_use(room_name, other, symbol=""):
    """Whether what is in one room may use another, or a function of it."""
    if room_name in LIKE_USERS and symbol.startswith("cflight_"):
        return True
    if layer(other) not in LAYERS.get(layer(room_name), ()):
        return False
    return layer(room_name) != layer(other) or other in ROOMS.get(room_name, {room_name})
