# SPDX-License-Identifier: Apache-2.0
"""Driving a client from an asyncio event loop.

The C library names one descriptor and a time; the loop watches them and has the library do what can be
done. Nothing here blocks, and there are no threads but one that ends with connecting.
"""

import asyncio
import functools
import os
import threading
import time
import weakref

from ._cflight import FlightCallOptions
from ._exceptions import FlightCancelledError, FlightTimedOutError, FlightUnavailableError

_ATTEMPTS_MAX = 4
_CANCEL_CHECK_S = 0.05

# One driver for each client, however often as_async() is called.
_drivers = weakref.WeakKeyDictionary()
_drivers_lock = threading.Lock()


def driver_of(client):
    """Return the driver of a :class:`FlightClient`, which lives as long as somebody holds it."""
    with _drivers_lock:
        reference = _drivers.get(client)
        driver = reference() if reference is not None else None
        if driver is None:
            driver = Driver(client)
            _drivers[client] = weakref.ref(driver)
        return driver


def _step(reference):
    driver = reference()
    if driver is not None:
        driver.step()


def _unregister(loop, fd):
    """Stop watching; on the loop's thread, or when the loop is closed."""
    if not loop.is_closed():
        loop.remove_reader(fd)
    os.close(fd)


def _connected(reference, error):
    driver = reference()
    if driver is not None:
        driver.end_connect(error)


def with_less_time(options, elapsed):
    """Copy call options whose times began to count `elapsed` seconds ago."""
    timeout = options.timeout if options.timeout >= 0 else None
    first_byte = options.first_byte_timeout
    return FlightCallOptions(
        timeout=None if timeout is None else max(0.0, timeout - elapsed),
        write_options=options.write_options,
        headers=options.headers,
        read_options=options.read_options,
        idle_timeout=options.idle_timeout,
        message_bytes_max=options.message_bytes_max,
        write_size_limit_bytes=options.write_size_limit_bytes,
        split_batch_bytes=options.split_batch_bytes,
        first_byte_timeout=None if first_byte is None else max(0.001, first_byte - elapsed),
        cancel=options.cancel,
    )


def _limit_of(options):
    """Seconds until the call must have begun to answer, or None."""
    limits = []
    if options:
        limits += [options.timeout] if options.timeout >= 0 else []
        limits += [options.first_byte_timeout] if options.first_byte_timeout is not None else []
    return min(limits, default=None)


class Driver:
    """Watches one client's descriptor on one event loop.

    The loop holds no reference to the driver but while something is awaited: a client that nobody
    uses goes away, whatever the loop does.
    """

    def __init__(self, client):
        self.client = client
        self._loop = None
        self._fd = -1  # a duplicate of ours, so that it cannot be closed while it is watched
        self._timer = None
        self._will_arm = False
        self._due = []
        self._connecting = None
        self._is_dialling = False

    def __del__(self):
        self._release()

    def _release(self):
        loop, fd = self._loop, self._fd
        self._loop, self._fd = None, -1
        if fd < 0:
            return
        if loop.is_closed() or asyncio._get_running_loop() is loop:
            _unregister(loop, fd)
            return
        try:
            loop.call_soon_threadsafe(_unregister, loop, fd)
        except RuntimeError:  # it was closed just now
            os.close(fd)

    def bind(self):
        """Check that this is the client's event loop; a new client gets the running one."""
        loop = asyncio.get_running_loop()
        if loop is self._loop:
            return
        if self._loop is not None and not self._loop.is_closed():
            raise RuntimeError(
                "this client belongs to another event loop; close that loop first, or make a client "
                "for each loop"
            )
        self._release()
        self._loop = loop
        self._timer = None
        self._will_arm = False
        self._connecting = None
        self._due.clear()

    def step(self):
        """Have the library do what can be done, and wake who waits for it."""
        self.client._cflight_loop_process()
        for future in self._due:
            # What was awaited on a former loop, which was closed in between, is awaited no more.
            if not future.done() and future.get_loop() is self._loop:
                future.set_result(None)
        self._due.clear()
        self._arm()

    def touch(self):
        """Ask the library, soon, what to wait for: it changes with whatever is done."""
        if not self._will_arm:
            self._will_arm = True
            self._loop.call_soon(self._arm)

    def _arm(self):
        self._will_arm = False
        fd, timeout_ms = self.client._cflight_loop_state()
        if self._fd < 0 and fd >= 0:
            self._fd = os.dup(fd)
            self._loop.add_reader(self._fd, _step, weakref.ref(self))
        if timeout_ms == 0:
            self._loop.call_soon(_step, weakref.ref(self))
        elif timeout_ms > 0:
            # A timer that fires too early does no harm, so one that is set already may stay.
            when = self._loop.time() + timeout_ms / 1000
            if self._timer is None or self._timer.when() > when:
                self._drop_timer()
                self._timer = self._loop.call_at(when, self._timed_step, weakref.ref(self))

    @staticmethod
    def _timed_step(reference):
        driver = reference()
        if driver is not None:
            driver._timer = None
            driver.step()

    def _drop_timer(self):
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def wait(self, notify):
        """Wait until the library calls back what `notify` is given, which is harmless to repeat."""
        future = self._loop.create_future()
        notify(functools.partial(self._due.append, future))
        self.touch()
        try:
            await future
        except BaseException:
            notify(None)
            raise

    async def poll(self, attempt, notify):
        """Repeat an attempt that does not wait, a pair of (is ready, value), until it is ready."""
        is_ready, value = attempt()
        while not is_ready:
            await self.wait(notify)
            is_ready, value = attempt()
        self.touch()  # credit for what was taken goes out
        return value

    async def start(self, begin, options):
        """Call `begin` with the options; connect when there is no connection."""
        self.bind()
        for _ in range(_ATTEMPTS_MAX):
            try:
                result = begin(options)
            except FlightUnavailableError:
                # Nothing was sent: a start never fails like this but for want of a connection.
                options = await self._connect(options)
            else:
                self.touch()
                return result
        return begin(options)

    async def _connect(self, options):
        """Connect, together with whoever else waits for it; return the options that are left."""
        if self.client._cflight_loop_is_connected():
            return options
        if self._connecting is None:
            self._connecting = self._loop.create_future()
            if not self._is_dialling:
                self.client._cflight_loop_connect(functools.partial(_connected, weakref.ref(self)))
                self._is_dialling = True
        self.touch()
        started = time.monotonic()
        error = await self._wait_connected(self._connecting, options, started)
        if error is not None:
            raise error
        return with_less_time(options, time.monotonic() - started) if options else options

    async def _wait_connected(self, connecting, options, started):
        limit = _limit_of(options)
        token = options.cancel if options else None
        while True:
            left = None if limit is None else max(0.0, started + limit - time.monotonic())
            slice_s = left
            if token is not None:
                slice_s = _CANCEL_CHECK_S if left is None else min(left, _CANCEL_CHECK_S)
            await asyncio.wait([connecting], timeout=slice_s)
            if connecting.done():
                return connecting.result()
            if token is not None and token.is_cancelled:
                raise FlightCancelledError("the call was cancelled while connecting")
            if left is not None and left <= slice_s:
                raise FlightTimedOutError(f"the call's limit of {limit} s passed while connecting")

    def end_connect(self, error):
        """Tell who waits for the connection."""
        connecting, self._connecting = self._connecting, None
        self._is_dialling = False
        if connecting is not None and not connecting.done():
            connecting.set_result(error)
