"""Fleet repositories: the configuration of all agents as files, merged from layers.

    files = read_folder(Path("fleet"))        # texts by path
    repository = parse(files)                 # raises InvalidRepository with every fault, each with file, line and column
    repository.document("agent-7", {"tier": "smart", "shard": "acme"})

Command line and server use the same code, so that both mean the same by a repository. Needs PyYAML, which is imported when a file is read.
"""

from clawpulse.fleet.faults import Fault, InvalidRepository
from clawpulse.fleet.folder import check_folder, read_folder
from clawpulse.fleet.repository import MAX_BYTES, MAX_DOCUMENT, MAX_FILES, Repository, digest, parse

__all__ = [
    "MAX_BYTES",
    "MAX_DOCUMENT",
    "MAX_FILES",
    "Fault",
    "InvalidRepository",
    "Repository",
    "check_folder",
    "digest",
    "parse",
    "read_folder",
]
