"""The page behind an approval link: self-contained, without scripts; nothing on it that could be loaded from elsewhere."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Iterator, Sequence
from hashlib import sha256
from html import escape

from functions.domain.rollout import Action, Reversibility, Rollout, Wave
from functions.domain.rollout_plan import counts

CONTENT_TYPE = "text/html; charset=utf-8"
_STYLE = (
    "body{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem;color:#1f2937;background:#fff}"
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1rem}dt{font-weight:600}dd{margin:0;overflow-wrap:anywhere}"
    "pre{background:#f3f4f6;padding:.75rem;overflow:auto;max-height:24rem}button{font:inherit;padding:.5rem 1.25rem;margin-right:1rem}"
    ".warn{color:#b91c1c;font-weight:600}"
)
SECURITY = {
    "Content-Security-Policy": f"default-src 'none'; style-src 'sha256-{b64encode(sha256(_STYLE.encode()).digest()).decode()}';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "Strict-Transport-Security": "max-age=31536000",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex",
    "Cache-Control": "no-store",
}
_AGENTS = 20
_CHANGE = 4000
_LABELS = {Action.APPROVE: "Approve", Action.ABORT: "Abort: take it back"}


def question(workspace: str, rollout: Rollout, waves: Sequence[Wave]) -> str:
    """What is to be approved, and the buttons."""
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in _facts(workspace, rollout, waves))
    warning = _WARNING if rollout.reversibility is Reversibility.IRREVERSIBLE else ""
    buttons = "".join(f'<button formaction="?action={action}">{label}</button>' for action, label in _LABELS.items())
    change = json.dumps(rollout.change, ensure_ascii=False, indent=2)
    shown = escape(change if len(change) <= _CHANGE else f"{change[:_CHANGE]}…")
    return _page(
        f"Approve wave {rollout.wave + 1} of {rollout.waves}?",
        f'<p>{escape(rollout.title)}</p>{warning}<dl>{rows}</dl><h2>Change</h2><pre>{shown}</pre><form method="post">{buttons}</form>',
    )


def message(title: str, text: str) -> str:
    """A page that only says something."""
    return _page(title, f"<p>{escape(text)}</p>")


def _facts(workspace: str, rollout: Rollout, waves: Sequence[Wave]) -> Iterator[tuple[str, str]]:
    yield "Workspace", workspace
    yield "Rollout", rollout.id
    yield "Waits because", rollout.hold.reason if rollout.hold else rollout.reason
    for wave in waves:
        if wave.number == rollout.wave:
            agents = [member.agent for member in wave.members]
            more = f" and {len(agents) - _AGENTS} more" if len(agents) > _AGENTS else ""
            yield "This wave", f"{len(agents)} of {rollout.members} agents{_stage(wave)}: {', '.join(agents[:_AGENTS])}{more}"
    yield "Agents", ", ".join(f"{amount} {state}" for state, amount in counts(waves).items())
    for verdict in rollout.verdicts:
        yield f"Wave {verdict.wave + 1}", f"{verdict.outcome}: {verdict.reason}"
    if rollout.backup_by:
        yield "Backup", f"acknowledged by {rollout.backup_by}"


def _stage(wave: Wave) -> str:
    return f" ({wave.stage})" if wave.stage else ""


def _page(title: str, body: str) -> str:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>ClawPulse: {escape(title)}</title><style>{_STYLE}</style></head><body><h1>{escape(title)}</h1>{body}</body></html>"
    )


_WARNING = '<p class="warn">Irreversible: going back does not undo it.</p>'
