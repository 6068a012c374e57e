"""Badges: what they say, and that they are sound pictures whatever their texts."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.domain.badge import MAX_LABEL, face, opened, path_of, picture
from functions.domain.fleet import Status
from functions.domain.token import RANDOM_BYTES, create

SVG = "{http://www.w3.org/2000/svg}"
HEALTH = st.dictionaries(st.sampled_from([status.value for status in Status]), st.integers(0, 2_000))


@pytest.mark.parametrize(
    ("health", "text"),
    [
        ({"red": 2, "green": 28}, "2 red of 30"),
        ({"yellow": 1, "grey": 1}, "1 yellow of 2"),
        ({"red": 0, "green": 30, "grey": 0}, "30 green"),
        ({"green": 1, "grey": 1}, "1 green of 2"),
        ({"grey": 3}, "3 grey"),
        ({}, "no agent"),
    ],
)
def test_it_tells_the_worst_colour(health: dict[str, int], text: str) -> None:
    assert face(health).text == text


@given(label=st.text(max_size=300), health=HEALTH)
def test_it_is_a_sound_picture_of_two_texts_that_fit(label: str, health: dict[str, int]) -> None:
    svg = ElementTree.fromstring(picture(label, face(health)))
    left, right = svg.findall(f".//{SVG}text")
    assert len(left.text or "") <= MAX_LABEL
    assert right.text == f"{face(health).symbol} {face(health).text}"
    assert float(left.attrib["textLength"]) + float(right.attrib["textLength"]) < float(svg.attrib["width"])
    # Texts become no elements.
    assert {element.tag.removeprefix(SVG) for element in svg.iter()} == {"svg", "title", "rect", "path", "g", "text"}


@given(random=st.binary(min_size=RANDOM_BYTES, max_size=RANDOM_BYTES))
def test_its_path_opens_its_token(random: bytes) -> None:
    record, text = create(workspace="team", name="badge", scopes=["badge"], now=1, random=random)
    given = opened(path_of(text).removeprefix("badge/"))
    assert given is not None
    assert (given[0], record.verify(given[1])) == (record.id, True)


@given(st.text(max_size=200))
def test_any_other_text_opens_none(text: str) -> None:
    assert opened(text) is None
