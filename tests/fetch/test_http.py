"""Web systems: login forms, tokens, dates; and every page that is no export stays out of the raw folder."""

import io
import time
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from fetch.conftest import Fetcher
from fetch.servers import LOGIN_PAGE, Certificate, Office, free_port, http_server, make_certificate
from flows.settings import local_now


@pytest.fixture
def web() -> Iterator[Office]:
    with http_server(Office()) as office:
        yield office


def http_source(office: Office, path: str = "/x.xlsx", more: str = "") -> str:
    return f'name = "nguon"\nkind = "http"\naddress = "{office.url}{path}"\n{more}'


def with_login(office: Office) -> str:
    return f'login_url = "{office.url}/login"\nusername = "canbo"\npassword_env = "TTHC_TEST_PASSWORD"'


@pytest.fixture
def password(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("TTHC_TEST_PASSWORD", "mật khẩu&1")
    return "mật khẩu&1"


def test_an_open_address_with_dates_is_fetched_under_its_own_name(fetcher: Fetcher, web: Office) -> None:
    now = local_now()
    web.exports[f"/{now:%Y%m%d}/x.xlsx"] = b"export"
    web.headers[f"/{now:%Y%m%d}/x.xlsx"] = {
        "Content-Disposition": "attachment; filename*=UTF-8''h%E1%BB%93%20s%C6%A1.xlsx",
        "Last-Modified": "Sun, 30 Jun 2024 15:00:00 GMT",
    }
    fetcher.write(http_source(web, "/{yyyy}{mm}{dd}/x.xlsx?tu={from:%d/%m/%Y}&key=bimat"))
    assert fetcher.fetch().landed == ["nguon/hồ sơ.xlsx"]
    assert web.asked == [f"/{now:%Y%m%d}/x.xlsx?tu=01/01/{now:%Y}&key=bimat"]
    assert (fetcher.settings.raw / "nguon" / "hồ sơ.xlsx").stat().st_mtime == 1_719_759_600
    kept = "".join(path.read_text(encoding="utf-8") for path in fetcher.records().rglob("*") if path.is_file())
    assert "bimat" not in kept  # what an address asks with may be a key
    assert fetcher.fetch().landed == []


def test_a_form_is_filled_in_with_its_hidden_fields(fetcher: Fetcher, web: Office, password: str) -> None:
    web.password, web.exports["/x.xlsx"] = password, b"export"
    fetcher.write(http_source(web, more=with_login(web)))
    assert fetcher.fetch().landed == ["nguon/x.xlsx"]


def test_a_wrong_password_is_told_once_and_not_tried_again(fetcher: Fetcher, web: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TTHC_TEST_PASSWORD", "sai")
    web.password, web.exports["/x.xlsx"] = "đúng", b"export"
    fetcher.write(http_source(web, more=with_login(web) + "\nretries = 3"))
    assert "sai tên đăng nhập hoặc mật khẩu" in str(fetcher.fetch().error)
    assert fetcher.files() == {} and web.asked == ["/login"]  # more tries would lock the account


def test_a_password_typed_on_an_encrypted_page_is_not_sent_in_clear(fetcher: Fetcher, password: str, certificate: Certificate) -> None:
    with http_server(Office(password=password)) as plain, http_server(Office(password=password), certificate) as web:
        web.page["/login"] = (200, LOGIN_PAGE.replace(b"'/login'", f"'{plain.url}/login'".encode()))
        fetcher.write(http_source(web, more=f'{with_login(web)}\nca_file = "{certificate.chain}"'))
        assert "không mã hóa" in str(fetcher.fetch().error)
        assert plain.sessions == {}


def test_an_expired_session_is_renewed_once(fetcher: Fetcher, web: Office, password: str) -> None:
    web.password, web.session_lasts = password, 1
    web.exports = {"/x.xlsx": b"one", "/y.xlsx": b"two"}
    source = http_source(web, more=with_login(web)).replace(
        f'address = "{web.url}/x.xlsx"', f'addresses = ["{web.url}/x.xlsx", "{web.url}/y.xlsx"]'
    )
    fetcher.write(source)
    assert fetcher.fetch().landed == ["nguon/x.xlsx", "nguon/y.xlsx"]
    assert len(web.sessions) == 2


def test_a_session_that_never_holds_is_told_and_its_login_page_never_lands(fetcher: Fetcher, web: Office, password: str) -> None:
    web.password, web.session_lasts, web.exports["/x.xlsx"] = password, 0, b"one"
    fetcher.write(http_source(web, more=with_login(web)))
    assert "phiên làm việc hết hạn" in str(fetcher.fetch().error)
    assert fetcher.files() == {}


def test_a_login_page_under_the_exports_name_never_lands(fetcher: Fetcher, web: Office) -> None:
    web.exports["/x.xls"] = LOGIN_PAGE  # as an octet-stream and with 200, as expired systems do
    fetcher.write(http_source(web, "/x.xls"))
    assert "đòi đăng nhập" in str(fetcher.fetch().error)
    assert fetcher.files() == {}


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (200, b"<html><body><h1>Loi he thong</h1></body></html>", "một trang web"),
        (200, b'\xef\xbb\xbf {"error": "het phien"}', "một trang web|JSON"),
        (200, b"", "tệp trống"),
        (404, b"<html></html>", r"không có “/x.xlsx” \(404\)"),
        (403, b"", r"từ chối \(403\)"),
        (500, b"", "lỗi 500"),
        (204, b"", "lỗi 204"),
    ],
)
def test_an_error_page_is_a_failure_and_no_export(fetcher: Fetcher, web: Office, status: int, body: bytes, told: str) -> None:
    import re

    web.page["/x.xlsx"] = (status, body)
    fetcher.write(http_source(web))
    assert re.search(told, str(fetcher.fetch().error))
    assert fetcher.files() == {}


