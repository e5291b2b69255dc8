"""The site as people use it, in a real browser: offline, by keyboard and search, on a telephone, and read aloud."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest
from site_figures import make_figures

from flows.night import NightResult
from flows.settings import Settings
from flows.site.pages import draw_pages
from flows.site.writing import write_site
from flows.warehouse_figures import load_figures
from transforms.wording import percent_vi

CHROMIUM = Path("/usr/bin/chromium")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not CHROMIUM.exists(), reason="needs /usr/bin/chromium (make browser)")]
sync_api = pytest.importorskip("playwright.sync_api")
PHONE, DESKTOP = {"width": 375, "height": 740}, {"width": 1280, "height": 900}
PAYLOAD = "<script>document.title='sống'</script>\"><img src=x onerror=\"document.title='sống'\">"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with sync_api.sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield running
        running.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page for which any request but to files and loopback, and any word in the console, is a failure."""
    context = browser.new_context(viewport=DESKTOP)
    opened, troubles = context.new_page(), []
    opened.on("console", lambda message: troubles.append(message.text))
    opened.on("pageerror", lambda error: troubles.append(str(error)))
    outside = re.compile(r"(?!file:|data:|http://127\.0\.0\.1[:/])")
    opened.on("request", lambda request: troubles.append(request.url) if outside.match(request.url) else None)
    yield opened
    context.close()
    assert troubles == []


@pytest.fixture(scope="module")
def site(night: tuple[Settings, NightResult]) -> Path:
    return night[0].outbox / "trang"


def kinds(site: Path) -> list[Path]:
    """One page of every kind."""
    return [*sorted(site.glob("*.html")), sorted((site / "don-vi").iterdir())[12]]


def column(page: Any, table: str, number: int) -> list[str]:
    """The texts of one column of a table, without second lines, signs and spaces that do not break."""
    cells = page.locator(f"#{table} tbody tr:not([hidden]) > :nth-child({number})")
    return [re.sub(r"^[✓✗▲▼!] ", "", text.split("\n")[0].replace("\u00a0", " ")) for text in cells.all_inner_texts()]


def percents(texts: list[str]) -> list[float]:
    return [float(text.removesuffix(" %").replace(",", ".")) for text in texts if text != "–"]


def test_sorting_searching_and_going_to_a_unit_and_back(page: Any, site: Path) -> None:
    page.goto((site / "index.html").as_uri())
    heading = page.locator("#don-vi-bang th[scope=col]").nth(4)
    heading.get_by_role("button").click()
    assert heading.get_attribute("aria-sort") == "ascending"
    shown = column(page, "don-vi-bang", 5)
    assert len(percents(shown)) > 5
    assert percents(shown) == sorted(percents(shown))
    assert "–" not in shown[: len(percents(shown))], "units without dossiers stand last"
    heading.get_by_role("button").press("Enter")
    assert heading.get_attribute("aria-sort") == "descending"
    shown = column(page, "don-vi-bang", 5)
    assert percents(shown) == sorted(percents(shown), reverse=True)
    assert "–" not in shown[: len(percents(shown))]

    field, told = page.get_by_label("Tìm đơn vị", exact=True), page.locator("#don-vi .tools output")
    field.fill("son ha huyen")
    without = column(page, "don-vi-bang", 1)
    assert "UBND huyện Sơn Hà" in without
    field.fill("xã SƠN HẠ")
    assert column(page, "don-vi-bang", 1) == ["UBND xã Sơn Hạ"], "accents that are typed are meant"
    assert told.inner_text().startswith("1/")
    page.get_by_role("link", name="UBND xã Sơn Hạ").last.click()
    assert page.title().startswith("UBND xã Sơn Hạ")
    page.go_back()
    assert page.title().startswith("Tổng quan")
    page.keyboard.press("Home")
    page.reload()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "noi-dung"


def test_dates_and_vietnamese_names_sort_as_they_should(page: Any, site: Path) -> None:
    page.goto((site / "cham-tiep-nhan.html").as_uri())
    table = page.locator("#cham-tiep-nhan-bang")
    table.get_by_role("button", name=re.compile("Nộp lúc")).click()
    moments = [re.sub(r"(..:..) ngày (..)/(..)/(....)", r"\4\3\2\1", text) for text in column(page, "cham-tiep-nhan-bang", 5)]
    assert len(moments) > 5
    assert moments == sorted(moments)
    page.goto((site / "index.html").as_uri())
    page.locator("#don-vi-bang").get_by_role("button", name=re.compile("^Đơn vị")).click()
    names = column(page, "don-vi-bang", 1)
    assert names.index("UBND xã Sơn Hạ") < names.index("UBND xã Sơn Hải") < names.index("UBND xã Sơn Thủy")
    assert names[0].startswith("Phòng")


