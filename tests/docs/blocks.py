"""Reads code blocks and links out of the repository's Markdown."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.M | re.S)
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def documents() -> list[Path]:
    """Every Markdown file that git tracks or would track."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.md"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return sorted(ROOT / line for line in set(listed.stdout.splitlines()) if (ROOT / line).exists())


def blocks(document: Path, language: str) -> list[str]:
    return [body for found, body in _FENCE.findall(document.read_text()) if found == language]


def commands(document: Path) -> list[str]:
    """Lines of the bash blocks, comments cut off, continuation lines joined."""
    text = "\n".join(blocks(document, "bash")).replace("\\\n", " ")
    lines = (re.sub(r"(^|\s)#.*$", "", line).strip() for line in text.splitlines())
    return [line for line in lines if line]


def links(document: Path) -> list[str]:
    return [target for target in _LINK.findall(document.read_text()) if "://" not in target]