def test_an_export_saved_as_html_is_an_export(fetcher: Fetcher, web: Office) -> None:
    table = "<html><body><table><tr><th>Mã hồ sơ</th></tr><tr><td>1</td></tr></table></body></html>".encode()
    web.page["/x.xls"] = (200, table)
    fetcher.write(http_source(web, "/x.xls"))
    assert fetcher.fetch().error is None
    assert fetcher.files() == {"nguon/x.xls": table}


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("attachment; filename=\"ho so.xlsx\"; filename*=UTF-8''h%E1%BB%93%20s%C6%A1.xlsx", "hồ sơ.xlsx"),
        ("attachment; filename*=UTF-8''h%E1%BB%93.xlsx; filename=\"=?UTF-8?Q?h=E1=BB=93.xlsx?=\"", "hồ.xlsx"),
        ('attachment; filename="=?UTF-8?B?aOG7k18yMDI0MDYzMDIyMDUwMC54bHN4?="', "hồ_20240630220500.xlsx"),
        ("attachment; filename=h so.xlsx", "h so.xlsx"),
        ('attachment; filename="=?x?b?!?="', "=_x_b_!_="),
        ("attachment; filename*", "x.xlsx"),
    ],
)
def test_an_export_has_the_name_its_server_gives_it(fetcher: Fetcher, web: Office, header: str, name: str) -> None:
    web.exports["/x.xlsx"], web.headers["/x.xlsx"] = b"export", {"Content-Disposition": header}
    fetcher.write(http_source(web))
    assert fetcher.fetch().landed == [f"nguon/{name}"]


def test_a_workbook_is_an_export_whatever_the_server_calls_it(fetcher: Fetcher, web: Office) -> None:
    book = io.BytesIO()
    with zipfile.ZipFile(book, "w") as made:
        made.writestr("xl/workbook.xml", "<workbook/>")
    web.page["/x.xlsx"] = (200, book.getvalue())  # as text/html, the default of many web systems
    fetcher.write(http_source(web))
    assert fetcher.fetch().landed == ["nguon/x.xlsx"]


@pytest.mark.parametrize("status", [404, 403])
def test_one_address_that_is_missing_or_forbidden_does_not_stop_the_others(fetcher: Fetcher, web: Office, status: int) -> None:
    web.page["/x.xlsx"], web.exports["/y.xlsx"] = (status, b"<html>x"), b"two"
    fetcher.write(f'name = "nguon"\nkind = "http"\naddresses = ["{web.url}/x.xlsx", "{web.url}/y.xlsx"]')
    outcome = fetcher.fetch()
    assert str(status) in str(outcome.error) and outcome.landed == ["nguon/y.xlsx"]


