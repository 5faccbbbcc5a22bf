# SPDX-License-Identifier: Apache-2.0
"""Which part of src/, adbc/, cli/ and python/src/ may use which. Layers stand one above the other; the folders of
a layer are rooms, with an order of their own. See docs/internals/architecture.md."""

import os

LAYERS = {
    "src/base": {"src/base"},
    "src/ipc": {"src/base", "src/ipc"},
    "src/net": {"src/base", "src/net"},
    "src/h2": {"src/base", "src/h2"},
    "src/grpc": {"src/base", "src/h2", "src/grpc"},
    "src/pb": {"src/base", "src/pb"},
    "src/flight": {"src/base", "src/ipc", "src/net", "src/h2", "src/grpc", "src/pb", "src/flight"},
    # Over the public headers of flight.
    "src/sql": {"src/base", "src/pb", "src/sql"},
    # The same.
    "src/oauth": {"src/base", "src/oauth"},
    # Over the public headers alone.
    "adbc": {"adbc"},
    "cli": {"adbc", "cli"},
    "python": {"python"},
}


def _upon(*rooms):
    """Rooms of which each sees itself and those before it."""
    return {room: set(rooms[:place + 1]) for place, room in enumerate(rooms)}


# What the client and the server of the module both stand on.
_PYTHON = [f"python/src/{name}" for name in ("base", "arrow", "values", "streams")]
# Inside a layer, each room sees itself and those it names. What has no folder is the layer's own room. A folder
# that is not there is no fault.
ROOMS = {
    "src/flight/value": {"src/flight/value"},
    "src/flight/count": {"src/flight/count"},
    "src/flight/call": {"src/flight/value", "src/flight/count", "src/flight/call"},
    "src/flight/client": {"src/flight/value", "src/flight/count", "src/flight/call", "src/flight/client"},
    "src/flight/fetch": {"src/flight/value", "src/flight/count", "src/flight/call", "src/flight/client",
                         "src/flight/fetch"},
    "src/flight/server": {"src/flight/value", "src/flight/count", "src/flight/call", "src/flight/server"},
    "src/flight/metrics": {"src/flight/value", "src/flight/count", "src/flight/metrics"},
    "src/flight/kit": {"src/flight/value", "src/flight/kit"},
    "src/sql/value": {"src/sql/value"},
    "src/sql/client": {"src/sql/value", "src/sql/client"},
    "src/sql/server": {"src/sql/value", "src/sql/server"},
    "src/net": {"src/net", "src/net/openssl"},
    "src/net/openssl": {"src/net", "src/net/openssl"},
    "adbc/abi": {"adbc/abi"},
    "adbc/shared": {"adbc/abi", "adbc/shared"},
    "adbc/driver": {"adbc/abi", "adbc/shared", "adbc/driver"},
    "adbc/gateway": {"adbc/abi", "adbc/shared", "adbc/gateway"},
    "cli/system": {"cli/system"},
    "cli/values": {"cli/system", "cli/values"},
    "cli/client": {"cli/system", "cli/values", "cli/client"},
    "cli/serve": {"adbc/gateway", "cli/system", "cli/serve"},
    "cli/commands": {"cli/system", "cli/values", "cli/client", "cli/serve", "cli/commands"},
    "cli": {"cli/system", "cli/client", "cli/commands", "cli"},
} | _upon(*_PYTHON, "python/src/client") | _upon(*_PYTHON, "python/src/server") | {
    "python/src/sql": {"python/src/sql", "python/src/client", "python/src/server", *_PYTHON},
    "python/src": {"python/src", "python/src/client", "python/src/server", "python/src/sql", *_PYTHON},
}
# Rooms and layers written as a user's code would be: they may call any public function, and include public headers.
LIKE_USERS = {"src/flight/kit", "src/sql", "src/oauth", "adbc", "cli", "python"}
# Where a quoted include is looked for, after the folder of the file itself.
INCLUDE_FROM = {"src": "src", "adbc": "", "cli": "", "python": "python/src"}


def room(path):
    """The room of a file: "src/h2/session.c" is in "src/h2", "src/flight/call/call.h" in "src/flight/call"."""
    return os.path.dirname(path)


def layer(path):
    parts = path.split("/")
    return "/".join(parts[:2]) if parts[0] == "src" else parts[0]


def header(path, name, is_there):
    """The file that `#include "name"` in `path` means: the first that is there, or what would be below the
    folder where headers are looked for."""
    folder = INCLUDE_FROM.get(path.split("/")[0], "")
    beside = os.path.normpath(os.path.join(room(path), name))
    return beside if is_there(beside) else os.path.normpath(os.path.join(folder, name))


def is_known(room_name):
    return room_name in ROOMS or room_name in LAYERS


def may_use(room_name, other, symbol=""):
    """Whether what is in one room may use another, or a function of it."""
    if {room_name, layer(room_name)} & LIKE_USERS and symbol.startswith("cflight_"):
        return True
    if layer(other) not in LAYERS.get(layer(room_name), ()):
        return False
    return layer(room_name) != layer(other) or other in ROOMS.get(room_name, {room_name})
