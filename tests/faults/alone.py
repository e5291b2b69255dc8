"""A machine without a network: a network namespace with a loopback and one way out, whose far end takes nothing and notes everything.

`with alone(folder) as machine:` commands that begin with `machine.prefix` run there; `machine.attempts()` is what tried to leave. The way out
is a TUN device, so the packets of every process count, whatever language it is written in. Namespaces need root and /dev/net/tun; where
they are not to be had the prefix is empty, and Python processes are watched by blocked_path/sitecustomize.py alone, as they are everywhere.

As a program (python alone.py NOTES, within a namespace of its own): makes the way out, says "ready", notes a line a packet.
"""

import fcntl
import ipaddress
import os
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_TUNSETIFF, _TUN_WITHOUT_HEADER = 0x400454CA, 0x1001
_LAST = "192.0.2.255"
_WAY_OUT = ("link set lo up", "addr add 198.18.0.1/15 dev outside", "link set outside up", "route add default dev outside")


class Alone:
    """The machine: how to run a command there, and what tried to leave it."""

    def __init__(self, folder: Path, prefix: list[str]) -> None:
        self.prefix, self._packets, self._calls = prefix, folder / "packets", folder / "calls"
        self.environment = {"PYTHONPATH": str(Path(__file__).parent / "blocked_path"), "TTHC_ATTEMPTS": str(self._calls)}

    def attempts(self) -> list[str]:
        """Calls refused, and packets noted, since the last time this was asked."""
        calls = self._calls.read_text(encoding="utf-8").splitlines() if self._calls.is_file() else []
        self._calls.unlink(missing_ok=True)
        if not self.prefix:
            return calls
        subprocess.run(
            [*self.prefix, sys.executable, "-I", "-c", _leave(_LAST)], check=True
        )  # packets are noted in order: none is left behind this one
        until = time.monotonic() + 60
        while _LAST not in (noted := self._packets.read_text(encoding="utf-8")):
            if time.monotonic() > until:
                raise RuntimeError("packets are not noted")
            time.sleep(0.01)
        os.truncate(self._packets, 0)
        return calls + [line for line in noted.splitlines() if _LAST not in line]


def _leave(address: str) -> str:
    return f"import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('{address}', 9))"


@contextmanager
def alone(folder: Path) -> Iterator[Alone]:
    """A machine without a network while this is open; the watch is proved to see calls, and packets where there is a namespace."""
    holder = None
    if os.geteuid() == 0 and Path("/dev/net/tun").exists() and all(shutil.which(name) for name in ("unshare", "nsenter", "ip")):
        command = ["unshare", "--net", sys.executable, __file__, str(folder / "packets")]
        holder = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        if holder.stdout is None or holder.stdout.readline() != "ready\n":  # a container without the right to have one
            holder.wait()
            holder = None
    try:
        machine = Alone(folder, ["nsenter", "--net", f"--target={holder.pid}"] if holder else [])
        watched = [*machine.prefix, sys.executable, "-c", _leave("192.0.2.1")]
        if subprocess.run(watched, env=os.environ | machine.environment, stderr=subprocess.DEVNULL, check=False).returncode == 0:
            raise RuntimeError("a call that leaves the loopback is not refused")
        if holder:
            subprocess.run([*machine.prefix, sys.executable, "-I", "-c", _leave("192.0.2.2")], check=True)
        seen = machine.attempts()
        if len(seen) != 1 + bool(holder):
            raise RuntimeError(f"the watch saw {seen}")
        yield machine
    finally:
        if holder:
            holder.kill()
            holder.wait()


def _note_packets(notes: Path) -> None:
    tunnel = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(tunnel, _TUNSETIFF, struct.pack("16sH22s", b"outside", _TUN_WITHOUT_HEADER, b""))
    Path("/proc/sys/net/ipv6/conf/outside/disable_ipv6").write_text("1", encoding="ascii")  # else the kernel itself greets its neighbours
    for words in _WAY_OUT:
        subprocess.run(["ip", *words.split()], check=True)
    with notes.open("a", encoding="utf-8") as stream:
        print("ready", flush=True)
        while True:
            packet = os.read(tunnel, 65_536)
            stream.write(f"packet to {ipaddress.ip_address(packet[16:20])}, protocol {packet[9]}\n")
            stream.flush()


if __name__ == "__main__":
    _note_packets(Path(sys.argv[1]))
