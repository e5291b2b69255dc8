"""sources.toml: every error names its line; secrets never stand in it; failing sources show in the warehouse and cost only themselves."""

import re
import unicodedata
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest
from conftest import HEADINGS as COLUMNS
from conftest import case_row, settings_in, write_workbook

from fetch.conftest import Fetcher
from fetch.servers import Office, http_server
from flows.cli import main
from flows.connections.http import fill_dates
from flows.fetching import SourceOutcome, source_rows
from flows.night import _moment_after, hold_lock, run_night
from flows.settings import ConfigurationError, Settings, local_now
from flows.sources import KEYS, SecretUnavailable, fits_pattern, load_sources

WEB = '[[source]]\nname = "a"\nkind = "http"\naddress = "https://m/x"\n'
FOLDER = '[[source]]\nname = "a"\nkind = "folder"\naddress = "/mnt/a"\n'


def said(office: Settings, text: str) -> str:
    (office.reference / "sources.toml").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationError) as error:
        load_sources(office.reference, office.raw)
    return str(error.value)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[source]]\nname = a\n", "sources.toml, dòng 2: không đúng cú pháp TOML"),
        ('[source]\nname = "a"\n', "dòng 1: mỗi nguồn phải bắt đầu bằng dòng [[source]]"),
        ("nguon = 1\n", "không hiểu “nguon”"),
        (FOLDER + FOLDER, "dòng 6: tên “a” đã dùng"),
        ('[[source]]\nname = "Một cửa"\nkind = "folder"\n', "dòng 2: name là “Một cửa”"),
        ('[[source]]\nname = "a"\nkind = "ftp"\n', "dòng 3: nguồn “a”: kind là “ftp”, cần một trong: folder, sftp, http, s3, imap"),
        (FOLDER + "recursiv = true\n", "dòng 5: nguồn “a”: không có khóa “recursiv”; có phải là “recursive”?"),
        (FOLDER + 'username = "x"\n', "dòng 5: nguồn “a”: khóa username không dùng cho loại folder"),
        (FOLDER + 'settle_seconds = "5"\n', "dòng 5: nguồn “a”: settle_seconds là “5”, cần một số nguyên"),
        (FOLDER + "retries = -1\n", "retries là -1, cần ít nhất 0"),
        (FOLDER + 'settle = "soon"\n', "settle là “soon”, cần một trong: stable"),
        (FOLDER + "include = [1]\n", "include cần danh sách gồm chuỗi"),
        ('[[source]]\nname = "a"\nkind = "folder"\n', "dòng 1: nguồn “a”: cần address"),
        ('[[source]]\nname = "a"\nkind = "sftp"\naddress = "may/x"\n', "dòng 4: nguồn “a”: address là “may/x”, cần dạng sftp://"),
        ('[[source]]\nname = "a"\nkind = "sftp"\naddress = "sftp://u:p@may/x"\n', "không viết tên và mật khẩu trong address"),
        ('[[source]]\nname = "a"\nkind = "sftp"\naddress = "sftp://may:x/x"\n', "cổng trong address"),
        (
            '[[source]]\nname = "a"\nkind = "sftp"\naddress = "sftp://may/x"\nusername = "u"\n',
            "thiếu password_env, password_file hoặc key_file",
        ),
        ('[[source]]\nname = "a"\nkind = "sftp"\npassword = "bimat"\n', "dòng 4: nguồn “a”: password không được viết trong tệp này"),
        ('[[source]]\nname = "a"\nkind = "imap"\naddress = "imaps://m"\nusername = "u"\npassword_env = "P"\n', "thiếu senders"),
        ('[[source]]\nname = "a"\nkind = "http"\naddress = "https://m/{yy}"\n', "không hiểu {yy} trong address"),
        (
            '[[source]]\nname = "a"\nkind = "http"\naddress = "https://m/x"\nlogin_url = "https://m/l"\n',
            "dòng 5: nguồn “a” (http): đăng nhập bằng",
        ),
        ('[[source]]\nname = "a"\nkind = "s3"\naddress = "s3://kho/x"\naccess_key = "k"\n', "thiếu secret_key_env hoặc secret_key_file"),
        ('[[source]]\nname = "a"\nkind = "folder"\naddress = "/"\n', "không được chứa nhau"),
        ('[[source]]\nname = "a"\nkind = "folder"\naddress = "/mnt\\u0000"\n', "dòng 4: nguồn “a”: address có ký tự không in được"),
        (FOLDER + "max_minutes = inf\n", "dòng 5: nguồn “a”: max_minutes là inf, cần một số không quá 1000000"),
        (FOLDER + "max_mb = nan\n", "max_mb là nan, cần một số không quá"),
        (FOLDER + "stale_after_hours = 1e300\n", "stale_after_hours là 1e+300, cần một số không quá"),
        (FOLDER + 'settle = "marker"\nmarker = " "\n', "dòng 6: nguồn “a”: marker trống"),
        (WEB.replace("https://m", "https://[m"), "dòng 4: nguồn “a”: address là “https://[m/x”, cần dạng https://"),
        (WEB.replace("https://m", "https://máy chủ"), "address là “https://máy chủ/x”, cần dạng https://"),
        (WEB.replace("https://m", "https://m..vn"), "address là “https://m..vn/x”, cần dạng https://"),
        (WEB + 'proxy = "http://ai:bimat@"\n', "dòng 5: nguồn “a”: proxy là “”, cần địa chỉ http://…"),
        (WEB + 'proxy = "may:3128"\n', "proxy là “may:3128”, cần địa chỉ http://…"),
        (WEB + "days_ago = [0, 9999999]\n", "days_ago là [0, 9999999], cần số ngày không quá"),
        (WEB + 'login_url = "https://[m"\nusername = "u"\npassword_env = "P"\n', "login_url là “https://[m”, cần địa chỉ https://…"),
    ],
)
def test_an_error_names_its_line_what_stands_there_and_what_is_needed(office: Settings, text: str, told: str) -> None:
    message = said(office, text)
    assert told in message
    assert "bimat" not in message


