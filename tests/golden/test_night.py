"""From files to numbers: the sample's truth, counted in plain Python, against what a night publishes; and the promises of a run."""

import re
import shutil
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import duckdb
import openpyxl
import oracle
import pytest
from conftest import AS_OF, HEADINGS, case_row, rounds, settings_in, write_workbook
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from truth import compare

from expectations import load_contracts
from flows.checking import check_file, describe
from flows.night import NightResult, Watcher, run_night
from flows.runs import load_runs
from flows.sample import SampleSummary, write_sample
from flows.settings import AlreadyRunning, Settings, local_now, make_settings
from flows.warehouse import checksum_tables
from flows.watching import find_alarms


def query(settings: Settings, sql: str) -> list[tuple[object, ...]]:
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        rows: list[tuple[object, ...]] = connection.execute(sql).fetchall()
        return rows


def test_a_night_equals_the_truth(sample: SampleSummary, night: tuple[Settings, NightResult]) -> None:
    assert compare(sample.raw.parent, night[0].warehouse) == []


@pytest.mark.slow
@pytest.mark.campaign
@hypothesis_settings(
    max_examples=rounds(3, 8), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True
)
@given(
    seed=st.integers(0, 10_000),
    cases=st.sampled_from([100, 300, 1500]),
    as_of=st.datetimes(datetime(2024, 2, 1), datetime(2024, 12, 31)),
)
def test_any_sample_equals_its_truth(tmp_path_factory: pytest.TempPathFactory, seed: int, cases: int, as_of: datetime) -> None:
    folder = tmp_path_factory.mktemp("any")
    made = write_sample(folder, seed=seed, cases=cases, as_of=as_of)
    settings = make_settings(made.raw, made.reference, folder / "w.duckdb", folder / "outbox", made.as_of)
    run_night(settings)
    assert compare(folder, settings.warehouse) == []


@pytest.mark.slow
def test_the_second_run_reads_nothing_and_changes_nothing(
    sample: SampleSummary, night: tuple[Settings, NightResult], tmp_path: Path
) -> None:
    settings = make_settings(sample.raw, sample.reference, tmp_path / "w.duckdb", tmp_path / "outbox", sample.as_of)
    assert run_night(settings).files_read > 20
    before = checksum_tables(settings.warehouse)
    assert run_night(settings).files_read == 0
    assert checksum_tables(settings.warehouse) == before == checksum_tables(night[0].warehouse)


@pytest.mark.slow
def test_copies_under_other_names_in_other_folders_change_nothing(
    sample: SampleSummary, night: tuple[Settings, NightResult], tmp_path: Path
) -> None:
    """Names keep their timestamps, because those are the only age a CSV has; everything else about them changes."""
    for number, path in enumerate(sorted((p for p in sample.raw.rglob("*") if p.is_file()), reverse=True)):
        if not path.name.startswith("~$") and path.suffix not in (".part", ".crdownload", ".tmp"):
            (tmp_path / "raw" / f"{number % 3}").mkdir(parents=True, exist_ok=True)
            shutil.copy(path, tmp_path / "raw" / f"{number % 3}" / f"{number:03d} {path.stem}.bin")
    settings = make_settings(tmp_path / "raw", sample.reference, tmp_path / "w.duckdb", tmp_path / "outbox", sample.as_of)
    run_night(settings)
    assert checksum_tables(settings.warehouse) == checksum_tables(night[0].warehouse)


@pytest.mark.slow
def test_the_order_of_arrival_changes_nothing(sample: SampleSummary, night: tuple[Settings, NightResult], tmp_path: Path) -> None:
    paths = sorted(p for p in sample.raw.rglob("*") if p.is_file())
    settings = None
    for part in (paths[1::2], paths[::2]):
        for path in part:
            target = tmp_path / "raw" / path.relative_to(sample.raw)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
        settings = make_settings(tmp_path / "raw", sample.reference, tmp_path / "w.duckdb", tmp_path / "outbox", sample.as_of)
        run_night(settings)
    assert settings is not None
    assert checksum_tables(settings.warehouse) == checksum_tables(night[0].warehouse)


