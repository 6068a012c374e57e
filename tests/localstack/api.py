"""Builds a REST API with a token authorizer for the tests of the gateway."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.cloud import BareCloud
from tests.localstack.support import Function, fresh, function

STAGE = "live"

BACKEND = """
    import base64, json
    def handler(event, context):
        if event["path"] == "/binary":
            return {"statusCode": 200, "headers": {"Content-Type": "image/png"}, "isBase64Encoded": True,
                    "body": base64.b64encode(bytes(range(256))).decode()}
        if event["path"] == "/broken":
            raise RuntimeError("broken")
        return {"statusCode": 200, "headers": {"Content-Type": "application/json"}, "body": json.dumps(event)}
"""

AUTHORIZER = """
    import os
    def handler(event, context):
        print("asked", event["authorizationToken"])
        word = event["authorizationToken"].split(" ")[-1]
        if word == "unknown":
            raise Exception("Unauthorized")
        if word == "crash":
            raise RuntimeError("the store is away")
        if word == "nonsense":
            return {"principalId": "me"}
        if word == "nested":
            return answer("Allow", event["methodArn"], {"deep": {"er": 1}})
        arn = event["methodArn"] if word == "narrow" else event["methodArn"].split("/")[0] + "/*"
        return answer("Deny" if word == "denied" else "Allow", arn, {"workspace": "w", "number": 7, "flag": True, "type": event["type"]})

    def answer(effect, arn, context):
        statement = {"Action": "execute-api:Invoke", "Effect": effect, "Resource": arn}
        document = {"Version": "2012-10-17", "Statement": [statement]}
        return {"principalId": "me", "policyDocument": document, "context": context, "usageIdentifierKey": os.environ["USAGE_KEY"]}
"""


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Api:
    url: str
    authorizer: Function
    usage_key: str

    def get(self, path: str, token: str | None = None, **options: Any) -> Reply:
        return self.send("GET", path, token, **options)

    def send(
        self, method: str, path: str, token: str | None = None, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Reply:
        sent = {**(headers or {}), **({"Authorization": token} if token else {})}
        request = urllib.request.Request(self.url + path, data=body, headers=sent, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return Reply(answer.status, answer.headers, answer.read())
        except urllib.error.HTTPError as error:
            with error:
                return Reply(error.code, error.headers, error.read())

    def times_asked(self) -> int:
        return self.authorizer.log_file.read_text().count("asked ") if self.authorizer.log_file.exists() else 0


def build(cloud: BareCloud, *, ttl: int, responses: Mapping[str, Mapping[str, Any]] | None = None) -> Api:
    """`/open` for all, `/guarded`, `/other` and the rest behind the authorizer; every body binary."""
    gateway, usage_key = cloud.client("apigateway"), fresh("label-of-the-usage-plan")
    backend, authorizer = function(cloud, BACKEND), function(cloud, AUTHORIZER, env={"USAGE_KEY": usage_key})
    api = gateway.create_rest_api(name=fresh("api"), binaryMediaTypes=["*/*"], apiKeySource="AUTHORIZER")
    uri = "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/{}/invocations"
    guard = gateway.create_authorizer(
        restApiId=api["id"],
        name="token",
        type="TOKEN",
        authorizerUri=uri.format(authorizer.arn),
        identitySource="method.request.header.Authorization",
        identityValidationExpression="^Bearer [a-z]+$",
        authorizerResultTtlInSeconds=ttl,
    )
    for path in ("open", "guarded", "other", "binary", "broken"):
        resource = gateway.create_resource(restApiId=api["id"], parentId=api["rootResourceId"], pathPart=path)["id"]
        method = {"restApiId": api["id"], "resourceId": resource, "httpMethod": "ANY"}
        guarded = path in ("guarded", "other")
        kind = (
            {"authorizationType": "CUSTOM", "authorizerId": guard["id"], "apiKeyRequired": True}
            if guarded
            else {"authorizationType": "NONE"}
        )
        gateway.put_method(**method, **kind)
        gateway.put_integration(**method, type="AWS_PROXY", integrationHttpMethod="POST", uri=uri.format(backend.arn))
    for name, settings in (responses or {}).items():
        gateway.put_gateway_response(restApiId=api["id"], responseType=name, **settings)
    gateway.create_deployment(restApiId=api["id"], stageName=STAGE)
    key = gateway.create_api_key(name=fresh("key"), value=usage_key, enabled=True)["id"]
    plan = gateway.create_usage_plan(name=fresh("plan"), apiStages=[{"apiId": api["id"], "stage": STAGE}])["id"]
    gateway.create_usage_plan_key(usagePlanId=plan, keyId=key, keyType="API_KEY")
    return Api(f"{cloud.endpoint}/_aws/execute-api/{api['id']}/{STAGE}", authorizer, usage_key)
