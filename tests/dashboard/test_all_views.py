"""What holds for every view, taken from the page's own registry, with answers made from the API's models."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest
from playwright.sync_api import CDPSession, Page, expect

from tests.dashboard.answers import Answers
from tests.dashboard.conftest import Open
from tests.dashboard.site import TOKEN, Site, fleet

pytestmark = pytest.mark.browser

DASHBOARD = Path(__file__).parents[2] / "dashboard"
WIDTHS = ((390, 844), (1280, 800), (3840, 2160))
SCHEMES = ("light", "dark")
_LINE = re.compile(r'\{ name: "([\w-]+)", label: "([^"]+)"(?:, key: "(\w)")?(?:, under: "([\w-]+)")?')
MOST_PLACES, MOST_CHOICES = 8, 3
"""In one view: its parts, and one of each kind of what they lead to."""


@dataclass(frozen=True)
class View:
    name: str
    label: str
    key: str
    under: str

    @property
    def home(self) -> str:
        """Those that are not in the menu are of something."""
        return f"/{self.name}/fast-001" if self.under else f"/{self.name}"


def views() -> list[View]:
    text = (DASHBOARD / "src" / "views.ts").read_text()
    found = [View(*groups) for groups in _LINE.findall(text)]
    assert len(found) == text.count("import("), "views.ts has a line that this does not read"
    return found


each_view = pytest.mark.parametrize("view", views(), ids=lambda view: view.name)


@cache
def axe() -> str:
    return (DASHBOARD / "node_modules" / "axe-core" / "axe.min.js").read_text()


@pytest.fixture
def start(site: Site, open_page: Open) -> Callable[[str], Page]:
    """Opens the page at no view, with answers of a kind to everything."""

    def started(kind: str) -> Page:
        site.otherwise = Answers(kind)
        page = open_page(fragment=f"#share={TOKEN}&view=/nothing", clock=False, reduced_motion="reduce")
        page.evaluate(COUNT_QUESTIONS)
        return page

    return started


COUNT_QUESTIONS = """() => {
  const ask = window.fetch;
  window.open_questions = 0;
  window.fetch = async (...given) => {
    window.open_questions++;
    try { return await ask(...given) } finally { window.open_questions-- } } }"""
SETTLED = """() => {
  const title = document.querySelector('#main .state h2')?.textContent ?? '';
  window.still = window.open_questions || title.startsWith('Loading') ? 0 : (window.still ?? 0) + 1;
  return window.still > 5 }"""


CHOICES = "#main .choices"
CHOOSE = """number => {
  const last = document.querySelectorAll('#main .choices')[number]?.querySelector('button:last-child[aria-pressed=false]');
  last?.click();
  return last?.textContent ?? null }"""


def settled(page: Page) -> None:
    """Shown for some frames without a question open: a view may ask for more with what it got first."""
    page.evaluate("window.still = 0")
    page.wait_for_function(SETTLED)


def go(page: Page, place: str) -> None:
    page.evaluate("place => { location.hash = place }", place)
    settled(page)


def places(page: Page, view: View) -> Iterator[str]:
    """Goes to the view, to its other ways to show things, then to one of each kind of place in it that it links to."""
    wanted, seen = [view.home], set[str]()
    while wanted and len(seen) < MOST_PLACES:
        place = wanted.pop(0)
        if (kind := kind_of(place)) in seen:
            continue
        seen.add(kind)
        go(page, place)
        yield place
        links = page.locator("#main a[href*='#/']").evaluate_all("links => links.map(link => link.hash.slice(1))")
        wanted += [link for link in links if link.split("?")[0].split("/")[1] == view.name]
        if place == view.home:
            for number in range(min(MOST_CHOICES, page.locator(CHOICES).count())):
                if (label := page.evaluate(CHOOSE, number)) is not None:
                    settled(page)
                    yield f"{place}, {label}"


def kind_of(place: str) -> str:
    """What stands after the view's name is of something; the query says which part."""
    path, _, query = place.partition("?")
    return f"{path.count('/')}?{query}"


@each_view
def test_it_fits_every_screen_and_is_accessible(start: Callable[[str], Page], view: View) -> None:
    page = start("rich")
    faults = [f"{place}, {fault}" for place in places(page, view) for fault in misfits(page)]
    assert not faults, "\n".join(faults)


def misfits(page: Page) -> list[str]:
    """What of a page is not accessible in one of the schemes, or wider than one of the screens."""
    faults: list[str] = []
    if not page.evaluate("'axe' in window"):
        page.evaluate(axe())
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        # What differs between the schemes is colour.
        rules = None if scheme == "light" else ["color-contrast"]
        faults += [f"{scheme}: {found}" for found in page.evaluate(SERIOUS, rules)]
    for width, height in WIDTHS:
        page.set_viewport_size({"width": width, "height": height})
        # Charts follow some frames later.
        settled(page)
        faults += [f"at {width} px: {found}" for found in page.evaluate(WIDER)]
    page.set_viewport_size({"width": 1280, "height": 800})
    return faults


SERIOUS = """async (rules) => {
  // A tile's label says in words what its figures say in short; what one calls it by, its name, stands first in both.
  const all = { rules: { 'label-content-name-mismatch': { enabled: false } } };
  const found = await axe.run(document, { resultTypes: ['violations'], ...(rules ? { runOnly: rules } : all) });
  return found.violations.filter(one => ['serious', 'critical'].includes(one.impact))
    .map(one => `${one.id}: ${one.nodes.slice(0, 4).map(node => node.html.slice(0, 200)).join(' | ')}`) }"""

