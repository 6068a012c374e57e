"""AWS Signature Version 4 for requests with headers, as our own calls need it: a path without escapes, no query string.

Checked against AWS's published vectors and botocore.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from functools import lru_cache
from hashlib import sha256
from hmac import digest
from typing import NamedTuple

_ALGORITHM = "AWS4-HMAC-SHA256"


class Credentials(NamedTuple):
    """Who signs."""

    access_key: str
    secret_key: str
    session_token: str = ""

    def __repr__(self) -> str:
        return f"Credentials({self.access_key!r})"

    @classmethod
    def from_env(cls, env: Mapping[str, str] = os.environ) -> Credentials:
        """What Lambda gives a function."""
        return cls(env["AWS_ACCESS_KEY_ID"], env["AWS_SECRET_ACCESS_KEY"], env.get("AWS_SESSION_TOKEN", ""))


def signed(
    method: str, path: str, headers: Mapping[str, str], body: bytes, *, region: str, service: str, credentials: Credentials, now: float
) -> dict[str, str]:
    """The headers with those that sign the request. Names are lower case and include `host`; `now` is seconds since 1970."""
    stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(now))
    all_headers = {**headers, "x-amz-date": stamp}
    if credentials.session_token:
        all_headers["x-amz-security-token"] = credentials.session_token
    names = ";".join(sorted(all_headers))
    lines = "".join(f"{name}:{all_headers[name].strip()}\n" for name in sorted(all_headers))
    request = f"{method}\n{path}\n\n{lines}\n{names}\n{sha256(body).hexdigest()}"
    scope = f"{stamp[:8]}/{region}/{service}/aws4_request"
    to_sign = f"{_ALGORITHM}\n{stamp}\n{scope}\n{sha256(request.encode()).hexdigest()}"
    signature = digest(_key(credentials.secret_key, stamp[:8], region, service), to_sign.encode(), "sha256").hex()
    authorization = f"{_ALGORITHM} Credential={credentials.access_key}/{scope}, SignedHeaders={names}, Signature={signature}"
    return {**all_headers, "authorization": authorization}


@lru_cache(maxsize=8)
def _key(secret: str, day: str, region: str, service: str) -> bytes:
    key = f"AWS4{secret}".encode()
    for part in (day, region, service, "aws4_request"):
        key = digest(key, part.encode(), "sha256")
    return key
