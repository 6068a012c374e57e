"""The page at the edge: its files in a private bucket behind CloudFront, with the API under the same name.

The API serves the page too; this is for stages that want it near their people, compressed, and at an address without a stage in it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import cast

from aws_cdk import Aws, CfnElement, CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_cloudfront as cloudfront
from aws_cdk import aws_cloudfront_origins as origins
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_s3_deployment as deployment
from constructs import Construct, IConstruct

from cdk.components.gateway import Gateway
from cdk.components.nag import acknowledge
from cdk.data_stack import DataStack
from functions.api.page import INDEX, SECURITY

ASSETS = "assets"
HASHED = ("*-????????.js", "*-????????.css")
"""Files that never change; `functions/api/page.py` knows them by the same names."""
UPLOADER = "Custom::CDKBucketDeployment"
"""How the id of the CDK's function begins that copies files into buckets."""

_FOREVER = [deployment.CacheControl.set_public(), deployment.CacheControl.max_age(Duration.days(365)), deployment.CacheControl.immutable()]
_ASK_AGAIN = [deployment.CacheControl.set_public(), deployment.CacheControl.no_cache()]


class Dashboard(Construct):
    """The bucket with the page's files, and the distribution."""

    def __init__(self, scope: Construct, *, data: DataStack, gateway: Gateway, page: Path, log_retention: logs.RetentionDays) -> None:
        """`page`: the bundled files. The gateway's routes must be connected before."""
        super().__init__(scope, "Dashboard")
        self._bucket = self._files(data)
        self._headers = self._security()
        distribution = self._distribution(gateway)
        self._upload(page, log_retention)
        CfnOutput(self, "Url", value=f"https://{distribution.distribution_domain_name}/").override_logical_id("DashboardUrl")

    def _files(self, data: DataStack) -> s3.Bucket:
        return s3.Bucket(
            self,
            "Files",
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            server_access_logs_bucket=data.access_logs,
            server_access_logs_prefix="dashboard/",
            # Everything in it comes from the bundle.
            removal_policy=RemovalPolicy.DESTROY,
        )

    def _security(self) -> cloudfront.ResponseHeadersPolicy:
        """The headers that the API sends with the page."""
        return cloudfront.ResponseHeadersPolicy(
            self,
            "Headers",
            comment="The page's Content-Security-Policy and its like",
            security_headers_behavior=cloudfront.ResponseSecurityHeadersBehavior(
                content_security_policy=cloudfront.ResponseHeadersContentSecurityPolicy(
                    content_security_policy=SECURITY["Content-Security-Policy"], override=True
                ),
                content_type_options=cloudfront.ResponseHeadersContentTypeOptions(override=True),
                frame_options=cloudfront.ResponseHeadersFrameOptions(frame_option=cloudfront.HeadersFrameOption.DENY, override=True),
                referrer_policy=cloudfront.ResponseHeadersReferrerPolicy(
                    referrer_policy=cloudfront.HeadersReferrerPolicy.NO_REFERRER, override=True
                ),
                strict_transport_security=cloudfront.ResponseHeadersStrictTransportSecurity(
                    access_control_max_age=Duration.days(365), override=True
                ),
            ),
        )

    def _distribution(self, gateway: Gateway) -> cloudfront.Distribution:
        api = _to_the_api(gateway)
        distribution = cloudfront.Distribution(
            self,
            "Distribution",
            comment=f"{Stack.of(self).stack_name}: the page, and the API beside it",
            default_root_object=INDEX,
            default_behavior=cloudfront.BehaviorOptions(
                origin=origins.S3BucketOrigin.with_origin_access_control(self._bucket),
                viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
                cache_policy=cloudfront.CachePolicy.CACHING_OPTIMIZED,
                response_headers_policy=self._headers,
                compress=True,
            ),
            additional_behaviors=dict.fromkeys(api_patterns(_paths(gateway)), api),
            http_version=cloudfront.HttpVersion.HTTP2_AND_3,
        )
        acknowledge(
            distribution,
            {
                "AwsSolutions-CFR1": "Teams work from everywhere; tokens decide who sees what.",
                "AwsSolutions-CFR2": "A web ACL costs more than a small fleet; the gateway's throttling, quotas and tokens bound everyone.",
                "AwsSolutions-CFR3": "Files that are the same for everybody; requests to the API stand in the gateway's access log.",
                "AwsSolutions-CFR4": "The certificate of cloudfront.net is CloudFront's own; browsers that run the page speak TLS 1.2.",
            },
        )
        return distribution

    def _upload(self, page: Path, log_retention: logs.RetentionDays) -> None:
        """Parts first, then what names them. Older parts stay: pages that are open still load them."""
        log_group = logs.LogGroup(self, "UploadLog", retention=log_retention, removal_policy=RemovalPolicy.DESTROY)
        parts = self._copy("Parts", page, [*HASHED], _FOREVER, log_group, prefix=ASSETS)
        others = self._copy("Others", page, ["*.svg", "*.txt"], _ASK_AGAIN, log_group, prefix=ASSETS)
        index = self._copy("Index", page, [INDEX], _ASK_AGAIN, log_group)
        index.node.add_dependency(parts, others)
        for found in Stack.of(self).node.children:
            if found.node.id.startswith(UPLOADER):
                _explain_uploader(found, self._bucket)

    def _copy(
        self,
        name: str,
        page: Path,
        include: Sequence[str],
        cache: Sequence[deployment.CacheControl],
        log_group: logs.ILogGroup,
        prefix: str | None = None,
    ) -> deployment.BucketDeployment:
        return deployment.BucketDeployment(
            self,
            name,
            sources=[deployment.Source.asset(str(page))],
            destination_bucket=self._bucket,
            destination_key_prefix=prefix,
            exclude=["*"],
            include=list(include),
            cache_control=list(cache),
            prune=False,
            retain_on_delete=False,
            log_group=log_group,
        )


