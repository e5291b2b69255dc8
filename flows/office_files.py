"""Office files (.xlsx, .docx): the same content gives the same bytes, text is never more than text, and a file is there whole or not at all."""

import io
import os
import re
import zipfile
from datetime import datetime
from pathlib import Path

# What XML 1.0 cannot hold (a file with one of these asks to be repaired), and lone surrogates.
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_MODIFIED = re.compile(rb"(<dcterms:modified[^>]*>)[^<]*(</dcterms:modified>)")
_EARLIEST = (1980, 1, 1, 0, 0, 0)


def plain_text(text: str) -> str:
    """The text without characters that XML cannot hold."""
    return _ILLEGAL.sub("", text)


def settle(data: bytes, moment: datetime) -> bytes:
    """The package with nothing left of the clock: entry times are fixed and its "modified" is the given moment.

    Mails and ledgers know a file by its hash, so the same figures have to give the same bytes.
    """
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "docProps/core.xml":
                content = _MODIFIED.sub(rf"\g<1>{moment:%Y-%m-%dT%H:%M:%S}Z\g<2>".encode(), content)
            entry = zipfile.ZipInfo(name, _EARLIEST)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = 0o600 << 16
            target.writestr(entry, content)
    return out.getvalue()


def write_whole(path: Path, data: bytes) -> Path:
    """The bytes at `path`, whole or not at all; returns the path."""
    part = path.with_name(f".{path.name}.new")
    with part.open("wb") as stream:
        stream.write(data)
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(path)
    return path
