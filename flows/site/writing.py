"""The site written beside the old one and put in its place in one step."""

import ctypes
import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from flows.site.frame import UNITS_FOLDER

_EXCHANGE, _HERE = 2, -100  # RENAME_EXCHANGE and AT_FDCWD of Linux' renameat2


def write_site(pages: Iterable[tuple[str, str]], folder: Path) -> Path:
    """The whole site stands in `folder`; a reader finds the old one or the new one, never a mixture.

    Args:
        pages: (path below the folder, page) of each, as `flows.site.pages.draw_pages` gives them.
        folder: where the site stands.

    Returns:
        The folder.

    Raises:
        OSError: it could not be written; the old site stands untouched, as it does when `pages` raises.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    new = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(new, ignore_errors=True)
    (new / UNITS_FOLDER).mkdir(parents=True)
    for name, page in pages:
        (new / name).write_text(page, encoding="utf-8")
    _put_in_place(new, folder)
    return folder


def _put_in_place(new: Path, folder: Path) -> None:
    """`new` stands as `folder`. On Linux the two change places in one step; elsewhere there is a moment between two renames."""
    old = folder.with_name(f".{folder.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if not folder.exists():
        new.rename(folder)
    elif _exchange(new, folder):
        shutil.rmtree(new, ignore_errors=True)
    else:
        folder.rename(old)
        new.rename(folder)
        shutil.rmtree(old, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """The two have changed names at once; False where the system or its file system cannot."""
    if os.name != "posix":
        return False
    rename = getattr(ctypes.CDLL(None), "renameat2", None)
    if rename is None:
        return False
    return bool(rename(_HERE, os.fsencode(one), _HERE, os.fsencode(other), ctypes.c_uint(_EXCHANGE)) == 0)
