from __future__ import annotations

import json
import re
from typing import Any

import pytest

from cdk.components.gateway_responses import PROBLEMS
from functions.api.app import app
from functions.runtime.settings import Settings
from tests.cdk.template import Stage, Template

BY_LINK = "/approve/{link}"
"""Open to who has the link: the one open route that does something."""
PUBLIC = {
    "/",
    "/badge/{badge}",
    "/shared/reports/{link}",
    "/assets/{file}",
    "/healthz",
    "/api/openapi.json",
    "/api/rules/schema.json",
    "/install.sh",
    "/agent/{file}",
    BY_LINK,
}
WAYS_IN = {"/v1/batches": "IngestBatches", "/v1/metrics": "OtlpTake", "/v1/traces": "OtlpTake", "/v1/logs": "OtlpTake"}
"""Routes that bring data, and the function of each."""


def methods(app_stack: Template) -> dict[tuple[str, str], dict[str, Any]]:
    """Every method of the API by its path and verb."""
    resources = app_stack.of("AWS::ApiGateway::Resource")

    def path(reference: Any) -> str:
        if "Ref" not in reference or reference["Ref"] not in resources:
            return ""
        found = resources[reference["Ref"]]
        return f"{path(found['ParentId'])}/{found['PathPart']}"

    found = app_stack.of("AWS::ApiGateway::Method").values()
    return {(path(method["ResourceId"]) or "/", method["HttpMethod"]): method for method in found}


def test_every_route_of_the_app_and_the_ways_in_have_a_method(live: Stage) -> None:
    wanted = {(path, method) for path, by_method in app.routes.items() for method in by_method}
    assert set(methods(live.app)) == wanted | {(path, "POST") for path in WAYS_IN}


def test_each_method_calls_its_function(live: Stage) -> None:
    for (path, _), method in methods(live.app).items():
        function = WAYS_IN.get(path, "ApiRead")
        assert function in json.dumps(method["Integration"]["Uri"]), path
        assert method["Integration"]["Type"] == "AWS_PROXY"


def test_all_but_the_open_routes_want_a_token(live: Stage) -> None:
    authorizer = next(iter(live.app.of("AWS::ApiGateway::Authorizer")))
    for (path, verb), method in methods(live.app).items():
        if path in PUBLIC:
            assert method["AuthorizationType"] == "NONE", path
            assert verb == "GET" or path == BY_LINK, path
        else:
            assert (method["AuthorizationType"], method["AuthorizerId"]) == ("CUSTOM", {"Ref": authorizer}), path
            assert method["ApiKeyRequired"] is True, path


def test_the_gateway_turns_away_what_is_no_token(live: Stage) -> None:
    authorizer = live.app.only("AWS::ApiGateway::Authorizer")
    pattern = authorizer["IdentityValidationExpression"]
    assert re.search(pattern, "Bearer cp_0123456789abc_" + "x" * 43)
    for wrong in ("", "cp_a_b", "Bearer ", "Bearer x_a_b", "Bearer cp_a", "Basic cp_a_b", "Bearer cp_a_b c", "Bearer cp_a_b;"):
        assert not re.search(pattern, wrong), wrong
    assert authorizer["AuthorizerResultTtlInSeconds"] == 60
    assert authorizer["IdentitySource"] == "method.request.header.Authorization"


def test_bodies_pass_as_bytes_and_keys_come_from_the_authorizer(live: Stage) -> None:
    api = live.app.only("AWS::ApiGateway::RestApi")
    assert api["BinaryMediaTypes"] == ["*/*"]
    assert api["ApiKeySourceType"] == "AUTHORIZER"
    assert {"Key": "_custom_id_", "Value": "clawpulse"} in api["Tags"]


def test_no_other_origin_is_let_in(live: Stage) -> None:
    assert not [verb for _, verb in methods(live.app) if verb == "OPTIONS"]
    assert "Access-Control-Allow-Origin" not in json.dumps(live.app.document)


