"""A reader process: takes one export a line on standard input, answers one line each, and dies alone.

Workbooks come from anywhere; a parser that crashes, hangs or eats the machine's memory must cost one file and not the night.
"""

import json
import os
import sys
from importlib.abc import MetaPathFinder
from pathlib import Path


class _WithoutPandas(MetaPathFinder):
    """pyarrow imports pandas, where it is installed, only to ask whether an array is one of its: half a second and 40 MB a process."""

    def find_spec(self, fullname: str, path: object = None, target: object = None) -> None:
        if fullname == "pandas":
            raise ModuleNotFoundError("readers do without pandas", name=fullname)


def _limit_memory(allowed: int) -> None:
    try:
        import resource
    except ImportError:  # Windows has no such limits; the time limit still holds
        return
    statm = Path("/proc/self/statm")
    used = int(statm.read_text("ascii").split()[0]) * os.sysconf("SC_PAGE_SIZE") if statm.exists() else 0
    resource.setrlimit(resource.RLIMIT_AS, (used + allowed, used + allowed))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main() -> None:
    """Serve until standard input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # whatever a parser prints must not look like an answer
    sys.meta_path.insert(0, _WithoutPandas())
    import pyarrow as pa

    from flows.settings import keep_private
    from flows.staging import stage_export

    keep_private()
    pa.set_cpu_count(1)  # the cores are shared out by the number of reader processes
    _limit_memory(int(sys.argv[1]))
    for line in sys.stdin:
        try:
            answer = stage_export(**json.loads(line))
        except Exception as error:  # a defect of this program: told as such, and the file is tried again next time
            answer = {"status": "failed", "error": f"lỗi chương trình khi đọc ({type(error).__name__}); hãy báo cho người phát triển"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
