"""The pictures in the docs: all there, small, and made by something that still works."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from tests.dashboard.pictures import IMAGES, MOST_BYTES, PICTURES, SCHEMES, take
from tests.dashboard.site import Site

DOCS = IMAGES.parent / "dashboard.md"


@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
def test_every_picture_is_there_in_both_schemes_and_small(picture) -> None:
    for scheme in SCHEMES:
        file = IMAGES / picture.file(scheme)
        assert file.read_bytes().startswith(b"\x89PNG")
        assert file.stat().st_size < MOST_BYTES, file.name
        assert f"images/{file.name}" in DOCS.read_text()


@pytest.mark.browser
@pytest.mark.parametrize("picture", PICTURES, ids=lambda picture: picture.name)
def test_every_picture_can_be_taken_again(picture, site: Site, browser: Browser, tmp_path: Path) -> None:
    made = take(picture, "dark", site, browser, tmp_path)
    assert made.stat().st_size > MOST_BYTES // 4
    # Else it would show that something is missing.
    assert [path for path, _, status in site.asked if status >= 400] == []
