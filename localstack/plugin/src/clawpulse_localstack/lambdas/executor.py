"""LocalStack's Lambda executor without Docker: one awslambdaric process per execution environment."""

from __future__ import annotations

import json
import queue
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from localstack.services.lambda_.invocation.executor_endpoint import StatusErrorException
from localstack.services.lambda_.invocation.lambda_models import FunctionVersion, InvocationResult
from localstack.services.lambda_.invocation.plugins import RuntimeExecutorPlugin
from localstack.services.lambda_.invocation.runtime_executor import RuntimeExecutor

from clawpulse_localstack.config import PluginConfig, function_variables
from clawpulse_localstack.lambdas import logs
from clawpulse_localstack.lambdas.archives import ArchiveCache
from clawpulse_localstack.lambdas.process import FunctionProcess, Program
from clawpulse_localstack.lambdas.runtime_api import Outcome, RuntimeApi
from localstack import config as localstack_config

_CONFIG = PluginConfig.from_env()
_ARCHIVES = ArchiveCache(_CONFIG.cache / "code")
_ARCHIVES.prune()
_INIT_SECONDS = float(localstack_config.LAMBDA_RUNTIME_ENVIRONMENT_TIMEOUT)
_POLL = 0.05


class LocalProcessPlugin(RuntimeExecutorPlugin):  # type: ignore[misc]  # LocalStack ships no types
    """Entry point: `LAMBDA_RUNTIME_EXECUTOR=local-process`."""

    name = "local-process"

    def load(self, *args: Any, **kwargs: Any) -> type[RuntimeExecutor]:
        """Return the executor's class."""
        return LocalProcessExecutor


class UnsupportedRuntime(RuntimeError):
    """The function's runtime cannot run here."""


