# SPDX-License-Identifier: Apache-2.0
"""The rows of one endpoint, whichever of its replicas lives; docs/internals/engines.md has the why."""

import itertools
import os

from ._cflight import CancelToken
from ._exceptions import ArrowException, FlightCancelledError, FlightError, FlightUnavailableError

__all__ = ["EndpointStream"]


class EndpointStream:
    """The rows of one endpoint, as batches in their order. One thread at a time.

    When the endpoint breaks, it begins anew at another replica. Up to the limit of its reader it holds back what it has
    read until the endpoint has ended; past that, the replica has to send the same batches as those that have been handed
    over. It exports an Arrow stream (``__arrow_c_stream__``) where pyarrow is installed.
    """

    def __init__(self, reader):
        self._reader = reader
        self._batches = self._run()
        self._cancel = CancelToken()
        #: What the reader gave: rows, batches, and bytes of their buffers.
        self.rows = self.batches = self.bytes = 0
        #: The attempts that failed, as texts.
        self.failures = []

    def __iter__(self):
        return self

    def __next__(self):
        batch = next(self._batches)
        self.rows += batch.num_rows
        self.batches += 1
        self.bytes += _size_of(batch)
        return batch

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def schema(self):
        """The schema of the dataset."""
        return self._reader.schema

    def close(self):
        """End the call. What was not read is dropped."""
        self._batches.close()

    def cancel(self):
        """End the call from any thread, also while another waits for a batch: that gets FlightCancelledError."""
        self._cancel.cancel()

    def __arrow_c_stream__(self, requested_schema=None):
        return self.to_reader().__arrow_c_stream__(requested_schema)

    def to_reader(self):
        """The batches as a pyarrow.RecordBatchReader."""
        import pyarrow

        return pyarrow.RecordBatchReader.from_batches(pyarrow.schema(self.schema), self)

    def read_all(self):
        """All rows, as a pyarrow.Table."""
        return self.to_reader().read_all()

    def _run(self):
        limits = self._reader._source.limits
        locations = self._reader.locations
        is_stable = self._reader.is_stable
        # Digests of one stream alone are compared.
        seed = int.from_bytes(os.urandom(8), "little") if limits.attempts * len(locations) > 1 else None
        given = None  # the digest of what has been handed over, once that was cut off
        last = None
        for location in _turns(locations, limits.attempts, lambda: last):
            client = stream = None
            is_flowing = False
            try:
                client, stream = self._reader._open(location, self._cancel)
                if seed is not None:
                    stream._cflight_keep_digest(seed, is_stable)
                batches = (chunk.data for chunk in stream if chunk.data is not None)
                if given is None:
                    yield from _held(batches, 0 if is_stable else limits.hold_bytes_max)
                else:
                    self._pass_over(stream, batches, given)
                is_flowing = True
                yield from batches
                return
            except FlightCancelledError:
                raise
            except (FlightError, ArrowException) as error:
                self.failures.append(f"{location}: {error}")
                last = error
                if is_flowing and seed is not None:
                    given = stream._cflight_digest()
            finally:
                if client is not None:
                    client.close()
        what = f"broke after {self.rows} rows had been handed over" if self.batches else "could not be read"
        raise FlightUnavailableError(f"{self._reader._name} {what}: {'; '.join(self.failures)}") from last

    def _pass_over(self, stream, batches, given):
        """Reads again what has been handed over, and sees that it is the same."""
        rows = sum(batch.num_rows for batch in itertools.islice(batches, self.batches))
        if stream._cflight_digest() != given:
            raise FlightError(f"the first {self.batches} batches have {rows} rows that are not the {self.rows} which had "
                              "been handed over; hold_bytes_max keeps more of an endpoint back")


def _held(batches, bytes_max):
    """The batches, of which none is given before they have ended or are more than so many bytes; then those read so far."""
    held, held_bytes = [], 0
    for batch in batches:
        held.append(batch)
        held_bytes += _size_of(batch)
        if held_bytes > bytes_max:
            break
    held.reverse()
    while held:
        yield held.pop()


def _turns(locations, attempts, last):
    """The locations, again and again; the same one twice only for what may pass."""
    hopeless = set()
    for _ in range(max(1, attempts)):
        for location in locations:
            if location in hopeless:
                continue
            yield location
            if last() is not None and not isinstance(last(), FlightUnavailableError):
                hopeless.add(location)


def _size_of(batch):
    """Bytes of the buffers of a batch that was received. nbytes, which also looks at what of them is used, takes as long
    as to read a small batch."""
    try:
        return batch.get_total_buffer_size()
    except AttributeError:
        return guess_size_of(batch)


def guess_size_of(batch):
    """What columns of 8 bytes would take, for a batch that does not tell."""
    return batch.num_rows * batch.num_columns * 8
