"""Lambda functions as local processes: they start, fail and end as on AWS."""

from __future__ import annotations

import os
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.cloud import BareCloud
from tests.localstack.support import eventually, fresh, function, zipped

pytestmark = pytest.mark.cloud

ECHO = """
    import os
    print("loaded")
    def handler(event, context):
        print("called", context.aws_request_id)
        return {"event": event, "pid": os.getpid()}
"""


def _runs(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_a_process_serves_many_invocations(localstack: BareCloud) -> None:
    echo = function(localstack, ECHO)
    first, second = echo.invoke({"n": 1}), echo.invoke({"n": 2})
    assert (first.payload["event"], second.payload["event"]) == ({"n": 1}, {"n": 2})
    assert first.payload["pid"] == second.payload["pid"]
    assert "loaded" in first.log
    assert "loaded" not in second.log


def test_invocations_at_once_get_processes_of_their_own(localstack: BareCloud) -> None:
    slow = function(localstack, "import os, time\ndef handler(event, context):\n    time.sleep(0.5)\n    return os.getpid()")
    with ThreadPoolExecutor(3) as pool:
        pids = [answer.payload for answer in pool.map(slow.invoke, range(3))]
    assert len(set(pids)) == 3


def test_the_log_shows_start_output_end_and_report(localstack: BareCloud) -> None:
    echo = function(localstack, ECHO)
    log = echo.invoke().log
    kinds = [line.split(" ")[0] for line in log.splitlines()]
    assert kinds == ["START", "loaded", "called", "END", "REPORT"]
    assert echo.log_file.read_text() == log


def test_logs_reach_cloudwatch(localstack: BareCloud) -> None:
    echo = function(localstack, ECHO)
    echo.invoke()
    logs = localstack.client("logs")

    def messages() -> list[str]:
        found = logs.describe_log_groups(logGroupNamePrefix=f"/aws/lambda/{echo.name}")["logGroups"]
        return [event["message"] for group in found for event in logs.filter_log_events(logGroupName=group["logGroupName"])["events"]]

    assert any(message.startswith("called") for message in eventually(messages))


def test_an_exception_is_an_error_with_type_and_message(localstack: BareCloud) -> None:
    failing = function(localstack, "def handler(event, context):\n    raise ValueError('no such thing')")
    answer = failing.invoke()
    assert answer.failed
    assert (answer.payload["errorType"], answer.payload["errorMessage"]) == ("ValueError", "no such thing")


def test_a_timeout_ends_the_process_and_the_next_invocation_gets_a_new_one(localstack: BareCloud) -> None:
    source = """
        import os, time
        def handler(event, context):
            print("sleeping", flush=True)
            time.sleep(event)
            return os.getpid()
    """
    sleeper = function(localstack, source, timeout=1)
    before = sleeper.invoke(0).payload
    started = time.monotonic()
    answer = sleeper.invoke(30)
    assert time.monotonic() - started < 5
    assert answer.failed
    assert answer.payload["errorType"] == "Sandbox.Timedout"
    assert answer.payload["errorMessage"].endswith("Error: Task timed out after 1.00 seconds")
    assert "sleeping" in answer.log
    assert "Task timed out after 1.00 seconds" in answer.log
    assert not _runs(before)
    assert sleeper.invoke(0).payload != before


def test_what_a_function_started_ends_with_it(localstack: BareCloud) -> None:
    source = """
        import subprocess, time
        def handler(event, context):
            if event == "start":
                return subprocess.Popen(["sleep", "60"]).pid
            time.sleep(60)
    """
    parent = function(localstack, source, timeout=1)
    child = parent.invoke("start").payload
    assert _runs(child)
    parent.invoke("hang")
    eventually(lambda: not _runs(child))


@pytest.mark.parametrize(("code", "words"), [("os._exit(7)", "exit status 7"), ("os.kill(os.getpid(), 9)", "signal: killed")])
def test_a_crash_is_an_exit_error(localstack: BareCloud, code: str, words: str) -> None:
    crashing = function(localstack, f"import os\ndef handler(event, context):\n    if event:\n        {code}\n    return 'well'")
    answer = crashing.invoke(True)
    assert answer.failed
    assert answer.payload["errorType"] == "Runtime.ExitError"
    assert answer.payload["errorMessage"].endswith(f"Error: Runtime exited with error: {words}")
    assert crashing.invoke(False).payload == "well"


def test_a_module_that_cannot_be_imported_says_why(localstack: BareCloud) -> None:
    broken = function(localstack, "import nowhere_to_be_found")
    answer = broken.invoke()
    assert answer.failed
    assert answer.payload["errorType"] == "Runtime.ImportModuleError"
    assert "nowhere_to_be_found" in answer.payload["errorMessage"]
    assert "nowhere_to_be_found" in broken.log_file.read_text()


def test_a_process_that_ends_while_it_loads_is_an_exit_error(localstack: BareCloud) -> None:
    answer = function(localstack, "import os\nos._exit(3)").invoke()
    assert answer.failed
    assert answer.payload["errorType"] == "Runtime.ExitError"
    assert "exit status 3" in answer.payload["errorMessage"]


def test_an_answer_that_is_too_large_is_refused(localstack: BareCloud) -> None:
    answer = function(localstack, "def handler(event, context):\n    return 'x' * 7_000_000").invoke()
    assert answer.failed
    assert answer.payload["errorType"] == "Function.ResponseSizeTooLarge"


def test_a_function_sees_its_code_its_layers_and_the_runtime_only(localstack: BareCloud) -> None:
    content = zipped({"python/from_layer.py": "WORD = 'layer'"})
    layer = localstack.client("lambda").publish_layer_version(LayerName=fresh("layer"), Content={"ZipFile": content})
    source = """
        import importlib.util, os, sys
        import boto3, from_layer
        def handler(event, context):
            found = [name for name in event if importlib.util.find_spec(name)]
            return {"found": found, "path": sys.path, "env": dict(os.environ), "layer": from_layer.WORD, "cwd": os.getcwd()}
    """
    env = {"MINE": "1"}
    seen = function(localstack, source, layers=[layer["LayerVersionArn"]], env=env).invoke(
        ["boto3", "localstack", "clawpulse_localstack", "moto", "pydantic", "pytest", "pip", "functions"]
    )
    assert not seen.failed, seen.payload
    assert seen.payload["found"] == ["boto3"]
    assert seen.payload["layer"] == "layer"
    assert not [place for place in seen.payload["path"] if "site-packages" in place]
    assert seen.payload["env"]["MINE"] == "1"
    ours = {name: value for name, value in seen.payload["env"].items() if name.startswith(("CLAWPULSE_", "GATEWAY_", "HOME"))}
    vault = localstack.local.settings.vault_url
    assert ours == {"CLAWPULSE_PRIVATE_ADDRESSES": "yes", "CLAWPULSE_VAULT_ADDRESS": vault}, "webhooks and Vault are on this machine"
    assert seen.payload["env"]["LAMBDA_TASK_ROOT"] == seen.payload["cwd"]


def test_functions_reach_the_local_cloud_without_being_told(localstack: BareCloud) -> None:
    source = "import boto3\ndef handler(event, context):\n    return boto3.client('sts').get_caller_identity()['Account']"
    assert function(localstack, source).invoke().payload == "000000000000"


def test_the_second_start_does_not_compile_again(localstack: BareCloud) -> None:
    source = """
        import os
        import helper
        def handler(event, context):
            if event:
                os._exit(1)
            return {"cached": helper.__cached__, "exists": os.path.exists(helper.__cached__), "pid": os.getpid()}
    """
    client, name = localstack.client("lambda"), fresh("fn")
    code = {"ZipFile": zipped({"module.py": source, "helper.py": "X = 1"})}
    role = "arn:aws:iam::000000000000:role/test"
    client.create_function(FunctionName=name, Runtime="python3.13", Handler="module.handler", Role=role, Code=code)
    client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.1, "MaxAttempts": 100})
    from tests.localstack.support import Function

    cached = Function(localstack, name, "")
    first = cached.invoke(False).payload
    assert first["exists"]
    written = os.stat(first["cached"]).st_mtime_ns
    cached.invoke(True)
    second = cached.invoke(False).payload
    assert second["pid"] != first["pid"]
    assert second["cached"] == first["cached"]
    assert os.stat(second["cached"]).st_mtime_ns == written


