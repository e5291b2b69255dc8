"""What tests share: a sample district, a night run on it, and small exports written by another library than the readers use."""

import os
import pickle
import shutil
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TypeVar

import hypothesis
import openpyxl
import pytest
from filelock import FileLock

from expectations import CheckResult, create_tables_sql
from expectations.suites import Frame
from flows import night as nights
from flows import warehouse
from flows.night import NightResult, run_night
from flows.reading import ReaderProcess, ReadTask
from flows.sample import SampleSummary, write_sample
from flows.settings import Settings, make_settings
from flows.summaries import write_summaries

# Where Python is told to keep no bytecode, every process that a test starts would compile the whole project, and every worker all tests.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# How long an example takes says something of the machine, and of what runs beside it, and nothing of the program.
hypothesis.settings.register_profile("tests", deadline=None)
hypothesis.settings.load_profile("tests")

Made = TypeVar("Made")
AS_OF = datetime(2024, 6, 30, 23)
UNITS = """unit_code,name_vi,level,parent_code,gso_code,aliases,valid_from,valid_to,successor_code,email
000.00.58.H48,UBND huyện Sơn Hà,district,H48,529,huyện Sơn Hà;Sơn Hà,2003-01-01,2025-06-30,,
000.02.58.H48,Phòng Tư pháp huyện Sơn Hà,district_department,000.00.58.H48,,Phòng Tư pháp,2003-01-01,,,
000.22.58.H48,UBND xã Sơn Hạ,commune,000.00.58.H48,21292,xã Sơn Hạ;Sơn Hạ,2003-01-01,2025-06-30,,
000.32.58.H48,UBND xã Sơn Thủy,commune,000.00.58.H48,21322,xã Sơn Thủy,2003-01-01,2025-06-30,,
"""
TARGETS = """criterion,measure,level,target,valid_from,valid_to
3.4.2,on_time,commune,0.97,2024-01-01,2024-12-31
7.3.5,received_within_8h,commune,1.0,2024-01-01,2024-12-31
"""
HEADINGS = (
    "STT|Mã hồ sơ|Mã TTHC|Tên TTHC|Mức độ|Đơn vị giải quyết|Hình thức tiếp nhận|Chủ hồ sơ|Số điện thoại|Ngày nộp hồ sơ|Ngày tiếp nhận|"
    "Ngày hẹn trả|Ngày kết thúc xử lý|Ngày trả kết quả|Trạng thái"
).split("|")


def rounds(in_suite: int, whole: int) -> int:
    """How often a campaign (marked so) goes round: a slice of it in every test run, the whole in `make campaigns`."""
    return whole if os.environ.get("CAMPAIGNS") == "whole" else in_suite


def case_row(code: str = "000.22.58.H48-240215-0007", **changes: object) -> list[object]:
    """A dossier of Sơn Hạ, received on time and finished early, with some cells changed by heading."""
    row: dict[str, object] = dict.fromkeys(HEADINGS)
    row |= {
        "STT": 1,
        "Mã hồ sơ": code,
        "Mã TTHC": "1.001193.000.00.00.H48",
        "Tên TTHC": "Đăng ký khai sinh",
        "Mức độ": "Toàn trình",
        "Đơn vị giải quyết": "UBND xã Sơn Hạ",
        "Hình thức tiếp nhận": "Trực tuyến",
        "Chủ hồ sơ": "Nguyễn Thị Bịa Đặt",
        "Số điện thoại": "0987654321",
        "Ngày nộp hồ sơ": "15/02/2024 08:00",
        "Ngày tiếp nhận": "15/02/2024 09:00",
        "Ngày hẹn trả": "20/02/2024 17:00",
        "Ngày kết thúc xử lý": "19/02/2024 10:00",
        "Ngày trả kết quả": "20/02/2024 08:00",
        "Trạng thái": "Đã trả kết quả",
    }
    return list((row | changes).values())


def write_workbook(path: Path, rows: list[list[object]], *, titles: tuple[str, ...] = ("Thời điểm xuất: 30/06/2024 22:00",)) -> Path:
    """A workbook as a system would export it: titles, a blank row, headings, rows."""
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.title = "Danh sách"
    for title in titles:
        sheet.append([title])
    sheet.append([])
    for row in rows:
        sheet.append(row)
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)
    return path


def write_reference(folder: Path, units: str = UNITS, targets: str = TARGETS) -> Path:
    """A reference folder of four units."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "units.csv").write_text(units, encoding="utf-8")
    (folder / "targets.csv").write_text(targets, encoding="utf-8")
    return folder


@pytest.fixture
def office(tmp_path: Path) -> Settings:
    """An office with reference tables and an empty raw folder."""
    (tmp_path / "raw").mkdir()
    write_reference(tmp_path / "reference")
    return settings_in(tmp_path)


def settings_in(folder: Path, as_of: datetime = AS_OF) -> Settings:
    """Settings for raw/, reference/, warehouse/ and outbox/ in one folder."""
    return make_settings(folder / "raw", folder / "reference", folder / "warehouse" / "w.duckdb", folder / "outbox", as_of)


class SqlOnly:
    """Stands for the process with Great Expectations where a test is not about it: rules, keys and shapes are asked, columns are not.

    tests/faults/test_seeded_defects.py and every run of the command line ask the real one.
    """

    def ask(self, built: Path, frames: Sequence[Frame], meanwhile: Callable[[], list[CheckResult]]) -> list[CheckResult]:
        return meanwhile()

    def start_docs(self, folder: Path, checks: Sequence[CheckResult], as_of: datetime) -> None:
        pass

    def finish(self) -> bool:
        return False

    def close(self) -> None:
        pass


class DrawnHere:
    """Stands for the process that draws the site, whose start would cost every night of the tests a second: the pages are drawn by the test's own."""

    def start(self, warehouse: Path, as_of: datetime) -> None:
        self._of = warehouse, as_of

    def pages(self) -> Iterator[tuple[str, str]]:
        from flows.site.pages import draw_pages
        from flows.warehouse_figures import load_figures_for

        return draw_pages(load_figures_for(*self._of))

    def close(self) -> None:
        pass