@pytest.mark.parametrize(
    ("asked", "least", "tries"), [("1", 1.0, 2), ("Mon, 30 Nov 2020 00:00:00 GMT", 0.0, 2), ("7200", 0.0, 1), ("soon", 0.0, 2)]
)
def test_a_busy_server_is_not_asked_again_before_it_wants_to_be(
    fetcher: Fetcher, web: Office, asked: str, least: float, tries: int
) -> None:
    web.page["/x.xlsx"], web.headers["/x.xlsx"] = (503, b"<html>x"), {"Retry-After": asked}
    fetcher.write(http_source(web, more="retries = 1\nmax_minutes = 60"))
    began = time.monotonic()
    assert "503" in str(fetcher.fetch().error)
    assert time.monotonic() - began >= least and len(web.asked) == tries


def test_an_address_that_breaks_off_every_attempt_costs_only_itself(fetcher: Fetcher, web: Office) -> None:
    web.page["/x.xlsx"], web.exports["/y.xlsx"] = (500, b"<html>x"), b"two"
    fetcher.write(f'name = "nguon"\nkind = "http"\naddresses = ["{web.url}/x.xlsx", "{web.url}/y.xlsx"]\nretries = 2')
    outcome = fetcher.fetch()
    assert "500" in str(outcome.error) and outcome.landed == ["nguon/y.xlsx"]
    assert web.asked == ["/x.xlsx", "/y.xlsx", "/x.xlsx", "/x.xlsx"]  # a long export is not asked for again by another's failure


