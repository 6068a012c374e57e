"""What happens when LocalStack starts and stops."""

from __future__ import annotations

from localstack.runtime import hooks
from localstack.runtime.shutdown import SERVICE_SHUTDOWN_PRIORITY


@hooks.on_infra_start(priority=100)  # type: ignore[untyped-decorator]  # LocalStack ships no types
def prepare() -> None:
    """Entry point: put our parts in place before the first request."""
    from clawpulse_localstack import housekeeping, loopback, routes
    from clawpulse_localstack.cloudformation import names
    from clawpulse_localstack.gateway import install
    from clawpulse_localstack.persistence.cloud import CLOUD

    loopback.install()
    names.install()
    install.install()
    routes.install()
    housekeeping.start()
    CLOUD.start_sweeping()


@hooks.on_infra_shutdown(priority=10)  # type: ignore[untyped-decorator]
def save_buckets() -> None:
    """Entry point: while S3 still answers."""
    from clawpulse_localstack.persistence.cloud import CLOUD

    CLOUD.save_buckets()


@hooks.on_infra_shutdown(priority=SERVICE_SHUTDOWN_PRIORITY - 20)  # type: ignore[untyped-decorator]
def finish() -> None:
    """Entry point: when no function runs any more, leave the files complete."""
    from clawpulse_localstack import timestream_provider
    from clawpulse_localstack.persistence.cloud import CLOUD

    CLOUD.close()
    timestream_provider.close()
