"""Signatures: AWS's published vectors, and whatever botocore signs."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as BotoCredentials
from hypothesis import given
from hypothesis import strategies as st

from functions.adapters.signing import Credentials, signed

KEYS = Credentials("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
SESSION = KEYS._replace(session_token="6e86291e8372ff2a2260956d9b8aae1d763fbf315fa00fa31553b73ebf194267")
NOW = datetime(2015, 8, 30, 12, 36, tzinfo=UTC).timestamp()
HOST = {"host": "example.amazonaws.com"}
FORM = {
    **HOST,
    "content-type": "application/x-www-form-urlencoded",
    "content-length": "13",
    "x-amz-content-sha256": "9095672bbd1f56dfc5b65f3e153adc8731a4a654192329106275f4c7b24d0b6e",
}

VECTORS = {
    "get-vanilla": ("GET", HOST, b"", KEYS, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
    "post-vanilla": ("POST", HOST, b"", KEYS, "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
    "get-vanilla-with-session-token": ("GET", HOST, b"", SESSION, "07ec1639c89043aa0e3e2de82b96708f198cceab042d4a97044c66dd9f74e7f8"),
    "post-header-value-case": (
        "POST",
        {**HOST, "my-header1": "VALUE1"},
        b"",
        KEYS,
        "cdbc9802e29d2942e5e10b5bccfdd67c5f22c7c4e8ae67b53629efa58b974b7d",
    ),
    "post-x-www-form-urlencoded": (
        "POST",
        FORM,
        b"Param1=value1",
        KEYS,
        "d3875051da38690788ef43de4db0d8f280229d82040bfac253562e56c3f20e0b",
    ),
}


@pytest.mark.parametrize("name", VECTORS)
def test_the_published_vectors(name: str) -> None:
    method, headers, body, credentials, signature = VECTORS[name]
    made = signed(method, "/", headers, body, region="us-east-1", service="service", credentials=credentials, now=NOW)
    names = ";".join(sorted({*headers, "x-amz-date"} | ({"x-amz-security-token"} if credentials.session_token else set())))
    assert made["x-amz-date"] == "20150830T123600Z"
    assert made["authorization"] == (
        f"AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders={names}, Signature={signature}"
    )


@given(
    body=st.binary(max_size=300),
    token=st.sampled_from(["", "a/session+token=="]),
    host=st.sampled_from(["dynamodb.eu-west-1.amazonaws.com", "127.0.0.1:4566"]),
    target=st.from_regex(r"[A-Za-z0-9_]{1,20}\.[A-Za-z]{1,20}", fullmatch=True),
)
def test_botocore_signs_the_same(body: bytes, token: str, host: str, target: str) -> None:
    headers = {"content-type": "application/x-amz-json-1.0", "x-amz-target": target}
    request = AWSRequest("POST", f"http://{host}/", headers, body)
    SigV4Auth(BotoCredentials(KEYS.access_key, KEYS.secret_key, token or None), "dynamodb", "eu-west-1").add_auth(request)
    stamp = datetime.strptime(request.context["timestamp"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    made = signed(
        "POST",
        "/",
        {**headers, "host": host},
        body,
        region="eu-west-1",
        service="dynamodb",
        credentials=KEYS._replace(session_token=token),
        now=stamp,
    )
    assert made["authorization"] == request.headers["Authorization"]


def test_credentials_do_not_show_their_secrets() -> None:
    shown = f"{SESSION!r} {SESSION}"
    assert SESSION.access_key in shown
    assert SESSION.secret_key not in shown
    assert SESSION.session_token not in shown
