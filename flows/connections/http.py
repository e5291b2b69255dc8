"""HTTP(S): pages that give an export, after a login form, with a token, or open to all."""

import contextlib
import hashlib
import ssl
import time
import zipfile
from collections.abc import Mapping
from datetime import date, timedelta
from email.message import Message
from email.utils import collapse_rfc2231_value, parsedate_to_datetime
from pathlib import PurePosixPath
from typing import Self
from urllib.parse import quote, unquote, urljoin, urlsplit

import httpx

from flows.connections.pages import LOOKED_AT, find_login_form, trouble_in_body
from flows.connections.remote import Incoming, NothingNew, Receive, RemoteFile, SourceFailure, decode_words
from flows.sources import PLACEHOLDER, Source

_MOST_REDIRECTS = 6


class HttpConnection:
    """One or more addresses; dates in them are filled in."""

    def __init__(self, source: Source, today: date, etags: Mapping[str, str]) -> None:
        self.source, self.today, self.etags = source, today, etags
        ends = [urlsplit(address) for address in source.addresses]
        self.hosts = {end.hostname for end in ends} | {host.lower() for host in source["also_hosts"]}
        if source["login_url"]:
            self.hosts.add(urlsplit(source["login_url"]).hostname)
        self.token_hosts = {end.hostname for end in ends}
        self.token: str | None = None
        self.urls: dict[str, str] = {}

    def __enter__(self) -> Self:
        trusted = trusted_by(self.source)
        self.token = self.source.secret("token")
        sent = f"{self.source['token_header']}{self.source['token_prefix']}{self.token or ''}"
        if not (sent.isascii() and sent.isprintable()):
            raise SourceFailure(
                "mã truy cập (token) phải là một dòng chữ không dấu; hãy xem lại tệp hoặc biến giữ nó, token_header và token_prefix"
            )
        self.client = httpx.Client(
            timeout=float(self.source["timeout_seconds"]),
            verify=trusted,
            trust_env=False,
            proxy=self.source["proxy"],
            follow_redirects=False,
            headers={"Accept-Encoding": "identity", "User-Agent": "tthc-fetch"},
        )
        try:
            if self.source["login_url"]:
                self._log_in()
        except BaseException:
            self.client.close()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self.client.close()

    def list(self) -> list[RemoteFile]:
        """See Connection: what there is shows only when it is asked for."""
        files: dict[str, RemoteFile] = {}
        for ago in self.source["days_ago"]:
            day = self.today - timedelta(days=ago)
            for address in self.source.addresses:
                url = fill_dates(address, day, self.source["period"])
                name = fill_dates(self.source["file_name"], day, self.source["period"], in_url=False) if self.source["file_name"] else None
                origin = f"{url.partition('?')[0]}#{hashlib.sha256(url.encode()).hexdigest()[:12]}"  # queries may hold keys
                self.urls[origin] = url
                files.setdefault(url, RemoteFile(origin, name or unquote(PurePosixPath(urlsplit(url).path).name) or "tep-xuat"))
        return list(files.values())

    def look_again(self, file: RemoteFile) -> RemoteFile | None:
        """See Connection: an answer is complete when its length is."""
        return file

    def download(self, file: RemoteFile, receive: Receive) -> None:
        """See Connection."""
        if self._take(file, receive):
            return
        if not self.source["login_url"]:
            raise SourceFailure("máy chủ đòi đăng nhập thay cho tệp xuất: phiên hoặc mã truy cập hết hạn, hãy cấp lại rồi sửa sources.toml")
        self._log_in()
        if not self._take(file, receive):
            raise SourceFailure(
                "đã đăng nhập mà máy chủ vẫn trả về trang đăng nhập: phiên làm việc hết hạn ngay hoặc tài khoản không có quyền xuất"
            )

    def _take(self, file: RemoteFile, receive: Receive) -> bool:
        """False when the answer was a login page; nothing has landed then."""
        conditions = {"If-None-Match": self.etags[file.origin]} if file.origin in self.etags else {}
        try:
            response = self._send("GET", self.urls[file.origin], headers=conditions)
            try:
                if response.status_code == 304 and conditions:
                    raise NothingNew
                if response.status_code == 401 and self.source["login_url"]:
                    return False
                self._check_status(response)
                with receive(self._name(file, response)) as incoming:
                    for chunk in response.iter_raw(1 << 18):
                        incoming.write(chunk)
                    self._check_body(response, incoming)
                    incoming.etag = response.headers.get("etag")
                    incoming.modified_at = _moment(response.headers.get("last-modified"))
                return True
            finally:
                response.close()
        except _LoginPage:
            return False
        except httpx.HTTPError as error:
            raise self._failure(error) from None

    def _check_status(self, response: httpx.Response) -> None:
        status, where = response.status_code, response.url.path
        if status in (401, 403, 407):
            raise SourceFailure(
                f"máy chủ từ chối ({status}) “{where}”: tài khoản hoặc mã truy cập sai, hết hạn hay không có quyền",
                is_one_file=status == 403,  # what one account may not see says nothing of the other addresses
            )
        if status in (404, 410):
            raise SourceFailure(f"máy chủ không có “{where}” ({status}); địa chỉ đúng chưa, tệp đã được xuất chưa?", is_one_file=True)
        if status != 200:
            raise SourceFailure(
                f"máy chủ trả lời lỗi {status} cho “{where}”",
                may_pass=status >= 500 or status in (408, 429),
                wait=_seconds_until(response.headers.get("retry-after")),
            )

    def _check_body(self, response: httpx.Response, incoming: Incoming) -> None:
        announced = response.headers.get("content-length")
        if announced is not None and announced.isdigit() and int(announced) != incoming.size:
            raise SourceFailure(f"tải chỉ được {incoming.size} trên {announced} byte", may_pass=True)
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise SourceFailure("máy chủ nén nội dung dù không được yêu cầu; không biết tệp có đủ không")
        start = incoming.start(LOOKED_AT)
        trouble = trouble_in_body(start, response.headers.get("content-type", "").lower())
        if trouble == "login":
            raise _LoginPage
        if trouble:
            raise SourceFailure(trouble, is_one_file=True)
        is_chunked = "chunked" in response.headers.get("transfer-encoding", "").lower()
        if announced is None and not is_chunked and not zipfile.is_zipfile(incoming.path):
            raise SourceFailure("máy chủ không cho biết độ dài tệp nên không biết tệp có đủ không", is_one_file=True)

    def _name(self, file: RemoteFile, response: httpx.Response) -> str:
        return file.path if self.source["file_name"] else _disposed_name(response.headers.get("content-disposition")) or file.path

    def _log_in(self) -> None:
        password = self.source.secret("password") or ""
        try:
            response = self._send("GET", self.source["login_url"])
            body = self._read(response)
            form = find_login_form(body, str(response.url), self.source, password)
            if response.status_code != 200 or form is None:
                raise SourceFailure(
                    f"không thấy biểu mẫu đăng nhập ở login_url (trả lời {response.status_code})", may_pass=response.status_code >= 500
                )
            if response.url.scheme == "https" and urlsplit(form.action).scheme != "https":
                raise SourceFailure("biểu mẫu đăng nhập gửi mật khẩu từ https sang địa chỉ không mã hóa; không dùng")
            if form.method != "POST":
                raise SourceFailure("biểu mẫu đăng nhập gửi mật khẩu trong địa chỉ (GET); không dùng")
            response = self._send("POST", form.action, data=form.fields)
            body = self._read(response)
        except httpx.HTTPError as error:
            raise self._failure(error) from None
        if response.status_code >= 500:
            raise SourceFailure(f"máy chủ trả lời lỗi {response.status_code} khi đăng nhập", may_pass=True)
        if response.status_code >= 400 or trouble_in_body(body or b" ", response.headers.get("content-type", "").lower()) == "login":
            raise SourceFailure("đăng nhập không được: sai tên đăng nhập hoặc mật khẩu")

    def _read(self, response: httpx.Response) -> bytes:
        body = b""
        try:
            for chunk in response.iter_raw():
                body += chunk
                if len(body) > LOOKED_AT:
                    break
        finally:
            response.close()
        return body

    def _send(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, data: Mapping[str, str] | None = None
    ) -> httpx.Response:
        """The answer, redirects followed; account and token go to no other machine and are never taken from https to http."""
        for _ in range(_MOST_REDIRECTS):
            parts = urlsplit(url)
            if parts.hostname not in self.hosts:
                raise SourceFailure(f"máy chủ chuyển hướng sang “{parts.hostname}”; nếu đúng là của hệ thống này, thêm vào also_hosts")
            sent = dict(headers or {})
            if self.token and parts.hostname in self.token_hosts:
                sent[self.source["token_header"]] = f"{self.source['token_prefix']}{self.token}"
            request = self.client.build_request(method, url, headers=sent, data=data)
            try:
                response = self.client.send(request, stream=True)
            except httpx.InvalidURL:  # the client looks at where an answer leads, although it does not follow
                raise _nowhere() from None
            if response.status_code not in (301, 302, 303, 307, 308) or "location" not in response.headers:
                return response
            response.close()
            target = _target(url, response.headers["location"])
            if target is None:
                raise _nowhere()
            if parts.scheme == "https" and urlsplit(target).scheme != "https":
                raise SourceFailure("máy chủ chuyển hướng từ https sang địa chỉ không mã hóa; không theo")
            if response.status_code == 303 or (response.status_code in (301, 302) and method == "POST"):
                method, data = "GET", None
            url = target
        raise SourceFailure("máy chủ chuyển hướng quá nhiều lần")

    def _failure(self, error: httpx.HTTPError) -> SourceFailure:
        host = urlsplit(self.source.addresses[0]).hostname
        if "CERTIFICATE_VERIFY_FAILED" in str(error):
            return untrusted(host)
        if isinstance(error, httpx.TimeoutException):
            return SourceFailure(f"{host} không trả lời trong {self.source['timeout_seconds']:.0f} giây", may_pass=True)
        return SourceFailure(f"mất kết nối với {host} ({type(error).__name__})", may_pass=True)


