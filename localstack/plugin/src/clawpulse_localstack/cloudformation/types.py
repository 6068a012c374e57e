"""The resource types: Timestream databases and tables, token authorizers, CloudWatch dashboards."""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import ClientError
from localstack.services.cloudformation.resource_provider import CloudFormationResourceProviderPlugin, ResourceRequest

from clawpulse_localstack.cloudformation.names import stable_name
from clawpulse_localstack.cloudformation.provider import SimpleProvider, schema

Model = dict[str, Any]


class TimestreamDatabase(SimpleProvider):
    """`AWS::Timestream::Database`. One that exists is taken over: its data outlive a restart, the stack does not."""

    TYPE = "AWS::Timestream::Database"
    SCHEMA = schema(TYPE, identifiers=["DatabaseName"], read_only=["Arn"], create_only=["DatabaseName"])

    def put(self, request: ResourceRequest, model: Model) -> None:
        """Create or take over."""
        model.setdefault("DatabaseName", stable_name(request.stack_name, request.logical_resource_id))
        client = request.aws_client_factory.timestream_write
        try:
            made = client.create_database(**_only(model, "DatabaseName", "KmsKeyId", "Tags"))
        except client.exceptions.ConflictException:
            made = client.describe_database(DatabaseName=model["DatabaseName"])
        model["Arn"] = made["Database"]["Arn"]

    def remove(self, request: ResourceRequest, model: Model) -> None:
        """Delete; AWS, too, refuses while it has tables."""
        request.aws_client_factory.timestream_write.delete_database(DatabaseName=model["DatabaseName"])


class TimestreamTable(SimpleProvider):
    """`AWS::Timestream::Table`."""

    TYPE = "AWS::Timestream::Table"
    SCHEMA = schema(TYPE, identifiers=["DatabaseName", "TableName"], read_only=["Arn", "Name"], create_only=["DatabaseName", "TableName"])
    _CHANGEABLE = ("RetentionProperties", "MagneticStoreWriteProperties", "Schema")

    def put(self, request: ResourceRequest, model: Model) -> None:
        """Create, or change retention, magnetic writes and schema."""
        model.setdefault("TableName", stable_name(request.stack_name, request.logical_resource_id))
        client = request.aws_client_factory.timestream_write
        identity = _only(model, "DatabaseName", "TableName")
        try:
            made = client.create_table(**identity, **_only(model, *self._CHANGEABLE, "Tags"))
        except client.exceptions.ConflictException:
            made = client.update_table(**identity, **_only(model, *self._CHANGEABLE))
        model["Arn"], model["Name"] = made["Table"]["Arn"], model["TableName"]

    def remove(self, request: ResourceRequest, model: Model) -> None:
        """Delete the table with its data."""
        request.aws_client_factory.timestream_write.delete_table(**_only(model, "DatabaseName", "TableName"))


class ApiGatewayAuthorizer(SimpleProvider):
    """`AWS::ApiGateway::Authorizer`."""

    TYPE = "AWS::ApiGateway::Authorizer"
    SCHEMA = schema(TYPE, identifiers=["AuthorizerId"], read_only=["AuthorizerId"], create_only=["RestApiId"])
    _PROPERTIES = (
        "RestApiId",
        "Name",
        "Type",
        "AuthType",
        "AuthorizerUri",
        "AuthorizerCredentials",
        "AuthorizerResultTtlInSeconds",
        "IdentitySource",
        "IdentityValidationExpression",
        "ProviderARNs",
    )

    def put(self, request: ResourceRequest, model: Model) -> None:
        """Create; a change makes a new one, which the deployment that comes with it uses."""
        properties = {name[0].lower() + name[1:]: value for name, value in _only(model, *self._PROPERTIES).items()}
        model["AuthorizerId"] = request.aws_client_factory.apigateway.create_authorizer(**properties)["id"]

    def remove(self, request: ResourceRequest, model: Model) -> None:
        """Delete."""
        request.aws_client_factory.apigateway.delete_authorizer(restApiId=model["RestApiId"], authorizerId=model["AuthorizerId"])


class CloudWatchDashboard(SimpleProvider):
    """`AWS::CloudWatch::Dashboard`."""

    TYPE = "AWS::CloudWatch::Dashboard"
    SCHEMA = schema(TYPE, identifiers=["DashboardName"], read_only=[], create_only=["DashboardName"])

    def put(self, request: ResourceRequest, model: Model) -> None:
        """Create or replace; the body must be JSON, as AWS demands."""
        model.setdefault("DashboardName", stable_name(request.stack_name, request.logical_resource_id))
        body = model["DashboardBody"]
        text = body if isinstance(body, str) else json.dumps(body)
        json.loads(text)
        request.aws_client_factory.cloudwatch.put_dashboard(DashboardName=model["DashboardName"], DashboardBody=text)

    def remove(self, request: ResourceRequest, model: Model) -> None:
        """Delete, if it is still there."""
        try:
            request.aws_client_factory.cloudwatch.delete_dashboards(DashboardNames=[model["DashboardName"]])
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceNotFound":
                raise


def _only(model: Model, *names: str) -> Model:
    return {name: model[name] for name in names if model.get(name) is not None}


class _Plugin(CloudFormationResourceProviderPlugin):  # type: ignore[misc]
    provider: type[SimpleProvider]

    def load(self) -> None:
        """Name the class that LocalStack makes instances of."""
        self.factory = self.provider


class TimestreamDatabasePlugin(_Plugin):
    """Entry point."""

    name, provider = TimestreamDatabase.TYPE, TimestreamDatabase


class TimestreamTablePlugin(_Plugin):
    """Entry point."""

    name, provider = TimestreamTable.TYPE, TimestreamTable


class ApiGatewayAuthorizerPlugin(_Plugin):
    """Entry point."""

    name, provider = ApiGatewayAuthorizer.TYPE, ApiGatewayAuthorizer


class CloudWatchDashboardPlugin(_Plugin):
    """Entry point."""

    name, provider = CloudWatchDashboard.TYPE, CloudWatchDashboard
