# SPDX-License-Identifier: Apache-2.0
"""A dataset that many workers write, each a part, and that appears when all of them have ended."""

import secrets
from typing import NamedTuple

from ._cflight import Action, FlightDescriptor
from ._credentials import connect_for
from ._endpoint_stream import guess_size_of
from ._endpoints import Limits, _text
from ._exceptions import FlightError, FlightTimedOutError, FlightUnavailableError

__all__ = ["PartReceipt", "PartWriter", "Upload", "UploadProtocol", "writers"]


class PartReceipt(NamedTuple):
    """That an attempt at a part has ended well. ``attempt`` is empty where there was nothing to write."""

    part: int
    attempt: str
    rows: int
    bytes: int


def _lines(*parts):
    return "\n".join(parts).encode()


def cflight_part(name, upload, part, attempt):
    """The descriptor under which ``cflight serve`` stages a part."""
    return FlightDescriptor.for_command(_lines("cflight.part", name, upload, str(part), attempt))


def cflight_commit(name, upload, attempts):
    """The action with which ``cflight serve`` makes a flight of what was staged."""
    return Action("cflight.commit", _lines(name, upload, *attempts))


def cflight_abort(name, upload):
    """The action with which ``cflight serve`` drops what was staged."""
    return Action("cflight.abort", _lines(name, upload))


class UploadProtocol(NamedTuple):
    """How a server is told of parts: three functions that can be pickled."""

    part_descriptor: object = cflight_part
    commit_action: object = cflight_commit
    abort_action: object = cflight_abort


def writers(descriptor, count=None, location=None, *, credentials=None, protocol=UploadProtocol(), **limits):
    """Begin a dataset that is written in parts.

    Parameters
    ----------
    descriptor : FlightDescriptor or str
        The path of the flight that is to appear.
    count : int, optional
        How many parts there will be; None when the receipts shall tell.
    location : str or Location
        The server: ``cflight serve --writable``, or one that ``protocol`` describes.
    credentials : str or callable, optional
        As in :func:`cflight.endpoints`.
    protocol : UploadProtocol, optional
        Functions ``part_descriptor(name, upload, part, attempt)``, ``commit_action(name, upload, attempts)`` and
        ``abort_action(name, upload)`` for servers with a protocol of their own.
    **limits
        ``timeout`` and ``idle_timeout`` of a call, in seconds; ``attempts`` at the commit (3).

    Returns
    -------
    Upload
        It can be pickled. Its ``parts`` are given to the workers, and what they return to ``commit``.

    Examples
    --------
    >>> upload = cflight.writers("totals", 2, "grpc://localhost:32010")
    >>> receipts = [part.write(table) for part, table in zip(upload.parts, tables)]
    >>> upload.commit(receipts)
    """
    if location is None:
        raise ValueError("writers() needs the location of the server")
    if isinstance(descriptor, FlightDescriptor):
        if not descriptor.path:
            raise ValueError("what is written in parts is named by a path, not by a command")
        descriptor = "/".join(element.decode() for element in descriptor.path)
    return Upload(descriptor, secrets.token_hex(16), count, _text(location), credentials, protocol, Limits(**limits))


