"""What a mail says of the data its figures rest on: how fresh they are, what did not arrive, was refused, differs or was warned of."""

from collections.abc import Sequence
from datetime import date, datetime

from flows.figures import Figures, File
from flows.mail.phrases import count_or_none, cut_list, lower_first
from transforms.layouts import load_lists
from transforms.wording import SOURCE_LIGHTS_VI, count_vi, difference_vi, moment_vi


def freshness_line(figures: Figures, keys: Sequence[tuple[str, date]] | None = None) -> str:
    """When the data are from, and what of them is old; for some units only theirs."""
    newest: dict[str, datetime] = {}
    for file in figures.files:
        if file.status == "loaded" and file.exported_at:
            for kind in (file.kind or "").split(","):
                newest[kind] = max(newest.get(kind, file.exported_at), file.exported_at)
    kinds = load_lists().kinds
    told = [
        f"{lower_first(kinds[kind].label_vi)} xuất lúc {moment_vi(at)}"
        for kind, at in newest.items()
        if kind in ("cases", "waiting") and kind in kinds
    ]
    others = [at for kind, at in newest.items() if kind not in ("cases", "waiting")]
    if others:
        told.append(f"các loại khác cũ nhất {moment_vi(min(others))}")
    if keys is None:
        told += [f"nguồn “{source.name}” {SOURCE_LIGHTS_VI['red'].lower()}" for source in figures.sources if source.light == "red"]
    old = [f for f in figures.freshness if f.light != "green" and (f.unit is None or (keys is not None and f.unit.key in keys))]
    told += [lower_first(f.message_vi.rstrip(".")) for f in old if f.problem not in ("unknown_status", "unknown_unit")]
    behind = list(dict.fromkeys(rate.unit for rate in figures.now("year") if rate.is_stale and rate.unit))
    if keys is None and behind:
        more = f" và {len(behind) - 4} đơn vị khác" if len(behind) > 4 else ""
        told.append(f"{count_vi(len(behind))} đơn vị có số liệu cũ: {', '.join(unit.called for unit in behind[:4])}{more}")
    return "; ".join(told) + "." if told else "không rõ thời điểm xuất."


def quality_line(figures: Figures) -> str:
    """Files and rows refused, figures of aggregated exports that differ, warnings and acceptances, in one line; details stand at the mail's end."""
    refused = [_file_name(file) for file in figures.files if file.status == "rejected"]
    rows = sum(count for *_, count in figures.rejects)
    warnings = sum(1 for check in figures.checks if not check.is_passed and not check.accepted_why)
    accepted = sum(1 for check in figures.checks if not check.is_passed and check.accepted_why)
    differ = [d for d in figures.reconciliation if d.difference and d.is_certain and not d.is_tolerated]
    if not (refused or rows or warnings or accepted or differ):
        return "không có tệp hay dòng nào bị từ chối, không có cảnh báo."
    named = f" ({', '.join(refused[:4])}{'…' if len(refused) > 4 else ''})" if refused else ""
    told = [f"{count_or_none(len(refused), 'tệp')}{named} và {count_or_none(rows, 'dòng')} bị từ chối"]
    if differ:
        told.append(f"{count_vi(len(differ))} con số của biểu tổng hợp lệch với số tự đếm, ở {len({d.unit.key for d in differ})} đơn vị")
    if accepted:
        told.append(f"vẫn công bố dù {count_vi(accepted)} kiểm tra không đạt, đã được chấp nhận")
    return f"{', '.join([*told, count_or_none(warnings, 'cảnh báo')])} (cuối thư)."


def _file_name(file: File) -> str:
    return f"{file.name} › {file.member}" if file.member else file.name


def supply_sections(figures: Figures) -> list[tuple[str, list[str]]]:
    """What did not arrive, is old, was refused or differs; only the lists that have something to say."""
    # without times or counts of attempts: the same night run again must say the same
    down = [f"Nguồn “{source.name}”: không lấy được, hoặc đã lâu không có tệp mới" for source in figures.sources if source.light != "green"]
    old = [f.message_vi for f in figures.freshness if f.light != "green"]
    refused = [f"{_file_name(file)}: {file.error}" for file in figures.files if file.status == "rejected"]
    differ = [
        f"{d.unit.called}, {lower_first(d.label_vi)}: trong biểu {count_vi(d.theirs)}, tự đếm {count_vi(d.ours)} ({difference_vi(d.difference)})"
        for d in figures.reconciliation
        if d.difference and d.is_certain and not d.is_tolerated
    ]
    lists = [
        ("Nguồn tệp xuất cần xem", cut_list(down, "nguồn", "trang Dữ liệu")),
        ("Tệp bị từ chối", cut_list(refused, "tệp", "tệp tep-xuat.csv")),
        ("Số liệu cũ hoặc bất thường", cut_list(old, "lưu ý", "tệp do-moi-du-lieu.csv")),
        ("Biểu tổng hợp lệch với số tự đếm từ hồ sơ", cut_list(differ, "con số", "tệp doi-chieu.csv", 10)),
    ]
    return [(heading, texts) for heading, texts in lists if texts]


def gate_sections(figures: Figures) -> list[tuple[str, list[str]]]:
    """Warnings of the gate, and what was published although a check failed, because somebody accepted it."""
    warned = [f"{c.message_vi}: {count_vi(c.found)}" for c in figures.checks if not c.is_passed and not c.accepted_why]
    accepted = [
        f"{c.message_vi}: {count_vi(c.found)}. Chấp nhận vì: {c.accepted_why}" for c in figures.checks if not c.is_passed and c.accepted_why
    ]
    found = [("Cảnh báo về số liệu", warned)] if warned else []
    return found + ([("Công bố dù kiểm tra không đạt, vì đã được chấp nhận", accepted)] if accepted else [])