def test_a_token_goes_to_its_own_machine_only(fetcher: Fetcher, web: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TTHC_TEST_TOKEN", "t0k3n")
    web.token, web.exports["/x.xlsx"] = "t0k3n", b"export"
    fetcher.write(http_source(web, more='token_env = "TTHC_TEST_TOKEN"'))
    assert fetcher.fetch().landed == ["nguon/x.xlsx"]
    with http_server(Office(exports={"/x.xlsx": b"other"})) as other:
        elsewhere = other.url.replace("127.0.0.1", "localhost") + "/x.xlsx"
        web.redirects["/x.xlsx"] = elsewhere
        assert "chuyển hướng sang “localhost”" in str(fetcher.fetch().error)
        assert other.asked == []
        fetcher.write(http_source(web, more='token_env = "TTHC_TEST_TOKEN"\nalso_hosts = ["localhost"]'))
        assert fetcher.fetch().error is None
        assert other.tokens_seen == [None]


def test_a_wrong_token_is_told(fetcher: Fetcher, web: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TTHC_TEST_TOKEN", "cu")
    web.token, web.exports["/x.xlsx"] = "moi", b"export"
    fetcher.write(http_source(web, more='token_env = "TTHC_TEST_TOKEN"'))
    assert "hết hạn" in str(fetcher.fetch().error) and fetcher.files() == {}


def test_a_line_dropped_in_the_middle_lands_nothing_and_is_tried_again(fetcher: Fetcher, web: Office) -> None:
    body = bytes(range(256)) * 4000
    web.exports["/x.xlsx"], web.cut_at, web.cuts = body, 100_000, 1
    fetcher.write(http_source(web))
    assert "mất kết nối" in str(fetcher.fetch().error)
    assert fetcher.files() == {}
    web.cuts = 1
    fetcher.write(http_source(web, more="retries = 1"))
    assert fetcher.fetch().landed == ["nguon/x.xlsx"]
    assert fetcher.files() == {"nguon/x.xlsx": body}


def test_without_a_length_only_what_proves_itself_whole_is_taken(fetcher: Fetcher, web: Office) -> None:
    book = io.BytesIO()
    with zipfile.ZipFile(book, "w") as archive:
        archive.writestr("a.csv", "a,b\n")
    web.is_close_delimited, web.exports = True, {"/x.csv": b"a,b\n1,2\n", "/x.zip": book.getvalue()}
    fetcher.write(f'name = "nguon"\nkind = "http"\naddresses = ["{web.url}/x.csv", "{web.url}/x.zip"]')
    outcome = fetcher.fetch()
    assert "không cho biết độ dài" in str(outcome.error)
    assert list(fetcher.files()) == ["nguon/x.zip"]


def test_what_the_server_says_is_unchanged_is_not_sent_again(fetcher: Fetcher, web: Office) -> None:
    web.exports["/x.xlsx"], web.headers["/x.xlsx"] = b"export", {"ETag": '"v1"'}
    fetcher.write(http_source(web))
    fetcher.fetch()
    web.exports["/x.xlsx"] = b"never sent: the mark is the same"
    assert fetcher.fetch().error is None and len(fetcher.files()) == 1
    web.headers["/x.xlsx"] = {"ETag": '"v2"'}
    assert len(fetcher.fetch().landed) == 1


def test_a_name_that_leads_out_of_the_folder_is_made_harmless(fetcher: Fetcher, web: Office, tmp_path: Path) -> None:
    web.exports["/x.xlsx"], web.headers["/x.xlsx"] = b"export", {"Content-Disposition": 'attachment; filename="../../../evil.xlsx"'}
    fetcher.write(http_source(web))
    assert fetcher.fetch().landed == ["nguon/evil.xlsx"]
    assert not list(tmp_path.glob("**/evil.xlsx"))[1:]


def test_a_server_that_is_down_or_silent_is_told_in_time(fetcher: Fetcher) -> None:
    fetcher.write(f'name = "nguon"\nkind = "http"\naddress = "http://127.0.0.1:{free_port()}/x.xlsx"')
    assert "mất kết nối" in str(fetcher.fetch().error)


def test_certificates_are_checked(fetcher: Fetcher, certificate: Certificate, tmp_path: Path) -> None:
    with http_server(Office(exports={"/x.xlsx": b"export"}), certificate) as web:
        fetcher.write(http_source(web))
        assert "không tin được chứng thư" in str(fetcher.fetch().error)
        other = make_certificate(tmp_path)
        fetcher.write(http_source(web, more=f'ca_file = "{other.chain}"'))
        assert "không tin được chứng thư" in str(fetcher.fetch().error)
        wrong_name = replace(web, url=web.url.replace("127.0.0.1", "127.0.0.2"))
        fetcher.write(http_source(wrong_name, more=f'ca_file = "{certificate.chain}"'))
        assert fetcher.fetch().error and fetcher.files() == {}
        fetcher.write(http_source(web, more=f'ca_file = "{certificate.chain}"'))
        assert fetcher.fetch().landed == ["nguon/x.xlsx"]
        with http_server(Office(exports={"/x.xlsx": b"plain"})) as plain:
            web.redirects["/x.xlsx"] = f"{plain.url}/x.xlsx"
            assert "không mã hóa" in str(fetcher.fetch().error)


@pytest.mark.parametrize("location", ["http://[may", "javascript:alert(1)", "file:///etc/passwd"])
def test_a_redirect_to_no_place_is_told(fetcher: Fetcher, web: Office, location: str) -> None:
    web.redirects["/x.xlsx"] = location
    fetcher.write(http_source(web))
    assert "chuyển hướng sang một địa chỉ không dùng được" in str(fetcher.fetch().error)


@pytest.mark.parametrize("token", ["mã-1", "a\nb"])
def test_a_token_that_cannot_be_sent_is_told_and_not_shown(
    fetcher: Fetcher, web: Office, monkeypatch: pytest.MonkeyPatch, token: str
) -> None:
    monkeypatch.setenv("TTHC_TEST_TOKEN", token)
    web.exports["/x.xlsx"] = b"export"
    fetcher.write(http_source(web, more='token_env = "TTHC_TEST_TOKEN"'))
    told = str(fetcher.fetch().error)
    assert "mã truy cập (token) phải là một dòng chữ không dấu" in told and token not in told
    assert web.asked == []


def test_nothing_new_that_nobody_asked_for_is_a_failure(fetcher: Fetcher, web: Office) -> None:
    web.page["/x.xlsx"] = (304, b"")
    fetcher.write(http_source(web))
    assert "máy chủ trả lời lỗi 304" in str(fetcher.fetch().error)
