# SPDX-License-Identifier: Apache-2.0
"""Clients and servers of two libraries with one interface, cflight and pyarrow.flight, in every pairing that has
cflight in it, and a watchdog for what may never return."""

import threading
import traceback

import cflight
import pyarrow as pa
import pyarrow.flight

WATCHDOG_S = 30
SCHEMA = pa.schema([("n", pa.int64())])
# 8 MB: several of them are more than windows and socket buffers of either library hold.
BIG = pa.record_batch([pa.array(range(1_000_000), pa.int64())], schema=SCHEMA)
SMALL = pa.record_batch([pa.array([1, 2, 3], pa.int64())], schema=SCHEMA)

PAIRS = [
    (cflight, cflight),
    (cflight, pyarrow.flight),
    (pyarrow.flight, cflight),
]
PAIR_IDS = ["cflight-to-cflight", "cflight-to-pyarrow", "pyarrow-to-cflight"]


def make_server(library, handlers, location="grpc://localhost:0", **kwargs):
    """A server of the library; `handlers` are functions by the name of their method, called without self."""
    methods = {name: staticmethod(function) for name, function in handlers.items()}
    return type("Server", (library.FlightServerBase,), methods)(location, **kwargs)


def location_of(server):
    """Where to connect to; pyarrow's servers only know their port."""
    if isinstance(server, cflight.FlightServerBase):
        return server.location.uri.decode()
    return f"grpc://localhost:{server.port}"


class Failed(Exception):
    """What a watched function raised, with its trace."""


class Watched:
    """A function on a thread of its own, which must end before the watchdog."""

    def __init__(self, function, *arguments):
        self._result = None
        self._error = None
        self._thread = threading.Thread(target=self._run, args=(function, arguments), daemon=True)
        self._thread.start()

    def _run(self, function, arguments):
        try:
            self._result = function(*arguments)
        except BaseException as error:  # noqa: BLE001  whatever it is, it is the outcome
            self._error = error

    def outcome(self):
        """Its result, or the exception that it raised, as a value."""
        self._thread.join(WATCHDOG_S)
        assert not self._thread.is_alive(), "the watchdog ended a call that did not end by itself"
        return self._error if self._error is not None else self._result

    def result(self):
        """Its result; fails the test with its exception."""
        outcome = self.outcome()
        if isinstance(outcome, BaseException):
            raise Failed("".join(traceback.format_exception(outcome)))
        return outcome


def within(function, *arguments):
    """Calls the function under the watchdog; returns its result or its exception."""
    return Watched(function, *arguments).outcome()


def wait(event):
    """Waits for an event that must come."""
    assert event.wait(WATCHDOG_S), "an event did not come before the watchdog"
