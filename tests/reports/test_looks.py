"""How reports look: whole, escaped, readable, and true to what is known, in every format and whatever they say."""

from __future__ import annotations

import json
import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from functions.domain import report_html, report_json, report_markdown
from functions.domain.report import Chart, ChartKind, Column, Finding, Line, Mark, Report, Section, Severity, Stat, Table, Unit
from functions.domain.report_axis import time_ticks, value_axis
from functions.domain.report_files import RENDERINGS
from functions.domain.report_style import PALETTE, SERIES, TEXTS
from functions.domain.report_svg import picture
from functions.domain.report_text import UNKNOWN, change, shown
from functions.domain.times import DAY_MS, HOUR_MS
from tests.reports.sample import DAYS, END, START, sample

VOID = {"meta", "input", "br"}
NUMBERS = st.one_of(st.none(), st.floats(-1e12, 1e12), st.integers(-(10**9), 10**12))
WORDS = st.text(min_size=1, max_size=40)


class Page(HTMLParser):
    """The elements of a page, with what does not fit."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.faults: list[str] = []
        self.said = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(tag)

    def handle_data(self, data: str) -> None:
        self.said += data

    @property
    def tags(self) -> list[str]:
        return [tag for tag, _ in self.elements]


def page_of(report: Report) -> Page:
    return Page(report_html.render(report))


def saying(words: str) -> Report:
    """A report in which every text is this one."""
    chart = Chart(
        title=words,
        kind=ChartKind.STACKED,
        unit=Unit.USD,
        times=DAYS,
        lines=[Line(words, [1.0] * 7), Line("b", [2.0] * 7)],
        marks=(Mark(START + DAY_MS, words),),
        note=words,
    )
    bars = replace(chart, kind=ChartKind.BARS, times=(), labels=(words, "c"), lines=[Line(words, [1.0, None])])
    section = Section(
        id=words,
        title=words,
        summary=words,
        stats=(Stat(label=words, value=words, unit=Unit.TEXT, note=words),),
        charts=(chart, bars),
        findings=(
            Finding(severity=Severity.INFO, title=words, evidence=words, about=(words,), action=f"clawpulse {words}", usd_per_month=1.0),
        ),
        tables=(Table(title=words, columns=(Column(label=words), Column(label=words)), rows=((words, words),), note=words),),
        notes=(words,),
    )
    return Report(
        id="w1", workspace=words, tags=words, title=words, start=START, end=END, made=END, summary=words,
        headline=section.stats, sections=(section,), notes=(words,),
    )  # fmt: skip


def contrast(one: str, other: str) -> float:
    """As WCAG 2.2 defines it."""

    def luminance(colour: str) -> float:
        parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
@pytest.mark.parametrize("ground", ["page", "card"])
def test_colours_can_be_told_apart_by_everybody(theme: int, ground: str) -> None:
    behind = PALETTE[ground][theme]
    assert {name: round(contrast(PALETTE[name][theme], behind), 2) for name in TEXTS if contrast(PALETTE[name][theme], behind) < 4.5} == {}
    assert {name: round(contrast(PALETTE[name][theme], behind), 2) for name in SERIES if contrast(PALETTE[name][theme], behind) < 3} == {}


def test_the_page_is_whole_and_loads_nothing() -> None:
    page = page_of(sample())
    assert (page.faults, page.open) == ([], [])
    assert "script" not in page.tags
    for tag, attributes in page.elements:
        assert not attributes.keys() & {"src", "srcset", "onclick", "onload", "style"}, tag
        assert (attributes.get("href") or "#").startswith("#")
    assert "url(" not in report_html.render(sample())
    assert "@import" not in report_html.render(sample())


def test_everything_can_be_reached_and_read_aloud() -> None:
    page = page_of(sample())
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for tag, attributes in page.elements:
        if tag == "svg":
            assert attributes["role"] == "img"
            assert set(str(attributes["aria-labelledby"]).split()) <= set(ids)
        if tag == "th":
            assert attributes["scope"] in ("row", "col")
        if tag == "a":
            assert str(attributes["href"])[1:] in ids
    assert page.tags.count("caption") == page.tags.count("table") > 0
    assert page.tags.count("desc") == page.tags.count("svg") == 5


@settings(max_examples=60, deadline=None)
@given(WORDS)
def test_no_text_becomes_markup(words: str) -> None:
    page, plain = page_of(saying(words)), page_of(saying("x"))
    assert (page.faults, page.open) == ([], [])
    assert page.tags == plain.tags
    assert [sorted(attributes) for _, attributes in page.elements] == [sorted(attributes) for _, attributes in plain.elements]


@pytest.mark.parametrize(
    "words", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "</style></svg></title><b>", "a\u202egnp.exe", "&lt;b&gt;"]
)
def test_hostile_texts_are_shown_as_they_are_but_for_hidden_marks(words: str) -> None:
    page = page_of(saying(words))
    assert page.tags == page_of(saying("x")).tags
    assert words.replace("\u202e", " ") in page.said
    assert "\u202e" not in page.said


@settings(max_examples=60, deadline=None)
@given(WORDS)
def test_no_text_breaks_a_row_or_ends_a_line_of_markdown(words: str) -> None:
    hostile, plain = report_markdown.render(saying(words)).splitlines(), report_markdown.render(saying("x")).splitlines()
    assert len(hostile) == len(plain)
    for line, other in zip(hostile, plain, strict=True):
        assert line.replace("\\|", "").count("|") == other.count("|")


@pytest.mark.parametrize(
    "words",
    [
        "[x](javascript:alert(1))",
        "![x](https://evil.example/p.png)",
        "https://evil.example",
        "@everyone",
        "<img src=x>",
        "# x",
        "*b* _i_ `c`",
    ],
)
def test_markdown_marks_nothing_up_that_a_text_says(words: str) -> None:
    # What stands between backticks is no markup either.
    text = re.sub(r"`[^`\n]*`", "", report_markdown.render(saying(words)))
    assert "](" not in text.replace("\\](", "")
    assert "https://" not in text
    assert "<img" not in text.replace("\\<img", "")
    assert not [line for line in text.splitlines() if line.startswith("# x") and line != f"# {report_markdown._text(words)}"]


def charts() -> st.SearchStrategy[Chart]:
    """Charts of every kind, with gaps."""

    def of(count: int, timed: bool, kind: ChartKind, unit: Unit, data: list[list[float | None]], name: str) -> Chart:
        lines = [Line(f"{name}{place}", (points * count)[:count]) for place, points in enumerate(data)]
        times = tuple(START + place * HOUR_MS for place in range(count)) if timed else ()
        labels = () if timed else tuple(f"{name} {place}" for place in range(count))
        return Chart(title=name, kind=kind, unit=unit, times=times, labels=labels, lines=lines, marks=(Mark(START + 1, name),))

    points = st.lists(st.lists(NUMBERS, min_size=1, max_size=8), min_size=1, max_size=4)
    units = st.sampled_from([unit for unit in Unit if unit not in (Unit.TEXT, Unit.TIME)])
    words = WORDS.filter(lambda text: "nan" not in text.lower())
    return st.builds(of, st.integers(1, 90), st.booleans(), st.sampled_from(ChartKind), units, points, words)


@settings(max_examples=150, deadline=None)
@given(charts())
def test_any_chart_is_a_picture_with_all_of_it_inside(chart: Chart) -> None:
    text = picture(chart)
    assert "nan" not in text.lower()
    root = ET.fromstring(text)
    wide, high = (float(value) for value in root.attrib["viewBox"].split()[2:])
    for element in root.iter():
        for name, limit in (("x", wide), ("x1", wide), ("x2", wide), ("cx", wide), ("y", high), ("y1", high), ("y2", high), ("cy", high)):
            if name in element.attrib:
                assert -0.6 <= float(element.attrib[name]) <= limit + 0.6, element.attrib
        if element.tag.endswith("rect"):
            assert float(element.attrib["height"]) >= 0
            assert float(element.attrib.get("x", 0)) + float(element.attrib["width"]) <= wide + 0.6


@given(st.lists(st.floats(-1e15, 1e15), max_size=9), st.sampled_from(Unit))
def test_an_axis_reaches_every_value_in_a_few_round_steps(values: list[float], unit: Unit) -> None:
    axis = value_axis(values, unit)
    ticks = [value for value, _ in axis.ticks]
    assert 2 <= len(ticks) <= 14
    assert all(before < after for before, after in pairwise(ticks))
    for value in (*values, 0.0):
        assert -1e-6 <= axis.share(value) <= 1 + 1e-6


@given(st.integers(0, 4 * 10**12), st.integers(HOUR_MS, 400 * DAY_MS))
def test_times_stand_at_an_axis_in_order_and_not_too_many(start: int, length: int) -> None:
    ticks = time_ticks(start, start + length)
    assert len(ticks) <= 10
    assert [time for time, _ in ticks] == sorted({time for time, _ in ticks})
    assert all(start <= time <= start + length for time, _ in ticks)


def test_a_gap_is_a_gap() -> None:
    line = Chart(title="t", kind=ChartKind.LINE, unit=Unit.COUNT, times=DAYS, lines=[Line("a", [1.0, 2.0, None, 2.0, 1.0, None, 4.0])])
    root = ET.fromstring(picture(line))
    (path,) = [element.attrib["d"] for element in root.iter() if element.attrib.get("class") == "line"]
    assert path.count("M") == 2
    assert path.count("L") == 2
    assert len([element for element in root.iter() if element.tag.endswith("circle")]) == 1, "the last one stands alone"


def test_nothing_known_is_said_and_not_drawn() -> None:
    text = picture(Chart(title="t", kind=ChartKind.LINE, unit=Unit.USD, times=DAYS, lines=[Line("a", [None] * 7)]))
    assert "Nothing is known." in text
    assert "a: nothing is known" in text


@given(st.sampled_from([unit for unit in Unit if unit is not Unit.TEXT]), st.one_of(st.floats(), st.integers(-(10**15), 10**15)))
def test_a_number_that_is_not_0_is_not_shown_as_0(unit: Unit, value: float) -> None:
    text = shown(value, unit)
    if not math.isfinite(value):
        assert text == UNKNOWN
    elif unit is not Unit.TIME and abs(value) > 1e-6 and unit not in (Unit.DAYS, Unit.SCORE, Unit.PERCENT, Unit.FRACTION):
        assert any(digit in text for digit in "123456789"), text
    assert shown(None, unit) == UNKNOWN


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (0, Unit.USD, "$0"),
        (0.00828, Unit.USD, "$0.00828"),
        (0.5, Unit.USD, "$0.50"),
        (12.344, Unit.USD, "$12.34"),
        (-3412.4, Unit.USD, "−$3,412"),
        (640.2, Unit.USD_PER_MONTH, "$640 a month"),
        (1.93e9, Unit.TOKENS, "1.93 B"),
        (9876, Unit.TOKENS, "9,876"),
        (999_999, Unit.TOKENS, "1,000 k"),
        (412_300, Unit.COUNT, "412,300"),
        (0.0123, Unit.FRACTION, "1.2 %"),
        (0.0004, Unit.FRACTION, "0.04 %"),
        (1, Unit.FRACTION, "100 %"),
        (812.4, Unit.MS, "812 ms"),
        (8420, Unit.MS, "8.42 s"),
        (90_000, Unit.MS, "1.5 min"),
        (61.24, Unit.DAYS, "61.2 days"),
        (96.44, Unit.SCORE, "96.4 of 100"),
        (START, Unit.TIME, "Mon 17 Nov 2025 00:00 UTC"),
        (None, Unit.USD, "unknown"),
        ("<b>\n", Unit.USD, "<b>"),
    ],
)
def test_numbers_read_as_people_write_them(value: float | str | None, unit: Unit, text: str) -> None:
    assert shown(value, unit) == text


def test_changes_have_their_sign() -> None:
    assert [change(value) for value in (0.18, -0.342, 0.0, -0.00001, 12.5, None)] == [
        "+18 %",
        "−34.2 %",
        "±0 %",
        "±0 %",
        "+1,250 %",
        UNKNOWN,
    ]


def test_json_has_every_number_as_it_is() -> None:
    found = json.loads(report_json.render(sample()))
    assert found["v"] == 1
    assert (found["start"], found["end"]) == ("2025-11-17T00:00:00.000Z", "2025-11-24T00:00:00.000Z")
    cost = next(section for section in found["sections"] if section["id"] == "cost")
    assert cost["tables"][0]["rows"][0] == ["smart", 2415.1, 0.33, 1.2e9, 0.0142]
    assert cost["tables"][0]["rows"][2][-1] is None
    assert [stat["value"] for stat in found["headline"]][-1] is None
    odd = replace(sample(), headline=(Stat(label="x", value=math.inf, unit=Unit.USD), Stat(label="y", value=START, unit=Unit.TIME)))
    assert [stat["value"] for stat in json.loads(report_json.render(odd))["headline"]] == [None, "2025-11-17T00:00:00.000Z"]


def test_what_must_not_be_missed_comes_first_in_every_format_for_people() -> None:
    titles = [
        "Memory of agent-17 grows until it is full",
        "Tasks of tier=smart cost 31 % more each",
        "Four agents have done nothing for 14 days",
    ]
    for format in ("html", "markdown"):
        text = RENDERINGS[format].render(sample())
        places = [text.index(title) for title in titles]
        assert places == sorted(places)
        assert places[-1] < text.index("Slowest agents")
