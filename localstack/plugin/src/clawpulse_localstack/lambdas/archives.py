"""Function code and layers on disk, unpacked once per content and kept over restarts: so bytecode is compiled once, too."""

from __future__ import annotations

import shutil
import tempfile
import threading
import zipfile
from pathlib import Path

from localstack.aws.connect import connect_to
from localstack.config import INTERNAL_RESOURCE_ACCOUNT
from localstack.constants import AWS_REGION_US_EAST_1
from localstack.services.lambda_.invocation.lambda_models import ArchiveCode, S3Code

KEEP = 12
"""Unpacked archives that survive a start."""


class ArchiveCache:
    """Unpacked archives by the digest of their content."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()

    def unpack(self, code: ArchiveCode) -> Path:
        """Return the folder with the archive's content, made if need be."""
        if not isinstance(code, S3Code):
            code.prepare_for_execution()
            return Path(code.get_unzipped_code_location())
        target: Path = self._folder / code.code_sha256.replace("/", "_").replace("+", "-").rstrip("=")
        with self._lock:
            if not target.exists():
                self._extract(code, target)
            target.touch()
        return target

    def prune(self) -> None:
        """Delete all but the archives used last."""
        if not self._folder.exists():
            return
        for old in sorted(self._folder.iterdir(), key=lambda path: path.stat().st_mtime, reverse=True)[KEEP:]:
            shutil.rmtree(old, ignore_errors=True)

    def _extract(self, code: S3Code, target: Path) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=".partial-", dir=self._folder))
        with tempfile.TemporaryFile() as archive:
            s3 = connect_to(region_name=AWS_REGION_US_EAST_1, aws_access_key_id=INTERNAL_RESOURCE_ACCOUNT).s3
            version = {"VersionId": code.s3_object_version} if code.s3_object_version else {}
            s3.download_fileobj(Bucket=code.s3_bucket, Key=code.s3_key, Fileobj=archive, ExtraArgs=version)
            with zipfile.ZipFile(archive) as unpacked:
                unpacked.extractall(partial)
        partial.chmod(0o755)
        partial.rename(target)
