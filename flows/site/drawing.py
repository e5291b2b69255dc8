"""A process that draws the site's pages while the night goes on: its imports while the warehouse is built, its drawing while the other outputs are written.

It reads one warehouse and writes nothing: the pages come back through a pipe and are put in place by the night, under its lock. So a process that
outlives a killed night changes nothing, and a night that is held back has nothing to remove.
"""

import contextlib
import gc
import json
import os
import subprocess
import sys
import threading
import traceback
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

# A district takes seconds; whoever takes this long hangs.
ANSWER_SECONDS = 1800.0


class DrawingFailed(RuntimeError):
    """The pages could not be drawn; the text has the kind of the error and its place in the program, never a value."""


class Drawing:
    """The process, seen from the night."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "flows.site.drawing"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            encoding="utf-8",
        )
        self._lines: list[str] = []
        self._listener = threading.Thread(target=self._listen, daemon=True)

    def start(self, warehouse: Path, as_of: datetime) -> None:
        """Have the pages of a published warehouse drawn, while this process goes on."""
        if self._process.stdin:
            with contextlib.suppress(BrokenPipeError):  # it has died; `pages` tells
                self._process.stdin.write(json.dumps({"warehouse": str(warehouse), "as_of": as_of.isoformat()}) + "\n")
                self._process.stdin.close()
        self._listener.start()

    def pages(self) -> Iterator[tuple[str, str]]:
        """(path below the site's folder, page) for every page, once all are drawn.

        Raises:
            DrawingFailed: they are not, or took too long.
        """
        self._listener.join(ANSWER_SECONDS)
        is_whole = not self._listener.is_alive() and bool(self._lines) and self._lines[-1].endswith("\n")
        *drawn, end = map(json.loads, self._lines if is_whole else ["{}"])
        if end.get("pages") != len(drawn):
            raise DrawingFailed(f"không vẽ được trang xem số liệu: {end.get('failed', 'tiến trình vẽ dừng giữa chừng')}")
        return ((page["name"], page["html"]) for page in drawn)

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        if self._listener.ident:
            self._listener.join()
        for pipe in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(BrokenPipeError):
                pipe.close()  # type: ignore[union-attr]

    def _listen(self) -> None:
        # as the lines come: a pipe holds few, and the process waits when it is full
        self._lines.extend(self._process.stdout or ())


def main() -> None:
    """Draw the pages of the warehouse that the one line of standard input names: a JSON record a page, then how many there are, or why none."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print must not stand between two answers
    gc.disable()  # of what an import makes nothing is garbage, and the figures stay to the end
    from flows.charts import start_drawing
    from flows.site.pages import draw_pages
    from flows.warehouse_figures import load_figures_for

    start_drawing()
    line = sys.stdin.readline()
    if not line:  # the night was held back
        return
    asked = json.loads(line)
    try:
        count = 0
        for name, page in draw_pages(load_figures_for(Path(asked["warehouse"]), datetime.fromisoformat(asked["as_of"]))):
            answers.write(json.dumps({"name": name, "html": page}, ensure_ascii=False) + "\n")
            count += 1
        end: dict[str, object] = {"pages": count}
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        end = {"failed": f"{type(error).__name__}, {Path(last.filename).name}:{last.lineno}"}
    answers.write(json.dumps(end) + "\n")
    answers.flush()


if __name__ == "__main__":
    main()