class LocalProcessExecutor(RuntimeExecutor):  # type: ignore[misc]
    """One execution environment: it lives over many invocations, one at a time."""

    def __init__(self, id: str, function_version: FunctionVersion) -> None:
        super().__init__(id, function_version)
        self._settings = function_version.config
        self._name = function_version.id.function_name
        self._output = tempfile.NamedTemporaryFile(prefix=f"lambda-{id}-", suffix=".log")  # noqa: SIM115  # lives as long as the environment
        self._tail = logs.OutputTail(Path(self._output.name))
        self._program: Program | None = None
        self._api: RuntimeApi | None = None
        self._process: FunctionProcess | None = None
        self._stopped = False

    # What LocalStack calls

    def start(self, env_vars: dict[str, Any]) -> None:
        """Start the process and wait until the function has initialised; raises with AWS's error payload when it fails."""
        if not (self._settings.runtime or "").startswith("python"):
            raise UnsupportedRuntime(f"the local cloud runs Python functions only, not {self._settings.runtime}")
        variables = {name: str(value) for name, value in env_vars.items() if value is not None} | function_variables()
        for name in [name for name in variables if "XRAY_DAEMON" in name]:
            del variables[name]  # there is no daemon
        self._program = Program(
            handler=self._settings.handler,
            code=_ARCHIVES.unpack(self._settings.code),
            layers=[_ARCHIVES.unpack(layer.code) for layer in self._settings.layers if layer.code],
            runtime=_CONFIG.runtime,
            variables=variables,
        )
        self._launch()

    def stop(self) -> None:
        """End the process for good."""
        self._stopped = True
        self._end()
        self._output.close()

    def invoke(self, payload: dict[str, str]) -> InvocationResult:
        """Run one invocation; a timeout or a crash costs the process, the next invocation gets a new one."""
        request_id, started = payload["invoke-id"], time.perf_counter()
        try:
            process, api = self._running()
            api.submit(payload)
            outcome = self._await(process, api, request_id, started + self._settings.timeout)
        except StatusErrorException as failure:
            outcome = Outcome(request_id, failure.payload, failed=True)
        text = self._report(request_id, (time.perf_counter() - started) * 1000)
        logs.append(_CONFIG.logs, self._name, text)
        return InvocationResult(request_id, outcome.payload, is_error=outcome.failed, logs=text)

    def get_logs(self) -> str:
        """Everything the process has written."""
        return self._tail.all() if not self._output.closed else ""

    def get_address(self) -> str:
        """Where LocalStack reaches the environment."""
        return "127.0.0.1"

    def get_endpoint_from_executor(self) -> str:
        """Where the function reaches LocalStack."""
        return "127.0.0.1"

    def get_runtime_endpoint(self) -> str:
        """Part of the contract; the process talks to its own `RuntimeApi`."""
        return f"http://127.0.0.1:{localstack_config.GATEWAY_LISTEN[0].port}"

    @classmethod
    def prepare_version(cls, function_version: FunctionVersion) -> None:
        """Unpack code and layers when the function is created, not when it is first called."""
        if function_version.config.code:
            _ARCHIVES.unpack(function_version.config.code)
        for layer in function_version.config.layers:
            if layer.code:
                _ARCHIVES.unpack(layer.code)

    @classmethod
    def cleanup_version(cls, function_version: FunctionVersion) -> None:
        """Keep the unpacked code: the next version may have the same."""

    # The process

    def _launch(self) -> None:
        assert self._program is not None  # noqa: S101  # LocalStack starts an environment before it invokes
        self._api = RuntimeApi(int(self._settings.timeout))
        self._process = FunctionProcess(self._program, self._api.address, self._output.file)
        error = self._init_error(self._process, self._api)
        if error is None:
            return
        self._end()
        logs.append(_CONFIG.logs, self._name, f"INIT_REPORT Status: error\n{self._tail.take()}")
        raise StatusErrorException("Environment startup failed", payload=error)

    def _init_error(self, process: FunctionProcess, api: RuntimeApi) -> bytes | None:
        deadline = time.monotonic() + _INIT_SECONDS
        while not api.ready.wait(_POLL):
            if self._stopped or time.monotonic() > deadline:
                return _error("Sandbox.Timedout", f"Initialisation took more than {_INIT_SECONDS:.0f} seconds")
            if reason := process.exit_reason():
                return _error("Runtime.ExitError", f"RequestId: {self.id} Error: {reason}")
        return api.init_error

    def _running(self) -> tuple[FunctionProcess, RuntimeApi]:
        if self._process is None or self._process.exit_reason():
            self._end()
            self._launch()
        assert self._process is not None  # noqa: S101  # _launch has set both or raised
        assert self._api is not None  # noqa: S101
        return self._process, self._api

    def _await(self, process: FunctionProcess, api: RuntimeApi, request_id: str, deadline: float) -> Outcome:
        while True:
            try:
                outcome = api.outcomes.get(timeout=min(_POLL, max(0.001, deadline - time.perf_counter())))
            except queue.Empty:
                if failure := self._failure(process, request_id, deadline):
                    return failure
            else:
                if outcome.request_id == request_id:
                    return outcome

    def _failure(self, process: FunctionProcess, request_id: str, deadline: float) -> Outcome | None:
        if reason := process.exit_reason():
            self._end()
            return Outcome(request_id, _error("Runtime.ExitError", f"RequestId: {request_id} Error: {reason}"), failed=True)
        if time.perf_counter() < deadline:
            return None
        self._end()
        text = f"Task timed out after {self._settings.timeout:.2f} seconds"
        self._output.write(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}Z {request_id} {text}\n".encode())
        self._output.flush()
        return Outcome(request_id, _error("Sandbox.Timedout", f"RequestId: {request_id} Error: {text}"), failed=True)

    def _end(self) -> None:
        process, self._process = self._process, None
        api, self._api = self._api, None
        if process:
            process.kill()
        if api:
            api.close()

    def _report(self, request_id: str, milliseconds: float) -> str:
        memory = self._settings.memory_size
        used = (self._process and self._process.peak_memory_mb()) or memory
        return (
            f"START RequestId: {request_id} Version: {self.function_version.id.qualifier}\n"
            f"{self._tail.take()}"
            f"END RequestId: {request_id}\n"
            f"REPORT RequestId: {request_id}\tDuration: {milliseconds:.2f} ms\tBilled Duration: {int(milliseconds) + 1} ms\t"
            f"Memory Size: {memory} MB\tMax Memory Used: {used} MB\t\n"
        )


def _error(kind: str, message: str) -> bytes:
    return json.dumps({"errorType": kind, "errorMessage": message}).encode()
