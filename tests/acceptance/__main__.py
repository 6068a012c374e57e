"""Makes ready what an acceptance run needs of the network: `python -m tests.acceptance`. The run itself needs none."""

from __future__ import annotations

import sys

from clawpulse_local import environments
from clawpulse_local.errors import LocalCloudError
from clawpulse_local.settings import LocalSettings
from tests.acceptance import installation
from tests.acceptance.installation import CannotInstall, Installation


def main() -> int:
    """Install; the exit code of the command."""
    try:
        installation.ensure(Installation(), print)
        environments.ensure(LocalSettings.from_env(), print)
    except (CannotInstall, LocalCloudError) as error:
        print(f"accept-openclaw: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
