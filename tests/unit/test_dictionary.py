"""The data dictionary lists every column, is never stale, and opens without network."""

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from expectations import load_contracts
from flows.dictionary import dictionary_tables, render_html, render_markdown, write_dictionary

ROOT = Path(__file__).parents[2]
CHROMIUM = Path("/usr/bin/chromium")
COLUMNS = [f"{c.table}.{name}" for c in load_contracts().values() for name in c.columns]


class Page(HTMLParser):
    """The columns a page lists, and everything by which a page could load something."""

    def __init__(self) -> None:
        super().__init__()
        self.columns: list[str] = []
        self.loads: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        facts = dict(attrs)
        if name := facts.get("data-column"):
            self.columns.append(name)
        self.loads += [str(facts[name]) for name in ("src", "href", "srcset", "action") if facts.get(name)]


def test_the_page_in_docs_is_what_the_contracts_say() -> None:
    shown = (ROOT / "docs" / "data-dictionary.md").read_text(encoding="utf-8")
    assert shown == render_markdown(), "docs/data-dictionary.md is stale: run `make docs`"
    parts = {part.partition("\n")[0]: part for part in shown.split("\n## ")[1:]}
    assert list(parts) == list(load_contracts())
    for contract in load_contracts().values():
        lines = [line for line in parts[contract.table].splitlines() if line.startswith("| `")]
        assert [line.split("`")[1] for line in lines] == list(contract.columns)
        assert all(column.vi in line and column.en in line for line, column in zip(lines, contract.columns.values(), strict=True))


def test_the_html_page_lists_every_column_and_loads_nothing(tmp_path: Path) -> None:
    path = write_dictionary(tmp_path / "new")
    assert [p.name for p in path.parent.iterdir()] == ["tu-dien-du-lieu.html"]
    page = Page()
    page.feed(path.read_text(encoding="utf-8"))
    assert page.columns == COLUMNS
    assert [link for link in page.loads if not link.startswith("#") and link != "data:,"] == []


def test_headings_limits_and_relations_are_shown_in_words() -> None:
    columns = {f"{t.name}.{c.name}": c for t in dictionary_tables() for c in t.columns}
    received = columns["core.cases.received_at"]
    assert received.sources[0].kind_vi == "Danh sách hồ sơ"
    assert "Ngày tiếp nhận" in received.sources[0].headings
    assert "Tiếp nhận (dưới tiêu đề nhóm)" in received.sources[0].headings
    assert received.limits_vi == "từ 01/01/2000 đến 31/12/2099 (sai chỉ cảnh báo)"
    assert columns["mart.unit_rates.rate"].limits_vi == "từ 0 đến 1"
    assert columns["mart.unit_rates.numerator"].limits_vi == "từ 0 trở lên"
    assert columns["core.cases.channel"].limits_vi == "online, counter, postal"
    assert columns["core.cases.unit_code"].leads_to == ("core.units.unit_code",)
    assert render_html().count("khóa</span>") == sum(len(c.key) for c in load_contracts().values())


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Headless Chromium."""
    if not CHROMIUM.exists():
        pytest.skip("needs chromium (apt-get install chromium)")
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as running:
        opened = running.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.mark.slow
def test_the_page_opens_offline_searches_and_fits(browser: Any, tmp_path: Path) -> None:
    path = write_dictionary(tmp_path)
    context = browser.new_context(offline=True)
    page = context.new_page()
    asked: list[str] = []
    faults: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda message: faults.append(message.text) if message.type in ("error", "warning") else None)
    page.goto(path.as_uri())
    rows = "[...document.querySelectorAll('tr[data-column]')].filter(row => row.offsetParent).map(row => row.dataset.column)"
    assert page.evaluate(rows) == COLUMNS
    for words, met in (("gio lam viec", "mart.late_receptions.waiting_hours"), ("Ký hiệu thủ tục", "core.cases.procedure_code")):
        page.fill("#search", words)
        shown = page.evaluate(rows)
        assert met in shown
        assert 0 < len(shown) < len(COLUMNS) / 2
        assert page.text_content("#found") == f"{len(shown)} cột"
    page.fill("#search", "zzz")
    assert page.evaluate(rows) == []
    assert "Không có cột nào" in page.text_content("#found")
    page.fill("#search", "")
    assert page.evaluate(rows) == COLUMNS
    page.reload()
    focused = []
    for _ in range(3):
        page.keyboard.press("Tab")
        focused.append(page.evaluate("document.activeElement.className || document.activeElement.id || document.activeElement.textContent"))
    assert focused == ["skip", "search", "core.calendar"]
    for width in (1280, 360):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert faults == []
    context.close()


@pytest.mark.slow
def test_the_page_meets_wcag_aa(browser: Any, tmp_path: Path) -> None:
    axe = pytest.importorskip("axe_core_python.sync_playwright").Axe()
    page = browser.new_page(bypass_csp=True)
    page.goto(write_dictionary(tmp_path).as_uri())
    # all tables are made alike: three of them say it in seconds, all would take minutes
    page.evaluate("[...document.querySelectorAll('section')].slice(3).forEach(section => section.remove())")
    page.evaluate(
        "document.querySelectorAll('nav a').forEach(a => document.getElementById(a.getAttribute('href').slice(1)) || a.closest('li').remove())"
    )
    page.evaluate("document.querySelectorAll('nav ul:empty, nav ul').forEach(ul => ul.children.length || ul.remove())")
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 800})
        found = axe.run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21aa"]})
        assert [(v["id"], v["nodes"][0]["html"][:120]) for v in found["violations"]] == []
    page.close()