REPORT = nights.report


def write_summaries_only(settings: Settings, drawing: nights.Drawing) -> list[Path]:
    """What a night reports where a module's tests are about figures: the CSV summaries, but no workbook, pages and dictionary, a third of a small night."""
    return write_summaries(settings.warehouse, settings.outbox, settings.as_of)


write_summaries_only.__name__ = REPORT.__name__  # the log tells a step by its name


@pytest.fixture(scope="module")
def figures_only() -> Iterator[None]:
    """For a module whose tests look at no papers, nor for what must not stand in any of them; one that does asks for `papers`."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nights, "report", write_summaries_only)
        yield


@pytest.fixture
def papers(monkeypatch: pytest.MonkeyPatch) -> None:
    """For a test of such a module that looks at everything in the outbox."""
    monkeypatch.setattr(nights, "report", REPORT)


class KeptReaders:
    """Reader processes that outlive their night: the next one with the same memory limit takes them over, importing nothing again."""

    def __init__(self) -> None:
        self.started: list[ReaderProcess] = []
        self._free: dict[int, list[ReaderProcess]] = defaultdict(list)
        self._start = ReadTask.start_reader

    def take(self, task: ReadTask) -> ReaderProcess:
        free = self._free[task.memory]
        if free:
            reader = free.pop()
        else:
            reader = self._start(task)
            self.started.append(reader)
        reader.seconds = task.seconds
        reader.close = lambda: free.append(reader)  # type: ignore[method-assign]
        return reader

    def close(self) -> None:
        for reader in self.started:
            ReaderProcess.close(reader)


@pytest.fixture(scope="session", autouse=True)
def quick_nights() -> Iterator[KeptReaders]:
    """Nights within the tests' own process do not wait seconds each for processes to start: Great Expectations', the site's, readers.

    Nor do they comment on every column, a tenth of a small night; a test that looks at comments builds in `whole_nights`.
    """
    kept = KeptReaders()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nights, "Drawing", DrawnHere)
        patch.setattr(nights, "Validation", SqlOnly)
        patch.setattr(warehouse, "create_tables_sql", lambda: [sql for sql in create_tables_sql() if not sql.startswith("COMMENT ON")])
        patch.setattr("flows.validation.Validation", SqlOnly)  # the command line starts it before it imports the night
        patch.setattr(ReadTask, "start_reader", lambda task: kept.take(task))
        yield kept
    kept.close()


@contextmanager
def whole_nights() -> Iterator[None]:
    """Nights within leave what they leave outside the tests, whatever the module that runs them does without: comments on columns, every paper."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(warehouse, "create_tables_sql", create_tables_sql)
        patch.setattr(nights, "report", REPORT)
        yield


@pytest.fixture
def new_readers(quick_nights: KeptReaders, monkeypatch: pytest.MonkeyPatch) -> None:
    """For tests of the reader processes themselves: each night starts its own, as outside the tests."""
    monkeypatch.setattr(ReadTask, "start_reader", quick_nights._start)


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], Made]) -> Made:
    """What the first worker that asks makes in a folder; the others wait for it and only read."""
    own = factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    kept = shared / f"{name}.pickle"
    with FileLock(shared / f"{name}.lock"):
        if not kept.exists():
            kept.write_bytes(pickle.dumps(make(factory.mktemp(name))))
        made: Made = pickle.loads(kept.read_bytes())
        return made


@pytest.fixture(scope="session")
def sample(tmp_path_factory: pytest.TempPathFactory) -> SampleSummary:
    """Half a year of a district, 800 dossiers, with everything that goes wrong."""
    return made_once(tmp_path_factory, "sample", lambda folder: write_sample(folder, seed=7, cases=800))


@pytest.fixture(scope="session")
def night(sample: SampleSummary, tmp_path_factory: pytest.TempPathFactory) -> tuple[Settings, NightResult]:
    """One night on the sample; tests only read what it left."""

    def make(folder: Path) -> tuple[Settings, NightResult]:
        settings = make_settings(sample.raw, sample.reference, folder / "w.duckdb", folder / "outbox", sample.as_of)
        with whole_nights():
            return settings, run_night(settings)

    return made_once(tmp_path_factory, "night", make)


@pytest.fixture(scope="session")
def lived_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an office that has published one dossier."""

    def make(folder: Path) -> Path:
        write_reference(folder / "reference")
        write_workbook(folder / "raw" / "a.xlsx", [HEADINGS, case_row()])
        with whole_nights():
            assert run_night(settings_in(folder)).is_published
        return folder

    return made_once(tmp_path_factory, "lived-in", make)


@pytest.fixture
def published(lived_in: Path, tmp_path: Path) -> Settings:
    """That office, a copy of its own for every test: `a.xlsx` with one dossier, published."""
    shutil.copytree(lived_in, tmp_path, symlinks=True, dirs_exist_ok=True)
    return settings_in(tmp_path)
