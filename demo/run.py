"""`python -m demo.run`: starts a local cloud unless one is up, runs the simulated fleet, shows it; with `--once` checks it and ends."""

from __future__ import annotations

import argparse
import signal
import sys
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from clawpulse import Client
from clawpulse.cli._api import Api, CommandError, checked_url
from clawpulse_local.access import Access
from clawpulse_local.cloud import LocalCloud
from clawpulse_local.errors import LocalCloudError
from clawpulse_local.settings import LocalSettings
from demo.checks import Check, compare
from demo.fleet import Fleet, SdkClient, agent_tags
from demo.profiles import MAX_AGENTS, MIN_AGENTS, Member, Role
from demo.profiles import fleet as make_members
from demo.screen import Screen
from demo.shown import Shown, milliseconds
from demo.workspace import Tokens, forget, prepared

LOAD_S = 120.0
DRAIN_S = 30.0
FLUSH_S = 45.0
SEALED_AFTER_S = 50.0
"""The service's grace for late batches (35 s), and a tick (15 s), past the end of a minute."""
SHOWN_S = 180.0
"""How long the API may take to show all that was sent."""
LOOK_EVERY_S = 5.0
MINUTE_MS = 60_000
INTERRUPTED, FAILED, USAGE = 130, 1, 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the demo; returns the exit code."""
    options = _options(arguments)
    signal.signal(signal.SIGTERM, _interrupt)
    screen = Screen()
    try:
        with _cloud(screen) as access:
            return _once(access, options.agents, screen) if options.once else _show(access, options.agents, screen)
    except (LocalCloudError, CommandError) as error:
        sys.stderr.write(f"demo: {error}\n")
        return FAILED
    except KeyboardInterrupt:
        sys.stderr.write("demo: interrupted\n")
        return INTERRUPTED


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="demo", description="A local cloud and a simulated fleet that reports to it.")
    parser.add_argument("--once", action="store_true", help="two minutes of load, then compare what was sent with what the API shows")
    parser.add_argument("--agents", type=int, default=30, help=f"how many, {MIN_AGENTS} to {MAX_AGENTS} (default 30)")
    options = parser.parse_args(arguments)
    if not MIN_AGENTS <= options.agents <= MAX_AGENTS:
        parser.error(f"--agents must be {MIN_AGENTS} to {MAX_AGENTS}, not {options.agents}")
    return options


@contextmanager
def _cloud(screen: Screen) -> Iterator[Access]:
    """A cloud that is up stays up; one that is started here ends with the demo, however that ends."""
    settings = LocalSettings.from_env()
    was_up = LocalCloud(settings).run() is not None
    cloud = LocalCloud(settings, progress=screen.step, tie=not was_up)
    screen.step("a local cloud is up already: using it, and leaving it up at the end" if was_up else "starting a local cloud")
    access = cloud.up()
    screen.step(f"the local cloud is ready: {access.api_url}/")
    try:
        yield access
    finally:
        if was_up:
            screen.step("the local cloud stays up: clawpulse local down ends it")
        else:
            screen.step("stopping the local cloud; its data stay")
            cloud.down()
            screen.step("stopped")


def _show(access: Access, size: int, screen: Screen) -> int:
    """The fleet until Ctrl-C."""
    admin = _api(access)
    with prepared(admin) as tokens, _running(make_members(size), access, tokens, "demo", screen) as fleet:
        zombie, failing = (_member(fleet, role).id for role in (Role.ZOMBIE, Role.FAILING))
        screen.welcome(access.api_url, tokens.read, str(LocalSettings.from_env().state / "env"), size, zombie, failing)
        try:
            screen.live(admin, "env=demo", fleet)
        except KeyboardInterrupt:
            screen.step("stopping")
    return 0


def _once(access: Access, size: int, screen: Screen) -> int:
    """Two minutes of load in an environment of its own, then the checks."""
    admin, run = _api(access), uuid.uuid4().hex[:6]
    env = f"demo-{run}"
    with prepared(admin) as tokens:
        members = make_members(size, f"-{run}")
        started = _now_ms()
        try:
            with _running(members, access, tokens, env, screen) as fleet:
                screen.countdown("running the fleet", LOAD_S, fleet)
                checks = _drain(fleet, screen) + _look(admin, fleet, f"env={env}", started, screen)
        finally:
            forget(admin, [member.id for member in members])
    screen.checks(checks)
    failed = sum(not check.passed for check in checks)
    screen.step(
        f"{failed} of {len(checks)} checks differ" if failed else f"all {len(checks)} checks hold: the API shows what the fleet sent"
    )
    return FAILED if failed else 0


def _drain(fleet: Fleet, screen: Screen) -> list[Check]:
    """End the tasks and deliver everything; the clients go on with their heartbeats."""
    screen.step("waiting for the tasks under way")
    working = fleet.finish_tasks(DRAIN_S)
    screen.step("delivering what is left")
    undelivered = fleet.flush(FLUSH_S)
    named = (("agents that did not finish", working), ("agents that could not deliver", undelivered))
    return [Check(name, "0", " ".join([str(len(ids)), *ids[:3]]), not ids) for name, ids in named]


def _look(admin: Api, fleet: Fleet, selector: str, started: int, screen: Screen) -> list[Check]:
    """Compare when all minutes are sealed, and again until everything holds or the time is up."""
    ended, deadline = _now_ms(), time.monotonic() + SHOWN_S
    sealed = time.monotonic() + (MINUTE_MS - ended % MINUTE_MS) / 1000 + SEALED_AFTER_S
    screen.step(f"waiting until the service has sealed the last minute, about {sealed - time.monotonic():.0f} s")
    time.sleep(max(0.0, sealed - time.monotonic()))
    while True:
        shown = Shown.read(admin, selector, started - MINUTE_MS, _now_ms())
        checks = compare(fleet.ledger, fleet.members, shown)
        complete = milliseconds(shown.summary["minute"]) >= ended // MINUTE_MS * MINUTE_MS
        if (complete and all(check.passed for check in checks)) or time.monotonic() > deadline:
            return checks
        screen.step("not all is shown yet, looking again")
        time.sleep(LOOK_EVERY_S)


@contextmanager
def _running(members: Sequence[Member], access: Access, tokens: Tokens, env: str, screen: Screen) -> Iterator[Fleet]:
    def client(member: Member) -> SdkClient:
        info: dict[str, Any] = {"name": member.id, "model": member.tier.model, "versions": {"openclaw": "2026.9.6"}}
        return Client(url=access.api_url, token=tokens.ingest, agent=member.id, tags=agent_tags(member, env), info=info, spool=spool)

    spool = str(LocalSettings.from_env().state / "spool")
    screen.step(f"starting {len(members)} agents")
    fleet = Fleet(members, client, seed=uuid.uuid4().hex)
    try:
        fleet.start()
        yield fleet
    finally:
        screen.step("stopping the agents")
        fleet.stop()


def _member(fleet: Fleet, role: Role) -> Member:
    return next(member for member in fleet.members if member.role is role)


def _api(access: Access) -> Api:
    return Api(checked_url(access.api_url), access.token)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _interrupt(*_: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    raise SystemExit(main())
