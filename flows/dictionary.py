"""The data dictionary: every published table and column in words, made from the contracts and the heading list; a page for people and one for docs/."""

import csv
import io
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, StrictUndefined

from expectations import Contract, ContractColumn, load_contracts
from transforms.declarations import load_declared
from transforms.layouts.lists import PATH_SEPARATOR

PAGE_NAME = "tu-dien-du-lieu.html"
TYPES_VI = {
    "BIGINT": "số nguyên",
    "BOOLEAN": "đúng hoặc sai",
    "DATE": "ngày",
    "DOUBLE": "số thực",
    "INTEGER": "số nguyên",
    "TIMESTAMP": "ngày giờ",
    "VARCHAR": "chữ",
}
SCHEMAS_VI = {
    "core": "dữ liệu gốc đã chuẩn hóa · cleaned source data",
    "mart": "số liệu để báo cáo · figures to report",
    "ops": "vận hành và kiểm tra · operation and checks",
}


@dataclass(frozen=True)
class Source:
    """An export column behind a published column, with every heading it is known by."""

    kind_vi: str
    headings: tuple[str, ...]


@dataclass(frozen=True)
class DictionaryColumn:
    """One column as the dictionary shows it.

    Attributes:
        limits_vi: what values may be, as one phrase; empty when anything of the type may be.
        leads_to: columns of other tables in which its values stand, as core.units.unit_code.
    """

    name: str
    type: str
    type_vi: str
    is_nullable: bool
    is_key: bool
    limits_vi: str
    vi: str
    en: str
    sources: tuple[Source, ...]
    leads_to: tuple[str, ...]


@dataclass(frozen=True)
class DictionaryTable:
    """One table as the dictionary shows it; `relations_vi` are phrases."""

    name: str
    vi: str
    en: str
    key: tuple[str, ...]
    relations_vi: tuple[str, ...]
    columns: tuple[DictionaryColumn, ...]


def dictionary_tables() -> list[DictionaryTable]:
    """Every published table with every column, in the order of the tables' names."""
    headings, labels = _headings(), _kind_labels()
    return [_table(contract, headings, labels) for contract in load_contracts().values()]