@pytest.mark.slow
def test_a_folder_of_unreadable_files_publishes_nothing(office: Settings, tmp_path: Path) -> None:
    write_workbook(office.raw / "good.xlsx", [HEADINGS, case_row()])
    assert run_night(office).is_published
    before = office.warehouse.read_bytes()
    bad = tmp_path / "bad"
    bad.mkdir()
    (bad / "rong.xlsx").write_bytes(b"")
    (bad / "dang_nhap.xls").write_text("<html><form>Đăng nhập</form></html>", encoding="utf-8")
    (bad / "bao_cao.xlsx").write_bytes(b"%PDF-1.4")
    result = run_night(make_settings(bad, office.reference, office.warehouse, office.outbox, AS_OF))
    assert not result.is_published
    assert office.warehouse.read_bytes() == before
    errors = {file["file_name"]: file["error"] for file in result.files if file["status"] == "rejected"}
    assert set(errors) == {"rong.xlsx", "dang_nhap.xls", "bao_cao.xlsx"}
    assert all(errors.values())
    assert query(office, "SELECT count(*) FROM core.cases") == [(1,)]


@pytest.mark.slow
def test_a_bad_file_does_not_stop_the_good_one_beside_it(office: Settings) -> None:
    write_workbook(office.raw / "good.xlsx", [HEADINGS, case_row()])
    (office.raw / "cut.xlsx").write_bytes((office.raw / "good.xlsx").read_bytes()[:3000])
    assert run_night(office).is_published
    assert query(office, "SELECT file_name, status FROM ops.files ORDER BY 1") == [("cut.xlsx", "rejected"), ("good.xlsx", "loaded")]


@pytest.mark.slow
def test_a_dossier_left_waiting_in_a_year_without_units_stops_no_night(office: Settings) -> None:
    """units.csv was not kept up after the units ended; what waits there is still told, by the unit's own name."""
    units = (office.reference / "units.csv").read_text(encoding="utf-8").replace("2003-01-01,,,", "2003-01-01,2025-06-30,,")
    (office.reference / "units.csv").write_text(units, encoding="utf-8")
    waiting = dict.fromkeys(("Ngày tiếp nhận", "Ngày hẹn trả", "Ngày kết thúc xử lý", "Ngày trả kết quả")) | {"Trạng thái": "Mới đăng ký"}
    write_workbook(office.raw / "a.xlsx", [HEADINGS, case_row(**waiting)])
    assert run_night(replace(office, as_of=datetime(2026, 1, 2, 0, 30))).is_published
    told = (office.outbox / "2026-01-02" / "canh-bao.csv").read_text(encoding="utf-8-sig")
    assert "UBND xã Sơn Hạ" in told and "đang chờ tiếp nhận" in told


@pytest.mark.slow
def test_an_overwritten_export_keeps_the_dossiers_only_the_old_one_had(office: Settings) -> None:
    old = case_row("000.22.58.H48-240215-0001")
    write_workbook(office.raw / "export.xlsx", [HEADINGS, old], titles=("Thời điểm xuất: 01/06/2024 22:00",))
    run_night(office)
    write_workbook(office.raw / "export.xlsx", [HEADINGS, case_row("000.22.58.H48-240215-0002")])
    run_night(office)
    assert query(office, "SELECT case_code FROM core.cases ORDER BY 1") == [("000.22.58.H48-240215-0001",), ("000.22.58.H48-240215-0002",)]


@pytest.mark.slow
def test_the_newest_export_of_a_dossier_wins_whole(office: Settings) -> None:
    newer = case_row(**{"Ngày kết thúc xử lý": None, "Ngày trả kết quả": None, "Trạng thái": "Yêu cầu bổ sung giấy tờ"})
    write_workbook(office.raw / "a_new.xlsx", [HEADINGS, newer], titles=("Thời điểm xuất: 20/06/2024 07:00",))
    write_workbook(office.raw / "z_old.xlsx", [HEADINGS, case_row()], titles=("Thời điểm xuất: 19/06/2024 07:00",))
    run_night(office)
    assert query(office, "SELECT status_code, finished_at FROM core.cases") == [(5, None)]


