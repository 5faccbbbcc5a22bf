# SPDX-License-Identifier: Apache-2.0
"""When a call with one request is started again under asyncio.

The library itself sends again what the server did not process, as long as a connection is at hand; here
is what would make it wait: connecting, and a newer token.
"""

import time

from ._driver import with_less_time
from ._exceptions import FlightUnauthenticatedError

_REPEATS_MAX = 3


class Repeat:
    """Decides about one call."""

    def __init__(self, client, options):
        self._client = client
        self._options = options
        self._started = time.monotonic()
        self._left = _REPEATS_MAX
        names = [name for name, _ in options.headers] if options else []
        self._may_renew = client._cflight_has_token_provider and b"authorization" not in names

    def allows(self, error, is_unprocessed):
        """Tell whether to start again after `error`, which came before anything else did."""
        if isinstance(error, FlightUnauthenticatedError) and self._may_renew:
            self._may_renew = False
            return True
        if not is_unprocessed or self._left == 0:
            return False
        # With a connection the library has tried as often as it may, unless somebody connected since.
        self._left = 0 if self._client._cflight_loop_is_connected() else self._left - 1
        return True

    def options(self):
        """Return the options with the time that is left."""
        if not self._options:
            return self._options
        return with_less_time(self._options, time.monotonic() - self._started)
