"""`tthc build`: the night's tables again from staged files alone, into a folder of their own."""

from pathlib import Path

import pytest
from test_cli import tthc

from flows import engine
from flows.building import build_on_duckdb
from flows.night import NightResult
from flows.sample import SampleSummary
from flows.settings import ConfigurationError, Settings
from flows.warehouse import checksum_tables

pytestmark = pytest.mark.slow


def test_staged_files_alone_give_the_night_s_tables(night: tuple[Settings, NightResult], tmp_path: Path) -> None:
    settings = night[0]
    done = tthc(
        "build", "--staged", settings.staged, "--reference", settings.reference, "--as-of", "2024-06-30T23:00", "--out", tmp_path / "out"
    )
    assert done.returncode == 0, done.stderr
    assert checksum_tables(tmp_path / "out" / "tthc.duckdb") == checksum_tables(settings.warehouse)


def test_what_is_not_staged_yet_is_read_first(sample: SampleSummary, night: tuple[Settings, NightResult], tmp_path: Path) -> None:
    (tmp_path / "new.staged").mkdir()
    build_on_duckdb(night[0], str(tmp_path / "new.staged"), str(tmp_path / "out"), read=True)
    assert checksum_tables(tmp_path / "out" / "tthc.duckdb") == checksum_tables(night[0].warehouse)


def test_small_staged_files_opened_once_give_what_every_opening_gives(
    night: tuple[Settings, NightResult], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = night[0]
    for name, small in (("always", 0), ("once", 1 << 40)):
        monkeypatch.setattr(engine, "_SMALL", small)
        build_on_duckdb(settings, str(settings.staged), str(tmp_path / name))
        assert checksum_tables(tmp_path / name / "tthc.duckdb") == checksum_tables(settings.warehouse)


def test_a_folder_that_is_no_staging_is_refused(office: Settings, tmp_path: Path) -> None:
    for staged, told in ((tmp_path, "có tên kết thúc bằng"), (tmp_path / "w.staged", "không có tệp xuất nào đã đọc")):
        with pytest.raises(ConfigurationError, match=told):
            build_on_duckdb(office, str(staged), str(tmp_path / "out"))


def test_a_folder_that_holds_something_is_not_built_into(night: tuple[Settings, NightResult], tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("x", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="không trống"):
        build_on_duckdb(night[0], str(night[0].staged), str(tmp_path))
    assert [p.name for p in tmp_path.iterdir()] == ["kept"]


def test_spark_that_is_not_installed_is_told_with_what_to_do(night: tuple[Settings, NightResult], tmp_path: Path) -> None:
    (tmp_path / "pyspark").mkdir()
    (tmp_path / "pyspark" / "__init__.py").write_text("raise ImportError", encoding="utf-8")
    settings = night[0]
    folders = ("--staged", settings.staged, "--reference", settings.reference, "--out", tmp_path / "out")
    done = tthc("build", "--engine", "spark", *folders, PYTHONPATH=str(tmp_path))
    assert done.returncode == 2
    assert "pip install" in done.stderr
