"""What must outlive every deployment: tables, raw history, buckets and their key. No code, so it changes seldom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aws_cdk import CfnOutput, Duration, RemovalPolicy, Stack
from aws_cdk import aws_dynamodb as dynamodb
from aws_cdk import aws_iam as iam
from aws_cdk import aws_kms as kms
from aws_cdk import aws_s3 as s3
from aws_cdk import aws_timestream as timestream
from constructs import Construct

from cdk.components.nag import acknowledge
from cdk.settings import StageSettings

RAW_TABLES = ("points", "tasks", "events")
RAW_MEMORY_HOURS = 26
"""Points may be 24 h old; two more for those on their way."""
RAW_MAGNETIC_DAYS = 35
TOKENS_BY_WORKSPACE = "workspace"
TTL_ATTRIBUTE = "x"
POINT_IN_TIME_DAYS = 35

_CLOSED_TO_NEW = {"CloudFormation-Validate::W3697": "Known: it takes no new customers. Stages without it set rawHistory to false."}


@dataclass(frozen=True, slots=True, kw_only=True)
class RawHistory:
    """The Timestream database and its tables."""

    database: timestream.CfnDatabase
    tables: dict[str, timestream.CfnTable]

    @property
    def name(self) -> str:
        """Name of the database."""
        return self.database.ref

    @property
    def table_arns(self) -> list[str]:
        """ARNs of all tables."""
        return [table.attr_arn for table in self.tables.values()]


class DataStack(Stack):
    """Retained and protected, as the stage's settings say."""

    def __init__(self, scope: Construct, *, settings: StageSettings, **options: Any) -> None:
        name = f"clawpulse-{settings.name}-data"
        description = f"ClawPulse {settings.name}: tables, raw history, buckets"
        super().__init__(scope, name, description=description, termination_protection=settings.retained, **options)
        self._removal = RemovalPolicy.RETAIN if settings.retained else RemovalPolicy.DESTROY
        self.key = self._key()
        self.batches = self._table("Batches")
        self.rollups = self._table("Rollups")
        # What agents are called and where they run, and who may ask: worth a key that we can take away and whose use is logged.
        # Batches and rollups are numbers under tag names, written all the time: the key that AWS owns costs nothing per request.
        self.fleet = self._table("Fleet", key=self.key)
        self.tokens = self._tokens()
        # Incidents tell what is wrong with whom, and their notes what people think of it.
        self.alerts = self._table("Alerts", key=self.key)
        # Documents tell agents what to do, and the audit log who wanted it.
        self.rollouts = self._table("Rollouts", key=self.key)
        self.raw = self._raw_history() if settings.raw_history else None
        self.access_logs = self._access_logs()
        self.reports = self._reports()
        self._outputs()

    def _key(self) -> kms.Key:
        key = kms.Key(
            self,
            "Key",
            description=f"{self.stack_name}: tokens, fleet, raw history, alarms",
            enable_key_rotation=True,
            removal_policy=self._removal,
        )
        # CloudWatch writes alarms to the encrypted topic of the app stack.
        key.grant(iam.ServicePrincipal("cloudwatch.amazonaws.com"), "kms:Decrypt", "kms:GenerateDataKey")
        return key

    def _table(self, name: str, *, key: kms.IKey | None = None, sort_key: bool = True) -> dynamodb.Table:
        text = dynamodb.AttributeType.STRING
        table = dynamodb.Table(
            self,
            name,
            partition_key=dynamodb.Attribute(name="p", type=text),
            sort_key=dynamodb.Attribute(name="s", type=text) if sort_key else None,
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            time_to_live_attribute=TTL_ATTRIBUTE,
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True, recovery_period_in_days=POINT_IN_TIME_DAYS
            ),
            encryption=dynamodb.TableEncryption.CUSTOMER_MANAGED if key else dynamodb.TableEncryption.DEFAULT,
            encryption_key=key,
            removal_policy=self._removal,
            deletion_protection=self._removal is RemovalPolicy.RETAIN,
        )
        CfnOutput(self, f"{name}Table", value=table.table_name)
        return table

    def _tokens(self) -> dynamodb.Table:
        table = self._table("Tokens", key=self.key, sort_key=False)
        text = dynamodb.AttributeType.STRING
        table.add_global_secondary_index(
            index_name=TOKENS_BY_WORKSPACE,
            partition_key=dynamodb.Attribute(name="w", type=text),
            sort_key=dynamodb.Attribute(name="p", type=text),
        )
        return table

    def _raw_history(self) -> RawHistory:
        # Named by CloudFormation: a stack that is removed and deployed again must not meet its own retained database.
        database = timestream.CfnDatabase(self, "Raw", kms_key_id=self.key.key_id)
        database.apply_removal_policy(self._removal)
        acknowledge(database, _CLOSED_TO_NEW)
        return RawHistory(database=database, tables={name: self._raw_table(database, name) for name in RAW_TABLES})

    def _raw_table(self, database: timestream.CfnDatabase, name: str) -> timestream.CfnTable:
        table = timestream.CfnTable(
            self,
            f"Raw{name.title()}",
            database_name=database.ref,
            table_name=name,
            retention_properties={
                "MemoryStoreRetentionPeriodInHours": str(RAW_MEMORY_HOURS),
                "MagneticStoreRetentionPeriodInDays": str(RAW_MAGNETIC_DAYS),
            },
            magnetic_store_write_properties={"EnableMagneticStoreWrites": True},
        )
        table.apply_removal_policy(self._removal)
        acknowledge(table, _CLOSED_TO_NEW)
        return table

    def _access_logs(self) -> s3.Bucket:
        bucket = self._bucket("AccessLogs", expires=Duration.days(90))
        acknowledge(bucket, {"AwsSolutions-S1": "This is the bucket that access logs go to; logging itself would never end."})
        return bucket

    def _reports(self) -> s3.Bucket:
        return self._bucket(
            "Reports",
            expires=Duration.days(400),
            versioned=True,
            server_access_logs_bucket=self.access_logs,
            server_access_logs_prefix="reports/",
        )

    def _bucket(self, name: str, *, expires: Duration, **options: Any) -> s3.Bucket:
        bucket = s3.Bucket(
            self,
            name,
            encryption=s3.BucketEncryption.S3_MANAGED,
            block_public_access=s3.BlockPublicAccess.BLOCK_ALL,
            object_ownership=s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
            enforce_ssl=True,
            lifecycle_rules=[
                s3.LifecycleRule(
                    expiration=expires,
                    noncurrent_version_expiration=Duration.days(30) if options.get("versioned") else None,
                    abort_incomplete_multipart_upload_after=Duration.days(7),
                )
            ],
            removal_policy=self._removal,
            **options,
        )
        CfnOutput(self, f"{name}Bucket", value=bucket.bucket_name)
        return bucket

    def _outputs(self) -> None:
        if self.raw:
            CfnOutput(self, "RawDatabase", value=self.raw.name)
