"""What the user is told about the server's answers: each kind of trouble in one line, and when it is over."""

from __future__ import annotations

from clawpulse._delivery import DENIED, Answer, elsewhere
from clawpulse._reports import Reports, log

_SKEW_SECONDS = 60.0


class Answers:
    """Follows the answers of one client's deliveries."""

    def __init__(self, reports: Reports) -> None:
        self._reports = reports
        self._trouble: str | None = None

    def failed(self, answer: Answer, url: str, waiting: int, delay: float) -> None:
        """A try failed and will be repeated."""
        kind = "denied" if answer.status in DENIED else "elsewhere" if elsewhere(answer.status) else "unreachable"
        if kind == self._trouble:
            return
        self._trouble = kind
        if kind == "denied":
            log("error", f"{url} does not let this token write ({answer.reason}); the data is kept, next try in {delay:.0f} s")
        elif kind == "elsewhere":
            log(
                "error",
                f"{url} is not the API or a proxy is in between ({answer.reason}); set CLAWPULSE_URL to where it is. The data is kept",
            )
        else:
            log("warning", f"cannot deliver to {url} ({answer.reason}); batches that wait: {waiting}, retrying with growing pauses")

    def refused(self, answer: Answer, points: int) -> None:
        """The server will never take this batch."""
        self._over()
        self._reports.dropped(points, f"the server refused a batch ({answer.reason})", kind=f"refused {answer.status}")

    def delivered(self, answer: Answer, url: str, now: float) -> None:
        """A batch arrived; the server may have remarks."""
        if self._trouble:
            log("info", f"delivering to {url} again")
        self._over()
        self._rejected(answer)
        limited = answer.content.get("limited")
        for limit in limited if isinstance(limited, list) else ():
            if isinstance(limit, dict):
                tag, values = str(limit.get("tag")), limit.get("values")
                self._reports.once(f"limited {tag}", "warning", f"tag {tag} has too many values ({values}): the rest counts as __other__")
        server = answer.content.get("time")
        if isinstance(server, (int, float)) and abs(server / 1000 - now) > _SKEW_SECONDS:
            self._reports.once("clock", "warning", f"this host's clock is {now - server / 1000:+.0f} s from the server's")

    def _rejected(self, answer: Answer) -> None:
        rejected, count = answer.content.get("rejected"), answer.content.get("rejectedCount")
        if isinstance(count, int) and count > 0:
            self._reports.count("clawpulse.rejected", count)
        for entry in rejected if isinstance(rejected, list) else ():
            reason = str(entry.get("reason")) if isinstance(entry, dict) else str(entry)
            self._reports.once(
                f"rejected {reason[:60]}", "warning", f"the server rejected a point: {reason[:300]}; clawpulse.rejected counts"
            )

    def _over(self) -> None:
        self._trouble = None
