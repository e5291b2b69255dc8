"""A mail server of its own process on loopback: prints its port, then notes every mail it accepted in a file, one JSON line each, before it says so."""

import asyncio
import json
import os
import socket
import sys
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

from aiosmtpd.smtp import SMTP


class Notes:
    """Accepts everything; the mail is on file before the sender hears of it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        message = message_from_bytes(envelope.content, policy=policy.default)
        line = {"to": envelope.rcpt_tos, "message_id": str(message["Message-ID"]), "subject": str(message["Subject"])}
        with self.path.open("a", encoding="utf-8") as stream:
            stream.write(json.dumps(line, ensure_ascii=False) + "\n")
        return "250 OK"


async def serve(path: Path) -> None:
    """Serve until the process is ended."""
    loop = asyncio.get_running_loop()
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = await loop.create_server(lambda: SMTP(Notes(path), loop=loop, enable_SMTPUTF8=False), sock=listener)
    print(listener.getsockname()[1], flush=True)
    parent = os.getppid()
    while os.getppid() == parent:  # the one who started it may be killed
        await asyncio.sleep(1)
    server.close()


if __name__ == "__main__":
    asyncio.run(serve(Path(sys.argv[1])))
