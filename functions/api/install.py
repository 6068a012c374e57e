"""The bash agent's files, and the script that installs it, with this API's address in it. Open to everybody: none of it is secret.

`cdk.build` puts them beside the functions. In the repository the folder of that name holds the agent's sources, and no bundle.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from functions.api.address import public_url
from functions.api.endpoint import Noun, Reply, Visit
from functions.api.page import CACHE, FileAsked
from functions.domain.errors import NotFound

noun = Noun("install")

FOLDER = Path(__file__).parent.parent.parent / "agent"
INSTALLER = "install.sh"
AGENT = "clawpulse-agent"
CHECKSUM = "clawpulse-agent.sha256"
SERVED = (AGENT, "clawpulse.sh", CHECKSUM)
TEXT = "text/plain; charset=utf-8"
_VERSION = re.compile(r"^VERSION=([0-9A-Za-z.+-]+)$", re.MULTILINE)


@noun.endpoint("GET", "/install.sh", scope=None, content_type=TEXT, may_miss=True)
def installer(visit: Visit) -> Reply:
    """The script that installs the agent of this release, and connects it to this API: `curl -fsS URL/install.sh | bash -s -- --help`."""
    files = _bundle(visit.bundle)
    version = _VERSION.search(files[AGENT])
    filled = {
        "@URL@": public_url(visit.context, visit.headers, f"/{INSTALLER}"),
        "@VERSION@": version[1] if version else "unknown",
        "@SHA256@": files[CHECKSUM].split()[0],
    }
    text = files[INSTALLER]
    for placeholder, value in filled.items():
        # The first is the one to fill in: below, the script fills in those of the service's unit itself.
        text = text.replace(placeholder, value, 1)
    return Reply(body=text, headers={"Vary": "Host"})


@noun.endpoint("GET", "/agent/{file}", scope=None, asks=FileAsked, content_type=TEXT)
def file(visit: Visit, asked: FileAsked) -> Reply:
    """A file of the agent: `clawpulse-agent`, its checksum `clawpulse-agent.sha256`, or `clawpulse.sh`, to source in scripts."""
    files = _bundle(visit.bundle)
    if asked.file not in SERVED:
        raise NotFound(f"no file {asked.file}; there are {', '.join(SERVED)}")
    return Reply(body=files[asked.file], headers=CACHE)


@cache
def _bundle(folder: Path) -> Mapping[str, str]:
    """All files, by name; raises `NotFound` without a whole bundle."""
    try:
        return {name: (folder / name).read_text("utf-8") for name in (INSTALLER, *SERVED)}
    except FileNotFoundError:
        raise NotFound("this deployment was built without the agent's files; `python -m cdk.build` puts them in") from None
