"""Ends any attempt to leave the loopback: on PYTHONPATH of processes that must not need a network. Attempts are noted in $TTHC_ATTEMPTS."""

import ipaddress
import os
import sys
from pathlib import Path

_ATTEMPTS = os.environ.get("TTHC_ATTEMPTS", "")


def _is_here(host: object) -> bool:
    if host in (None, "", "localhost", b"localhost"):
        return True
    try:
        return ipaddress.ip_address(host if isinstance(host, str) else bytes(host).decode()).is_loopback  # type: ignore[call-overload]
    except (ValueError, TypeError):
        return False


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = arguments[0]
    elif event in ("socket.connect", "socket.sendto", "socket.sendmsg"):
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) else None  # a socket file of this machine
    else:
        return
    if not _is_here(host):
        with Path(_ATTEMPTS).open("a", encoding="utf-8") as stream:
            stream.write(f"{event} {host!r} {sys.orig_argv[:4]}\n")
        raise OSError(f"the network is not there: {event} {host!r}")


if _ATTEMPTS:
    sys.addaudithook(_watch)
