"""The REST API's token authorizer, its own answers and binary bodies, as on AWS."""

from __future__ import annotations

import base64
import gzip
import time

import pytest

from tests.cloud import BareCloud
from tests.localstack.api import Api, build

pytestmark = pytest.mark.cloud

GOOD = "Bearer good"


@pytest.fixture(scope="module")
def api(localstack: BareCloud) -> Api:
    return build(localstack, ttl=2)


@pytest.fixture(scope="module")
def worded(localstack: BareCloud) -> Api:
    template = '{"title": "No", "detail": "$context.error.message.", "said": $context.error.messageString, "id": "$context.requestId"}'
    problem = {"gatewayresponse.header.Content-Type": "'application/problem+json'", "gatewayresponse.header.WWW-Authenticate": "'Bearer'"}
    responses = {
        "UNAUTHORIZED": {"statusCode": "401", "responseParameters": problem, "responseTemplates": {"application/json": template}},
        "MISSING_AUTHENTICATION_TOKEN": {"statusCode": "404", "responseTemplates": {"application/json": '{"title": "Not Found"}'}},
        "DEFAULT_4XX": {"responseTemplates": {"application/json": '{"title": "Other"}'}},
    }
    return build(localstack, ttl=0, responses=responses)


def test_an_open_route_needs_no_token(api: Api) -> None:
    assert api.get("/open").status == 200


def test_a_good_token_passes_with_the_authorizers_context_as_strings(api: Api) -> None:
    reply = api.get("/guarded", GOOD)
    assert reply.status == 200, reply.body
    seen = reply.json["requestContext"]["authorizer"]
    assert {name: seen[name] for name in ("workspace", "number", "flag", "type", "principalId")} == {
        "workspace": "w",
        "number": "7",
        "flag": "true",
        "type": "TOKEN",
        "principalId": "me",
    }
    assert isinstance(seen["integrationLatency"], int)
    assert reply.json["requestContext"]["identity"]["apiKey"] == api.usage_key


@pytest.mark.parametrize("token", [None, "Basic good", "Bearer GOOD", "Bearer good extra", "Bearer unknown"])
def test_no_token_a_malformed_or_an_unknown_one_is_401(api: Api, token: str | None) -> None:
    reply = api.get("/guarded", token)
    assert (reply.status, reply.json) == (401, {"message": "Unauthorized"})
    assert reply.headers["x-amzn-ErrorType"] == "UnauthorizedException"


def test_a_malformed_token_does_not_reach_the_authorizer(api: Api) -> None:
    before = api.times_asked()
    api.get("/guarded", "Basic good")
    assert api.times_asked() == before


def test_a_deny_is_403_and_tells_so(api: Api) -> None:
    reply = api.get("/guarded", "Bearer denied")
    assert (reply.status, reply.json) == (403, {"Message": "User is not authorized to access this resource with an explicit deny"})
    assert reply.headers["x-amzn-ErrorType"] == "AccessDeniedException"


def test_a_policy_for_one_route_does_not_open_another_while_it_is_remembered(api: Api) -> None:
    assert api.get("/guarded", "Bearer narrow").status == 200
    reply = api.get("/other", "Bearer narrow")
    assert (reply.status, reply.json) == (403, {"Message": "User is not authorized to access this resource"})


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("crash", "AuthorizerFailureException"),
        ("nonsense", "AuthorizerConfigurationException"),
        ("nested", "AuthorizerConfigurationException"),
    ],
)
def test_an_authorizer_that_fails_is_500(api: Api, word: str, kind: str) -> None:
    reply = api.get("/guarded", f"Bearer {word}")
    assert (reply.status, reply.headers["x-amzn-ErrorType"]) == (500, kind)


def test_an_answer_is_remembered_for_its_time(api: Api) -> None:
    started, before = time.monotonic(), api.times_asked()
    for _ in range(5):
        assert api.get("/guarded", "Bearer remembered").status == 200
    if time.monotonic() - started < 2:
        assert api.times_asked() == before + 1
    time.sleep(2.1)
    assert api.get("/guarded", "Bearer remembered").status == 200
    assert api.times_asked() >= before + 2


def test_no_time_to_live_asks_each_time(worded: Api) -> None:
    before = worded.times_asked()
    for _ in range(3):
        assert worded.get("/guarded", GOOD).status == 200
    assert worded.times_asked() == before + 3


def test_a_gateway_response_has_the_templates_status_headers_and_body(worded: Api) -> None:
    reply = worded.get("/guarded")
    assert reply.status == 401
    assert reply.headers["Content-Type"] == "application/problem+json"
    assert reply.headers["WWW-Authenticate"] == "Bearer"
    assert (reply.json["detail"], reply.json["said"]) == ("Unauthorized.", "Unauthorized")
    assert reply.json["id"] == reply.headers["x-amzn-RequestId"]


def test_an_unknown_route_answers_as_the_template_says(api: Api, worded: Api) -> None:
    reply = worded.get("/nowhere")
    assert (reply.status, reply.json) == (404, {"title": "Not Found"})
    assert api.get("/nowhere").json == {"message": "Missing Authentication Token"}


def test_a_default_response_keeps_the_status_of_the_case(worded: Api) -> None:
    reply = worded.get("/guarded", "Bearer denied")
    assert (reply.status, reply.json) == (403, {"title": "Other"})


@pytest.mark.parametrize(
    ("body", "headers"),
    [
        (b'{"a": 1}', {"Content-Type": "application/json"}),
        (b'{"a": "b&c=d"}', {"Content-Type": "application/x-www-form-urlencoded"}),
        (gzip.compress(b"text"), {"Content-Type": "application/json", "Content-Encoding": "gzip"}),
        (bytes(range(256)), {"Content-Type": "application/octet-stream"}),
    ],
)
def test_a_body_arrives_as_the_bytes_that_were_sent(api: Api, body: bytes, headers: dict[str, str]) -> None:
    event = api.send("POST", "/open", body=body, headers=headers).json
    assert event["isBase64Encoded"] is True
    assert base64.b64decode(event["body"]) == body
    assert {name: event["headers"].get(name) for name in headers} == headers


def test_a_page_from_here_may_write(api: Api) -> None:
    origin = "/".join(api.url.split("/")[:3])
    assert api.send("POST", "/open", body=b"{}", headers={"Origin": origin}).status == 200


def test_a_request_without_a_body_has_none(api: Api) -> None:
    event = api.get("/open").json
    assert (event["body"], event["isBase64Encoded"]) == (None, False)


def test_a_binary_answer_arrives_as_bytes_whatever_the_client_accepts(api: Api) -> None:
    for headers in ({}, {"Accept": "text/html"}):
        reply = api.get("/binary", headers=headers)
        assert (reply.body, reply.headers["Content-Type"]) == (bytes(range(256)), "image/png")


def test_a_function_that_fails_is_502(api: Api) -> None:
    reply = api.get("/broken")
    assert (reply.status, reply.json) == (502, {"message": "Internal server error"})
