# SPDX-License-Identifier: Apache-2.0
"""Putting this module in the place of pyarrow.flight."""

import sys

_NAMES = ("pyarrow.flight", "pyarrow._flight")


def install_as_pyarrow_flight():
    """Put this module in the place of ``pyarrow.flight`` and ``pyarrow._flight``.

    From then on ``import pyarrow.flight`` gives this module, in every file of the program. Where one of
    the two was imported before, what it holds is replaced, too; names that were taken out of it
    (``from pyarrow.flight import Ticket``) stay as they are, so call this first where you can. The
    environment variable ``CFLIGHT_AS_PYARROW_FLIGHT=1`` does the same for programs that cannot be
    changed. Safe to repeat.

    Raises
    ------
    ImportError
        pyarrow is not installed.

    Examples
    --------
    >>> import cflight
    >>> cflight.install_as_pyarrow_flight()
    >>> import pyarrow.flight
    >>> pyarrow.flight.FlightClient is cflight.FlightClient
    True
    """
    import pyarrow

    ours = sys.modules["cflight"]
    for name in _NAMES:
        former = sys.modules.get(name)
        sys.modules[name] = ours
        setattr(pyarrow, name.rpartition(".")[2], ours)
        if former not in (None, ours):
            vars(former).update({key: getattr(ours, key) for key in ours.__all__})
