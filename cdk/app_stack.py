"""What is deployed often: functions, gateway, schedule, alarms. Holds no data; may be removed and deployed again."""

from __future__ import annotations

from typing import Any

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_logs as logs
from aws_cdk import aws_sqs as sqs
from constructs import Construct

from cdk.assets import Assets
from cdk.components.function import Runtime
from cdk.components.gateway import Gateway
from cdk.components.stepper import ROTATIONS, machine_arn
from cdk.data_stack import DataStack
from cdk.features.alerts import Alerts, EvaluateQueue
from cdk.features.api import Api
from cdk.features.authorizer import Authorizer
from cdk.features.budgets import Budgets
from cdk.features.dashboard import Dashboard
from cdk.features.ingest import Ingest
from cdk.features.notify import Notify, NotifyQueue
from cdk.features.ops import Ops
from cdk.features.otlp import Otlp
from cdk.features.reports import ReportQueue, Reports
from cdk.features.rollouts import Rollouts
from cdk.features.rotations import Rotations
from cdk.features.scaling import Scaling
from cdk.features.seal import Seal, SealQueue
from cdk.settings import StageSettings
from functions.runtime.settings import Settings


class AppStack(Stack):
    """The features, wired to the data stack."""

    def __init__(self, scope: Construct, *, settings: StageSettings, data: DataStack, assets: Assets, **options: Any) -> None:
        super().__init__(scope, f"clawpulse-{settings.name}-app", description=f"ClawPulse {settings.name}: functions and API", **options)
        ticks, runs, deliveries, wanted = SealQueue(self), EvaluateQueue(self), NotifyQueue(self), ReportQueue(self)
        declared = _declare(settings, data, seal=ticks.queue, evaluate=runs.queue, notify=deliveries.queue, report=wanted.queue)
        retention = log_retention(settings.log_retention_days)
        runtime = Runtime.of(self, assets=assets, environment=declared.environment(), log_retention=retention)
        tokens = Authorizer(self, runtime=runtime, tokens=data.tokens)
        gateway = Gateway(
            self,
            settings=settings,
            usage_keys={workspace: declared.usage_key(workspace) for workspace in settings.workspaces},
            authorizer=tokens.authorizer,
            log_retention=retention,
        )
        ingest = Ingest(self, runtime=runtime, data=data, gateway=gateway)
        otlp = Otlp(self, runtime=runtime, data=data, gateway=gateway)
        seal = Seal(self, runtime=runtime, data=data, ticks=ticks, evaluations=runs.queue)
        alerts = Alerts(self, runtime=runtime, data=data, runs=runs, deliveries=deliveries.queue)
        notify = Notify(self, settings=settings, runtime=runtime, data=data, deliveries=deliveries)
        rollouts = Rollouts(self, stage=settings.name, runtime=runtime, data=data, deliveries=deliveries.queue)
        rotations = Rotations(self, settings=settings, runtime=runtime, data=data, deliveries=deliveries.queue)
        budgets = Budgets(self, stage=settings.name, runtime=runtime, data=data)
        scaling = Scaling(self, stage=settings.name, asgs=settings.scaling_targets, runtime=runtime, data=data)
        reports = Reports(self, runtime=runtime, data=data, wanted=wanted, deliveries=deliveries.queue)
        queues = {"deliveries": deliveries.queue, "reports": wanted.queue}
        api = Api(self, settings=settings, runtime=runtime, data=data, gateway=gateway, **queues)
        if settings.cloud_front:
            Dashboard(self, data=data, gateway=gateway, page=assets.page, log_retention=retention)
        ops = Ops(self, settings=settings, data=data)
        ops.watch_gateway(gateway)
        ops.watch_functions(
            {
                "Ingest": ingest.batches,
                "Otlp": otlp.take,
                "Authorizer": tokens.authorize,
                "Api": api.read,
                "Seal": seal.seal,
                "Evaluate": alerts.evaluate,
                "Notify": notify.send,
                "RolloutStep": rollouts.step,
                "RolloutSweep": rollouts.sweep,
                "RotationStep": rotations.step,
                "RotationSweep": rotations.sweep,
                "Budgets": budgets.count,
                "Scaling": scaling.decide,
                "Report": reports.make,
                "ReportTick": reports.tick,
            }
        )
        ops.watch_seal(seal, ticks)
        ops.watch_alerts(alerts, runs, deliveries)
        ops.watch_rollouts(rollouts)
        ops.watch_rotations(rotations)
        ops.watch_budgets(budgets)
        ops.watch_scaling(scaling)
        ops.watch_reports(reports, wanted)
        CfnOutput(self, "BootstrapFunctionName", value=tokens.bootstrap.function.function_name)
        CfnOutput(self, "SealQueueUrl", value=ticks.queue.queue_url)


def _declare(
    settings: StageSettings, data: DataStack, *, seal: sqs.IQueue, evaluate: sqs.IQueue, notify: sqs.IQueue, report: sqs.IQueue
) -> Settings:
    """What the functions read from their environment, by the same declaration."""
    return Settings(
        stage=settings.name,
        batches_table=data.batches.table_name,
        rollups_table=data.rollups.table_name,
        fleet_table=data.fleet.table_name,
        tokens_table=data.tokens.table_name,
        alerts_table=data.alerts.table_name,
        rollouts_table=data.rollouts.table_name,
        seal_queue_url=seal.queue_url,
        evaluate_queue_url=evaluate.queue_url,
        notify_queue_url=notify.queue_url,
        report_queue_url=report.queue_url,
        reports_bucket=data.reports.bucket_name,
        rollout_machine_arn=machine_arn(data, settings.name),
        rotation_machine_arn=machine_arn(data, settings.name, ROTATIONS),
        workspaces=",".join(settings.workspaces),
        raw_database=data.raw.name if data.raw else "",
        buckets=settings.buckets,
        private_addresses="yes" if settings.private_addresses else "no",
    )


def log_retention(days: int) -> logs.RetentionDays:
    """CDK's name for a number of days; the settings have checked that it has one."""
    return {
        1: logs.RetentionDays.ONE_DAY,
        3: logs.RetentionDays.THREE_DAYS,
        5: logs.RetentionDays.FIVE_DAYS,
        7: logs.RetentionDays.ONE_WEEK,
        14: logs.RetentionDays.TWO_WEEKS,
        30: logs.RetentionDays.ONE_MONTH,
        60: logs.RetentionDays.TWO_MONTHS,
        90: logs.RetentionDays.THREE_MONTHS,
        180: logs.RetentionDays.SIX_MONTHS,
        365: logs.RetentionDays.ONE_YEAR,
        731: logs.RetentionDays.TWO_YEARS,
        1827: logs.RetentionDays.FIVE_YEARS,
        3653: logs.RetentionDays.TEN_YEARS,
    }[days]
