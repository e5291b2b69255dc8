"""An office in a folder whose nights run in forked processes: everything is imported once, and a night can be killed at any moment.

Its exports come from a folder source, its mails go to a mail server in a process of its own, readers are processes as always. Only
Great Expectations is replaced by a process that answers at once (see answering_gate.py): it has no side effects but Data Docs.
"""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parents[1]), str(HERE)]

from doors import Doors, environment, install  # noqa: E402

SECONDS = 120.0  # a night of this size takes a few; one that hangs is a violation
FIRST, SECOND = "2024-06-30T23:00", "2024-07-01T23:00"
# What arrives for the second night: another month's dossiers, another kind, one that is refused.
LATER = ("hoso_06_20240630230000.tsv", "so_hoa_20240630230000.csv", "thanh_toan_20240630230000.csv", "dang_nhap.xls")
RECIPIENTS = """name,email,scope,summaries,frequency,language
Văn phòng,vanphong@sonha.test,all,,daily,vi
Lãnh đạo,lanhdao@sonha.test,all,digest;alarm,daily,vi
"""


class Checker:
    """A process of its own that reads warehouses as an analyst does, so that the one that forks nights never starts DuckDB's threads."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(HERE / "checker.py")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, command: str, path: Path) -> Any:
        """The answer to "hold" (open and keep), "held" (read again what is kept open, then close) or "sums" (checksums of the file)."""
        if self.process.stdin is None or self.process.stdout is None:
            raise RuntimeError("checker without pipes")
        self.process.stdin.write(json.dumps([command, str(path)]) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self) -> None:
        """End the process."""
        self.process.terminate()
        self.process.wait()


class Postbox:
    """The mail server's process and what it accepted since `empty`."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "accepted.jsonl"
        self.process = subprocess.Popen([sys.executable, str(HERE / "postbox.py"), str(self.path)], stdout=subprocess.PIPE, text=True)
        if self.process.stdout is None:
            raise RuntimeError("postbox without a pipe")
        self.port = int(self.process.stdout.readline())

    def empty(self) -> None:
        """Forget what was accepted."""
        self.path.unlink(missing_ok=True)

    def accepted(self) -> Counter[tuple[str, str]]:
        """(addressee, Message-ID) -> how often it was accepted."""
        lines = self.path.read_text(encoding="utf-8").splitlines() if self.path.is_file() else []
        return Counter((address, mail["message_id"]) for mail in map(json.loads, lines) for address in mail["to"])

    def close(self) -> None:
        """End the process."""
        self.process.terminate()
        self.process.wait()


