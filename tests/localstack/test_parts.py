"""The local cloud's pure parts, without a cloud."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from clawpulse_local import archives, localstack, locks, logs, ports, processes, tied
from clawpulse_local.access import Access
from clawpulse_local.errors import LocalCloudError
from clawpulse_local.processes import Daemon
from clawpulse_local.settings import LocalSettings
from clawpulse_localstack.config import function_variables
from clawpulse_localstack.dynamodb.writes import plain, touched
from clawpulse_localstack.gateway import policy
from clawpulse_localstack.gateway.policy import InvalidAnswer, Verdict
from clawpulse_localstack.persistence.store import Store, StoredObject
from tests.localstack.support import eventually

METHOD = "arn:aws:execute-api:us-east-1:000000000000:api/live/GET/api/agents/a?b"


def _document(*statements: tuple[str, str]) -> dict[str, object]:
    return {"Statement": [{"Action": "execute-api:Invoke", "Effect": effect, "Resource": resource} for effect, resource in statements]}


@pytest.mark.parametrize(
    ("statements", "verdict"),
    [
        ([("Allow", METHOD)], Verdict.ALLOW),
        ([("Allow", "*")], Verdict.ALLOW),
        ([("Allow", "arn:aws:execute-api:*:*:api/live/GET/*")], Verdict.ALLOW),
        ([("Allow", "arn:aws:execute-api:us-east-1:000000000000:api/live/POST/*")], Verdict.NOT_ALLOWED),
        ([("Allow", "*"), ("Deny", "*/live/GET/api/*")], Verdict.EXPLICIT_DENY),
        ([("Allow", METHOD.replace("a?b", "a.b"))], Verdict.NOT_ALLOWED),
        ([("Allow", METHOD.replace("agents", "agent?"))], Verdict.ALLOW),
    ],
)
def test_a_policy_decides_as_on_aws(statements: list[tuple[str, str]], verdict: Verdict) -> None:
    assert policy.decide(_document(*statements), METHOD) is verdict


def test_other_actions_decide_nothing() -> None:
    statement = {"Action": ["s3:*", "execute-api:ManageConnections"], "Effect": "Allow", "Resource": "*"}
    assert policy.decide({"Statement": statement}, METHOD) is Verdict.NOT_ALLOWED
    assert policy.decide({"Statement": {**statement, "Action": "execute-api:*"}}, METHOD) is Verdict.ALLOW


@pytest.mark.parametrize(
    "answer",
    [
        None,
        "allow",
        {"policyDocument": _document(("Allow", "*"))},
        {"principalId": "me"},
        {"principalId": "me", "policyDocument": {}},
        {"principalId": "me", "policyDocument": _document(("Allow", "*")), "context": {"list": [1]}},
    ],
)
def test_an_answer_that_aws_would_refuse_is_refused(answer: object) -> None:
    with pytest.raises(InvalidAnswer):
        policy.validate(answer)


def test_writes_name_their_items() -> None:
    arn, key, item = "arn:aws:dynamodb:us-east-1:0:table/t", {"p": {"S": "1"}}, {"p": {"S": "2"}, "x": {"N": "1"}}
    transaction = [
        {"Put": {"TableName": "t", "Item": item}},
        {"Delete": {"TableName": arn, "Key": key}},
        {"ConditionCheck": {"TableName": "t"}},
    ]
    assert list(touched("PutItem", {"TableName": arn, "Item": item})) == [("t", item)]
    assert list(touched("UpdateItem", {"TableName": "t", "Key": key})) == [("t", key)]
    assert list(touched("TransactWriteItems", {"TransactItems": transaction})) == [("t", item), ("t", key)]
    batch = {"t": [{"PutRequest": {"Item": item}}, {"DeleteRequest": {"Key": key}}]}
    assert list(touched("BatchWriteItem", {"RequestItems": batch})) == [("t", item), ("t", key)]
    assert list(touched("Query", {"TableName": "t"})) == []
    assert plain({"B": b"\xff"}) == {"B": "/w=="}


def test_a_store_keeps_items_and_objects(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "cloud.sqlite"
    store = Store(path)
    store.put_items([("t", "1", {"p": {"S": "1"}}), ("t", "2", {"p": {"S": "2"}}), ("u", "1", {"p": {"S": "3"}})])
    store.put_items([("t", "1", None), ("t", "2", {"p": {"S": "changed"}})])
    store.put_objects("b", [StoredObject("b", "k", "etag", {"ContentType": "text/html"}, b"<p>")], [])
    store.close()
    again = Store(path)
    assert {name: list(again.items(name)) for name in again.tables()} == {"t": [{"p": {"S": "changed"}}], "u": [{"p": {"S": "3"}}]}
    assert list(again.objects()) == [StoredObject("b", "k", "etag", {"ContentType": "text/html"}, b"<p>")]
    again.put_objects("b", [], ["k"])
    again.forget_table("u")
    assert (again.etags("b"), again.tables()) == ({}, ["t"])
    again.close()


def test_a_snapshot_is_all_or_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path / "cloud.sqlite")
    with pytest.raises(TypeError):
        store.put_items([("t", "1", {"p": {"S": "1"}}), ("t", "2", {"not": object()})])
    assert store.tables() == []
    store.close()


def test_the_same_folder_makes_the_same_archive(tmp_path: Path) -> None:
    (tmp_path / "code" / "deep").mkdir(parents=True)
    (tmp_path / "code" / "deep" / "module.py").write_text("X = 1")
    archives.zip_folder(tmp_path / "code", tmp_path / "one.zip")
    os.utime(tmp_path / "code" / "deep" / "module.py", (1, 1))
    archives.zip_folder(tmp_path / "code", tmp_path / "two.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()


def test_settings_come_from_options_then_environment(tmp_path: Path) -> None:
    env = {"CLAWPULSE_LOCAL_STATE": str(tmp_path), "CLAWPULSE_LOCAL_PORT": "5000", "CLAWPULSE_LOCAL_VAULT_PORT": ""}
    settings = LocalSettings.from_env(env, port=6000)
    assert (settings.state, settings.port, settings.vault_port) == (tmp_path, 6000, 8200)
    with pytest.raises(LocalCloudError, match="CLAWPULSE_LOCAL_PORT must be a port"):
        LocalSettings.from_env({"CLAWPULSE_LOCAL_PORT": "70000"})


def test_functions_are_told_of_a_vault_where_there_is_one(tmp_path: Path) -> None:
    settings = LocalSettings(state=tmp_path, vault_port=8300)
    with_vault = function_variables(localstack.environment(settings, {}, vault_token="s.1"))
    assert with_vault == function_variables({}) | {"CLAWPULSE_VAULT_ADDRESS": "http://127.0.0.1:8300", "VAULT_TOKEN": "s.1"}
    assert function_variables(localstack.environment(settings, {})) == function_variables({})


def test_free_ports_are_free_and_distinct() -> None:
    found = ports.free_ports(5)
    assert len(set(found)) == 5
    assert all(map(ports.is_free, found))


def test_one_command_at_a_time(tmp_path: Path) -> None:
    with (
        locks.exclusive(tmp_path / "lock", patience=0, busy="busy"),
        pytest.raises(LocalCloudError, match=r"^busy$"),
        locks.exclusive(tmp_path / "lock", patience=0.2, busy="busy"),
    ):
        pass
    with locks.exclusive(tmp_path / "lock", patience=0, busy="busy"):
        pass


def test_a_process_that_ignores_the_polite_signal_is_killed(tmp_path: Path) -> None:
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    daemon = processes.spawn(
        [sys.executable, "-c", stubborn], env={}, folder=tmp_path, log=tmp_path / "log.log", pid_file=tmp_path / "pid", tie=False
    )
    eventually(lambda: "deaf" in processes.log_end(tmp_path / "log.log"))
    assert processes.read(tmp_path / "pid") == daemon
    assert (tmp_path / "pid").stat().st_mode & 0o777 == 0o600
    assert processes.stop(daemon, patience=0.2) is False
    assert not daemon.running


def test_a_daemon_is_its_pid_and_its_start() -> None:
    assert Daemon(os.getpid(), processes.start_time(os.getpid()) or "").running
    assert not Daemon(os.getpid(), "another:1").running


def test_a_tied_process_ends_with_its_parent() -> None:
    command = f"[sys.executable, '-S', {tied.__file__!r}, str(os.getpid()), '/bin/sleep', '60']"
    parent = f"import subprocess, os, sys, time; print(subprocess.Popen({command}).pid, flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        eventually(lambda: b"sleep" in Path(f"/proc/{child}/cmdline").read_bytes())
        process.kill()
    eventually(lambda: processes.start_time(child) is None)


def test_an_interrupted_tool_takes_what_it_started_along(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    script = f"sleep 60 & echo $! > {note}; wait"
    with pytest.raises(subprocess.TimeoutExpired):
        processes.run(["/bin/sh", "-c", script], timeout=0.5)
    eventually(lambda: processes.start_time(int(note.read_text())) is None)


def test_logs_are_found_by_a_part_of_their_name(tmp_path: Path) -> None:
    (tmp_path / "functions").mkdir()
    (tmp_path / "localstack.log").write_text("a\nb\nc\n")
    (tmp_path / "functions" / "clawpulse-live-app-Ingest.log").write_text("x\n")
    assert [path.stem for path in logs.find(tmp_path, "ingest")] == ["clawpulse-live-app-Ingest"]
    assert logs.tail(tmp_path / "localstack.log", 2) == ["b", "c"]
    with pytest.raises(LocalCloudError, match=r"no log has 'nope' in its name; there are: .*localstack"):
        logs.find(tmp_path, "nope")


def test_following_shows_whole_new_lines(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_text("old\n")
    lines = logs.follow([path])
    import threading

    found: list[str] = []
    threading.Thread(target=lambda: found.extend(line for _, line in lines), daemon=True).start()
    time.sleep(0.4)
    with path.open("a") as file:
        file.write("ne")
        file.flush()
        time.sleep(0.4)
        assert found == []
        file.write("w\n")
    eventually(lambda: found == ["new"])


def test_the_env_file_is_private_and_quoted(tmp_path: Path) -> None:
    access = Access(api_url="http://x/y z", token="cp_a_b", endpoint="http://x", vault_url="", vault_token="")
    access.write(tmp_path / "env")
    assert (tmp_path / "env").stat().st_mode & 0o777 == 0o600
    script = f'. {tmp_path / "env"} && printf \'%s|%s|%s\' "$CLAWPULSE_URL" "$CLAWPULSE_TOKEN" "${{VAULT_ADDR:-none}}"'
    shown = subprocess.run(["/bin/sh", "-c", script], env={}, capture_output=True, text=True, check=True)
    assert shown.stdout == "http://x/y z|cp_a_b|none"
    assert "cp_a_b" not in repr(access)


def test_a_damaged_pid_file_is_no_process(tmp_path: Path) -> None:
    for content in ("", "{}", "12", json.dumps({"pid": 1})):
        (tmp_path / "pid").write_text(content)
        assert processes.read(tmp_path / "pid") is None
