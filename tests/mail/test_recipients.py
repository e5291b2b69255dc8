"""recipients.csv and mail.toml: what is accepted, what is refused and how it is told; on which days who gets mail."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from conftest import write_reference
from post_office import make_certificate

from flows.mail.recipients import FREQUENCIES, Recipient, find_alarm_recipients, is_due
from flows.mail.server import load_server, require_server
from flows.reference import load_reference
from flows.settings import ConfigurationError

MEASURES = ["on_time", "received_within_8h"]
HEAD = "name,email,scope,summaries,frequency,language\n"


def read(folder: Path, text: str) -> list[Recipient] | None:
    reference = write_reference(folder / "reference")
    (reference / "recipients.csv").write_text(text, encoding="utf-8-sig")
    return load_reference(reference, MEASURES).recipients


def test_lines_with_their_defaults(tmp_path: Path) -> None:
    office, unit = (
        read(
            tmp_path,
            HEAD
            + "Văn phòng,VanPhong@SonHa.gov.vn,ALL,,,\nHai đơn vị,hai@sonha.gov.vn,000.22.58.H48; 000.02.58.h48,digest;late,weekly,vi\n",
        )
        or ()
    )
    assert (office.email, office.is_office, office.frequency) == ("vanphong@sonha.gov.vn", True, "daily")
    assert office.summaries == {"digest", "missed", "late", "worklist", "report", "alarm", "monthly_report"}
    assert (unit.units, unit.summaries) == (("000.22.58.H48", "000.02.58.H48"), {"digest", "late"})
    assert read(tmp_path, HEAD) == []
    (tmp_path / "reference" / "recipients.csv").unlink()
    assert load_reference(tmp_path / "reference", MEASURES).recipients is None


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("Ai,không-phải-thư,all,,,", "cột email"),
        ('Ai,"a@b.vn\nBcc: c@d.vn",all,,,', "cột email"),
        ("Ai,a@b.vn; c@d.vn,all,,,", "cột email"),
        *((f"Ai,{address},all,,,", "cột email") for address in ("vanphong.@b.vn", ".a@b.vn", "a..b@b.vn", "=?utf-8?q?a?=@b.vn")),
        ("Ai,,all,,,", "cột email: có “”, cần một giá trị"),
        ("Ai,x@sonha.gov.vn,all,,,", "đã có ở dòng 2"),
        ("Ai,a@b.vn,,,,", "cột scope"),
        ("Ai,a@b.vn,000.99.58.H48,,,", "không có mã 000.99.58.H48"),
        ("Ai,a@b.vn,all;000.22.58.H48,,,", "cột scope"),
        ("Ai,a@b.vn,all,digest;thư,,", "cột summaries"),
        ("Ai,a@b.vn,000.22.58.H48,alarm,,", "alarm chỉ dành cho phạm vi all"),
        ("Ai,a@b.vn,000.22.58.H48,report,,", "report chỉ dành cho phạm vi all"),
        ("Ai,a@b.vn,000.22.58.H48,monthly_report,,", "monthly_report chỉ dành cho phạm vi all"),
        ("Ai,a@b.vn,all,,hằng ngày,", "một trong: daily, workdays, weekly, monthly"),
        ("Ai,a@b.vn,all,,,en", "cột language"),
        (",a@b.vn,all,,,", "cột name"),
        ("Ai,a@b.vn,all,,,,thừa", "nhiều hơn 6 cột"),
    ],
)
def test_a_wrong_line_is_told_with_line_and_column_but_no_address(tmp_path: Path, line: str, told: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        read(tmp_path, f"{HEAD}Trước,x@sonha.gov.vn,all,,,\n{line}\n")
    assert "recipients.csv, dòng " in str(error.value)
    assert told in str(error.value)
    assert "@" not in str(error.value).replace("ten@coquan.gov.vn", "")


def test_a_missing_column_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="thiếu cột scope"):
        read(tmp_path, "name,email\nAi,a@b.vn\n")


def test_days_of_each_frequency() -> None:
    july = [date(2024, 7, 1) + timedelta(days=n) for n in range(31)]  # 1 July 2024 is a Monday
    every = {
        f: [d.day for d in july if is_due(f, d, [*july, date(2024, 6, 30)], is_working=d.weekday() < 5 and d.day != 2)] for f in FREQUENCIES
    }
    assert every["daily"] == list(range(1, 32))
    assert every["weekly"] == [1, 8, 15, 22, 29]
    assert every["monthly"] == [1]
    assert every["workdays"] == [d.day for d in july if d.weekday() < 5 and d.day != 2]


def test_a_held_back_monday_is_made_up_for_once() -> None:
    published = [date(2024, 7, 5), date(2024, 7, 9), date(2024, 7, 10)]  # Monday the 8th published nothing
    assert [is_due("weekly", d, published, is_working=True) for d in published] == [False, True, False]
    assert not is_due("weekly", date(2024, 7, 9), [], is_working=True), "the first night ever is no substitute"
    assert is_due("monthly", date(2024, 8, 2), [*published, date(2024, 8, 2)], is_working=True)


def test_the_table_that_ships_is_empty() -> None:
    shipped = (Path(__file__).parents[2] / "data/reference/recipients.csv").read_text(encoding="utf-8")
    assert shipped == HEAD


def test_alarms_find_their_readers_in_a_table_saved_in_another_encoding(tmp_path: Path) -> None:
    (tmp_path / "recipients.csv").write_bytes((HEAD + "Ông Sơn,son@sonha.gov.vn,all,,,\n").encode("latin-1", "replace"))
    assert [one.email for one in find_alarm_recipients(tmp_path / "recipients.csv")] == ["son@sonha.gov.vn"]


TOML = 'host = "thu.sonha.gov.vn"\nfrom = "tthc@sonha.gov.vn"\n'


def configure(folder: Path, text: str) -> Path:
    (folder / "mail.toml").write_text(text, encoding="utf-8")
    return folder


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize(("encoding", "ends"), [("utf-16", "\r\n"), ("utf-16", "\r"), ("utf-8", "\r"), ("utf-16-le", "\n")])
def test_alarms_find_their_readers_however_excel_saved_the_table(tmp_path: Path, encoding: str, ends: str, delimiter: str) -> None:
    """Its “Unicode Text” is UTF-16 with tabs; no alarm went out at all."""
    lines = ["name,email,scope,summaries", "Văn phòng,vanphong@sonha.test,all,", "Xã,xa@sonha.test,000.22.58.H48,"]
    (tmp_path / "recipients.csv").write_bytes(ends.join(lines).replace(",", delimiter).encode(encoding))
    assert [who.email for who in find_alarm_recipients(tmp_path / "recipients.csv")] == ["vanphong@sonha.test"]


def test_the_server_of_mail_toml_with_its_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_server(tmp_path) is None
    with pytest.raises(ConfigurationError, match="chưa khai báo máy chủ thư"):
        require_server(tmp_path)
    server = require_server(configure(tmp_path, "\ufeff" + TOML))  # as Notepad saves it
    assert (server.port, server.security, server.is_on) == (587, "starttls", False)
    monkeypatch.setenv("TTHC_SMTP_SECURITY", "ssl")
    monkeypatch.setenv("TTHC_SMTP_HOST", "khac.gov.vn")
    assert (require_server(tmp_path).port, require_server(tmp_path).host) == (465, "khac.gov.vn")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("host = ", "mail.toml, cuối tệp: không đúng cú pháp TOML"),
        (
            TOML + 'host = "b"\n',
            "mail.toml, dòng 3: không đúng cú pháp TOML; chữ phải để trong dấu nháy, mỗi dòng một khóa = giá trị, mỗi khóa một lần",
        ),
        (TOML + 'password = "x"', "không ghi mật khẩu vào mail.toml"),
        (TOML + 'hots = "x"', "không có mục hots"),
        (TOML + 'security = "none"', "allow_plain = true"),
        (TOML + 'security = "tls"', "starttls, ssl, none"),
        (TOML + "port = 99999", "mục port"),
        (TOML + 'timeout_seconds = "lâu"', "mục timeout_seconds"),
        (TOML + 'user = "a"', "chưa có mật khẩu"),
        (TOML + 'send = "có"', "mục send"),
        ("send = true", "chưa có host"),
        ('host = "h"', "mục from"),
        ('host = "h"\nfrom = "a@b\\nBcc: c@d"', "mục from"),
        ('host = "h"\nfrom = "vănphòng@sonha.gov.vn"', "mục from"),
        (TOML.replace("thu.sonha", "thu..sonha"), "mục host"),
        (TOML.replace("thu.sonha.gov.vn", "thu.sonha.gov.vn:587"), "mục host"),
        (TOML.replace("thu.sonha.gov.vn", "smtp://thu"), "mục host"),
        (TOML.replace("thu.sonha.gov.vn", " "), "mục host"),
        (TOML + 'reply_to = "a@b.vn\\nBcc: c@d.vn"', "mục reply_to"),
        (TOML + 'reply_to = "văn phòng"', "mục reply_to"),
        *((TOML + f'reply_to = "{text}"', "mục reply_to") for text in ("vanphong@", "<@", "Phòng:;@", " .@x")),
        (TOML.replace("tthc@", "tthc.@"), "mục from"),
        (TOML + 'ca_file = "khong-co.pem"', "khong-co.pem”: không đọc được (No such file"),
        (TOML + 'ca_file = "mail.toml"', "mail.toml”: không đọc được (không phải tệp chứng thư PEM)"),
    ],
)
def test_a_wrong_setting_is_told(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        load_server(configure(tmp_path, text))
    assert told in str(error.value)


def test_the_authority_is_seen_from_the_folder_of_mail_toml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    certificate = make_certificate(tmp_path)
    assert require_server(configure(tmp_path, TOML + f'ca_file = "{certificate.name}"')).ca_file == str(certificate)
    monkeypatch.chdir(certificate.parent.parent)  # where it stood so far, it still does
    relative = certificate.relative_to(Path.cwd())
    assert require_server(configure(tmp_path, TOML + f'ca_file = "{relative}"')).ca_file == str(relative)


def test_plain_only_on_this_machine_or_where_allowed(tmp_path: Path) -> None:
    local = TOML.replace("thu.sonha.gov.vn", "127.0.0.1") + 'security = "none"\n'
    assert require_server(configure(tmp_path, local)).security == "none"
    assert require_server(configure(tmp_path, TOML + 'security = "none"\nallow_plain = true\n')).port == 25


def test_a_password_file_that_others_can_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = tmp_path / "secret"
    secret.write_text("bi-mat\n", encoding="utf-8")
    configure(tmp_path, TOML + 'user = "u"\npassword_file = "secret"\n')
    for mode in (0o640, 0o604, 0o644):
        secret.chmod(mode)
        with pytest.raises(ConfigurationError, match="chmod 600") as error:
            load_server(tmp_path)
        assert "bi-mat" not in str(error.value)
    secret.chmod(0o600)
    server = require_server(tmp_path)
    assert server.password == "bi-mat"
    assert "bi-mat" not in repr(server)
    monkeypatch.setenv("TTHC_SMTP_PASSWORD", "tu-bien")
    assert require_server(tmp_path).password == "tu-bien"
