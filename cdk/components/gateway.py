"""The REST API: usage plans, throttling, access logs; features connect their routes to it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from aws_cdk import CfnOutput, RemovalPolicy, Tags
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_iam as iam
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_logs as logs
from constructs import Construct

from cdk.components.gateway_responses import add_gateway_responses
from cdk.components.nag import acknowledge
from cdk.settings import MAX_BURST, MAX_RATE, Limits, StageSettings

LOCAL_ID = "clawpulse"
"""The local cloud takes the API's id from a tag, so that its URL stays the same; AWS sees a tag like any other."""
PUBLIC_LIMITS = Limits(rate=50, burst=100)
"""For each open route, so that strangers cannot use up what agents need."""
ACCESS_LOG = {
    "time": "$context.requestTimeEpoch",
    "requestId": "$context.requestId",
    "ip": "$context.identity.sourceIp",
    "method": "$context.httpMethod",
    # The pattern, not the path and its query: what people search for is theirs.
    "route": "$context.resourcePath",
    "status": "$context.status",
    "bytes": "$context.responseLength",
    "ms": "$context.responseLatency",
    "functionMs": "$context.integrationLatency",
    "workspace": "$context.authorizer.workspace",
    "tokenId": "$context.authorizer.tokenId",
    "error": "$context.error.responseType",
}
_LOG_POLICY = "service-role/AmazonAPIGatewayPushToCloudWatchLogs"


@dataclass(frozen=True, slots=True, order=True, kw_only=True)
class Route:
    """One method of one path."""

    path: str
    method: str
    public: bool = False
    """Whether it needs no token."""