@pytest.mark.slow
def test_an_export_made_after_as_of_waits_for_its_time(office: Settings, tmp_path: Path) -> None:
    write_workbook(office.raw / "june.xlsx", [HEADINGS, case_row()])
    write_workbook(
        office.raw / "july.xlsx", [HEADINGS, case_row("000.22.58.H48-240701-0001")], titles=("Thời điểm xuất: 01/07/2024 01:00",)
    )
    run_night(office)
    assert query(office, "SELECT file_name, status, rows_loaded FROM ops.files ORDER BY 1") == [
        ("july.xlsx", "later", 1),
        ("june.xlsx", "loaded", 1),
    ]
    assert query(office, "SELECT count(*) FROM core.cases") == [(1,)]
    run_night(settings_in(tmp_path, datetime(2024, 7, 2)))
    assert query(office, "SELECT count(*) FROM core.cases") == [(2,)]


@pytest.mark.slow
def test_a_new_alias_needs_no_reading(office: Settings) -> None:
    write_workbook(
        office.raw / "a.xlsx", [HEADINGS, case_row(), case_row("000.22.58.H48-240215-0008", **{"Đơn vị giải quyết": "Ủy ban xã Sơn Hạ"})]
    )
    run_night(office)
    assert query(office, "SELECT reason, masked_value FROM ops.rejects") == [("unknown_unit", "Ủy ban xã Sơn Hạ")]
    units = office.reference / "units.csv"
    units.write_text(units.read_text(encoding="utf-8").replace("xã Sơn Hạ;", "xã Sơn Hạ;Ủy ban xã Sơn Hạ;"), encoding="utf-8")
    result = run_night(office)
    assert result.files_read == 0
    assert query(office, "SELECT rows_data, rows_loaded, rows_rejected FROM ops.files") == [(2, 2, 0)]


@pytest.mark.slow
def test_a_new_heading_gives_a_rejected_file_its_second_chance(office: Settings) -> None:
    renamed = ["Ngày đến" if heading == "Ngày tiếp nhận" else heading for heading in HEADINGS]
    write_workbook(office.raw / "a.xlsx", [HEADINGS, case_row()])
    write_workbook(office.raw / "b.xlsx", [renamed, case_row("000.22.58.H48-240215-0008")])
    assert run_night(office).files_read == 2
    assert query(office, "SELECT status FROM ops.files WHERE file_name = 'b.xlsx'") == [("rejected",)]
    (office.reference / "headings.csv").write_text("kind,column,heading\ncases,received,Ngày đến\n", encoding="utf-8")
    assert run_night(office).files_read == 1  # only the file it is about
    assert query(office, "SELECT count(*) FROM core.cases") == [(2,)]


@pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit])
def test_a_run_that_is_stopped_was_interrupted_and_did_not_fail(office: Settings, stop: type[BaseException]) -> None:
    write_workbook(office.raw / "a.xlsx", [HEADINGS, case_row()])

    def on_reading(_: int) -> None:
        raise stop

    with pytest.raises(stop):
        run_night(office, Watcher(on_reading))
    assert [(run["outcome"], run["detail"]) for run in load_runs(office.staged)] == [("interrupted", None)]
    (alarm,) = [alarm for alarm in find_alarms(office, local_now()) if alarm.code == "failed"]
    assert "bị ngắt giữa chừng (mất điện hoặc dừng máy)" in alarm.text_vi


def test_a_second_run_at_the_same_time_is_refused(office: Settings) -> None:
    from filelock import FileLock

    office.warehouse.parent.mkdir()
    with FileLock(office.lock), pytest.raises(AlreadyRunning, match="khóa"):
        run_night(office)


@pytest.mark.slow
def test_readers_and_publishing_runs_do_not_hinder_each_other(sample: SampleSummary, tmp_path: Path) -> None:
    settings = make_settings(sample.raw, sample.reference, tmp_path / "w.duckdb", tmp_path / "outbox", sample.as_of)
    run_night(settings)
    with duckdb.connect(str(settings.warehouse), read_only=True) as reader:
        before = reader.execute("SELECT count(*) FROM core.cases").fetchall()
        assert run_night(settings).is_published
        assert reader.execute("SELECT count(*) FROM core.cases").fetchall() == before
    assert query(settings, "SELECT count(*) FROM core.cases") == before


@pytest.mark.slow
def test_a_stale_write_ahead_log_does_not_spoil_the_new_warehouse(published: Settings) -> None:
    for beside in (published.warehouse, published.warehouse.resolve()):  # a client finds the log where the link leads
        beside.with_name(beside.name + ".wal").write_bytes(b"left by a killed client")
    run_night(published)
    assert query(published, "SELECT count(*) FROM core.cases") == [(1,)]


