"""Timestream as LocalStack sees it: two services, one engine. The engine itself is `clawpulse_localstack.timestream`."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from localstack.aws.api import CommonServiceException, RequestContext
from localstack.aws.skeleton import Skeleton
from localstack.aws.spec import load_service
from localstack.services.plugins import Service, aws_provider

from clawpulse_localstack.config import PluginConfig
from localstack import config as localstack_config

if TYPE_CHECKING:
    from clawpulse_localstack.timestream.engine import Engine


class _Holder:
    """The one engine of this LocalStack, opened at the first call: DuckDB takes 100 ms to import."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._engine: Engine | None = None

    def get(self) -> Engine:
        with self._lock:
            if self._engine is None:
                from clawpulse_localstack.timestream.engine import Engine

                folder = PluginConfig.from_env().state
                folder.mkdir(parents=True, exist_ok=True)
                # http, and the port: clients take the address for a URL, and would go to https without one.
                self._engine = Engine(str(folder / "timestream.duckdb"), f"http://127.0.0.1:{localstack_config.GATEWAY_LISTEN[0].port}")
            return self._engine

    def close(self) -> None:
        with self._lock:
            if self._engine is not None:
                self._engine.close()
                self._engine = None


_holder = _Holder()


def close() -> None:
    """Write everything to the file and let go of it."""
    _holder.close()


def _serve(service: str) -> Service:
    from clawpulse_localstack.timestream.errors import TimestreamError

    model = load_service(service)

    def call(context: RequestContext, request: dict[str, Any]) -> dict[str, Any]:
        try:
            return _holder.get().dispatch(service, context.operation.name, request)
        except TimestreamError as error:
            raise _translated(error) from error

    return Service(name=service, skeleton=Skeleton(model, dict.fromkeys(model.operation_names, call)))


def _translated(error: Any) -> CommonServiceException:
    """LocalStack's serialiser takes an error's further members from attributes of the exception."""
    translated = CommonServiceException(error.code, error.message, status_code=error.status, sender_fault=True)
    for name, value in error.fields.items():
        setattr(translated, name, value)
    return translated


@aws_provider(api="timestream-write", name="default")  # type: ignore[untyped-decorator]  # LocalStack ships no types
def timestream_write() -> Service:
    """Entry point."""
    return _serve("timestream-write")


@aws_provider(api="timestream-query", name="default")  # type: ignore[untyped-decorator]
def timestream_query() -> Service:
    """Entry point."""
    return _serve("timestream-query")
