# SPDX-License-Identifier: Apache-2.0
"""Several endpoints at once, as one stream of batches in the order of the endpoints, for engines of one process."""

import queue
import threading

__all__ = ["Scan"]

_END = object()


class Scan:
    """A dataset, read anew each time that its Arrow stream is asked for. Any thread may ask.

    Endpoints are read by threads, ``parallel`` at once; each has at most ``ahead`` batches waiting.
    """

    def __init__(self, readers, *, parallel=4, ahead=4):
        self._readers = readers
        self.schema = readers.arrow_schema()
        self._parallel = max(1, parallel)
        self._ahead = ahead

    def __repr__(self):
        return f"<Scan of {len(self._readers)} endpoints: {self._readers!r}>"

    def __arrow_c_stream__(self, requested_schema=None):
        return self.to_reader().__arrow_c_stream__(requested_schema)

    def to_reader(self):
        """The batches as a pyarrow.RecordBatchReader."""
        import pyarrow

        return pyarrow.RecordBatchReader.from_batches(self.schema, self.batches())

    def batches(self):
        """The batches, in order. When the generator is closed the calls end."""
        if self._parallel == 1 or len(self._readers) < 2:
            for reader in self._readers:
                with reader.read() as stream:
                    yield from stream
            return
        stopped = threading.Event()
        lanes = []
        try:
            for place in range(len(self._readers)):
                while len(lanes) < min(len(self._readers), place + self._parallel):
                    lanes.append(_Lane(self._readers[len(lanes)], self._ahead, stopped))
                yield from lanes[place].batches()
        finally:
            stopped.set()
            for lane in lanes:
                lane.end()


class _Lane:
    """A thread that reads one endpoint."""

    def __init__(self, reader, ahead, stopped):
        self._stopped = stopped
        self._room = threading.Semaphore(ahead)
        self._arrived = queue.SimpleQueue()
        self._stream = reader.read()
        self._thread = threading.Thread(target=self._run, name="cflight endpoint", daemon=True)
        self._thread.start()

    def _run(self):
        outcome = _END
        try:
            with self._stream as stream:
                for batch in stream:
                    self._room.acquire()
                    if self._stopped.is_set():
                        return
                    self._arrived.put(batch)
        except BaseException as error:
            outcome = error
        finally:
            self._arrived.put(outcome)

    def batches(self):
        while (item := self._arrived.get()) is not _END:
            if isinstance(item, BaseException):
                raise item
            self._room.release()
            yield item

    def end(self):
        """Also of one that waits for its server."""
        self._stream.cancel()
        self._room.release()
        self._thread.join()