def test_every_table_has_its_contract_s_columns_and_vietnamese_comments(night: tuple[Settings, NightResult]) -> None:
    columns = query(
        night[0], "SELECT schema_name || '.' || table_name, column_name, data_type, comment FROM duckdb_columns() WHERE NOT internal"
    )
    published = {(table, column): (kind, comment) for table, column, kind, comment in columns}
    declared = {(c.table, col.name): (col.type, col.vi) for c in load_contracts().values() for col in c.columns.values()}
    assert published == declared


def test_common_duckdb_clients_can_open_the_warehouse(night: tuple[Settings, NightResult]) -> None:
    assert query(night[0], "SELECT tags['storage_version'] FROM duckdb_databases() WHERE NOT internal")[0][0].startswith("v1.2")  # type: ignore[attr-defined]


@pytest.mark.slow
def test_no_citizen_is_in_anything_but_raw(sample: SampleSummary, night: tuple[Settings, NightResult]) -> None:
    import pyarrow.parquet as pq

    people = {p.casefold() for p in (sample.truth / "people.txt").read_text(encoding="utf-8").splitlines() if p.strip()}
    settings = night[0]
    texts = {path.read_text(encoding="utf-8-sig", errors="replace") for path in settings.outbox.rglob("*.csv")}
    for path in settings.outbox.rglob("*.xlsx"):
        texts |= {str(cell) for sheet in openpyxl.load_workbook(path) for row in sheet.values for cell in row}
    texts |= {path.read_text(encoding="utf-8") for path in settings.staged.rglob("*.json*")}
    for path in settings.staged.rglob("*.parquet"):
        texts |= {str(value) for column in pq.read_table(path).columns for value in column.unique().to_pylist()}
    for schema, table in query(settings, "SELECT schema_name, table_name FROM duckdb_tables()"):
        texts |= {str(value) for row in query(settings, f"SELECT * FROM {schema}.{table}") for value in row}
    everything = "\n".join(texts).casefold()
    assert [person for person in people if person in everything] == []


@pytest.mark.slow
def test_a_number_in_a_heading_or_in_the_name_of_a_sheet_stays_in_raw(office: Settings) -> None:
    path = write_workbook(office.raw / "a.xlsx", [[*HEADINGS, "Người nhập 0912.345.678"], [*case_row(), "x"]])
    book = openpyxl.load_workbook(path)
    book.worksheets[0].title = "Chị Bịa 0912 345 678"
    book.create_sheet("Ghi của 0912-345-678").append(["ghi gì đó"])
    book.save(path)
    run_night(office)
    records = "\n".join(record.read_text(encoding="utf-8") for record in office.staged.rglob("*.json*"))
    assert "hìnhthứctiếpnhận" in records
    checked = "\n".join(line for record in check_file(path, office.reference) for line in describe(record))
    assert not re.search(r"345\D?678", records + checked)


@pytest.mark.slow
def test_the_run_as_a_prefect_flow_publishes_the_same(published: Settings) -> None:
    pytest.importorskip("prefect")
    plain = checksum_tables(published.warehouse)

    import os

    os.environ.setdefault("PREFECT_HOME", str(published.prefect))
    from prefect.testing.utilities import prefect_test_harness

    from flows.nightly import nightly

    with prefect_test_harness(server_startup_timeout=120):
        result = nightly(published)
    assert result.is_published
    assert checksum_tables(published.warehouse) == plain


def test_summaries_are_made_for_excel(night: tuple[Settings, NightResult]) -> None:
    settings, result = night
    names = {path.name for path in result.summaries}
    assert {"bang-diem.csv", "chi-tieu-khong-dat.csv", "cham-tiep-nhan.csv", "tep-xuat.csv", "dong-bi-tu-choi.csv"} <= names
    for path in (summary for summary in result.summaries if summary.suffix == ".csv"):
        assert path.parent == settings.outbox / "2024-06-30"
        if path.suffix == ".csv":
            assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    scorecard = (settings.outbox / "2024-06-30" / "bang-diem.csv").read_text(encoding="utf-8-sig")
    assert all(unit.name in scorecard for unit in oracle.load_truth(settings.raw.parent / "truth", settings.reference).units.values())
