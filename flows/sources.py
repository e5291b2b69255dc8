"""Where exports come from: sources.toml of the office, checked line by line before anything is fetched.

The file is optional; without it exports are dropped into the raw folder by hand. Secrets never stand in it: a key such as `password` is
given as `password_env` (name of an environment variable) or `password_file` (a file only its owner can read).
"""

import difflib
import os
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from flows.office_lines import parse_toml, read_text, stop_at
from flows.settings import ConfigurationError
from transforms.office_rows import Faults

FILE = "sources.toml"
KINDS = ("folder", "sftp", "http", "s3", "imap")
SETTLES = ("stable", "next_fetch", "renamed", "marker")
PERIODS = ("day", "month", "quarter", "year")
SECRETS = ("password", "passphrase", "token", "secret_key")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,40}")
_SCHEMES = {"sftp": ("sftp",), "http": ("http", "https"), "s3": ("s3",), "imap": ("imap", "imaps")}
PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_PLACEHOLDER_FORM = re.compile(r"yyyy|mm|dd|(from|to):(%[YymdHMS]|[^%{}])+")
_NEVER_TAKEN = ("~$*", ".*", "*.part", "*.tmp", "*.crdownload", "*.filepart", "thumbs.db", "desktop.ini")
_MOST = 1_000_000  # minutes, megabytes, tries: beyond it, and with "inf" or "nan", no clock of this machine can reckon
_MOST_DAYS_AGO = 36_500
Setting = bool | int | float | str | list[Any] | dict[str, Any]


class SecretUnavailable(Exception):
    """A password or token cannot be read; the text says which and what to do."""


@dataclass(frozen=True)
class _Key:
    """What one key of sources.toml may hold; `kinds` empty means every kind of source."""

    type: type | tuple[type, ...]
    kinds: tuple[str, ...] = ()
    default: Setting | None = None
    words: tuple[str, ...] = ()
    least: float | None = None


KEYS: dict[str, _Key] = {
    "name": _Key(str),
    "kind": _Key(str, words=KINDS),
    "address": _Key(str),
    "addresses": _Key(list, ("http",)),
    "enabled": _Key(bool, default=True),
    "include": _Key(list, ("folder", "sftp", "s3", "imap"), ["*"]),
    "exclude": _Key(list, ("folder", "sftp", "s3", "imap"), []),
    "recursive": _Key(bool, ("folder", "sftp", "s3"), True),
    "settle": _Key(str, ("folder", "sftp"), "stable", SETTLES),
    "settle_seconds": _Key((int, float), ("folder", "sftp"), 5.0, least=0),
    "marker": _Key(str, ("folder", "sftp"), ".done"),
    "timeout_seconds": _Key((int, float), default=60.0, least=0.1),
    "max_minutes": _Key((int, float), default=30.0, least=0.01),
    "max_mb": _Key((int, float), default=500.0, least=0.001),
    "retries": _Key(int, default=2, least=0),
    "retry_seconds": _Key((int, float), default=5.0, least=0),
    "stale_after_hours": _Key((int, float), default=26.0, least=0.1),
    "username": _Key(str, ("sftp", "http", "imap")),
    "key_file": _Key(str, ("sftp",)),
    "known_hosts": _Key(str, ("sftp",), "known_hosts"),
    "ca_file": _Key(str, ("http", "s3", "imap")),
    "login_url": _Key(str, ("http",)),
    "username_field": _Key(str, ("http",)),
    "password_field": _Key(str, ("http",)),
    "token_header": _Key(str, ("http",), "Authorization"),
    "token_prefix": _Key(str, ("http",), "Bearer "),
    "also_hosts": _Key(list, ("http",), []),
    "file_name": _Key(str, ("http",)),
    "days_ago": _Key(list, ("http",), [0]),
    "period": _Key(str, ("http",), "year", PERIODS),
    "proxy": _Key(str, ("http",)),
    "access_key": _Key(str, ("s3",)),
    "endpoint": _Key(str, ("s3",)),
    "region": _Key(str, ("s3",), "us-east-1"),
    "senders": _Key(list, ("imap",)),
    "subject": _Key(str, ("imap",), "*"),
}
_SECRET_KINDS = {"password": ("sftp", "http", "imap"), "passphrase": ("sftp",), "token": ("http",), "secret_key": ("s3",)}
for _secret, _kinds in _SECRET_KINDS.items():
    KEYS[f"{_secret}_env"] = _Key(str, _kinds)
    KEYS[f"{_secret}_file"] = _Key(str, _kinds)
