"""Tokens: the authorizer that turns one into a workspace and scopes, and the function that makes the first one."""

from __future__ import annotations

from aws_cdk import Duration
from aws_cdk import aws_apigateway as apigateway
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from cdk.components import grants
from cdk.components.function import Function, Runtime

TOKEN_PATTERN = r"^Bearer cp_[A-Za-z0-9]+_[A-Za-z0-9]+$"  # noqa: S105
"""Anything else is answered 401 by the gateway, without running code."""
REMEMBERED = Duration.seconds(60)
"""How long the gateway reuses an answer: a revoked token works this much longer at most."""


class Authorizer(Construct):
    """The token authorizer and the bootstrap function."""

    def __init__(self, scope: Construct, *, runtime: Runtime, tokens: dynamodb.Table) -> None:
        super().__init__(scope, "Authorizer")
        self.authorize = Function(
            self,
            "Authorize",
            runtime=runtime,
            handler="functions.authorizer.handler.handler",
            description="Turns a bearer token into a workspace and scopes",
            memory_mb=512,
            timeout=Duration.seconds(5),
            can=[grants.table(tokens, "GetItem")],
        )
        # Nothing invokes it but a person with the right to, see cdk/README.md.
        self.bootstrap = Function(
            self,
            "Bootstrap",
            runtime=runtime,
            handler="functions.authorizer.bootstrap.handler",
            description="Makes a workspace's first admin token",
            memory_mb=512,
            timeout=Duration.seconds(10),
            can=[grants.table(tokens, "PutItem")],
        )
        self.authorizer = apigateway.TokenAuthorizer(
            self,
            "Token",
            handler=self.authorize.function,
            identity_source=apigateway.IdentitySource.header("Authorization"),
            validation_regex=TOKEN_PATTERN,
            results_cache_ttl=REMEMBERED,
        )