class Office:
    """One office in a folder, its night as arguments of the command line, and the rounds on copies of it."""

    def __init__(self, folder: Path, cases: int, *, real_gate: bool = False, seconds: float = SECONDS) -> None:
        self.seconds = seconds
        self.folder, self.base, self.work, self.real_gate = folder, folder / "base", folder / "work", real_gate
        from flows.sample import write_sample

        made = write_sample(folder / "sample", seed=11, cases=cases)
        self.postbox = Postbox(folder)
        self.share = folder / "share"
        (self.base / "raw").mkdir(parents=True)
        reference = shutil.copytree(made.reference, self.base / "reference")
        (reference / "recipients.csv").write_text(RECIPIENTS, encoding="utf-8")
        (reference / "mail.toml").write_text(
            f'host = "127.0.0.1"\nport = {self.postbox.port}\nsecurity = "none"\nfrom = "tthc@sonha.test"\nsend = true\n'
            "retry_seconds = []\ntimeout_seconds = 20\n",
            encoding="utf-8",
        )
        (reference / "sources.toml").write_text(
            f'[[source]]\nname = "chia-se"\nkind = "folder"\naddress = "{self.share}"\nsettle_seconds = 0\nretries = 0\n', encoding="utf-8"
        )
        files = [p for p in sorted(made.raw.rglob("*")) if p.is_file()]
        self.root = made.raw
        self.first, self.later = [p for p in files if p.name not in LATER], [p for p in files if p.name in LATER]

    def _share(self, files: list[Path]) -> None:
        for path in files:
            target = self.share / path.relative_to(self.root)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target)

    def prepare(self) -> None:
        """The first night published, the second one's exports in the shared folder."""
        self._share(self.first)
        self.reset()
        code, output = self.run(FIRST, None)
        if code:
            raise RuntimeError(f"the first night failed: {output}")
        self._share(self.later)
        shutil.rmtree(self.base)
        self.work.replace(self.base)

    def reset(self) -> None:
        """The office as it was before the second night; what a night only reads or replaces whole is a link, not a copy."""
        for _ in range(20):
            shutil.rmtree(self.work, ignore_errors=True)
            if not self.work.exists():
                break
            time.sleep(0.05)
        shutil.copytree(self.base, self.work, symlinks=True)
        self.postbox.empty()

    @property
    def warehouse(self) -> Path:
        """The published file."""
        return self.work / "w.duckdb"

    def run(self, as_of: str, doors: Doors | None, kill_after: float | None = None) -> tuple[int, str]:
        """One night in a forked process: (exit code, negative for a signal; what it printed)."""
        printed = self.folder / "printed"
        child = os.fork()
        if child == 0:
            self._child(as_of, doors, printed)
        began = time.monotonic()
        while True:
            done, status = os.waitpid(child, os.WNOHANG)
            if done:
                break
            passed = time.monotonic() - began
            if passed > (self.seconds if kill_after is None else kill_after):
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(child, signal.SIGKILL)
                with contextlib.suppress(ProcessLookupError):
                    os.kill(child, signal.SIGKILL)  # it may not have made its group yet
                _, status = os.waitpid(child, 0)
                if kill_after is None:
                    return -99, "hung"
                break
            time.sleep(0.002)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)  # readers that outlived a killed night
        text = printed.read_text(encoding="utf-8", errors="replace") if printed.exists() else ""
        return os.waitstatus_to_exitcode(status), text

    def _child(self, as_of: str, doors: Doors | None, printed: Path) -> None:
        code = 70
        try:
            os.setsid()
            out = os.open(printed, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.dup2(out, 1)
            os.dup2(out, 2)
            sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
            _use_one_thread()
            _draw_here()
            if not self.real_gate:
                _answer_for_the_gate()
            if doors:
                os.environ.update(environment(doors))
                install(doors)
            from flows.cli import main

            places = {
                "raw": self.work / "raw",
                "reference": self.work / "reference",
                "warehouse": self.warehouse,
                "outbox": self.work / "outbox",
            }
            try:
                main(["run", "--as-of", as_of, *(word for name, path in places.items() for word in (f"--{name}", str(path)))])
                code = 0
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        finally:
            for stream in (sys.stdout, sys.stderr):
                try:
                    stream.flush()
                except Exception:
                    code = code or 1
            os._exit(code)


def _use_one_thread() -> None:
    """DuckDB without threads of its own: shards run side by side, and tables this small only lose by more."""
    import duckdb

    connect = duckdb.connect
    duckdb.connect = lambda *args, **kwargs: connect(*args, **kwargs | {"config": {"threads": 1} | (kwargs.get("config") or {})})  # type: ignore[assignment]


def warm_up() -> None:
    """What every night of this process computes alike is computed once, before forking, by code without threads; drawings are left out.

    Templates, declarations in YAML, and SVG pictures: none of them is a side effect, together they are half of a night of this size.
    """
    import copy
    import functools

    import yaml

    load = yaml.safe_load
    loaded = functools.lru_cache(maxsize=None)(lambda text: load(text))
    yaml.safe_load = lambda text: copy.deepcopy(loaded(text)) if isinstance(text, str) else load(text)
    from expectations import load_contracts
    from expectations.checks import load_rules
    from flows import charts
    from flows.connections import folder  # noqa: F401
    from flows.mail import compose
    from flows.site import overview
    from flows.site import pages as site
    from transforms.layouts import load_lists
    from transforms.measures import load_measures

    load_rules()
    load_lists()
    load_measures(list(load_contracts()["core.cases"].columns))
    for name in ("mail.txt.j2", "mail.html.j2"):
        compose._templates().get_template(name)
    pages = site.make_environment()
    for name in ("index", "cham-tiep-nhan", "ke-hoach", "du-lieu", "tu-dien", "don-vi"):
        pages.get_template(f"{name}.html")
    site.make_environment = lambda: pages
    overview.to_svg = lambda chart: "<svg></svg>"
    overview.bars_against_target = overview.ranking = lambda *args, **kwargs: None  # type: ignore[assignment]
    charts._draw_sheet = lambda panels, data: "<g></g>"


def _answer_for_the_gate() -> None:
    _run_instead("flows.gate_process", ["-I", "-S", str(HERE / "answering_gate.py")])


def _draw_here() -> None:
    """The site's pages come from this process, where drawing is warm; another one that waits for its end stands for the drawing one, which has no side effects."""
    from flows import night
    from flows.site.drawing import Drawing
    from flows.site.pages import draw_pages
    from flows.warehouse_figures import load_figures_for

    class DrawnHere(Drawing):
        def start(self, warehouse: Path, as_of: datetime) -> None:
            self.of = warehouse, as_of

        def pages(self) -> Iterator[tuple[str, str]]:
            return draw_pages(load_figures_for(*self.of))

    _run_instead("flows.site.drawing", ["-I", "-S", "-c", "import sys; sys.stdin.read()"])
    night.Drawing = DrawnHere  # type: ignore[misc]


def _run_instead(module: str, other: list[str]) -> None:
    start = subprocess.Popen.__init__

    def started(self: Any, command: Any, *args: Any, **kwargs: Any) -> None:
        start(self, [sys.executable, *other] if module in command else command, *args, **kwargs)

    subprocess.Popen.__init__ = started  # type: ignore[method-assign,assignment]