def test_messages_reach_a_function_soon_also_delayed_ones(localstack: BareCloud) -> None:
    sqs, lambda_ = localstack.client("sqs"), localstack.client("lambda")
    taker = function(localstack, "def handler(event, context):\n    print('took', [record['body'] for record in event['Records']])")
    url = sqs.create_queue(QueueName=fresh("queue"))["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    mapping = lambda_.create_event_source_mapping(FunctionName=taker.name, EventSourceArn=arn, BatchSize=1)["UUID"]
    eventually(lambda: lambda_.get_event_source_mapping(UUID=mapping)["State"] == "Enabled")
    started = time.monotonic()
    sqs.send_message(QueueUrl=url, MessageBody="late", DelaySeconds=2)
    sqs.send_message(QueueUrl=url, MessageBody="now")
    eventually(lambda: taker.log_file.exists() and "took ['now']" in taker.log_file.read_text(), seconds=5)
    assert "took ['late']" not in taker.log_file.read_text()
    eventually(lambda: "took ['late']" in taker.log_file.read_text(), seconds=8)
    assert time.monotonic() - started >= 2
    lambda_.delete_event_source_mapping(UUID=mapping)


def test_a_rule_of_one_minute_runs_a_function(localstack: BareCloud) -> None:
    """Only that the rule is armed with the function: a minute of waiting is left to the end-to-end tests."""
    events = localstack.client("events")
    target, name = function(localstack, ECHO), fresh("rule")
    events.put_rule(Name=name, ScheduleExpression="rate(1 minute)")
    events.put_targets(Rule=name, Targets=[{"Id": "1", "Arn": target.arn}])
    assert [found["Arn"] for found in events.list_targets_by_rule(Rule=name)["Targets"]] == [target.arn]
    events.remove_targets(Rule=name, Ids=["1"])
    events.delete_rule(Name=name)


def test_functions_reach_the_vault_beside_the_cloud_and_its_token_is_in_no_configuration(localstack: BareCloud) -> None:
    asks = """
        import json, os, urllib.request
        def handler(event, context):
            token = {"X-Vault-Token": os.environ["VAULT_TOKEN"]}
            url = os.environ["CLAWPULSE_VAULT_ADDRESS"] + "/v1/sys/internal/ui/mounts/secret"
            with urllib.request.urlopen(urllib.request.Request(url, headers=token), timeout=5) as answer:
                return json.load(answer)["data"]["options"]
    """
    asker = function(localstack, asks, env={"KNOWN": "yes"})
    assert asker.invoke().payload == {"version": "2"}
    told = localstack.client("lambda").get_function_configuration(FunctionName=asker.name)
    assert told["Environment"]["Variables"] == {"KNOWN": "yes"}
