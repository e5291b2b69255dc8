"""Bytes of one export to its sheets of text; the bytes say what it is, the name is never believed."""

from transforms.limits import Limits
from transforms.readers.container import is_archive, list_members, read_member, read_sheets

__all__ = ["Limits", "is_archive", "list_members", "read_member", "read_sheets"]