def test_every_wrong_source_is_told_at_once(office: Settings) -> None:
    (office.reference / "sources.toml").write_text(
        '[[source]]\nname = "Một"\nkind = "folder"\naddress = "/x"\n[[source]]\nname = "hai"\nkind = "ftp"\naddress = "/y"\n'
        '[[source]]\nname = "ba"\nkind = "folder"\naddress = "/z"\n',
        encoding="utf-8",
    )
    with pytest.raises(ConfigurationError, match=r"có 2 chỗ phải sửa trong sources.toml:\n  - .*dòng 2: name.*\n  - .*dòng 7: nguồn “hai”"):
        load_sources(office.reference, office.raw)


def test_without_the_file_there_is_nothing_to_fetch(office: Settings) -> None:
    assert load_sources(office.reference, office.raw) == []


def test_a_source_can_be_switched_off(office: Settings) -> None:
    (office.reference / "sources.toml").write_text(FOLDER + "enabled = false\n", encoding="utf-8")
    assert load_sources(office.reference, office.raw) == []


def test_secrets_come_from_the_environment_or_a_file_nobody_else_reads(office: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    text = '[[source]]\nname = "a"\nkind = "sftp"\naddress = "sftp://may/x"\nusername = "u"\n'
    (office.reference / "sources.toml").write_text(text + 'password_env = "TTHC_P"\n', encoding="utf-8")
    (source,) = load_sources(office.reference, office.raw)
    monkeypatch.delenv("TTHC_P", raising=False)
    with pytest.raises(SecretUnavailable, match="TTHC_P"):
        source.check_secrets()
    monkeypatch.setenv("TTHC_P", "bí mật")
    assert source.secret("password") == "bí mật"
    (office.reference / "sources.toml").write_text(text + 'password_file = "mk"\n', encoding="utf-8")
    (source,) = load_sources(office.reference, office.raw)
    (office.reference / "mk").write_text("bí mật\n", encoding="utf-8")
    (office.reference / "mk").chmod(0o640)
    with pytest.raises(SecretUnavailable, match="chmod 600"):
        source.check_secrets()
    (office.reference / "mk").chmod(0o600)
    assert source.secret("password") == "bí mật"
    assert "bí mật" not in repr(source)


def test_dates_in_addresses_are_filled_in() -> None:
    text = "https://m/{yyyy}{mm}{dd}?tu={from:%d/%m/%Y}&den={to:%d/%m/%Y}"
    assert fill_dates(text, date(2024, 5, 9), "year") == "https://m/20240509?tu=01/01/2024&den=09/05/2024"
    assert fill_dates("{from:%Y-%m-%d}", date(2024, 5, 9), "quarter") == "2024-04-01"
    assert fill_dates("{from:%Y-%m-%d}", date(2024, 5, 9), "month") == "2024-05-01"


def command(settings: Settings, *more: str) -> list[str]:
    return ["fetch", "--raw", str(settings.raw), "--reference", str(settings.reference), "--warehouse", str(settings.warehouse), *more]


def exit_code(arguments: list[str]) -> int:
    with pytest.raises(SystemExit) as end:
        main(arguments)
    return int(end.value.code or 0)


def test_the_command_exits_0_1_2_or_4(fetcher: Fetcher, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings = fetcher.settings
    (tmp_path / "share").mkdir()
    (tmp_path / "share" / "a.xlsx").write_bytes(b"a")
    good, bad = (f'name = "{n}"\nkind = "folder"\naddress = "{tmp_path / n}"' for n in ("share", "gone"))
    assert exit_code(command(settings)) == 0
    assert "Không có nguồn nào" in capsys.readouterr().out
    fetcher.write(good, bad)
    assert exit_code(command(settings, "--source", "share")) == 0
    assert exit_code(command(settings)) == 1
    told = capsys.readouterr().out
    assert "Nguồn share (folder): 1 tệp mới" in told and "✗ Nguồn gone (folder): không thấy thư mục" in told
    assert exit_code(command(settings, "--source", "khac")) == 2
    assert "sources.toml không có nguồn “khac”" in capsys.readouterr().err
    with hold_lock(settings):
        assert exit_code(command(settings)) == 4
    (settings.reference / "sources.toml").write_text("x", encoding="utf-8")
    assert exit_code(command(settings)) == 2


def test_repeated_failures_turn_red_and_silence_turns_yellow(fetcher: Fetcher, tmp_path: Path) -> None:
    share = tmp_path / "share"
    fetcher.write(f'name = "nguon"\nkind = "folder"\naddress = "{share}"\nstale_after_hours = 48')
    now = local_now()
    assert [row["light"] for row in source_rows(fetcher.settings, now)] == ["yellow"]
    share.mkdir()
    (share / "a.xlsx").write_bytes(b"a")
    fetcher.fetch()
    assert [row["light"] for row in source_rows(fetcher.settings, now)] == ["green"]
    (row,) = source_rows(fetcher.settings, now + timedelta(hours=49))
    assert row["light"] == "yellow" and "không có tệp mới" in row["message_vi"]
    share.rename(tmp_path / "away")
    lights = []
    for _ in range(3):
        fetcher.fetch()
        lights += [row["light"] for row in source_rows(fetcher.settings, now)]
    assert lights == ["yellow", "yellow", "red"]
    (row,) = source_rows(fetcher.settings, now)
    assert row["failures"] == 3 and row["files"] == 1 and "3 lần liền" in row["message_vi"]


@pytest.mark.slow
def test_the_night_begins_with_fetching_and_a_failing_source_does_not_hold_it_back(fetcher: Fetcher, tmp_path: Path) -> None:
    write_workbook(tmp_path / "share" / "hồ sơ.xlsx", [list(COLUMNS), case_row()])
    good, bad = (f'name = "{n}"\nkind = "folder"\naddress = "{tmp_path / n}"' for n in ("share", "gone"))
    fetcher.write(good, bad)
    result = run_night(fetcher.settings)
    assert result.is_published and [source.error is None for source in result.sources] == [True, False]
    with duckdb.connect(str(fetcher.settings.warehouse), read_only=True) as connection:
        assert connection.execute("SELECT count(*) FROM core.cases").fetchall() == [(1,)]
        assert connection.execute("SELECT file_name, status FROM ops.files").fetchall() == [("share/hồ sơ.xlsx", "loaded")]
        rows = connection.execute("SELECT source, light, failures, files FROM ops.sources ORDER BY source").fetchall()
        assert rows == [("gone", "red", 1, 0), ("share", "green", 0, 1)]
        assert connection.execute("SELECT found FROM ops.checks WHERE check_name = 'sources_reached'").fetchall() == [(1,)]
    again = run_night(replace(settings_in(tmp_path, datetime(2024, 7, 1, 23)), fetches=False))
    assert again.sources == [] and again.files_read == 0


def test_the_examples_of_the_manual_can_be_used_and_every_key_is_explained(office: Settings) -> None:
    manual = (Path(__file__).parents[2] / "docs" / "sources.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"^```toml\n(.*?)^```", manual, re.DOTALL | re.MULTILINE)
    (office.reference / "sources.toml").write_text(example, encoding="utf-8")
    assert [source.kind for source in load_sources(office.reference, office.raw)] == ["folder", "sftp", "http", "http", "s3", "imap"]
    assert [key for key in KEYS if f"`{key}`" not in manual] == []


@pytest.mark.slow
def test_what_a_system_exports_at_being_asked_counts_in_the_same_night(
    fetcher: Fetcher, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Else every list is a night old, and a dossier finished on its day counts as overdue until the next."""
    began = datetime(2024, 7, 1, 0, 30)
    asked = began + timedelta(minutes=3)
    clock = iter([began, began])  # afterwards the sources have answered
    for module in ("settings", "schedule", "night", "runs", "arrivals", "fetching"):
        monkeypatch.setattr(f"flows.{module}.local_now", lambda: next(clock, asked))
    made = write_workbook(tmp_path / "made.xlsx", [COLUMNS, case_row()], titles=("Thời điểm xuất: 01/07/2024 00:31",))
    with http_server(Office()) as web:
        web.exports["/x.xlsx"] = made.read_bytes()
        fetcher.write(f'name = "web"\nkind = "http"\naddress = "{web.url}/x.xlsx"')
        settings = fetcher.settings
        places = ["--raw", settings.raw, "--reference", settings.reference, "--warehouse", settings.warehouse, "--outbox", settings.outbox]
        monkeypatch.setattr("sys.argv", ["tthc", "run", "--catch-up", *map(str, places)])
        with pytest.raises(SystemExit) as end:
            main()
    assert end.value.code == 0
    assert "Đêm 01/07/2024, chốt 00:33:" in capsys.readouterr().out
    with duckdb.connect(str(settings.warehouse), read_only=True) as connection:
        assert connection.execute("SELECT status FROM ops.files").fetchall() == [("loaded",)]
        assert connection.execute("SELECT as_of FROM ops.runs").fetchall() == [(asked,)]
        assert connection.execute("SELECT DISTINCT as_of FROM mart.unit_rates").fetchall() == [(asked,)]
    assert (settings.outbox / "2024-07-01").is_dir()


@pytest.mark.parametrize(
    ("as_of", "follows", "moved"),
    [
        (datetime(2024, 7, 1, 0, 30), True, datetime(2024, 7, 1, 0, 33)),
        (datetime(2024, 7, 1, 0, 30), False, None),  # somebody asked for this very moment
        (datetime(2024, 6, 30, 23, 59), True, None),  # mails and folders are known by their day
        (datetime(2024, 7, 1, 9), True, None),  # the clock was set back meanwhile
    ],
)
def test_only_a_run_for_now_moves_on_with_its_sources(
    office: Settings, monkeypatch: pytest.MonkeyPatch, as_of: datetime, follows: bool, moved: datetime | None
) -> None:
    monkeypatch.setattr("flows.night.local_now", lambda: datetime(2024, 7, 1, 0, 33))
    settings = replace(office, as_of=as_of, as_of_follows_fetch=follows)
    assert _moment_after([SourceOutcome("a", "http")], settings) == moved
    assert _moment_after([], settings) is None


@pytest.mark.parametrize(
    ("text", "pattern", "fits"),
    [
        ("[TTHC] Tệp xuất 30/06", "[TTHC] *", True),
        ("T", "[TTHC]", False),
        ("hồ sơ [2024].xlsx", "*[2024].XLSX", True),
        (unicodedata.normalize("NFD", "Gửi tệp xuất"), "*tệp xuất*", True),
        ("gửi tệp xuất", unicodedata.normalize("NFD", "*TỆP xuất*"), True),
        ("gửi tep xuat", "*tệp xuất*", False),
        ("a1.csv", "a?.csv", True),
    ],
)
def test_in_a_pattern_only_the_star_and_the_question_mark_are_special(text: str, pattern: str, fits: bool) -> None:
    assert fits_pattern(text, pattern) is fits