def test_every_figure_of_the_overview_is_the_warehouse_s(page: Any, site: Path, night: tuple[Settings, NightResult]) -> None:
    with duckdb.connect(str(night[0].warehouse), read_only=True) as connection:
        rows = connection.execute(
            "SELECT u.unit_name, m.rowid, u.numerator, u.denominator, u.target FROM mart.unit_rates AS u JOIN mart.measures AS m USING (measure) "
            "WHERE m.family = 'plan' AND u.period_kind = 'year' AND u.period_start <= u.as_of AND u.period_end > u.as_of ORDER BY ALL"
        ).fetchall()
        late = connection.execute("SELECT count(*) FROM mart.late_receptions").fetchall()[0][0]
    page.goto((site / "index.html").as_uri())
    shown = {}
    for row in page.locator("#don-vi-bang tbody tr").all():
        texts = [text.replace("\u00a0", " ") for text in row.locator("> *").all_inner_texts()]
        for place, text in enumerate(texts[4:]):
            shown[texts[0].split("\n")[0], place] = re.sub(r"^[✓✗] ", "", text).split("\n")
    first = min(row[1] for row in rows)
    assert len(shown) == len(rows)
    for name, place, numerator, denominator, target in rows:
        found = shown[name, place - first]
        expected = [percent_vi(numerator, denominator, target).replace("\u00a0", " "), f"{numerator}/{denominator}"]
        assert found == (expected if denominator else ["–", "Không phát sinh"]), (name, place)
    page.goto((site / "cham-tiep-nhan.html").as_uri())
    assert page.locator("#cham-tiep-nhan-bang tbody tr").count() == late


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_every_kind_of_page_is_accessible_and_fits(page: Any, site: Path, size: dict[str, int]) -> None:
    axe = pytest.importorskip("axe_core_python.sync_playwright").Axe()
    page.set_viewport_size(size)
    for path in kinds(site):
        page.goto(path.as_uri())
        for details in page.locator("details").all():
            details.evaluate("element => { element.open = true; }")
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"], path.name
        found = axe.run(page, options={"resultTypes": ["violations"]})["violations"]
        serious = [(v["id"], v["nodes"][0]["html"][:200]) for v in found if v["impact"] in ("serious", "critical")]
        assert serious == [], path.name


@pytest.mark.skipif(not shutil.which("pdftotext"), reason="needs poppler-utils (make browser)")
def test_every_sheet_of_paper_has_the_headings_of_its_table(page: Any, site: Path) -> None:
    page.goto((site / "cham-tiep-nhan.html").as_uri())
    paper = subprocess.run(["pdftotext", "-layout", "-", "-"], input=page.pdf(format="A4"), capture_output=True, check=True).stdout.decode()
    sheets = [sheet for sheet in paper.split("\f") if re.search(r"H48-\d{6}-\d{4}", sheet)]
    assert len(sheets) > 2
    assert [number for number, sheet in enumerate(sheets, 1) if "Mã hồ sơ" not in sheet] == []


def test_injected_text_stays_text_with_stale_units_and_a_plan(page: Any, tmp_path: Path) -> None:
    axe = pytest.importorskip("axe_core_python.sync_playwright").Axe()
    folder = write_site(draw_pages(make_figures(PAYLOAD, units=8)), tmp_path / "trang")
    page.set_viewport_size(PHONE)
    for path in [*sorted(folder.glob("*.html")), *sorted((folder / "don-vi").iterdir())[:1]]:
        page.goto(path.as_uri())
        assert "sống" not in page.title() or page.title().startswith("<script>"), path.name
        assert page.locator("main img, main script").count() == 0
        assert page.locator("main").inner_text().count("<script>") > 0, "shown as it is written"
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], path.name
        assert [
            v["id"] for v in axe.run(page, options={"resultTypes": ["violations"]})["violations"] if v["impact"] in ("serious", "critical")
        ] == [], path.name


def test_the_command_shows_the_site_until_it_is_stopped(page: Any, night: tuple[Settings, NightResult], tmp_path: Path) -> None:
    command = [sys.executable, "-c", "from flows.cli import main; main()", "site", "--serve", "--port", "0"]
    command += ["--warehouse", str(night[0].warehouse), "--outbox", str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=os.environ | {"PYTHONUNBUFFERED": "1"}) as process:
        assert process.stdout
        lines = [process.stdout.readline(), process.stdout.readline()]
        try:
            address = re.search(r"http://127\.0\.0\.1:\d+/", lines[1])
            assert address, lines
            page.goto(address[0])
            assert page.title().startswith("Tổng quan")
            page.locator("#don-vi-bang tbody a").first.click()
            assert page.locator("h1").inner_text()
        finally:
            process.terminate()
    assert (tmp_path / "trang" / "index.html").read_text(encoding="utf-8") == (night[0].outbox / "trang" / "index.html").read_text(
        encoding="utf-8"
    )
    assert load_figures(night[0].warehouse).units
