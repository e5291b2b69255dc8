"""Clients of the five kinds of source. They only ever read; their libraries are imported when a source needs them."""

from collections.abc import Mapping
from datetime import date

from flows.connections.remote import Connection
from flows.sources import Source


def open_connection(source: Source, today: date, etags: Mapping[str, str]) -> Connection:
    """A connection to the source, not yet connected.

    Args:
        source: which.
        today: the day that dates in addresses are counted from.
        etags: origin -> mark of what was fetched from there last.
    """
    if source.kind == "folder":
        from flows.connections.folder import FolderConnection

        return FolderConnection(source)
    if source.kind == "sftp":
        from flows.connections.sftp import SftpConnection

        return SftpConnection(source)
    if source.kind == "http":
        from flows.connections.http import HttpConnection

        return HttpConnection(source, today, etags)
    if source.kind == "s3":
        from flows.connections.s3 import S3Connection

        return S3Connection(source)
    from flows.connections.imap import ImapConnection

    return ImapConnection(source)