_REQUIRED = {"sftp": ("username",), "s3": ("access_key", "secret_key"), "imap": ("username", "password", "senders")}
_TYPES_VI = {str: "một chuỗi trong dấu nháy", bool: "true hoặc false", int: "một số nguyên", list: "một danh sách [ … ]"}


@dataclass(frozen=True)
class Source:
    """One place from which exports are fetched.

    Attributes:
        name: also its folder below the raw folder.
        kind: one of KINDS.
        addresses: one, or for http several.
        settings: every other key of this kind, defaults filled in.
        folder: the reference folder; relative file names in the settings are seen from it.
    """

    name: str
    kind: str
    addresses: tuple[str, ...]
    settings: Mapping[str, Any] = field(repr=False)
    folder: Path

    def __getitem__(self, key: str) -> Any:
        return self.settings.get(key)

    @property
    def shown_address(self) -> str:
        """The address without its query, where systems put keys."""
        return ", ".join(address.partition("?")[0] for address in self.addresses)

    def file(self, key: str) -> Path | None:
        """The path that a setting names, None where it is not set."""
        value = self.settings.get(key)
        return self.folder / Path(str(value)).expanduser() if value else None

    def secret(self, key: str) -> str | None:
        """A password or token, None where none is asked for.

        Raises:
            SecretUnavailable: the variable or file is missing or can be read by others.
        """
        variable, path = self.settings.get(f"{key}_env"), self.file(f"{key}_file")
        if variable:
            if not os.environ.get(variable):
                raise SecretUnavailable(f"chưa đặt biến môi trường {variable} ({key}_env của nguồn “{self.name}”)")
            return os.environ[variable]
        if path is None:
            return None
        try:
            mode = path.stat().st_mode
            text = path.read_text(encoding="utf-8").rstrip("\r\n")
        except (OSError, UnicodeDecodeError) as error:
            raise SecretUnavailable(f"không đọc được tệp mật khẩu “{path.name}” của nguồn “{self.name}” ({type(error).__name__})") from None
        if os.name == "posix" and mode & 0o077:
            raise SecretUnavailable(
                f"tệp mật khẩu “{path.name}” của nguồn “{self.name}” người khác đọc được; hãy chạy: chmod 600 {path.name}"
            )
        if not text:
            raise SecretUnavailable(f"tệp mật khẩu “{path.name}” của nguồn “{self.name}” trống")
        return text

    def check_secrets(self) -> None:
        """Nothing, when every secret this source asks for can be read.

        Raises:
            SecretUnavailable: see `secret`.
        """
        for key in SECRETS:
            self.secret(key)

    def wants(self, path: str) -> bool:
        """Whether a file is taken, by its path below the address: never what is hidden or still being written."""
        whole = _even(path)
        parts = whole.split("/")
        last = parts[-1]
        if any(fits_pattern(last, pattern) for pattern in _NEVER_TAKEN) or any(part.startswith(".") and part != ".." for part in parts):
            return False
        if self.settings.get("settle") == "marker" and last.endswith(str(self.settings["marker"]).lower()):
            return False

        def fits(patterns: list[str]) -> bool:
            return any(fits_pattern(whole if "/" in one else last, one) for one in patterns)

        return fits(self.settings["include"]) and not fits(self.settings["exclude"])


def fits_pattern(text: str, pattern: str) -> bool:
    """Whether a name, an address or a subject is of a pattern with `*` and `?`, whatever case it has and however its accents are composed.

    A bracket is a bracket: subjects begin with "[TTHC]", and names end in "[2024]".
    """
    return fnmatchcase(_even(text), _even(pattern).replace("[", "[[]"))


def _even(text: str) -> str:
    return unicodedata.normalize("NFC", text).lower()


