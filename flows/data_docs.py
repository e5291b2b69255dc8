"""Data Docs of the latest gate: pages that Great Expectations rendered, made to stand alone, and one first page that lists every check.

Great Expectations links style sheets, scripts and a picture on the internet. None is kept: what the pages need is one small style sheet of our own,
so that they open on a machine without network and ask nobody for anything.
"""

import hashlib
import html
import json
import shutil
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import lxml.html

from expectations.checks import CheckResult
from expectations.suites import Frame
from transforms.wording import moment_vi

STYLE = """
body{font:15px/1.5 "Segoe UI",Arial,sans-serif;margin:0 auto;max-width:70rem;padding:1rem;color:#1b1f23;background:#fff}
h1{font-size:1.5rem}h2,h3,h4,h5{font-size:1.05rem;margin:1.2rem 0 .4rem}a{color:#0b4f8a}
table{border-collapse:collapse;width:100%;margin:.5rem 0}.wide{min-width:18rem}td:nth-child(2){white-space:nowrap}td{overflow-wrap:anywhere}td,th{border:1px solid #c8ccd0;padding:.35rem .5rem;text-align:left;vertical-align:top}
th{background:#eef1f4}.bad td{background:#fdeaea}.warn td{background:#fff6dd}.badge{border:1px solid #c8ccd0;border-radius:.25rem;padding:0 .3rem}
.nav,.navigation,.sticky-top{display:none}.text-success{color:#14632a}.text-danger{color:#a01515}.text-warning{color:#7a5200}ul{padding-left:1.2rem}
"""
_SEVERITY_VI = {"critical": "dừng công bố", "warning": "lưu ý"}


def write_data_docs(folder: Path, outcomes: Sequence[tuple[Frame, Any]], checks: Sequence[CheckResult], as_of: datetime) -> None:
    """Write the pages; afterwards `folder` holds those of this gate alone, whole.

    Args:
        folder: where they stand; `index.html` is the first.
        outcomes: frames and Great Expectations' results without values; None where a table was missing.
        checks: every result of the gate.
        as_of: the moment the figures are for.
    """
    new = folder.with_name(f"{folder.name}.new")
    old = folder.with_name(f"{folder.name}.old")
    shutil.rmtree(new, ignore_errors=True)
    shutil.rmtree(old, ignore_errors=True)
    new.mkdir(parents=True)
    pages = {frame.name: frame for frame, outcome in outcomes if outcome is not None and frame.checks}
    for frame, outcome in outcomes:
        if frame.name in pages:
            name = f"{frame.name}.html"
            mark = f"<!-- {_digest(frame, outcome, checks)} -->"
            page = (folder / name).read_text(encoding="utf-8") if (folder / name).is_file() else ""
            if not page.endswith(mark):  # most nights find what the night before found
                page = _page(frame.title_vi, _asked(frame, checks) + _rendered(outcome), frame.name) + mark
            (new / name).write_text(page, encoding="utf-8")
    (new / "index.html").write_text(_page("Kiểm tra trước khi công bố", _index(pages, checks, as_of)), encoding="utf-8")
    if folder.exists():
        folder.replace(old)
    new.replace(folder)
    shutil.rmtree(old, ignore_errors=True)


def _digest(frame: Frame, outcome: Any, checks: Sequence[CheckResult]) -> str:
    found = [[r.success, r.result, r.exception_info, r.expectation_config.meta] for r in outcome.results]
    mine = [vars(check) for check in checks if check.table == frame.name]
    shown = json.dumps([frame.as_record() | {"rows": [], "skip": []}, found, mine], sort_keys=True, default=str)
    return hashlib.sha256(shown.encode()).hexdigest()


def _page(title: str, body: str, table: str = "") -> str:
    back = f'<p><a href="index.html">← Mọi kiểm tra</a> · bảng {html.escape(table)}</p>' if table else ""
    return (
        f'<!doctype html>\n<html lang="vi"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{STYLE}</style></head><body><h1>{html.escape(title)}</h1>{back}{body}</body></html>\n"
    )