def trusted_by(source: Source) -> ssl.SSLContext:
    """Whose certificates are believed.

    Raises:
        SourceFailure: ca_file cannot be read.
    """
    ca_file = source.file("ca_file")
    try:
        return ssl.create_default_context(cafile=str(ca_file) if ca_file else None)
    except (OSError, ssl.SSLError):
        raise SourceFailure(f"không đọc được tệp chứng thư ca_file “{ca_file and ca_file.name}”") from None


def untrusted(host: str | None) -> SourceFailure:
    """The certificate that this machine shows is not believed."""
    return SourceFailure(f"không tin được chứng thư của {host} (hết hạn, sai tên hoặc tự cấp); nếu cơ quan tự cấp, hãy chỉ ca_file")


def _nowhere() -> SourceFailure:
    return SourceFailure("máy chủ chuyển hướng sang một địa chỉ không dùng được; hãy báo đơn vị quản trị máy chủ đó")


def _target(url: str, location: str) -> str | None:
    """Where a redirect leads; None where that is no place on the web."""
    try:
        target = urljoin(url, location)
        return target if urlsplit(target).scheme in ("http", "https") and httpx.URL(target).host else None
    except (ValueError, httpx.InvalidURL):
        return None


class _LoginPage(Exception):
    pass


def fill_dates(text: str, day: date, period: str, *, in_url: bool = True) -> str:
    """The text with {yyyy} {mm} {dd} {from:…} {to:…} filled in for a day; `from` is the first day of its period."""
    first = {
        "day": day,
        "month": day.replace(day=1),
        "quarter": day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1),
        "year": day.replace(month=1, day=1),
    }[period]

    def fill(name: str) -> str:
        plain = {"yyyy": f"{day:%Y}", "mm": f"{day:%m}", "dd": f"{day:%d}"}
        if name in plain:
            return plain[name]
        which, _, form = name.partition(":")
        value = (first if which == "from" else day).strftime(form)
        return quote(value, safe="/:-") if in_url else value

    return PLACEHOLDER.sub(lambda found: fill(found[1]), text)