class Gateway(Construct):
    """The API, its log and its usage plans; `rest_api` is CDK's."""

    def __init__(
        self,
        scope: Construct,
        *,
        settings: StageSettings,
        usage_keys: Mapping[str, str],
        authorizer: apigateway.IAuthorizer,
        log_retention: logs.RetentionDays,
    ) -> None:
        """`usage_keys`: for each workspace the API key that its requests count on."""
        super().__init__(scope, "Gateway")
        self._authorizer = authorizer
        log_group = logs.LogGroup(self, "AccessLog", retention=log_retention, removal_policy=RemovalPolicy.DESTROY)
        self.rest_api = self._rest_api(settings, log_group)
        if settings.gateway_log_role:
            self.rest_api.deployment_stage.node.add_dependency(self._log_account())
        add_gateway_responses(self.rest_api)
        for workspace, limits in settings.workspaces.items():
            self._usage_plan(workspace, limits, usage_keys[workspace])
        CfnOutput(self, "Url", value=self.rest_api.url).override_logical_id("ApiUrl")

    def connect(self, routes: Iterable[Route], function: lambda_.IFunction) -> None:
        """Let a function answer these routes."""
        # One permission for all methods: one each would outgrow the size that a function's policy may have.
        integration = apigateway.LambdaIntegration(function, proxy=True, scope_permission_to_method=False)
        for route in routes:
            if route.public:
                self._open(route, integration)
            else:
                self._guarded(route, integration)

    def _open(self, route: Route, integration: apigateway.Integration) -> None:
        resource = self.rest_api.root.resource_for_path(route.path)
        method = resource.add_method(route.method, integration, authorization_type=apigateway.AuthorizationType.NONE)
        reason = "Open to everyone: it tells nothing about a workspace, except to who has a link with a secret that is made for it."
        acknowledge(method, {"AwsSolutions-APIG4": reason, "AwsSolutions-COG4": reason})
        self._throttle(route, PUBLIC_LIMITS)

    def _guarded(self, route: Route, integration: apigateway.Integration) -> None:
        resource = self.rest_api.root.resource_for_path(route.path)
        method = resource.add_method(route.method, integration, authorizer=self._authorizer, api_key_required=True)
        reason = "Agents and people carry tokens of our own, checked by the token authorizer; there are no Cognito users."
        acknowledge(method, {"AwsSolutions-COG4": reason})

    def _throttle(self, route: Route, limits: Limits) -> None:
        stage = self.rest_api.deployment_stage.node.default_child
        assert isinstance(stage, apigateway.CfnStage)  # noqa: S101
        # Settings of one method do not inherit from the stage's: the log level is said again.
        setting = {
            "ResourcePath": "/" + route.path.replace("/", "~1"),
            "HttpMethod": route.method,
            "LoggingLevel": "ERROR",
            "DataTraceEnabled": False,
            "ThrottlingRateLimit": limits.rate,
            "ThrottlingBurstLimit": limits.burst,
        }
        self._settings_of_methods += 1
        stage.add_property_override(f"MethodSettings.{self._settings_of_methods}", setting)

    def _rest_api(self, settings: StageSettings, log_group: logs.LogGroup) -> apigateway.RestApi:
        self._settings_of_methods = 0
        total = _total(settings.workspaces)
        rest_api = apigateway.RestApi(
            self,
            "RestApi",
            rest_api_name=f"clawpulse-{settings.name}",
            description="ClawPulse",
            endpoint_types=[apigateway.EndpointType.REGIONAL],
            api_key_source_type=apigateway.ApiKeySourceType.AUTHORIZER,
            # Every body reaches the function as the bytes that were sent: gzip stays gzip.
            binary_media_types=["*/*"],
            cloud_watch_role=False,
            deploy_options=apigateway.StageOptions(
                stage_name=settings.name,
                throttling_rate_limit=total.rate,
                throttling_burst_limit=total.burst,
                logging_level=apigateway.MethodLoggingLevel.ERROR,
                data_trace_enabled=False,
                access_log_destination=apigateway.LogGroupLogDestination(log_group),
                access_log_format=apigateway.AccessLogFormat.custom(json.dumps(ACCESS_LOG)),
            ),
        )
        # CDK's own output of the URL, under a name that changes with the construct's: ours is `ApiUrl`.
        rest_api.node.try_remove_child("Endpoint")
        Tags.of(rest_api).add("_custom_id_", LOCAL_ID, include_resource_types=["AWS::ApiGateway::RestApi"])
        acknowledge(
            rest_api,
            {
                "AwsSolutions-APIG2": "The functions validate: they name the wrong field, and keep the good points of a batch.",
                "AwsSolutions-APIG3": "A web ACL costs more than a small fleet; throttling, quotas and tokens bound everyone.",
            },
        )
        return rest_api

    def _log_account(self) -> apigateway.CfnAccount:
        role = iam.Role(
            self,
            "LogRole",
            assumed_by=iam.ServicePrincipal("apigateway.amazonaws.com"),
            managed_policies=[iam.ManagedPolicy.from_aws_managed_policy_name(_LOG_POLICY)],
        )
        finding = f"AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/{_LOG_POLICY}]"
        acknowledge(role, {finding: "The policy that API Gateway asks for; it writes to log groups that it names itself."})
        account = apigateway.CfnAccount(self, "Account", cloud_watch_role_arn=role.role_arn)
        # The setting belongs to the whole account and region: other APIs may use it by the time that this stack goes.
        role.apply_removal_policy(RemovalPolicy.RETAIN)
        account.apply_removal_policy(RemovalPolicy.RETAIN)
        return account

    def _usage_plan(self, workspace: str, limits: Limits, key: str) -> None:
        plan = self.rest_api.add_usage_plan(
            f"Plan-{workspace}",
            name=f"{self.rest_api.rest_api_name}-{workspace}",
            description=f"Workspace {workspace}",
            api_stages=[apigateway.UsagePlanPerApiStage(api=self.rest_api, stage=self.rest_api.deployment_stage)],
            throttle=apigateway.ThrottleSettings(rate_limit=limits.rate, burst_limit=limits.burst),
            quota=apigateway.QuotaSettings(limit=limits.quota_per_day, period=apigateway.Period.DAY),
        )
        plan.add_api_key(apigateway.ApiKey(self, f"Key-{workspace}", value=key, description=f"Label of workspace {workspace}, no secret"))


def _total(workspaces: Mapping[str, Limits]) -> Limits:
    """What a route takes of all workspaces together: the sum, so that one workspace's crowd leaves the others their share."""
    rate, burst = (sum(getattr(limits, name) for limits in workspaces.values()) for name in ("rate", "burst"))
    return Limits(rate=min(rate, MAX_RATE), burst=min(burst, MAX_BURST))
