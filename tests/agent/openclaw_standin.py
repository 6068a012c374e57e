"""The command `openclaw` and its gateway, played strictly: what the real one refuses, it refuses.

Run as a program it answers one call, as the real one does; its state is a JSON file in `OPENCLAW_STATE_DIR`. Tests use `StandIn` to look
at that state and to say what goes wrong next.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

HIDDEN = "__OPENCLAW_REDACTED__"
SECRETS = frozenset({"apiKey", "botToken", "token"})
KNOWN = frozenset({"agents", "channels", "gateway", "meta", "models", "secrets", "tools", "ui"})
FILES = frozenset({"AGENTS.md", "SOUL.md", "USER.md"})
TOKEN = "gateway-token-of-a-test"

Json = dict[str, Any]


class Refusal(Exception):
    """The error of an answer."""

    def __init__(self, message: str, code: str = "INVALID_REQUEST", **more: Any) -> None:
        self.error = {"type": "gateway_request_error", "code": code, "message": message, **more}


UNREACHABLE = {"type": "gateway_transport_error", "kind": "closed", "message": "Gateway not reachable at ws://127.0.0.1:1 (ECONNREFUSED)."}


def _hash(value: object) -> str:
    return "hmac-sha256:v1:" + hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:20]


def merged(base: Any, patch: Any) -> Any:
    """JSON merge patch."""
    if not isinstance(patch, dict):
        return patch
    result = dict(base) if isinstance(base, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key), value)
    return result


def arrays(value: Any, path: str = "") -> dict[str, list[Any]]:
    """Every array below, by its place."""
    if isinstance(value, list):
        return {path: value}
    if not isinstance(value, dict):
        return {}
    return {place: found for key, each in value.items() for place, found in arrays(each, f"{path}.{key}" if path else key).items()}


def shown(value: Any, key: str = "") -> Any:
    """As `config.get` shows it: without secrets, and without the names of references to them."""
    if isinstance(value, dict):
        reference = key in SECRETS and isinstance(value.get("source"), str)
        return {name: HIDDEN if reference and name == "id" else shown(each, name) for name, each in value.items()}
    return HIDDEN if key in SECRETS and isinstance(value, str) else value


def unhidden(value: Any, original: Any) -> Any:
    """What was hidden, as it is kept."""
    if isinstance(value, dict):
        return {key: unhidden(each, original.get(key) if isinstance(original, dict) else None) for key, each in value.items()}
    if value == HIDDEN:
        if original is None:
            raise Refusal(f'Reserved redaction sentinel "{HIDDEN}" is not valid config data')
        return original
    return value


class Gateway:
    """Methods of the gateway on a state."""

    def __init__(self, state: Json) -> None:
        self.state = state

    def answer(self, method: str, parameters: Json) -> Any:
        """What a method answers; raises `Refusal`."""
        handler = {
            "config.get": self.config_get,
            "config.patch": self.config_patch,
            "agents.files.list": self.files_list,
            "agents.files.get": self.files_get,
            "agents.files.set": self.files_set,
            "secrets.reload": self.secrets_reload,
            "status": self.status,
            "gateway.suspend.prepare": self.prepare,
            "gateway.suspend.resume": self.resume,
        }.get(method)
        if handler is None:
            raise Refusal(f"unknown method: {method}")
        if self.state.get("suspension") and not method.startswith("gateway.suspend"):
            message = f"{method} unavailable during gateway suspension"
            raise Refusal(message, "UNAVAILABLE", details={"reason": "gateway-suspending"}, retryable=True, retryAfterMs=1000)
        return handler(parameters)

    def config_get(self, _: Json) -> Json:
        config = self.state["config"]
        source = merged({"agents": {"entries": {"main": {}}}}, config)
        runtime = merged({"agents": {"defaults": {"maxConcurrent": 8}}, "tools": {"profileDefaults": ["read"]}}, source)
        return {
            "path": self.state["path"],
            "valid": True,
            "parsed": shown(config),
            "sourceConfig": shown(source),
            "runtimeConfig": shown(runtime),
            "hash": _hash(config),
            "configRevisionHash": _hash(["resolved", config]),
            "appliedConfigHash": _hash(["resolved", self.state["applied"]]),
        }

    def config_patch(self, parameters: Json) -> Json:
        if set(parameters) - {"raw", "baseHash", "replacePaths"}:
            raise Refusal("invalid config.patch params")
        config = self.state["config"]
        if parameters.get("baseHash") != _hash(config):
            raise Refusal("config changed since last load; re-run config.get and retry")
        patched = unhidden(merged(config, json.loads(parameters["raw"])), config)
        for place, found in arrays(config).items():
            if any(each not in arrays(patched).get(place, []) for each in found) and place not in parameters.get("replacePaths", []):
                raise Refusal(f"config.patch would remove entries from array path(s): {place}. Pass replacePaths")
        if patched == config:
            return {"ok": True, "noop": True, "changedPaths": []}
        self.validate(patched)
        self.state["config"] = patched
        return self.take(patched)

    def take(self, config: Json) -> Json:
        """How a written configuration comes into force, as the test has it."""
        how = self.state.get("applies", "at once")
        if how == "never" or (how == "once broken" and config.get("ui")):
            return {"ok": True}
        if how == "by restart":
            self.state["unreachable"] = 3
            self.state["applied"] = config
            raise Refusal("config.patch persisted and was accepted for restart; wait for the Gateway to restart", "UNAVAILABLE")
        if how == "fails" and config.get("ui"):
            raise Refusal("config.patch persisted but was not applied to the active Gateway (failed); run config.get", "UNAVAILABLE")
        if how == "dies" and config.get("ui"):
            self.state["unreachable"] = 1_000_000
            raise Refusal("config.patch persisted and was accepted for restart; wait for the Gateway to restart", "UNAVAILABLE")
        self.state["applied"] = config
        return {"ok": True}

    def validate(self, config: Json) -> None:
        unknown = set(config) - KNOWN
        if unknown:
            raise Refusal(f'invalid config: <root>: Unrecognized key: "{sorted(unknown)[0]}"')
        concurrent = merged({"agents": {"defaults": {}}}, config)["agents"]["defaults"].get("maxConcurrent", 1)
        if not isinstance(concurrent, int):
            raise Refusal("invalid config: agents.defaults.maxConcurrent: Invalid input: expected number, token=abcdef0123456789")

    def file(self, name: str) -> Json:
        text = self.state["files"].get(name)
        if text is None:
            return {"name": name, "missing": True}
        size = len(text.encode())
        return {"name": name, "missing": False, "size": size, "updatedAtMs": self.state["written"][name]}

    def files_list(self, parameters: Json) -> Json:
        self.agent(parameters)
        return {"files": [self.file(name) for name in sorted(FILES)]}

    def files_get(self, parameters: Json) -> Json:
        name = self.agent(parameters)
        return {"file": {**self.file(name), "content": self.state["files"].get(name)}}

    def files_set(self, parameters: Json) -> Json:
        name, text = self.agent(parameters), parameters["content"]
        self.state["files"][name] = text
        self.state["written"][name] = self.state["clock"] = self.state["clock"] + 1
        return {"ok": True, "file": {**self.file(name), "hash": hashlib.sha256(text.encode()).hexdigest()}}

    def agent(self, parameters: Json) -> str:
        if parameters.get("agentId") != "main":
            raise Refusal(f"unknown agent id {parameters.get('agentId')!r}")
        name = str(parameters.get("name", "AGENTS.md"))
        if name not in FILES:
            raise Refusal(f'unsupported file "{name}"')
        return name

    def secrets_reload(self, _: Json) -> Json:
        """All references anew; what cannot be had keeps its last value, and its owner is degraded: that is no failure here."""
        values, degraded = self.state.setdefault("resolved", {}), []
        for name, provider in self.state["config"].get("models", {}).get("providers", {}).items():
            found = resolved(self.state["config"], provider["apiKey"])
            if found and found != self.state.get("will_not_take"):
                values[name] = found
                self.state["held"] = [*self.state.get("held", []), found]
            else:
                owner = {"ownerKind": "provider", "ownerId": name, "state": "unavailable", "degradationState": "stale"}
                degraded.append({**owner, "paths": [f"models.providers.{name}.apiKey"], "reason": "secret reference was not found"})
        self.state["degraded"] = degraded
        return {"ok": True, "warningCount": len(degraded)}

    def status(self, parameters: Json) -> Json:
        if set(parameters) - {"includeChannelSummary"}:
            raise Refusal("invalid status params")
        return {"runtimeVersion": self.state["version"], "degradedSecretOwners": self.state.get("degraded", [])}

    def prepare(self, parameters: Json) -> Json:
        if not parameters.get("requestId"):
            raise Refusal("invalid gateway.suspend.prepare params")
        self.state["suspension"] = self.state.get("suspension") or "lease-1"
        status = "draining" if parameters.get("drain") and self.state.get("working") else "ready"
        return {"status": status, "suspensionId": self.state["suspension"], "expiresAtMs": 1}

    def resume(self, parameters: Json) -> Json:
        if parameters.get("suspensionId") != self.state.get("suspension"):
            raise Refusal("gateway suspension id does not match")
        self.state["suspension"] = ""
        return {"ok": True, "status": "running", "resumed": True}


def resolved(config: Json, reference: Any) -> str | None:
    """A secret's value: as it is, or by its exec provider, which is run as the real one runs it: no environment, no link, nobody else's."""
    if not isinstance(reference, dict):
        return str(reference)
    provider = config["secrets"]["providers"][reference["provider"]]
    command = Path(provider["command"])
    mode = command.lstat()
    assert provider["source"] == reference["source"] == "exec"
    assert stat.S_ISREG(mode.st_mode)
    assert not mode.st_mode & 0o022
    assert mode.st_uid == os.getuid()
    asked = {"protocolVersion": 1, "provider": reference["provider"], "ids": [reference["id"]]}
    done = subprocess.run(
        [command, *provider.get("args", [])], input=json.dumps(asked), capture_output=True, text=True, env={}, timeout=5, check=True
    )
    answer = json.loads(done.stdout)
    assert answer["protocolVersion"] == 1
    found: str | None = answer["values"].get(reference["id"])
    assert (found is None) == (reference["id"] in answer.get("errors", {}))
    return found


def _write(place: Path, state: Json) -> None:
    """In one step: tests look at it meanwhile."""
    place.with_suffix(".new").write_text(json.dumps(state))
    place.with_suffix(".new").replace(place)


def _say(value: object) -> None:
    print(json.dumps(value, indent=2))


def gateway_call(state: Json, method: str, parameters: str) -> int:
    """`openclaw gateway call`; the exit code."""
    state["calls"].append(method)
    if os.environ.get("OPENCLAW_GATEWAY_TOKEN") != TOKEN:
        _say({"ok": False, "error": {"type": "gateway_credentials_required", "message": f"gateway {method} requires credentials"}})
        return 1
    fault = next((state["faults"].pop(index) for index, (name, _) in enumerate(state["faults"]) if name == method), (method, None))[1]
    if fault == "rubbish":
        print("Segmentation fault {")
        return 0
    if state.get("unreachable", 0) > 0 or fault == "unreachable":
        state["unreachable"] = max(0, state.get("unreachable", 0) - 1)
        _say({"ok": False, "error": UNREACHABLE})
        return 1
    try:
        if fault == "stale":
            state["config"] = merged(state["config"], {"meta": {"by": f"somebody else {len(state['calls'])}"}})
            state["applied"] = state["config"]
        elif fault and fault != "cut off":
            raise Refusal(fault, "UNAVAILABLE", retryable=True)
        answer = Gateway(state).answer(method, json.loads(parameters))
        _say(answer) if fault != "cut off" else print("{")
    except Refusal as refusal:
        _say({"ok": False, "error": refusal.error})
        return 1
    return 0


def update(state: Json, arguments: list[str]) -> int:
    """`openclaw update`; the exit code."""
    wanted = arguments[arguments.index("--tag") + 1]
    state["calls"].append("update --dry-run" if "--dry-run" in arguments else "update")
    if wanted in state.get("no_such_update", ()):
        _say({"status": "skipped", "reason": "container-image-install"})
    elif "--dry-run" in arguments:
        _say({"dryRun": True, "currentVersion": state["version"], "targetVersion": wanted, "notes": []})
    elif state.get("update_fails"):
        _say({"status": "error", "reason": "state-migrated-no-rollback"})
        return 1
    else:
        state["version"] = wanted
        state["unreachable"] = 2
        _say({"status": "ok", "after": {"version": wanted}})
    return 0


def config_patch(state: Json, arguments: list[str]) -> int:
    """`openclaw config patch --stdin`: writes without the gateway, which comes up again with it."""
    state["calls"].append("config patch")
    assert "--stdin" in arguments
    state["config"] = state["applied"] = merged(state["config"], json.load(sys.stdin))
    state["unreachable"] = 0
    return 0


def main(arguments: list[str]) -> int:
    """One call of the command."""
    place = Path(os.environ["OPENCLAW_STATE_DIR"]) / "standin.json"
    state = json.loads(place.read_text())
    state["arguments"].append(arguments)
    if arguments[:2] == ["gateway", "call"]:
        code = gateway_call(state, arguments[2], arguments[arguments.index("--params") + 1])
    elif arguments == ["--version"]:
        print(f"OpenClaw {state['version']} (abc1234)")
        code = 0
    elif arguments[:1] == ["update"]:
        code = update(state, arguments)
    elif arguments[:2] == ["config", "patch"]:
        code = config_patch(state, arguments)
    else:
        print(f"error: unknown command {arguments}", file=sys.stderr)
        code = 1
    _write(place, state)
    Path(state["path"]).write_text(json.dumps(state["config"]))
    return code


class StandIn:
    """The state of a stand-in, as a test sees and changes it, and its `/readyz`."""

    def __init__(self, folder: Path, config: Mapping[str, Any]) -> None:
        self.folder = folder
        self.ready = True
        self.port = 0
        folder.mkdir()
        empty: Json = {"files": {}, "written": {}, "clock": 1, "calls": [], "arguments": [], "faults": [], "version": "2026.9.6"}
        _write(self._file, {**empty, "path": str(folder / "openclaw.json"), "config": config, "applied": config})
        Path(self["path"]).write_text(json.dumps(config))

    @property
    def _file(self) -> Path:
        return self.folder / "standin.json"

    def __getitem__(self, name: str) -> Any:
        return json.loads(self._file.read_text()).get(name)

    def set(self, **changes: Any) -> None:
        """Change its state."""
        _write(self._file, {**json.loads(self._file.read_text()), **changes})

    def calls(self) -> list[str]:
        """Methods called since the last time."""
        found: list[str] = self["calls"]
        self.set(calls=[])
        return found

    @contextmanager
    def serving(self) -> Iterator[None]:
        """Answer `/readyz`."""
        standin = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = json.dumps({"ready": standin.ready, "failing": [] if standin.ready else ["startup-sidecars"]}).encode()
                self.send_response(200 if standin.ready and self.path == "/readyz" else 503)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                # The agent only reads the first line.
                with suppress(OSError):
                    self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = http.server_port
        thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield
        finally:
            http.shutdown()
            http.server_close()
            thread.join()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
