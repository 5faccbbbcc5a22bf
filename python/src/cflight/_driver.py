# SPDX-License-Identifier: Apache-2.0
"""Driving a client from an asyncio event loop.

The C library names one descriptor and a time; the loop watches them and has the library do what can be
done. Nothing here blocks.
"""

import asyncio
import functools
import os
import threading
import weakref

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

    def expect(self, notify):
        """Return a future of the moment when the library calls back what `notify` is given."""
        future = self._loop.create_future()
        notify(functools.partial(self._due.append, future))
        self.touch()
        return future

    async def wait(self, notify):
        """Wait until the library calls back what `notify` is given, which is harmless to repeat."""
        future = self.expect(notify)
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
