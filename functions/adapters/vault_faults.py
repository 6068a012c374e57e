"""What faults of Vault mean, in our own words: whether trying again helps, and what people have to do where it does not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from functions.domain.errors import StoreError, VaultRefused, VaultUnavailable

RETRY_S, LONGEST_RETRY_S = 5, 60
_UPGRADING = "unavailable for a brief period"
"""Said, with 400, by a key-value store that was just mounted or given versions."""
_UNAVAILABLE = {
    412: "Vault has not caught up yet (412)",
    429: "Vault takes no more requests for now (429)",
    472: "Vault is a standby that nobody answers for (472)",
    473: "Vault is a standby that nobody answers for (473)",
    501: "Vault is not initialised (501): somebody has to do that, and unseal it",
    503: "Vault is sealed or being serviced (503): if sealed, somebody has to unseal it",
}


def meaning(error: Exception, status: int, what: str, mount: str, retry_after_s: int | None = None) -> StoreError:
    """Of a fault of hvac or requests. `status` is that of the last answer (0: there was none), `what` says what was to be done."""
    if any(_UPGRADING in text for text in getattr(error, "errors", None) or ()):
        return VaultUnavailable("Vault is about to set the mount up: it says to wait for a moment", RETRY_S)
    if status in _UNAVAILABLE or status >= 500:
        text = _UNAVAILABLE.get(status, f"Vault failed to {what} ({status})")
        return VaultUnavailable(text, RETRY_S if retry_after_s is None else retry_after_s)
    if status in (400, 401, 403) and what == "log in":
        return VaultRefused(f"Vault does not let us log in ({status}): check the role, its secret ID, and what it is bound to")
    if status in (401, 403):
        return VaultRefused(
            f"Vault does not let us {what} ({status}): check that the mount {mount!r} is there, that the policies of our role allow it, "
            "and the token or role itself (vault/README.md)"
        )
    if status == 404:
        return VaultRefused(f"Vault has no mount {mount!r} to {what} (404): enable it, or name another one (vaultMount)")
    if status >= 400:
        return VaultRefused(f"Vault will not {what} ({status})")
    return _unanswered(error, what)


def no_vault() -> VaultRefused:
    """For answers that Vault does not give."""
    return VaultRefused("what answers at Vault's address is no Vault, or a proxy before it: check vaultAddress")


def retry_after(headers: Mapping[str, Any]) -> int | None:
    """Seconds that an answer asks us to wait; None when it does not say."""
    text = str(headers.get("Retry-After", ""))
    return min(max(int(text), 1), LONGEST_RETRY_S) if text.isascii() and text.isdigit() else None


def _unanswered(error: Exception, what: str) -> StoreError:
    import requests

    if isinstance(error, requests.exceptions.SSLError):
        return VaultRefused("Vault's certificate is not trusted: check it, and the address")
    if isinstance(error, ValueError):  # those of malformed URLs are both
        return VaultRefused("Vault's address is no URL that can be used: check vaultAddress")
    if isinstance(error, requests.Timeout):
        return VaultUnavailable(f"Vault did not answer in time (to {what})")
    return VaultUnavailable(f"Vault cannot be reached (to {what})")
