"""Web pages that come in place of an export: recognised, and their login form filled in."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

from lxml import html
from lxml.etree import ParserError

from flows.sources import Source

# A login page is small; an export saved as HTML may be large, and its beginning tells enough.
LOOKED_AT = 1 << 20
# How workbooks and archives begin (.xlsx, .ods, .zip; .xls): no page does, and many systems send them as text/html, the default of PHP and JSP.
_FILES = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")


@dataclass(frozen=True)
class LoginForm:
    """A form with a password field: where it goes, and everything it sends."""

    action: str
    method: str
    fields: dict[str, str]


def is_page(start: bytes, content_type: str) -> bool:
    """Whether a body is HTML, whatever its header says."""
    text = start[:4096].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    return text.startswith((b"<!doctype html", b"<html")) or b"<html" in text or "text/html" in content_type


def trouble_in_body(start: bytes, content_type: str) -> str | None:
    """Why a body is no export: "login" for a login page, else what it is in Vietnamese; None when it may be an export.

    Exports saved as HTML are pages too, but they hold a table and ask for no password.
    """
    if not start:
        return "máy chủ trả về tệp trống"
    if start.startswith(_FILES):
        return None
    if is_page(start, content_type):
        page = _parse(start)
        if page is not None and page.xpath("//input[translate(@type, 'PASWORD', 'pasword') = 'password']"):
            return "login"
        if page is None or not page.xpath("//table//td | //table//th"):
            return "máy chủ trả về một trang web (thông báo lỗi?) thay cho tệp xuất"
    elif "json" in content_type or start.lstrip()[:1] == b"{":
        return "máy chủ trả về thông báo dạng JSON thay cho tệp xuất"
    return None


def find_login_form(body: bytes, url: str, source: Source, password: str) -> LoginForm | None:
    """The page's login form, filled in: hidden fields as they are, the account in the fields for it; None where there is no such form."""
    page = _parse(body)
    if page is None:
        return None
    for form in page.forms:
        inputs: list[Any] = [one for one in form.xpath(".//input") if one.get("name")]
        secret = next((one.get("name") for one in inputs if (one.get("type") or "").lower() == "password"), None)
        secret = source["password_field"] or secret
        if secret is None:
            continue
        named = [one.get("name") for one in inputs if (one.get("type") or "text").lower() in ("text", "email", "tel")]
        account = source["username_field"] or next(iter(named), "username")
        fields = {one.get("name"): one.get("value") or "" for one in inputs if (one.get("type") or "").lower() in ("hidden", "submit")}
        return LoginForm(
            urljoin(url, form.get("action") or url),
            (form.get("method") or "get").upper(),
            fields | {account: source["username"], secret: password},
        )
    return None


def _parse(body: bytes) -> Any:
    try:
        return html.document_fromstring(body, parser=html.HTMLParser(encoding=None, no_network=True, huge_tree=False))
    except (ParserError, ValueError):
        return None
