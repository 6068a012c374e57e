"""What a function may do, as values: a feature lists them beside the function, the component applies them.

Each names single actions on exact resources. Wildcards exist only where AWS knows no resource for an action, and say so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from aws_cdk import Aws, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_sns as sns
from aws_cdk import aws_sqs as sqs

from cdk.components.nag import acknowledge

Grant = Callable[[iam.Role], None]
"""Gives a function's role one ability."""

ROLLOUTS = ("BatchGetItem", "BatchWriteItem", "GetItem", "PutItem", "Query", "UpdateItem")
"""What starting and stepping rollouts takes of their table."""
_READING = frozenset({"BatchGetItem", "GetItem", "Query"})
_KEY_READ = ("kms:Decrypt", "kms:DescribeKey")
_KEY_WRITE = (*_KEY_READ, "kms:Encrypt", "kms:GenerateDataKey", "kms:ReEncryptFrom", "kms:ReEncryptTo")


def table(target: dynamodb.Table, *actions: str) -> Grant:
    """DynamoDB actions on a table; use of its key where it has one of its own."""

    def apply(role: iam.Role) -> None:
        _allow(role, [f"dynamodb:{action}" for action in actions], [target.table_arn])
        if target.encryption_key:
            key(target.encryption_key, write=not _READING.issuperset(actions))(role)

    return apply


def index(target: dynamodb.Table, name: str) -> Grant:
    """Querying an index of a table; its key comes with the table."""
    return lambda role: _allow(role, ["dynamodb:Query"], [f"{target.table_arn}/index/{name}"])


def key(target: kms.IKey, *, write: bool) -> Grant:
    """Reading data encrypted with this key, or reading and writing it."""
    return lambda role: _allow(role, _KEY_WRITE if write else _KEY_READ, [target.key_arn])


def objects(bucket: s3.IBucket, *actions: str) -> Grant:
    """S3 actions on the objects of a bucket, and listing them: without that, an object that is not there would look like a refusal."""

    def apply(role: iam.Role) -> None:
        _allow(role, [f"s3:{action}" for action in actions], [bucket.arn_for_objects("*")])
        _allow(role, ["s3:ListBucket"], [bucket.bucket_arn])
        reason = "Reports are objects that are made all the time; the bucket has nothing else."
        acknowledge(role, {f"AwsSolutions-IAM5[Resource::{_told(bucket)}/*]": reason})

    return apply


def _told(bucket: s3.IBucket) -> str:
    """The ARN of a bucket of another stack, as cdk-nag writes it: by the name of its export."""
    stack = Stack.of(bucket)
    return str(stack.resolve(stack.export_value(bucket.bucket_arn))["Fn::ImportValue"])


def send(queue: sqs.IQueue) -> Grant:
    """Putting messages into a queue."""
    return lambda role: _allow(role, ["sqs:SendMessage"], [queue.queue_arn])


def consume(queue: sqs.IQueue) -> Grant:
    """Working off a queue through Lambda's poller."""
    actions = ["sqs:ChangeMessageVisibility", "sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"]
    return lambda role: _allow(role, actions, [queue.queue_arn])


def timestream(table_arns: Iterable[str], *actions: str, encryption_key: kms.IKey) -> Grant:
    """Timestream actions on exact tables, and the endpoint discovery that every client starts with."""

    def apply(role: iam.Role) -> None:
        _allow(role, [f"timestream:{action}" for action in actions], list(table_arns))
        _allow(role, ["timestream:DescribeEndpoints"], ["*"])
        key(encryption_key, write="WriteRecords" in actions)(role)
        acknowledge(role, {"AwsSolutions-IAM5[Resource::*]": "timestream:DescribeEndpoints knows no resource; it only tells host names."})

    return apply


def tracing(role: iam.Role) -> None:
    """Sending traces to X-Ray."""
    _allow(role, ["xray:PutTelemetryRecords", "xray:PutTraceSegments"], ["*"])
    acknowledge(role, {"AwsSolutions-IAM5[Resource::*]": "X-Ray's write actions know no resource."})