WIDER = """() => {
  const scrolls = node => node && node !== document.body && (getComputedStyle(node).overflowX !== 'visible' || scrolls(node.parentElement));
  return document.documentElement.scrollWidth <= innerWidth ? [] : ['wider than the screen', ...[...document.querySelectorAll('#app *')]
    .filter(node => node.getBoundingClientRect().right > innerWidth + 1 && node.checkVisibility() && !scrolls(node.parentElement))
    .slice(0, 6).map(node => `${node.tagName}.${node.className} ends at ${node.getBoundingClientRect().right}`)] }"""


@each_view
def test_markup_in_every_answer_is_shown_as_text(start: Callable[[str], Page], view: View) -> None:
    page, seen = start("hostile"), False
    for place in places(page, view):
        assert page.evaluate(ELEMENTS) == [], place
        seen |= page.evaluate(SHOWS_MARKUP)
    assert seen, "none of it was shown"


SHOWS_MARKUP = "() => [...document.querySelectorAll('#main *')].some(node => (node.value ?? node.textContent).includes('<b data-hostile>'))"


@each_view
def test_what_is_missing_breaks_nothing(start: Callable[[str], Page], view: View) -> None:
    page = start("sparse")
    for place in places(page, view):
        text = page.locator("#main").inner_text()
        assert text.strip(), place
        # How a value that nobody thought of looks.
        assert re.findall(r"\b(undefined|null|NaN|Infinity|Invalid Date|\[object \w+\])", text) == [], place


ELEMENTS = """() => [
  ...document.querySelectorAll('[data-hostile], img:not(header img), script:not(head script), iframe, object, embed'),
  ...[...document.querySelectorAll('[href], [src], [action], [formaction]')].filter(node =>
    ['href', 'src', 'action', 'formaction'].some(name => /^\\s*javascript:/i.test(node.getAttribute(name) ?? ''))),
  ...[...document.querySelectorAll('*')].filter(node => [...node.attributes].some(one => one.name.startsWith('on'))),
  ].map(node => node.outerHTML.slice(0, 200)).concat(window.hacked ? ['a script ran'] : [])"""


def test_the_keyboard_alone_opens_every_view_and_reaches_all_in_it(start: Callable[[str], Page]) -> None:
    page = start("rich")
    for view in views():
        if view.under:
            go(page, view.home)
        elif view.key:
            page.keyboard.press("Escape")
            page.evaluate("document.activeElement.blur()")
            page.keyboard.press("g")
            page.keyboard.press(view.key)
        else:
            page.locator("nav.menu").get_by_role("link", name=view.label, exact=True).focus()
            page.keyboard.press("Enter")
        page.wait_for_function("name => location.hash.slice(1).split(/[/?]/)[1] === name", arg=view.name)
        settled(page)
        if not view.under:
            expect(page.locator("nav.menu [aria-current=page]")).to_have_text(view.label)
        missed = page.evaluate(MARK)
        for _ in range(missed + 5):
            page.keyboard.press("Tab")
            page.evaluate(REACH)
        assert page.evaluate(MISSED) == [], view.name


# What Tab should stop at; of radio buttons one is enough.
MARK = """() => {
  window.wanted = new Set([...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex="0"]')]
    .filter(node => node.tabIndex >= 0 && !node.disabled && node.checkVisibility({ visibilityProperty: true }) && node.type !== 'radio'));
  window.hidden = [];
  document.activeElement.blur();
  return window.wanted.size }"""
REACH = """() => {
  const node = document.activeElement;
  window.wanted.delete(node);
  const style = getComputedStyle(node);
  if (node !== document.body && style.outlineStyle === 'none' && style.boxShadow === 'none') window.hidden.push(node) }"""
MISSED = """() => [...[...window.wanted].filter(node => node.isConnected).map(node => `not reached: ${node.outerHTML.slice(0, 160)}`),
  ...window.hidden.map(node => `focus not seen: ${node.outerHTML.slice(0, 160)}`)]"""


CPU_BOUND_S = 1.5
"""What one change of a thousand agents may take of a core, however busy the machine is: about 0.2 on an idle one."""


@pytest.mark.parametrize("shown_as", ["tiles", "rows"])
def test_a_thousand_agents_scroll_and_filter_without_much_work(site: Site, open_page: Open, shown_as: str) -> None:
    site.agents = fleet(1_000)
    page = open_page(fragment=f"#share={TOKEN}&view=/fleet?as={shown_as}")
    page.locator("#tags").wait_for()
    entry = page.locator(".tile" if shown_as == "tiles" else "tbody tr[data-id]")
    entry.first.wait_for()
    cdp = page.context.new_cdp_session(page)
    cdp.send("Performance.enable", {"timeDomain": "threadTicks"})
    before = task_seconds(cdp)
    page.mouse.move(640, 500)
    for _ in range(10):
        page.mouse.wheel(0, 3_000)
        page.evaluate("() => new Promise(requestAnimationFrame)")
    assert task_seconds(cdp) - before < CPU_BOUND_S
    expect(entry.first).to_be_visible()
    before = task_seconds(cdp)
    page.locator("#tags").fill("tier=fast,shard=acme")
    expect(page.get_by_role("button", name="167 green", exact=True)).to_be_visible()
    assert task_seconds(cdp) - before < CPU_BOUND_S


def task_seconds(cdp: CDPSession) -> float:
    """CPU that the page's main thread has used, in seconds."""
    found = {one["name"]: one["value"] for one in cdp.send("Performance.getMetrics")["metrics"]}
    return float(found["TaskDuration"])
