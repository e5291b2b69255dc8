"""The site's pages as text: nothing from an export comes alive, nothing refers outside, the whole is swapped at once."""

import base64
import hashlib
import os
import re
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime
from html.parser import HTMLParser
from pathlib import Path

import pytest
from site_figures import make_figures

from flows.charts import Bar, Trend, bars_against_target, ranking, to_png, to_svg, trend_panels
from flows.figures import Unit
from flows.site import tables
from flows.site.frame import page_name
from flows.site.pages import draw_pages
from flows.site.serving import make_server
from flows.site.tables import moment, number, rate
from flows.site.writing import write_site
from transforms.wording import difference_vi, hours_left_vi, hours_vi, share_vi

PAYLOAD = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>javascript:alert(3)&{{7*7}}Đ"
VOID = {"meta", "link", "input", "br", "img"}


class Page(HTMLParser):
    """Every element with its attributes; fails on one that is closed by another."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Every page of a site in which every text is a payload."""
    folder = write_site(draw_pages(make_figures(PAYLOAD)), tmp_path_factory.mktemp("hostile") / "trang")
    return {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in folder.rglob("*.html")}


def test_no_text_of_an_export_becomes_an_element_or_a_link(hostile: dict[str, str]) -> None:
    assert len(hostile) == 8 + 2
    for name, text in hostile.items():
        page = Page(text)
        assert [tag for tag, _ in page.elements if tag in ("img", "iframe", "object", "form", "base")] == [], name
        assert len([tag for tag, _ in page.elements if tag == "script"]) == 1, name
        for tag, attributes in page.elements:
            assert [a for a in attributes if a.startswith("on") or a == "style"] == [], (name, tag)
            for attribute in ("href", "src", "xlink:href"):
                target = attributes.get(attribute)
                assert target is None or target == "data:," or re.fullmatch(r"(\.\./)?[\w./-]*(#[\w-]+)?", target), (name, tag, target)
        assert "alert(1)</script>" not in text, name
        assert PAYLOAD in "".join(page.words), f"{name}: the text itself is shown"


def test_the_policy_lets_nothing_run_but_the_page_s_own_script(hostile: dict[str, str]) -> None:
    for text in hostile.values():
        policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)
        assert policy
        assert "unsafe" not in policy[1]
        assert policy[1].startswith("default-src &#39;none&#39;; ")
        for element in ("script", "style"):
            inline = re.findall(rf"<{element}>(.*?)</{element}>", text, re.DOTALL)
            assert len(inline) == 1
            digest = base64.b64encode(hashlib.sha256(inline[0].encode()).digest()).decode()
            assert f"{element}-src &#39;sha256-{digest}&#39;" in policy[1]


def test_every_page_says_how_old_its_figures_are_and_links_only_to_pages_there_are(hostile: dict[str, str]) -> None:
    for name, text in hostile.items():
        assert "Số liệu chốt 23:00 ngày 30/06/2024" in text
        assert "1 loại tệp quá cũ hoặc thiếu" in text
        assert '<html lang="vi">' in text
        page, here = Page(text), Path(name).parent
        ids = {attributes["id"] for _, attributes in page.elements if "id" in attributes}
        for tag, attributes in page.elements:
            href = attributes.get("href")
            if tag == "a" and href:
                path, _, anchor = href.partition("#")
                assert not path or os.path.normpath(here / path) in hostile, (name, href)
                assert path or anchor in ids, (name, href)


def test_a_unit_with_old_data_is_shown_as_such(hostile: dict[str, str]) -> None:
    pages = {name: text for name, text in hostile.items() if name.startswith("don-vi/")}
    assert sorted("<strong>⏱ Số liệu cũ.</strong>" in text for text in pages.values()) == [False, True]
    assert "⏱ số liệu cũ" in hostile["index.html"]


def test_page_names_are_ascii_and_each_unit_s_own() -> None:
    units = [
        Unit(code, date(2003, 1, day), "", "commune") for code in ("000.22.58.H48", "a/b", "a-b", "a_b", "Đ/../x", "") for day in (1, 2)
    ]
    names = [page_name(unit) for unit in units]
    assert len(set(names)) == len(units)
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+\.html", name) for name in names)
    assert names[0] == "000.22.58.H48-2003-01-01.html"