def start_execution(machine_arn: str) -> Grant:
    """Starting executions of a state machine; by its name, for it names the function too."""
    return lambda role: _allow(role, ["states:StartExecution"], [machine_arn])


def invoke(function: lambda_.IFunction) -> Grant:
    """Calling a function, no version or alias of it."""
    return lambda role: _allow(role, ["lambda:InvokeFunction"], [function.function_arn])


def put_events(role: iam.Role) -> None:
    """Putting events on the account's default bus."""
    _allow(role, ["events:PutEvents"], [f"arn:{Aws.PARTITION}:events:{Aws.REGION}:{Aws.ACCOUNT_ID}:event-bus/default"])


def topic(target: sns.Topic) -> Grant:
    """Publishing to a topic; the use of its key comes with a table that has the same."""
    return lambda role: _allow(role, ["sns:Publish"], [target.topic_arn])


def auto_scaling(names: Iterable[str]) -> Grant:
    """Reading and setting the desired capacity of Auto Scaling groups of EC2, in this account and region."""

    def apply(role: iam.Role) -> None:
        for name in names:
            resource = f"autoScalingGroup:*:autoScalingGroupName/{name}"
            reason = "AWS puts an id of its own before the name of an Auto Scaling group."
            _allow_any(role, "autoscaling:SetDesiredCapacity", Aws.REGION, resource, reason)
        _allow(role, ["autoscaling:DescribeAutoScalingGroups"], ["*"])
        acknowledge(role, {"AwsSolutions-IAM5[Resource::*]": "Actions of X-Ray, and describing Auto Scaling groups, know no resource."})

    return apply


def sampled_tracing(role: iam.Role) -> None:
    """Sending traces to X-Ray, and asking it which."""
    tracing(role)
    _allow(role, ["xray:GetSamplingRules", "xray:GetSamplingTargets"], ["*"])


def log_delivery(role: iam.Role) -> None:
    """Having a service write its log to a group: what Step Functions needs for it."""
    deliveries = [f"logs:{action}LogDelivery" for action in ("Create", "Delete", "Get", "Update")]
    others = ["logs:DescribeLogGroups", "logs:DescribeResourcePolicies", "logs:ListLogDeliveries", "logs:PutResourcePolicy"]
    _allow(role, [*deliveries, *others], ["*"])
    acknowledge(role, {"AwsSolutions-IAM5[Resource::*]": "Actions of X-Ray, and of deliveries of logs, know no resource."})


def _allow(role: iam.Role, actions: Iterable[str], resources: list[str]) -> None:
    role.add_to_policy(iam.PolicyStatement(actions=list(actions), resources=resources))


def secrets(prefix: str) -> Grant:
    """Reading secrets whose name begins with a prefix, in this account and region."""
    reason = f"Secrets of channels: operators make them later, all of them below {prefix}."
    return lambda role: _allow_any(role, "secretsmanager:GetSecretValue", Aws.REGION, f"secret:{prefix}*", reason)


def publish(prefix: str) -> Grant:
    """Publishing to topics whose name begins with a prefix, in this account, in any region."""
    reason = f"Topics of channels: operators make them later, all of them called {prefix}…, in the region they like."
    return lambda role: _allow_any(role, "sns:Publish", "*", f"{prefix}*", reason)


def email(role: iam.Role) -> None:
    """Sending e-mail from the account's verified identities."""
    reason = "SES sends only from identities that the account has verified; which one is a channel's setting."
    for resource in ("identity/*", "configuration-set/*"):
        _allow_any(role, "ses:SendEmail", "*", resource, reason)


def _allow_any(role: iam.Role, action: str, region: str, resource: str, reason: str) -> None:
    """An action on all resources of this account whose name fits; cdk-nag wants to be told of each."""
    where = f"arn:{Aws.PARTITION}:{action.partition(':')[0]}:{region}:{Aws.ACCOUNT_ID}:{resource}"
    _allow(role, [action], [where])
    told = f"arn:<AWS::Partition>:{action.partition(':')[0]}:{'*' if region == '*' else '<AWS::Region>'}:<AWS::AccountId>:{resource}"
    acknowledge(role, {f"AwsSolutions-IAM5[Resource::{told}]": reason})
