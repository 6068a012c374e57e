"""Alerting by the command line alone, on the local cloud: channels and rules from files, a test message, an alert, its incident."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from clawpulse.cli._api import Api
from functions.runtime.rule_book import pack_names
from tests.cli.conftest import run_cli
from tests.cli.live import report, wait_for
from tests.cloud import DeployedCloud
from tests.notify.vendors.base import serving
from tests.notify.vendors.slack import CHANNEL, TOKEN, Slack

pytestmark = [pytest.mark.cloud, pytest.mark.timeout(480)]

SECRET = "clawpulse/default/cli-slack"
CHANNELS = f"""\
channels:
  talk:
    kind: slack
    channel: {CHANNEL}
    api: @API@
    secret: {{secretsmanager: {SECRET}, key: token}}
routes:
  - {{name: cli, match: "rule=~cli-.*", channels: [talk], group_wait: 0s}}
"""
RULES = """\
packs: []
rules:
  - name: cli-failures
    severity: critical
    select: env=cli-alerting
    when: {event: task.failed, aggregation: count, over: 10m, above: 0}
"""
NOTHING = "channels: {}\nroutes: {}\n"

Run = Callable[..., str]


@pytest.fixture
def run(cloud: DeployedCloud, tmp_path: Path) -> Run:
    """Runs a command that must succeed."""
    cloud.access.write(tmp_path / ".clawpulse" / "env")

    def command(*arguments: str) -> str:
        done = run_cli(*arguments, cwd=tmp_path, COLUMNS="200")
        assert done.returncode == 0, (done.stdout, done.stderr)
        return done.stdout

    return command


@pytest.fixture
def slack(cloud: DeployedCloud, tmp_path: Path, run: Run) -> Iterator[Slack]:
    """A stand-in that keeps to Slack's rules, and is told by the workspace while the test runs."""
    vendor = Slack()
    secrets = cloud.client("secretsmanager")
    secrets.create_secret(Name=SECRET, SecretString=json.dumps({"token": TOKEN}))
    with serving(vendor):
        (tmp_path / "channels.yaml").write_text(CHANNELS.replace("@API@", vendor.api))
        (tmp_path / "nothing.yaml").write_text(NOTHING)
        (tmp_path / "shipped.yaml").write_text(f"packs: [{', '.join(pack_names())}]\n")
        run("channels", "apply", "channels.yaml")
        yield vendor
        run("alerts", "apply", "shipped.yaml", "--prune")
        run("channels", "apply", "nothing.yaml")
    secrets.delete_secret(SecretId=SECRET, ForceDeleteWithoutRecovery=True)


def test_from_files_to_an_acknowledged_incident(cloud: DeployedCloud, run: Run, slack: Slack, tmp_path: Path) -> None:
    assert run("channels", "test", "talk").startswith("talk: sent: ")
    assert "the channel talk works" in json.dumps(list(slack.messages.values()))
    (tmp_path / "rules.yaml").write_text(RULES)
    assert run("alerts", "lint", "rules.yaml") == "1 rule, no fault\n"
    assert run("alerts", "apply", "rules.yaml") == "added: cli-failures\n"
    report(Api(cloud.api_url, cloud.token), "cli-alerting", "cli-alerting")

    def firing() -> Any:
        found = json.loads(run("alerts", "list", "--rule", "cli-failures", "--json"))["alerts"]
        return next((alert for alert in found if alert["phase"] == "firing" and alert["incident"]), None)

    alert = wait_for(firing)
    assert (alert["value"], alert["severity"]) == (1, "critical")
    incident = alert["incident"]
    wait_for(lambda: "cli-failures" in json.dumps(list(slack.messages.values())))
    assert incident in run("incidents", "list", "--state", "open")
    assert "is acknowledged by" in run("alerts", "ack", incident)
    assert run("incidents", "note", incident, "the prompt").endswith("has 1 note\n")
    wait_for(lambda: "acknowledged" in {one["kind"] for one in json.loads(run("incidents", "show", incident, "--json"))["deliveries"]})
    shown = run("incidents", "show", incident)
    for text in ("cli-failures", "acknowledged by", "the prompt", "talk"):
        assert text in shown
    assert "the prompt" in run("incidents", "postmortem", incident)
    assert "1 page" in run("alerts", "backtest", "cli-failures", "--since", "2h")
    assert "Everything was delivered" in run("channels", "undelivered")
    silence = run("silences", "add", "--match", "rule=cli-failures", "--for", "1h").split()[0]
    assert json.loads(run("alerts", "list", "--json"))["alerts"][0]["silencedBy"] == silence
    run("silences", "remove", silence)
    assert "rules" in run("alerts", "audit")
