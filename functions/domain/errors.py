"""The tree of errors that ClawPulse raises on purpose; anything else that propagates is a bug.

ClawPulseError
├── InvalidInput          what a caller sent is wrong: names the field and the reason; retrying never helps
│   ├── TooLarge
│   └── InvalidCursor
├── NotAuthenticated      the caller's token is none, expired or revoked
├── NotAllowed            the caller is known but may not
├── NotFound
├── Conflict
├── PreconditionFailed    what the caller wants to replace is not there (any more)
└── StoreError
    ├── StoreUnavailable  retrying later may help
    └── RecordsRejected   retrying never helps
"""


class ClawPulseError(Exception):
    """Root of the tree."""


class InvalidInput(ClawPulseError):
    """What a caller sent is wrong."""

    def __init__(self, reason: str, field: str | None = None) -> None:
        super().__init__(f"{field}: {reason}" if field else reason)
        self.reason = reason
        self.field = field


class TooLarge(InvalidInput):
    """More than the limit that the reason names."""


class InvalidCursor(InvalidInput):
    """A paging cursor that this service did not give out, or that has expired."""


class NotAuthenticated(ClawPulseError):
    """The caller's token does not count (any more); the text says why."""


class NotAllowed(ClawPulseError):
    """The caller is known but may not; the text names what is missing."""


class NotFound(ClawPulseError):
    """No such thing; the text names it."""


class Conflict(ClawPulseError):
    """The state does not allow it; the text says why."""


class PreconditionFailed(ClawPulseError):
    """What the caller wants to replace is not there (any more); the text says what is."""


class StoreError(ClawPulseError):
    """A store did not do what it was asked."""


class StoreUnavailable(StoreError):
    """Retrying later may help."""

    def __init__(self, reason: str, retry_after_s: int = 5) -> None:
        super().__init__(reason)
        self.retry_after_s = retry_after_s


class RecordsRejected(StoreError):
    """Retrying never helps. `reasons` maps the record's index to the store's reason."""

    def __init__(self, reasons: dict[int, str]) -> None:
        super().__init__(f"{len(reasons)} records rejected, the first: {next(iter(reasons.values()), 'no reason given')}")
        self.reasons = reasons


class VaultUnavailable(StoreUnavailable):
    """Vault is sealed, busy, or out of reach: retrying later may help."""


class VaultRefused(StoreError):
    """Vault answers, and will not do it: policies, paths or its set-up have to change."""


class ProviderUnavailable(StoreUnavailable):
    """A provider of keys is busy or out of reach: retrying later may help."""


class ProviderRefused(StoreError):
    """A provider of keys answers, and will not do it."""


class TargetRefused(StoreError):
    """What a scaling decision is to be put into effect on answers, and will not do it."""
