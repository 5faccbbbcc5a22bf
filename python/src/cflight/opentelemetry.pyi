# SPDX-License-Identifier: Apache-2.0
# The types of cflight.opentelemetry.

from collections.abc import Mapping

from opentelemetry.propagators.textmap import TextMapPropagator  # type: ignore[import-not-found,unused-ignore]
from opentelemetry.trace import TracerProvider  # type: ignore[import-not-found,unused-ignore]
from opentelemetry.util.types import AttributeValue  # type: ignore[import-not-found,unused-ignore]

from . import (
    CallInfo,
    ClientMiddleware,
    ClientMiddlewareFactory,
    Location,
    ServerMiddleware,
    ServerMiddlewareFactory,
)

class ClientTracing(ClientMiddlewareFactory):
    def __init__(
        self,
        *,
        tracer_provider: TracerProvider | None = None,
        propagator: TextMapPropagator | None = None,
        location: Location | str | tuple[str, int] | None = None,
        attributes: Mapping[str, AttributeValue] | None = None,
    ) -> None: ...
    def start_call(self, info: CallInfo) -> ClientMiddleware: ...

class ServerTracing(ServerMiddlewareFactory):
    def __init__(
        self,
        *,
        tracer_provider: TracerProvider | None = None,
        propagator: TextMapPropagator | None = None,
        attributes: Mapping[str, AttributeValue] | None = None,
    ) -> None: ...
    def start_call(
        self, info: CallInfo, headers: dict[str, list[str] | list[bytes]]
    ) -> ServerMiddleware: ...