def _disposed_name(header: str | None) -> str | None:
    if not header:
        return None
    message = Message()
    message["content-disposition"] = header
    given = [value for key, value in message.get_params([], "content-disposition") if key.lower() == "filename"]
    exact = next(
        (value for value in given if isinstance(value, tuple)), None
    )  # filename*=UTF-8''…, which the other only stands in for (RFC 6266)
    name = collapse_rfc2231_value(exact) if exact else message.get_filename()
    if not name:
        return None
    with contextlib.suppress(ValueError):  # the export's time may be in there
        name = decode_words(name)
    with contextlib.suppress(
        UnicodeEncodeError, UnicodeDecodeError
    ):  # systems write Vietnamese names as raw UTF-8, which headers carry as Latin-1
        name = name.encode("latin-1").decode("utf-8")
    return unquote(name)


def _seconds_until(header: str | None) -> float:
    """What a Retry-After header asks for, in seconds or as a moment; 0 where it asks for nothing."""
    if header and header.strip().isdecimal():
        return float(header)
    moment = _moment(header)
    return 0.0 if moment is None else max(0.0, moment - time.time())


def _moment(header: str | None) -> float | None:
    try:
        return parsedate_to_datetime(header).timestamp() if header else None
    except (TypeError, ValueError):
        return None
