"""Deploys the synthesised templates, the very same that go to AWS, through CloudFormation's API."""

from __future__ import annotations

import hashlib
import json
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from clawpulse_local import archives
from clawpulse_local.errors import LocalCloudError
from clawpulse_local.settings import ACCOUNT, REGION

BOOTSTRAP_PARAMETER = "/cdk-bootstrap/hnb659fds/version"
BOOTSTRAP_VERSION = "30"
STACK_SECONDS = 180.0
UNKNOWN = "unknown"
"""Physical id that LocalStack gives to what it cannot make, while it reports success."""

ClientFactory = Callable[[str], Any]
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """One synthesised stack: its template and the folders and files that it refers to."""

    name: str
    template: Path
    assets: Mapping[tuple[str, str], Path]
    """What to upload, by bucket and key."""

    @property
    def digest(self) -> str:
        """Changes with the template; asset names in it are digests of their content."""
        return hashlib.sha256(self.template.read_bytes()).hexdigest()

    @property
    def layer_keys(self) -> frozenset[str]:
        """Keys of the assets that are layers."""
        resources = json.loads(self.template.read_text())["Resources"].values()
        layers = [resource["Properties"]["Content"]["S3Key"] for resource in resources if resource["Type"] == "AWS::Lambda::LayerVersion"]
        return frozenset(layers)


@dataclass(slots=True)
class Deployer:
    """Uploads and deploys. `layer` is the locally built one that takes the place of the layer for Lambda's processors."""

    client: ClientFactory
    layer: Path
    progress: Progress = field(default=lambda text: None)

    def bootstrap(self) -> None:
        """What `cdk bootstrap` would leave behind, as far as templates look at it."""
        self.client("ssm").put_parameter(Name=BOOTSTRAP_PARAMETER, Value=BOOTSTRAP_VERSION, Type="String", Overwrite=True)

    def deploy(self, stack: Stack) -> None:
        """Create the stack with its assets; raises `LocalCloudError` with what failed, or what LocalStack passed over."""
        self._upload(stack)
        cloudformation = self.client("cloudformation")
        bucket = next(bucket for bucket, _ in stack.assets)
        url = f"{cloudformation.meta.endpoint_url}/{bucket}/{stack.template.name}"
        capabilities = ["CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"]
        cloudformation.create_stack(StackName=stack.name, TemplateURL=url, Capabilities=capabilities)
        self._wait(stack.name, "CREATE_COMPLETE")
        if missing := unsupported(cloudformation, stack.name):
            raise LocalCloudError(f"the local cloud cannot make these resources of {stack.name}: {', '.join(missing)}")

    def delete(self, name: str) -> None:
        """Delete the stack and wait until it is gone."""
        self.client("cloudformation").delete_stack(StackName=name)
        self._wait(name, "DELETE_COMPLETE")

    def _upload(self, stack: Stack) -> None:
        s3 = self.client("s3")
        for bucket in {bucket for bucket, _ in stack.assets}:
            s3.create_bucket(Bucket=bucket)
        s3.upload_file(str(stack.template), next(bucket for bucket, _ in stack.assets), stack.template.name)
        for (bucket, key), source in stack.assets.items():
            folder = self.layer if key in stack.layer_keys else source
            if folder.is_dir():
                self.progress(f"uploading {folder.name}")
                with tempfile.TemporaryDirectory() as work:
                    archives.zip_folder(folder, archive := Path(work) / "asset.zip")
                    s3.upload_file(str(archive), bucket, key)
            elif folder != stack.template:
                s3.upload_file(str(folder), bucket, key)

    def _wait(self, name: str, wanted: str) -> None:
        cloudformation, started = self.client("cloudformation"), time.monotonic()
        while (status := _status(cloudformation, name)) != wanted:
            waited = time.monotonic() - started
            if waited > STACK_SECONDS or status.endswith(("FAILED", "ROLLBACK_COMPLETE")):
                reasons = "\n".join(_failures(cloudformation, name)) or "LocalStack gives no reason; see `clawpulse local logs localstack`"
                raise LocalCloudError(f"{name} is {status} after {waited:.0f} s, not {wanted}:\n{reasons}")
            self.progress(f"{name}: {status.lower().replace('_', ' ')}, {waited:.0f} s")
            time.sleep(0.2)


def read(cdk_out: Path, suffix: str) -> Stack:
    """One stack of a synthesised app by the end of its name; raises `LocalCloudError` when there is none."""
    for manifest in sorted(cdk_out.glob(f"*-{suffix}.assets.json")):
        name = manifest.name.removesuffix(".assets.json")
        files = json.loads(manifest.read_text())["files"].values()
        assets = {place: cdk_out / item["source"]["path"] for item in files for place in _destinations(item)}
        return Stack(name=name, template=cdk_out / f"{name}.template.json", assets=assets)
    raise LocalCloudError(f"{cdk_out} has no stack whose name ends in -{suffix}")


def outputs(client: ClientFactory, name: str) -> dict[str, str]:
    """The stack's outputs; empty when it is not deployed."""
    cloudformation = client("cloudformation")
    try:
        stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    except cloudformation.exceptions.ClientError:
        return {}
    return {output["OutputKey"]: output["OutputValue"] for output in stack.get("Outputs", [])}


def unsupported(cloudformation: Any, name: str) -> list[str]:
    """Resources that LocalStack reports as made, but did not make."""
    pages = cloudformation.get_paginator("list_stack_resources").paginate(StackName=name)
    resources = [resource for page in pages for resource in page["StackResourceSummaries"]]
    return [
        f"{item['LogicalResourceId']} ({item['ResourceType']})"
        for item in resources
        if item.get("PhysicalResourceId") in (None, "", UNKNOWN)
    ]


def _destinations(item: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for destination in item["destinations"].values():
        bucket = destination["bucketName"].replace("${AWS::AccountId}", ACCOUNT).replace("${AWS::Region}", REGION)
        yield bucket, destination["objectKey"]


def _status(cloudformation: Any, name: str) -> str:
    try:
        return str(cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"])
    except cloudformation.exceptions.ClientError:
        return "DELETE_COMPLETE"


def _failures(cloudformation: Any, name: str) -> list[str]:
    try:
        events = cloudformation.describe_stack_events(StackName=name)["StackEvents"]
    except cloudformation.exceptions.ClientError:
        return []
    failed = [event for event in events if event.get("ResourceStatus", "").endswith("FAILED")]
    return [
        f"- {event['LogicalResourceId']} ({event['ResourceType']}): {event.get('ResourceStatusReason', 'no reason given')}"
        for event in failed
    ]