def api_patterns(paths: Iterable[str]) -> list[str]:
    """CloudFront's patterns for the API's paths; the page and its files are not among them."""
    found = set()
    for path in paths:
        first, *more = path.strip("/").split("/")
        if first not in ("", ASSETS):
            found.add(f"{first}/*" if more else first)
    return sorted(found)


def _paths(gateway: Gateway) -> set[str]:
    return {method.resource.path for method in gateway.rest_api.methods}


def _to_the_api(gateway: Gateway) -> cloudfront.BehaviorOptions:
    rest_api = gateway.rest_api
    return cloudfront.BehaviorOptions(
        origin=origins.HttpOrigin(
            f"{rest_api.rest_api_id}.execute-api.{Aws.REGION}.{Aws.URL_SUFFIX}",
            origin_path=f"/{rest_api.deployment_stage.stage_name}",
            protocol_policy=cloudfront.OriginProtocolPolicy.HTTPS_ONLY,
            origin_ssl_protocols=[cloudfront.OriginSslPolicy.TLS_V1_2],
        ),
        allowed_methods=cloudfront.AllowedMethods.ALLOW_ALL,
        viewer_protocol_policy=cloudfront.ViewerProtocolPolicy.HTTPS_ONLY,
        # Answers are of one token; ETags are between the page and the API.
        cache_policy=cloudfront.CachePolicy.CACHING_DISABLED,
        # The gateway knows itself by its own name. Everything else goes on, tokens too.
        origin_request_policy=cloudfront.OriginRequestPolicy.ALL_VIEWER_EXCEPT_HOST_HEADER,
        compress=False,
    )


def _explain_uploader(function: IConstruct, bucket: s3.Bucket) -> None:
    """It is the CDK's, and so are its rights: read what a deployment uploads, write into the page's bucket."""
    files = f"Resource::<{Stack.of(bucket).get_logical_id(cast('CfnElement', bucket.node.default_child))}.Arn>/*"
    uploads = "Resource::arn:<AWS::Partition>:s3:::cdk-hnb659fds-assets-<AWS::AccountId>-<AWS::Region>/*"
    actions = [f"Action::s3:{name}*" for name in ("GetBucket", "GetObject", "List", "Abort", "DeleteObject")]
    logging = "Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
    reason = "The CDK's own function, which copies the page from where a deployment uploads it into its bucket, and runs only then."
    findings = [
        "AwsSolutions-L1",
        f"AwsSolutions-IAM4[{logging}]",
        *(f"AwsSolutions-IAM5[{found}]" for found in (*actions, files, uploads)),
    ]
    acknowledge(function, dict.fromkeys(findings, reason))