def test_the_site_is_replaced_whole_and_a_failure_leaves_the_old_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "trang"
    write_site(draw_pages(make_figures("cũ", units=4)), folder)
    before = {path.name: path.read_bytes() for path in folder.rglob("*.html")}
    with monkeypatch.context() as patch:
        patch.setattr("flows.site.pages.unit_page", lambda *_: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            write_site(draw_pages(make_figures("mới", units=2)), folder)
    assert {path.name: path.read_bytes() for path in folder.rglob("*.html")} == before
    write_site(draw_pages(make_figures("mới", units=2)), folder)
    assert len(list((folder / "don-vi").iterdir())) == 2
    assert [path.name for path in tmp_path.iterdir()] == ["trang"]
    with monkeypatch.context() as patch:  # a file system that cannot exchange two folders
        patch.setattr("flows.site.writing._exchange", lambda *_: False)
        write_site(draw_pages(make_figures("cũ", units=4)), folder)
    assert {path.name: path.read_bytes() for path in folder.rglob("*.html")} == before
    assert [path.name for path in tmp_path.iterdir()] == ["trang"]


def test_where_no_target_has_a_figure_yet_the_overview_shows_no_success() -> None:
    figures = make_figures("x")
    silent = [replace(rate, numerator=0, denominator=0, status="no_data", shortfall=None) if rate.unit else rate for rate in figures.rates]
    page = dict(draw_pages(replace(figures, rates=silent)))["index.html"]
    assert "Chưa có số liệu của chỉ tiêu nào." in page
    assert "Mọi đơn vị đều đạt" not in page
    assert re.findall(r'class="sign">(.)</span> 0/', page) == ["–", "–"]
    met = [replace(rate, status="met", shortfall=0) if rate.unit else rate for rate in figures.rates]
    assert "Mọi đơn vị đều đạt các chỉ tiêu có số liệu." in dict(draw_pages(replace(figures, rates=met)))["index.html"]


def test_a_night_without_figures_still_has_a_site(tmp_path: Path) -> None:
    nothing = replace(
        make_figures("x"), units=[], current=[], rates=[], groups=[], worklist=[], late=[], needed=[], flags=[], ranks=[], plan=[]
    )
    nothing = replace(nothing, freshness=[], reconciliation=[], files=[], rejects=[], checks=[])
    folder = write_site(draw_pages(nothing), tmp_path / "trang")
    assert "Chưa có số liệu" in (folder / "index.html").read_text(encoding="utf-8")
    assert "Chưa nạp được tệp xuất nào" in (folder / "du-lieu.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("cell", "shown", "sort"),
    [
        (number(1234567), "1.234.567", 1234567),
        (number(None), "", None),
        (tables.text(None), "", None),
        (tables.text(""), "", None),
        (moment(datetime(2024, 1, 5, 7, 30)), "07:30 ngày 05/01/2024", "202401050730"),
        (moment(date(2024, 1, 5)), "05/01/2024", "202401050000"),
        (rate(None), "–", None),
    ],
)
def test_cells_sort_by_what_they_mean(cell: object, shown: str, sort: object) -> None:
    assert (cell.text, cell.sort, cell.is_empty) == (shown, sort, sort is None)  # type: ignore[attr-defined]


def test_counts_of_rates_have_points_between_the_thousands() -> None:
    found = replace(make_figures("x").rates[0], numerator=1294, denominator=12364)
    assert rate(found).sub == "1.294/12.364"
    assert share_vi(1294, 12364).endswith("(1.294/12.364)")


def test_the_overview_s_counts_have_points_between_the_thousands() -> None:
    figures = make_figures("x")
    waiting = replace(figures.late[0], is_waiting=True)
    page = dict(draw_pages(replace(figures, late=[waiting] * 1234)))["index.html"]
    assert re.search(r'class="sign">!</span> 1\.234<', page)


def test_procedures_that_are_missing_are_no_dossiers_that_are_missing() -> None:
    figures = make_figures("x")
    first = figures.measures[0]
    short = {first.name: 3, "payment_procedures": 40}
    declared = [first, replace(first, name="payment_procedures", counts_procedures=True)]
    rates = [
        replace(rate, measure=name, status="missed", shortfall=missing)
        for rate in figures.rates
        if rate.measure == first.name and rate.unit
        for name, missing in short.items()
    ]
    page = dict(draw_pages(replace(figures, measures=declared, rates=rates, needed=[], ranks=[])))["index.html"]
    table = re.search(r'id="don-vi".*?</table>', page, re.S)
    assert table
    assert ">3<" in table[0]
    assert ">43<" not in table[0]


def test_a_target_met_by_old_data_has_no_tick() -> None:
    """Neither in the ranking nor in any table: the workbook and the report of the same night say that nothing can be concluded."""
    figures = make_figures("x", units=4)
    rates = [replace(rate, numerator=39, denominator=40, status="met", shortfall=0) if rate.unit else rate for rate in figures.rates]
    for is_stale, sign in ((False, "✓"), (True, "⏱")):
        pages = dict(draw_pages(replace(figures, rates=[replace(rate, is_stale=is_stale) for rate in rates])))
        assert set(re.findall(r">(\S+) 97,5\u00a0%</text>", pages["index.html"])) == {sign}
        for name in ("index.html", next(name for name in pages if name.startswith("don-vi/"))):
            assert set(re.findall(r'<span class="sign">(\S)</span> (?:97,5\u00a0%|Đạt)<', pages[name])) == {sign}, name


def test_hours_and_differences_have_points_between_the_thousands() -> None:
    assert hours_vi(1234.51) == "1.234,6\u00a0giờ"
    assert hours_left_vi(-1234.5) == "quá 1.234,5\u00a0giờ"
    assert [difference_vi(n) for n in (1250, -3, 0)] == ["+1.250", "-3", "0"]


def test_charts_are_pictures_without_references_and_their_texts_are_escaped() -> None:
    bars = [Bar(f"{PAYLOAD} {place}", "xã", share, 0.97, "<b>97,5 %") for place, share in enumerate((0.975, 0.5, None))]
    panels = trend_panels(
        [Trend([(9, 10), (0, 0), None, (1, 2)], [0.97] * 4), Trend([(1, 2)] * 4, [None] * 4)], ["<b>1", "2", "3", "</svg>4"]
    )
    for drawn in (to_svg(bars_against_target(bars)), to_svg(ranking(bars)), "".join(panels)):
        assert re.findall(r'(?:href|src)="(?!#xu-huong")[^"]*"|url\((?!#)', drawn) == []
        assert set(re.findall(r"https?://[^\"]*", drawn)) == {"http://www.w3.org/2000/svg"}
        assert "<b>" not in drawn
        assert "<script" not in drawn
        assert "style=" not in drawn
        Page(drawn)
    assert len(panels) == 2
    assert to_png(ranking(bars)).startswith(b"\x89PNG")


def test_a_chart_writes_codes_and_numbers_as_they_are() -> None:
    called = ["UBND xã Trùng (mã H48.901)", "UBND xã Trùng (mã H48.903)", "UBND xã Sơn Hạ (mã 000.22.58.H48, từ ngày 01/07/2025)"]
    bars = [Bar(name, "", 0.5, 0.97, "50 % (1.234/2.468)") for name in called]
    drawn = to_svg(ranking(bars))
    assert [text for text in re.findall(r">([^<]+)</text>", drawn) if text in called] == called
    assert "50 % (1.234/2.468)" in drawn
    assert not re.search(r'"[^"<>]*\d\.\d\d[^"<>]*"', drawn)  # a tenth of a point is all that the drawing itself needs


def test_a_trend_breaks_where_nothing_was_counted_and_marks_what_is_below_the_target() -> None:
    (panel,) = trend_panels([Trend([(9, 10), (0, 0), (10, 10), (8, 10)], [0.97] * 4)], ["1", "2", "3", "4"])
    lines = [path for path in re.findall(r'<path d="(M[^"]+)"', panel) if path.count("L") == 1]
    assert len(lines) == 1, "the first month stands alone, the last two are joined"
    assert panel.count('fill="#b3261e"') == 2


@pytest.fixture
def served(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "secret.txt").write_text("outside", encoding="utf-8")
    folder = write_site(draw_pages(make_figures("Sơn Hà")), tmp_path / "trang")
    (folder / "link.html").symlink_to(tmp_path / "secret.txt")
    server = make_server(folder, 0)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()


def ask(address: str, path: str, host: str | None = None) -> tuple[int, str, str]:
    """Status, content type and text."""
    request = urllib.request.Request(address + path, headers={"Host": host} if host else {})
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=5) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read().decode("utf-8")
    except urllib.error.HTTPError as error:
        return error.code, "", error.read().decode("utf-8")


def test_the_server_shows_the_site_and_nothing_else(served: str) -> None:
    status, kind, text = ask(served, "/")
    assert (status, kind) == (200, "text/html; charset=utf-8")
    assert "Sơn Hà" in text
    for path in ("/don-vi/", "/../secret.txt", "/%2e%2e/secret.txt", "/link.html", "/khong-co.html"):
        status, _, text = ask(served, path)
        assert (status, "outside" in text) == (404, False), path
    assert ask(served, "/", host="evil.example")[0] == 421