class Upload:
    """A dataset that is being written. Made by :func:`writers`."""

    def __init__(self, name, upload, count, location, credentials, protocol, limits):
        self._name = name
        self._upload = upload
        self._count = count
        self._location = location
        self._credentials = credentials
        self._protocol = protocol
        self._limits = limits

    def __repr__(self):
        return f"<Upload of {self._name!r} to {self._location}>"

    @property
    def parts(self):
        """A :class:`PartWriter` for each part."""
        if self._count is None:
            raise ValueError("the number of parts was not said: use part(number)")
        return [self.part(number) for number in range(self._count)]

    def part(self, number):
        """The :class:`PartWriter` of one part, counted from 0."""
        if number < 0 or (self._count is not None and number >= self._count):
            raise ValueError(f"there is no part {number} of {self._count}")
        return PartWriter(self, number)

    def _connect(self):
        return connect_for(self._location, self._credentials, **self._limits.of_call())

    def _act(self, action):
        """Sent again where the answer may have been lost: both actions may be repeated."""
        for attempt in range(self._limits.attempts, 0, -1):
            try:
                client, options = self._connect()
                with client:
                    return [result.body.to_pybytes() for result in client.do_action(action, options)]
            except (FlightUnavailableError, FlightTimedOutError):
                if attempt == 1:
                    raise

    def commit(self, receipts):
        """Make one flight of the parts, in their order.

        Parameters
        ----------
        receipts : iterable of PartReceipt
            What the writers returned. Where there are several of a part, the first counts.

        Returns
        -------
        int
            The rows of the flight.

        Raises
        ------
        ValueError
            A part has no receipt, or nothing was written. Nothing has changed.
        FlightError
            The server did not take it. Nothing has changed, unless the server cannot be reached: then the same commit
            may be said again.
        """
        of_part = {}
        for receipt in receipts:
            of_part.setdefault(receipt.part, receipt)
        missing = [number for number in range(self._count or 0) if number not in of_part]
        if missing:
            raise ValueError(f"part {missing[0]} of {self._count} of {self._name!r} has not been written")
        chosen = [of_part[number] for number in sorted(of_part) if of_part[number].attempt]
        if not chosen:
            raise ValueError(f"no part of {self._name!r} has been written: not even its columns are known")
        rows = sum(receipt.rows for receipt in chosen)
        attempts = [f"{receipt.part} {receipt.attempt}" for receipt in chosen]
        answers = self._act(self._protocol.commit_action(self._name, self._upload, attempts))
        if answers and answers[0].isdigit() and int(answers[0]) != rows:
            raise FlightError(f"{self._name!r} has {int(answers[0])} rows, and {rows} were written")
        return rows

    def abort(self):
        """Remove what was written. The server does so by itself after a day."""
        self._act(self._protocol.abort_action(self._name, self._upload))


class PartWriter:
    """Writes one part; plain data, which connects when it writes. May be run more than once: each run is an attempt of
    its own, and the commit takes one of them."""

    def __init__(self, upload, number):
        self._upload_of = upload
        self.number = number

    def __repr__(self):
        return f"<PartWriter {self.number} of {self._upload_of!r}>"

    def write(self, data, schema=None):
        """Send the rows of a part.

        Parameters
        ----------
        data : object with __arrow_c_stream__, or iterable of record batches
        schema : optional
            The columns, where ``data`` is an iterable that may be empty.

        Returns
        -------
        PartReceipt
            All rows have arrived, and are seen when the upload is committed.
        """
        batches = iter(_batches_of(data))
        first = next(batches, None)
        if schema is None:
            schema = getattr(data, "schema", None) if first is None else first.schema
        if schema is None:
            return PartReceipt(self.number, "", 0, 0)
        upload = self._upload_of
        attempt = secrets.token_hex(16)
        descriptor = upload._protocol.part_descriptor(upload._name, upload._upload, self.number, attempt)
        client, options = upload._connect()
        rows = size = 0
        with client:
            writer, answers = client.do_put(descriptor, schema, options)
            with writer:
                while first is not None:
                    writer.write_batch(first)
                    rows += first.num_rows
                    size += _size_of(first)
                    first = next(batches, None)
                writer.done_writing()
                while answers.read() is not None:
                    pass
        return PartReceipt(self.number, attempt, rows, size)


def _size_of(batch):
    """Bytes of the rows of a batch, which may be a slice."""
    try:
        return batch.nbytes
    except AttributeError:
        return guess_size_of(batch)


def _batches_of(data):
    if hasattr(data, "to_batches"):
        return data.to_batches()
    if hasattr(data, "__arrow_c_array__"):
        return [data]
    if hasattr(data, "__arrow_c_stream__") and not hasattr(data, "__next__"):
        import pyarrow

        return pyarrow.RecordBatchReader.from_stream(data)
    return data