def test_each_workspace_has_a_plan_and_the_key_that_the_authorizer_names(live: Stage) -> None:
    plan, key = live.app.only("AWS::ApiGateway::UsagePlan"), live.app.only("AWS::ApiGateway::ApiKey")
    assert plan["Throttle"] == {"RateLimit": 200, "BurstLimit": 400}
    assert plan["Quota"] == {"Limit": 10_000_000, "Period": "DAY"}
    variables = live.app.named("AWS::Lambda::Function", "AuthorizerAuthorize")["Environment"]["Variables"]
    settings = Settings.from_env({name: str(value) for name, value in variables.items()})
    assert key["Value"] == settings.usage_key("default")
    assert len(key["Value"]) >= 20, "API Gateway wants 20 characters"


def test_two_stages_in_one_account_share_no_key(live: Stage, lean: Stage) -> None:
    assert live.app.only("AWS::ApiGateway::ApiKey")["Value"] != lean.app.only("AWS::ApiGateway::ApiKey")["Value"]


def test_open_routes_cannot_use_up_what_agents_need(live: Stage) -> None:
    default, *of_methods = live.app.only("AWS::ApiGateway::Stage")["MethodSettings"]
    assert (default["ResourcePath"], default["HttpMethod"]) == ("/*", "*")
    assert {setting["ResourcePath"].replace("/~1", "/").replace("~1", "/") for setting in of_methods} == PUBLIC
    for setting in of_methods:
        assert setting["ThrottlingRateLimit"] < default["ThrottlingRateLimit"]
        assert (setting["LoggingLevel"], setting["DataTraceEnabled"]) == ("ERROR", False)


def test_workspaces_have_their_own_limits_and_together_at_most_the_gateways(disposable: Stage) -> None:
    plans = disposable.app.of("AWS::ApiGateway::UsagePlan").values()
    assert {plan["UsagePlanName"]: plan["Throttle"] for plan in plans} == {
        f"clawpulse-lean-{workspace}": {"RateLimit": 6_000, "BurstLimit": 5_000} for workspace in ("acme", "globex")
    }
    (every_route,) = [found for found in disposable.app.only("AWS::ApiGateway::Stage")["MethodSettings"] if found["ResourcePath"] == "/*"]
    assert (every_route["ThrottlingRateLimit"], every_route["ThrottlingBurstLimit"]) == (10_000, 5_000)


def test_access_is_logged_without_what_people_search_for(live: Stage) -> None:
    setting = live.app.only("AWS::ApiGateway::Stage")["AccessLogSetting"]
    entry = json.loads(setting["Format"])
    assert entry["requestId"] == "$context.requestId"
    assert entry["route"] == "$context.resourcePath"
    assert not re.search(r"context\.path|querystring|header", setting["Format"])


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda problem: problem.kind)
def test_the_gateways_own_answers_are_problems(live: Stage, problem: Any) -> None:
    (response,) = [found for found in live.app.of("AWS::ApiGateway::GatewayResponse").values() if found["ResponseType"] == problem.kind]
    body = json.loads(response["ResponseTemplates"]["application/json"])
    assert {"type", "title", "status", "detail"} <= set(body)
    assert response["ResponseParameters"]["gatewayresponse.header.Content-Type"] == "'application/problem+json'"
    if not problem.kind.startswith("DEFAULT"):
        assert response["StatusCode"] == str(body["status"])


def test_they_say_what_to_do() -> None:
    by_kind = {problem.kind: problem for problem in PROBLEMS}
    assert "clawpulse token create" in by_kind["UNAUTHORIZED"].detail
    assert by_kind["MISSING_AUTHENTICATION_TOKEN"].status == 404
    for kind in ("THROTTLED", "QUOTA_EXCEEDED"):
        assert int(by_kind[kind].headers["Retry-After"]) > 0
