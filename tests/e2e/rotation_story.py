"""A key is rotated under load: Step Functions, OpenBao, a strict provider, a hundred agents at work."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from contextlib import ExitStack
from typing import Any

import hvac

from tests.cloud import DeployedCloud
from tests.e2e.keyed_fleet import PROVIDER, KeyedAgent, KeyedFleet
from tests.e2e.test_api import Api
from tests.notify.vendors.base import serving
from tests.rotations.providers.anthropic import AnthropicServer

SIZE = 100
PATIENCE_S = 1_500.0
OVER = ("succeeded", "aborted", "refused")
POLICY = {"wave_size": 34, "cooldown_s": 5, "unused_s": 60, "asleep_s": 90}
SEALED_S = 12.0
ADMIN = "clawpulse/default/story-admin"


class RotationStory:
    """What happens, and what came of it."""

    def __init__(self, cloud: DeployedCloud) -> None:
        self.cloud = cloud
        self.provider = AnthropicServer()
        self.first, self.second, self.third = (self.provider.add(name) for name in ("first", "second", "third"))
        self.invented = "sk-ant-api03-nobody-ever-made-this-key"
        self.rotations: dict[str, dict[str, Any]] = {}
        """Views at the end, by name."""
        self.took: dict[str, float] = {}
        self.outcomes: dict[str, Counter[str]] = {}
        """Of all calls up to the end of each rotation."""
        self.queued: list[str] = []
        """Phases of the one that had to wait, while the other one ran."""
        self.sealed = False
        self.fault: BaseException | None = None
        self._thread = threading.Thread(target=self._tell, daemon=True, name="rotation story")

    def start(self) -> None:
        """Begin, beside whatever else is done."""
        self._thread.start()

    def wait(self) -> None:
        """Until it is told; raises what went wrong."""
        self._thread.join(PATIENCE_S)
        if self.fault:
            raise self.fault
        assert not self._thread.is_alive(), f"not told within {PATIENCE_S:.0f} s: {list(self.rotations)}"

    def _tell(self) -> None:
        try:
            with ExitStack() as stack:
                stack.enter_context(serving(self.provider))
                self._run(stack)
        except BaseException as fault:
            self.fault = fault

    def _run(self, stack: ExitStack) -> None:
        url = self.provider.url
        self.api = Api(self.cloud.api_url, self.cloud.token)
        stack.callback(self.api.session.close)
        agents = [
            KeyedAgent(f"key-{number:03d}", {"env": "staging" if number < 8 else "prod", "tier": "keyed"}, self.first.value)
            for number in range(SIZE)
        ]
        self.cloud.client("secretsmanager").create_secret(Name=ADMIN, SecretString=self.provider.admin)
        settings = {
            PROVIDER: {"kind": "anthropic", "base_url": url, "admin": {"secretsmanager": ADMIN}},
            "spare": {"kind": "anthropic", "base_url": url},
        }
        self._put("/api/key-settings", settings)
        stack.callback(self._put, "/api/key-settings", {})
        self.fleet = KeyedFleet(self.cloud.api_url, self.cloud.token, url, agents)
        stack.callback(self.fleet.stop)
        self.fleet.start()
        self._until("all agents are known", lambda: self._known() == SIZE, 240)
        self._rotate("first", self.first.value, {"wave_size": SIZE, "cooldown_s": 1})
        waiting = self._start("spare", self.first.value, {})
        self._rotate("refused", self.invented, {})
        self._until("the spare one is over", lambda: self._view(waiting)["phase"] in OVER, 240)
        self._main()
        broken = self.fleet.agents["key-000"]
        broken.garbles = self.third.value
        self._rotate("broken", self.third.value, {"wave_size": 10})
        broken.garbles = None

    def _main(self) -> None:
        """The rotation that matters; meanwhile another one is started, and Vault is sealed for a while."""
        begun = time.monotonic()
        id = self._start(PROVIDER, self.second.value, {})
        spare = self._start("spare", self.second.value, {})
        while (view := self._view(id))["phase"] not in OVER:
            self.queued.append(self._view(spare)["phase"])
            if view["phase"] == "rolling" and view["progress"]["done"] and not self.sealed:
                self._seal()
            assert time.monotonic() - begun < 600, view
            time.sleep(2)
        self._note("main", view, begun)
        self._until("the one that waited is over", lambda: self._view(spare)["phase"] in OVER, 240)

    def _seal(self) -> None:
        self.sealed = True
        settings = self.cloud.local.settings
        client = hvac.Client(url=settings.vault_url, token=self.cloud.access.vault_token)
        client.sys.seal()
        time.sleep(SEALED_S)
        client.sys.submit_unseal_key(json.loads((settings.state / "vault" / "keys.json").read_text())["unseal"])

    def _rotate(self, name: str, key: str, policy: dict[str, Any]) -> None:
        begun = time.monotonic()
        id = self._start(PROVIDER, key, policy)
        self._until(f"the rotation {name} is over", lambda: self._view(id)["phase"] in OVER, 420)
        self._note(name, self._view(id), begun)

    def _note(self, name: str, view: dict[str, Any], begun: float) -> None:
        self.rotations[name] = view
        self.took[name] = time.monotonic() - begun
        self.outcomes[name] = self.fleet.outcomes()
        print(f"{name}: {view['phase']} after {self.took[name]:.0f} s: {view['reason']}; {dict(self.outcomes[name])}")

    def _start(self, provider: str, key: str, policy: dict[str, Any]) -> str:
        # Other tests' agents report no keys: a rotation that meant them, too, would be refused.
        wanted = {"provider": provider, "source": "key", "key": key, "policy": POLICY | policy, "tags": "tier=keyed"}
        answer = self.api.call("POST", "/api/rotations", json=wanted)
        assert answer.status_code == 201, answer.text
        id: str = answer.json()["id"]
        return id

    def _view(self, id: str) -> dict[str, Any]:
        found: dict[str, Any] = self.api.get(f"/api/rotations/{id}")
        return found

    def _put(self, path: str, document: dict[str, Any]) -> None:
        answer = self.api.call("PUT", path, json=document)
        assert answer.status_code == 200, answer.text

    def _known(self) -> int:
        return len(self.api.get("/api/dashboard/instances", tags="tier=keyed", limit=500)["instances"])

    def _until(self, what: str, holds: Any, seconds: float) -> None:
        end = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < end, f"{what}: not within {seconds:.0f} s"
            time.sleep(2)
