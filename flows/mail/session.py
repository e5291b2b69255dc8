"""A conversation with a mail server that ends, whatever the server does.

A socket's timeout holds for one operation: a server that sends a byte a minute, or lines without an end, would hold the night's lock for ever
or fill the memory.
"""

import smtplib
import time
from typing import Any

# A conversation is some ten questions; few servers take their time over more than one of them, so five times the longest wait is enough for all.
_WAITS_A_CONVERSATION = 5
_MOST_REPLY_BYTES = 1024**2


class Session(smtplib.SMTP):
    """As smtplib's, but what the server says until `begin` is called again is bounded in time and length.

    The mail's text may take all the time that is left: on a slow line the largest one takes longer than any answer.
    """

    def __init__(self, host: str, port: int, timeout: float, **options: Any) -> None:
        self._longest_wait = timeout
        self.begin()
        super().__init__(host, port, timeout=timeout, **options)

    def begin(self) -> None:
        """A new conversation: a mail, or the greeting and login before the first."""
        self._deadline = time.monotonic() + _WAITS_A_CONVERSATION * self._longest_wait
        self._unheard = _MOST_REPLY_BYTES

    def send(self, s: Any) -> None:
        """Sent whole before the conversation is over."""
        if self.sock:
            self.sock.settimeout(max(self._deadline - time.monotonic(), 0.001))
        super().send(s)

    def getreply(self) -> tuple[int, bytes]:
        """The server's answer, heard before the conversation is over."""
        if self.file is None and self.sock:
            self.file = _Lines(self)
        return super().getreply()

    def hear(self) -> bytes:
        """What the server said next, empty at its end.

        Raises:
            TimeoutError: the conversation is over.
            OSError: it goes on and on.
        """
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        if not self._unheard:
            raise OSError("máy chủ trả lời dài không dứt")
        if self.sock is None:
            raise OSError("not connected")
        self.sock.settimeout(min(left, self._longest_wait))
        data: bytes = self.sock.recv(min(self._unheard, 8192))
        self._unheard -= len(data)
        return data


class SecureSession(Session, smtplib.SMTP_SSL):
    """A session that is encrypted from its first byte."""


class _Lines:
    """The lines of a server's answers, as smtplib reads them."""

    def __init__(self, session: Session) -> None:
        self._session, self._left = session, b""

    def readline(self, limit: int) -> bytes:
        """The next line with its end, or as much of it as the limit allows."""
        while b"\n" not in self._left and len(self._left) < limit:
            data = self._session.hear()
            if not data:
                break
            self._left += data
        length = min(self._left.find(b"\n") + 1 or len(self._left), limit)
        line, self._left = self._left[:length], self._left[length:]
        return line

    def close(self) -> None:
        """Nothing is open here; the socket is the session's."""
