"""The site drawn by a process of its own: the same pages, errors told, and nothing written by it."""

from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest
from conftest import AS_OF, HEADINGS, case_row, write_workbook

from flows import night as nights
from flows.night import NightResult, run_night
from flows.settings import Settings
from flows.site import SITE_FOLDER
from flows.site.drawing import Drawing, DrawingFailed
from flows.site.pages import draw_pages
from flows.warehouse_figures import load_figures


@pytest.mark.slow
def test_the_process_draws_what_would_be_drawn_here_and_writes_nothing(night: tuple[Settings, NightResult]) -> None:
    settings = night[0]
    before = {path: path.stat().st_mtime_ns for path in settings.outbox.rglob("*")}
    with closing(Drawing()) as drawing:
        drawing.start(settings.warehouse, settings.as_of)
        assert dict(drawing.pages()) == dict(draw_pages(load_figures(settings.warehouse)))
    assert {path: path.stat().st_mtime_ns for path in settings.outbox.rglob("*")} == before


@pytest.mark.slow
def test_what_cannot_be_drawn_is_told_by_its_kind_and_place(tmp_path: Path) -> None:
    with closing(Drawing()) as drawing:
        drawing.start(tmp_path / "Nguyễn Thị Bịa Đặt.duckdb", AS_OF)
        with pytest.raises(DrawingFailed, match=r"IOException, warehouse_figures.py:\d+$"):
            drawing.pages()


@pytest.mark.parametrize("lines", ["", '{"name": "index.html", "html": ""}\n', '{"name": "index.html", "ht', '{"pages": 1}\n'])
def test_a_process_that_ends_midway_has_drawn_nothing(lines: str) -> None:
    with closing(Drawing()) as drawing:
        drawing._process.kill()
        drawing._listener.start()
        drawing._listener.join()
        drawing._lines = lines.splitlines(keepends=True)
        with pytest.raises(DrawingFailed, match="dừng giữa chừng"):
            drawing.pages()


@pytest.mark.slow
def test_a_process_whose_night_is_gone_ends_by_itself() -> None:
    with closing(Drawing()) as drawing:
        assert drawing._process.stdin is not None
        drawing._process.stdin.close()
        assert drawing._process.wait(60) == 0


@pytest.mark.slow
def test_a_night_whose_site_is_not_drawn_fails_and_the_old_site_stands(published: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    site = {path: path.read_bytes() for path in (published.outbox / SITE_FOLDER).rglob("*.html")}

    class Killed(Drawing):
        def start(self, warehouse: Path, as_of: datetime) -> None:
            self._process.kill()
            self._process.wait()
            super().start(warehouse, as_of)

    monkeypatch.setattr(nights, "Drawing", Killed)
    write_workbook(published.raw / "b.xlsx", [HEADINGS, case_row("000.22.58.H48-240215-0008")])
    with pytest.raises(DrawingFailed):
        run_night(published)
    assert {path: path.read_bytes() for path in (published.outbox / SITE_FOLDER).rglob("*.html")} == site
    monkeypatch.undo()
    run_night(published)
    assert {path: path.read_bytes() for path in (published.outbox / SITE_FOLDER).rglob("*.html")} != site