def write_dictionary(folder: Path) -> Path:
    """The dictionary's page stands in the folder, whole or not at all; one file, without network.

    Returns:
        The file written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / PAGE_NAME
    part = path.with_name(f".{path.name}.new")
    with part.open("wb") as stream:
        stream.write(render_html().encode("utf-8"))
        stream.flush()
        os.fsync(stream.fileno())
    part.replace(path)
    return path


def render_html() -> str:
    """The dictionary as one self-contained page in Vietnamese, with English beside it."""
    template = files("flows").joinpath("templates/dictionary.html.j2").read_text(encoding="utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    tables = dictionary_tables()
    return environment.from_string(template).render(tables=tables, schemas=SCHEMAS_VI, columns=sum(len(t.columns) for t in tables))


def render_markdown() -> str:
    """The dictionary as docs/data-dictionary.md."""
    return "\n".join(_markdown()) + "\n"


def _markdown() -> Iterator[str]:
    yield "# Từ điển dữ liệu · Data dictionary"
    yield ""
    yield "Sinh từ `expectations/*.yml` và `transforms/layouts/headings.csv` bằng `make docs`; không sửa tay."
    yield "Made from these by `make docs`; never edited by hand."
    tables = dictionary_tables()
    for schema, meaning in SCHEMAS_VI.items():
        yield ""
        yield f"**{schema}**: {meaning}"
        yield ""
        yield from (f"- [{t.name}](#{t.name.replace('.', '')}) – {t.vi}" for t in tables if t.name.startswith(f"{schema}."))
    for table in tables:
        yield ""
        yield f"## {table.name}"
        yield ""
        yield f"{table.vi}.  "
        yield f"*{table.en}.*"
        yield ""
        yield "Khóa · Key: " + ", ".join(f"`{name}`" for name in table.key) + "."
        yield from (["", *(f"- {phrase}" for phrase in table.relations_vi)] if table.relations_vi else [])
        yield ""
        yield "| Cột · Column | Kiểu · Type | Có thể trống · Nullable | Ý nghĩa | Meaning | Giá trị · Values | Tiêu đề trong tệp xuất · Headings |"
        yield "|---|---|---|---|---|---|---|"
        for c in table.columns:
            sources = "<br>".join(f"{s.kind_vi}: {'; '.join(s.headings)}" for s in c.sources)
            cells = (f"`{c.name}`", f"{c.type} ({c.type_vi})", "có" if c.is_nullable else "không", c.vi, c.en, c.limits_vi, sources)
            yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _table(contract: Contract, headings: dict[str, tuple[str, ...]], labels: dict[str, str]) -> DictionaryTable:
    leads: dict[str, list[str]] = {}
    relations = []
    for relation in contract.relations:
        for mine, its in zip(relation.columns, relation.references, strict=True):
            leads.setdefault(mine, []).append(f"{relation.table}.{its}")
        doubt = " (chỉ cảnh báo)" if relation.severity == "warning" else ""
        relations.append(f"{', '.join(relation.columns)} có trong {relation.table} ({', '.join(relation.references)}){doubt}")
    columns = tuple(
        DictionaryColumn(
            name=column.name,
            type=column.type,
            type_vi=TYPES_VI[column.type],
            is_nullable=column.is_nullable,
            is_key=column.name in contract.key,
            limits_vi=_limits(column),
            vi=column.vi,
            en=column.en,
            sources=tuple(Source(labels[source.partition(".")[0]], headings[source]) for source in column.source),
            leads_to=tuple(leads.get(column.name, ())),
        )
        for column in contract.columns.values()
    )
    return DictionaryTable(contract.table, contract.vi, contract.en, contract.key, tuple(relations), columns)


def _limits(column: ContractColumn) -> str:
    """Allowed values, bounds and pattern as one phrase."""
    phrases = [", ".join(column.allowed)] if column.allowed else []
    least, most = (_bound(column.type, bound) for bound in (column.least, column.most))
    if least and most:
        phrases.append(f"từ {least} đến {most}")
    elif least or most:
        phrases.append(f"từ {least} trở lên" if least else f"không quá {most}")
    if column.pattern:
        phrases.append(f"theo mẫu {column.pattern}")
    if phrases and column.severity == "warning":
        phrases[-1] += " (sai chỉ cảnh báo)"
    return "; ".join(phrases)


def _bound(kind: str, bound: str | float | None) -> str:
    if bound is None:
        return ""
    if kind in ("DATE", "TIMESTAMP"):
        return f"{datetime.fromisoformat(str(bound)):%d/%m/%Y}"
    return str(bound).replace(".", ",")


def _headings() -> dict[str, tuple[str, ...]]:
    """kind.column -> its headings, in the order of the heading list."""
    found: dict[str, list[str]] = {}
    text = files("transforms.layouts").joinpath("headings.csv").read_text(encoding="utf-8")
    for line in csv.DictReader(io.StringIO(text)):
        group, _, heading = line["heading"].rpartition(PATH_SEPARATOR)
        shown = f"{heading.strip()} (dưới tiêu đề nhóm)" if group.strip() == "*" else line["heading"]
        found.setdefault(f"{line['kind']}.{line['column']}", []).append(shown)
    return {column: tuple(names) for column, names in found.items()}


def _kind_labels() -> dict[str, str]:
    kinds = load_declared(files("transforms.layouts").joinpath("kinds.yml").read_text(encoding="utf-8"))
    return {name: facts["label_vi"] for name, facts in kinds.items()}


if __name__ == "__main__":  # make docs
    Path(__file__).parents[1].joinpath("docs", "data-dictionary.md").write_text(render_markdown(), encoding="utf-8")
