"""What the fleet shows, asked over its API."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

import requests

SHOWN_WITHIN_S = 150.0
"""The plugin posts every 10 s, a tick runs every 15, a minute's rates are final 35 s past its end."""


class Fleet:
    """Asks with a token that may read, and sets with one that may operate."""

    def __init__(self, url: str, token: str) -> None:
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"}

    def get(self, path: str, **query: str) -> Any:
        """The answer; raises for any other status than 200."""
        answer = requests.get(self._url + path, params=query, headers=self._headers, timeout=30)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text[:500]}"
        return answer.json()

    def put(self, path: str, document: Mapping[str, Any]) -> Any:
        """The answer to a document that is set; raises for any other status than 200."""
        answer = requests.put(self._url + path, json=document, headers=self._headers, timeout=30)
        assert answer.status_code == 200, f"{path}: {answer.status_code} {answer.text[:500]}"
        return answer.json()

    def post(self, path: str, document: Mapping[str, Any]) -> Any:
        """The answer to what is asked for; raises for any other status than 201."""
        answer = requests.post(self._url + path, json=document, headers=self._headers, timeout=30)
        assert answer.status_code == 201, f"{path}: {answer.status_code} {answer.text[:500]}"
        return answer.json()


def once[T](look: Callable[[], T], good: Callable[[T], bool], seconds: float = SHOWN_WITHIN_S) -> T:
    """What is found once it is good; what was found last when that takes too long, for the test to complain of."""
    until = time.monotonic() + seconds
    while not good(found := look()) and time.monotonic() < until:
        time.sleep(1)
    return found