class _Lines:
    """Where in the text each source and key stands; TOML's own parser does not say."""

    def __init__(self, text: str) -> None:
        self.lines = text.splitlines()
        self.starts = [number for number, line in enumerate(self.lines, 1) if re.match(r"\s*\[\[\s*source\s*\]\]", line)]

    def fail(self, index: int, key: str | None, text: str) -> ConfigurationError:
        first = self.starts[index] if index < len(self.starts) else 1
        last = self.starts[index + 1] if index + 1 < len(self.starts) else len(self.lines) + 1
        at = next((n for n in range(first, last) if key and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=", self.lines[n - 1])), first)
        return ConfigurationError(f"{FILE}, dòng {at}: {text}")


def load_sources(reference: Path, raw: Path) -> list[Source]:
    """Every source of the office in the order of sources.toml, none when there is no such file.

    Raises:
        ConfigurationError: file, line, key, found and expected.
    """
    path = reference / FILE
    if not path.exists():
        return []
    text = read_text(path)
    body = parse_toml(FILE, text)
    lines = _Lines(text)
    listed = body.pop("source", [])
    if body or not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise ConfigurationError(f"{FILE}, dòng 1: mỗi nguồn phải bắt đầu bằng dòng [[source]]{_extra(body)}")
    sources: list[Source] = []
    faults = Faults()
    for index, facts in enumerate(listed):

        def fail(key: str | None, told: str, index: int = index) -> ConfigurationError:
            return lines.fail(index, key, told)

        with faults.gather(ConfigurationError):
            source = _make_source(facts, fail, reference, raw)
            if any(other.name == source.name for other in sources):
                raise fail("name", f"tên “{source.name}” đã dùng cho nguồn khác; mỗi nguồn một tên")
            sources.append(source)
    stop_at(faults, FILE)
    return [source for source in sources if source["enabled"]]


def _extra(body: Mapping[str, Any]) -> str:
    return f"; không hiểu “{next(iter(body))}”" if body else ""


Fail = Callable[[str | None, str], ConfigurationError]


def _make_source(facts: Mapping[str, Any], fail: Fail, reference: Path, raw: Path) -> Source:
    name, kind = facts.get("name"), facts.get("kind")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise fail("name", f"name là “{name or ''}”, cần tên ngắn gồm chữ thường không dấu, số và gạch nối, ví dụ mot-cua-tinh")
    if kind not in KINDS:
        raise fail("kind", f"nguồn “{name}”: kind là “{kind or ''}”, cần một trong: {', '.join(KINDS)}")
    for key, value in facts.items():
        _check_key(name, kind, key, value, fail)
    addresses = tuple(facts.get("addresses", [])) or ((facts["address"],) if facts.get("address") else ())
    if not addresses or ("address" in facts and "addresses" in facts):
        raise fail("address", f"nguồn “{name}”: cần address{' (hoặc addresses, không cả hai)' if kind == 'http' else ''}")
    for address in addresses:
        _check_address(name, kind, address, fail, raw)
    for key in _REQUIRED.get(kind, ()):
        if not (facts.get(key) or facts.get(f"{key}_env") or facts.get(f"{key}_file")):
            raise fail(None, f"nguồn “{name}” ({kind}): thiếu {key + '_env hoặc ' + key + '_file' if key in SECRETS else key}")
    has_password = bool(facts.get("password_env") or facts.get("password_file"))
    if kind == "sftp" and not (has_password or facts.get("key_file")):
        raise fail(None, f"nguồn “{name}” (sftp): thiếu password_env, password_file hoặc key_file")
    if kind == "http" and bool(facts.get("login_url")) != (has_password and bool(facts.get("username"))):
        raise fail(
            "login_url", f"nguồn “{name}” (http): đăng nhập bằng biểu mẫu cần đủ login_url, username và password_env (hoặc password_file)"
        )
    for key in ("login_url", "endpoint", "proxy"):
        parts = _split(facts.get(key) or "")
        if facts.get(key) and (parts is None or parts.scheme not in ("http", "https")):
            shown = facts[key].rpartition("@")[2].partition("?")[0]
            raise fail(key, f"nguồn “{name}”: {key} là “{shown}”, cần địa chỉ {'http://…' if key == 'proxy' else 'https://…'}")
    if facts.get("file_name"):
        _check_placeholders(name, "file_name", facts["file_name"], fail)
    defaults = {key: rule.default for key, rule in KEYS.items() if rule.default is not None and (not rule.kinds or kind in rule.kinds)}
    return Source(name, kind, addresses, defaults | dict(facts), reference)


def _check_key(name: str, kind: str, key: str, value: Any, fail: Fail) -> None:
    rule = KEYS.get(key)
    if key in SECRETS:
        raise fail(key, f"nguồn “{name}”: {key} không được viết trong tệp này; dùng {key}_env hoặc {key}_file (tệp quyền 600)")
    if rule is None:
        close = difflib.get_close_matches(key, KEYS, 1)
        raise fail(key, f"nguồn “{name}”: không có khóa “{key}”{f'; có phải là “{close[0]}”?' if close else ''}")
    if rule.kinds and kind not in rule.kinds:
        raise fail(key, f"nguồn “{name}”: khóa {key} không dùng cho loại {kind}, chỉ cho {', '.join(rule.kinds)}")
    wanted = rule.type if isinstance(rule.type, tuple) else (rule.type,)
    if not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted):
        raise fail(key, f"nguồn “{name}”: {key} là “{value}”, cần {_TYPES_VI[wanted[0]]}")
    if isinstance(value, list):
        of = int if key == "days_ago" else str
        if not value and rule.default != []:
            raise fail(key, f"nguồn “{name}”: {key} không được để trống")
        if not all(isinstance(one, of) and not isinstance(one, bool) for one in value):
            raise fail(key, f"nguồn “{name}”: {key} cần danh sách gồm {'số nguyên' if of is int else 'chuỗi trong dấu nháy'}")
        if of is int and any(abs(one) > _MOST_DAYS_AGO for one in value):
            raise fail(key, f"nguồn “{name}”: {key} là {value}, cần số ngày không quá {_MOST_DAYS_AGO}")
    if key == "marker" and isinstance(value, str) and not value.strip():
        raise fail(key, f"nguồn “{name}”: marker trống, cần phần thêm vào sau tên tệp, ví dụ .xong")
    if rule.words and value not in rule.words:
        raise fail(key, f"nguồn “{name}”: {key} là “{value}”, cần một trong: {', '.join(rule.words)}")
    if rule.least is not None and isinstance(value, int | float) and value < rule.least:
        raise fail(key, f"nguồn “{name}”: {key} là {value}, cần ít nhất {rule.least}")
    if rule.least is not None and isinstance(value, int | float) and not value <= _MOST:
        raise fail(key, f"nguồn “{name}”: {key} là {value}, cần một số không quá {_MOST}")


def _check_address(name: str, kind: str, address: str, fail: Fail, raw: Path) -> None:
    key = "address"
    if kind == "folder":
        if "\0" in address:
            raise fail(key, f"nguồn “{name}”: address có ký tự không in được, cần đường dẫn của một thư mục")
        folder, inside = Path(address).expanduser().resolve(), raw.resolve()
        if folder.is_relative_to(inside) or inside.is_relative_to(folder):
            raise fail(key, f"nguồn “{name}”: thư mục “{address}” và thư mục tệp xuất không được chứa nhau")
        return
    parts = _split(address)
    if parts is None or parts.scheme not in _SCHEMES[kind]:
        example = {
            "sftp": "sftp://may-chu/thu-muc",
            "http": "https://may-chu/tep.xlsx",
            "s3": "s3://kho/thu-muc",
            "imap": "imaps://may-chu/INBOX",
        }
        raise fail(key, f"nguồn “{name}”: address là “{address.partition('?')[0]}”, cần dạng {example[kind]}")
    if parts.username or parts.password:
        raise fail(key, f"nguồn “{name}”: không viết tên và mật khẩu trong address; dùng username và password_env")
    try:
        _ = parts.port
    except ValueError:
        raise fail(key, f"nguồn “{name}”: cổng trong address phải là số từ 1 đến 65535") from None
    if kind == "http":
        _check_placeholders(name, key, address, fail)


def _split(address: str) -> SplitResult | None:
    """The parts of an address that names a machine, else None."""
    try:
        parts = urlsplit(address)
        host = (parts.hostname or "").encode("idna").decode("ascii")
    except ValueError:  # a bracket that is not closed, a label that no name has
        return None
    return parts if host and not any(sign.isspace() for sign in host) else None


def _check_placeholders(name: str, key: str, text: str, fail: Fail) -> None:
    for found in PLACEHOLDER.finditer(text):
        if not _PLACEHOLDER_FORM.fullmatch(found[1]):
            raise fail(
                key, f"nguồn “{name}”: không hiểu {found[0]} trong {key}; dùng {{yyyy}} {{mm}} {{dd}} {{from:%d/%m/%Y}} {{to:%d/%m/%Y}}"
            )
