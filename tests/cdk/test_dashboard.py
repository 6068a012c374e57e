"""The page at the edge: what CloudFront sends where, and with which headers."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import Any

from cdk.features.dashboard import api_patterns
from functions.api.page import SECURITY
from tests.cdk.template import Stage, as_list


def _config(stage: Stage) -> dict[str, Any]:
    found: dict[str, Any] = stage.app.only("AWS::CloudFront::Distribution")["DistributionConfig"]
    return found


def _paths(stage: Stage) -> set[str]:
    """Every path of the gateway that has a method, without the slash before it."""
    resources = stage.app.of("AWS::ApiGateway::Resource")

    def path(ref: Any) -> str:
        if "Ref" not in ref:
            return ""
        parent = resources[ref["Ref"]]
        return f"{path(parent['ParentId'])}/{parent['PathPart']}".lstrip("/")

    return {path(method["ResourceId"]) for method in stage.app.of("AWS::ApiGateway::Method").values()}


def test_a_stage_without_it_has_nothing_of_it(live: Stage) -> None:
    assert "cloudfront" not in json.dumps(live.resources).lower()


def test_every_path_of_the_api_reaches_the_api_and_the_page_does_not(at_the_edge: Stage) -> None:
    patterns = [behaviour["PathPattern"] for behaviour in _config(at_the_edge)["CacheBehaviors"]]
    # The most that CloudFront takes.
    assert len(patterns) <= 25
    paths = _paths(at_the_edge)
    assert {"", "assets/{file}", "api/dashboard/summary", "v1/batches", "healthz"} <= paths
    astray = {path for path in paths if not any(fnmatchcase(path, pattern) for pattern in patterns)}
    assert astray == {"", "assets/{file}"}


def test_patterns_are_one_for_each_first_part_of_a_path() -> None:
    assert api_patterns(["/", "/assets/{file}", "/healthz", "/v1/batches", "/v1/traces"]) == ["healthz", "v1/*"]


def test_answers_of_the_api_are_never_kept_and_get_the_token(at_the_edge: Stage) -> None:
    config = _config(at_the_edge)
    origins = {origin["Id"]: origin for origin in config["Origins"]}
    for behaviour in config["CacheBehaviors"]:
        # CachingDisabled, AllViewerExceptHostHeader: CloudFront's own policies have these ids everywhere.
        assert behaviour["CachePolicyId"] == "4135ea2d-6df8-44a3-9df3-4b5a84be39ad"
        assert behaviour["OriginRequestPolicyId"] == "b689b0a8-53d0-40ab-baf2-68738e2966ac"
        assert behaviour["ViewerProtocolPolicy"] == "https-only"
        assert {"POST", "PUT", "PATCH", "DELETE"} <= set(behaviour["AllowedMethods"])
        origin = origins[behaviour["TargetOriginId"]]
        assert origin["CustomOriginConfig"]["OriginProtocolPolicy"] == "https-only"
        assert "execute-api" in json.dumps(origin["DomainName"])


def test_the_page_has_the_headers_that_the_api_gives_it(at_the_edge: Stage) -> None:
    config = _config(at_the_edge)
    behaviour = config["DefaultCacheBehavior"]
    [policy] = at_the_edge.app.of("AWS::CloudFront::ResponseHeadersPolicy")
    assert behaviour["ResponseHeadersPolicyId"] == {"Ref": policy}
    found = at_the_edge.app.resources[policy]["Properties"]["ResponseHeadersPolicyConfig"]["SecurityHeadersConfig"]
    assert found["ContentSecurityPolicy"] == {"ContentSecurityPolicy": SECURITY["Content-Security-Policy"], "Override": True}
    assert found["FrameOptions"]["FrameOption"] == SECURITY["X-Frame-Options"]
    assert found["ReferrerPolicy"]["ReferrerPolicy"] == SECURITY["Referrer-Policy"]
    assert SECURITY["Strict-Transport-Security"] == f"max-age={found['StrictTransportSecurity']['AccessControlMaxAgeSec']}"
    assert found["ContentTypeOptions"]["Override"]
    assert behaviour["Compress"]
    assert behaviour["ViewerProtocolPolicy"] == "redirect-to-https"
    assert config["DefaultRootObject"] == "index.html"


def test_only_the_distribution_may_read_the_files(at_the_edge: Stage) -> None:
    bucket = at_the_edge.app.only("AWS::S3::Bucket")
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    statements = at_the_edge.app.only("AWS::S3::BucketPolicy")["PolicyDocument"]["Statement"]
    allowed = [one for one in statements if one["Effect"] == "Allow" and "s3:GetObject" in as_list(one["Action"])]
    assert [one["Principal"] for one in allowed] == [{"Service": "cloudfront.amazonaws.com"}]
    assert "AWS:SourceArn" in allowed[0]["Condition"]["StringEquals"]
    assert at_the_edge.app.only("AWS::CloudFront::OriginAccessControl")["OriginAccessControlConfig"]["SigningBehavior"] == "always"


def test_parts_are_kept_for_ever_and_the_page_is_asked_for_again(at_the_edge: Stage) -> None:
    found = {name: copy for name, copy in at_the_edge.app.resources.items() if copy["Type"] == "Custom::CDKBucketDeployment"}
    by_file = {include: copy for copy in found.values() for include in copy["Properties"]["Include"]}
    assert set(by_file) == {"*-????????.js", "*-????????.css", "*.svg", "*.txt", "index.html"}
    assert by_file["*-????????.js"]["Properties"]["SystemMetadata"] == {"cache-control": "public, max-age=31536000, immutable"}
    assert by_file["*-????????.js"]["Properties"]["DestinationBucketKeyPrefix"] == "assets"
    index = by_file["index.html"]
    assert index["Properties"]["SystemMetadata"] == {"cache-control": "public, no-cache"}
    assert "DestinationBucketKeyPrefix" not in index["Properties"]
    # Else a browser could get a page whose parts are not there yet.
    assert set(found) - {name for name in found if found[name] is index} <= set(index["DependsOn"])
    assert not any(copy["Properties"]["Prune"] for copy in found.values())