def _asked(frame: Frame, checks: Sequence[CheckResult]) -> str:
    """What was asked of the frame in the words of an office, failed checks first; below it stands Great Expectations' own page."""
    mine = sorted((check for check in checks if check.table == frame.name), key=lambda check: check.is_passed)
    css = {"critical": "bad", "warning": "warn"}
    rows = [_row(check, "" if check.is_passed else css[check.severity]) for check in mine]
    return _table(rows) + "<h2>Great Expectations</h2>"


@cache
def _page_view() -> Any:
    """What draws Great Expectations' pages; one for all of them, because each compiles its templates anew, which is four fifths of drawing a page."""
    from great_expectations.render import view

    views: Any = view  # untyped
    return views.DefaultJinjaPageView()


def _rendered(outcome: Any) -> str:
    """The page of Great Expectations without scripts, links to the internet, pictures and dialogs."""
    from great_expectations.core.run_identifier import RunIdentifier
    from great_expectations.render import renderer

    renderers: Any = renderer  # untyped
    outcome.meta["run_id"] = RunIdentifier(run_name="gate")
    content = renderers.ValidationResultsPageRenderer(run_info_at_end=True).render(outcome)
    body = lxml.html.document_fromstring(_page_view().render(content)).body
    unwanted = "//script|//style|//link|//footer|//img|//nav|//button|//form|//iframe|//*[contains(@class,'modal')]|//*[contains(@class,'navigation')]"
    for element in body.xpath(f"{unwanted}|//*[contains(@class,'breadcrumb')]|//*[@id='ge-left-nav']"):
        if element.getparent() is not None:
            element.drop_tree()
    for link in body.xpath("//a"):
        if not (link.get("href") or "").startswith("#"):
            link.drop_tag()
    for element in body.iter():
        for name in [name for name in element.attrib if name.startswith(("on", "data-")) or name in ("style", "title")]:
            del element.attrib[name]
    return "".join(lxml.html.tostring(child, encoding="unicode") for child in body)


def _index(pages: dict[str, Frame], checks: Sequence[CheckResult], as_of: datetime) -> str:
    held = [c for c in checks if c.severity == "critical" and not c.is_passed and c.accepted_why is None]
    told = [c for c in checks if not c.is_passed and c not in held]
    verdict = "Không công bố." if held else "Được công bố."
    parts = [
        f"<p>Chốt số liệu {html.escape(str(moment_vi(as_of)).strip())}. <strong>{verdict}</strong> "
        f"{len(checks)} kiểm tra, {len(held)} dừng công bố, {len(told)} lưu ý.</p>"
    ]
    for title, rows, css in (("Dừng công bố", held, "bad"), ("Lưu ý", told, "warn")):
        if rows:
            parts.append(f"<h2>{title}</h2>" + _table([_row(check, css) for check in rows]))
    listed = []
    for name, frame in pages.items():
        failed = sum(not check.is_passed for check in checks if check.table == name)
        listed.append(
            f'<tr><td><a href="{html.escape(name)}.html">{html.escape(name)}</a></td><td>{html.escape(frame.title_vi)}</td>'
            f"<td>{len(frame.checks)}</td><td>{failed or ''}</td></tr>"
        )
    parts.append(
        "<h2>Từng bảng (Great Expectations)</h2><table><tr><th>Bảng</th><th>Nội dung</th><th>Kiểm tra từng cột</th><th>Không đạt</th></tr>"
        + "".join(listed)
        + "</table>"
    )
    passed = [check for check in checks if check.is_passed and ":" not in check.name]
    parts.append("<h2>Quy tắc chéo đã đạt</h2>" + _table([_row(check, "") for check in passed]))
    return "".join(parts)


def _table(rows: Sequence[str]) -> str:
    return (
        "<table><tr><th>Kiểm tra</th><th>Mức</th><th>Số vi phạm</th><th class='wide'>Nghĩa là</th><th>Khóa của vài dòng</th></tr>"
        + "".join(rows)
        + "</table>"
    )


def _row(check: CheckResult, css: str) -> str:
    message = check.message_vi + (f" — đã công bố dù không đạt, lý do: {check.accepted_why}" if check.accepted_why else "")
    cells = (check.name, _SEVERITY_VI[check.severity], str(check.found), message, "; ".join(check.examples))
    return f'<tr class="{css}">' + "".join(f"<td>{html.escape(cell)}</td>" for cell in cells) + "</tr>"
