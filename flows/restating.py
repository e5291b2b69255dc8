"""What was published before, given to the build, and the dossiers behind rates of periods that were over and are otherwise now."""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise

import pyarrow as pa

from expectations import load_contracts
from flows.engine import Engine
from flows.history import RATES, PublishedDay, case_records, files_on, restated_records
from flows.manifest import Manifest
from transforms.measures import Measure, load_measures
from transforms.restatements import render_compared, render_counted, render_newest

_DAYS = pa.schema(
    [
        ("day", pa.date32()),
        ("previous_on", pa.date32()),
        ("new_exports", pa.int64()),
        ("gone_exports", pa.int64()),
        ("exports_vi", pa.string()),
    ]
)
_COUNTED = pa.schema([("rate_number", pa.int64()), ("case_code", pa.string()), ("numerator", pa.int32()), ("item", pa.string())])
_NAMED = 3


def load_published(engine: Engine, manifest: Manifest, as_of: datetime) -> None:
    """work.published_days, work.files_before, work.files_returned, work.rate_records, work.case_records and work.restated_records: what earlier days published."""
    days = manifest.published
    counted = frozenset(file["file_id"] for file in manifest.files if file["status"] == "loaded")
    today = PublishedDay(as_of, counted - files_on(days), files_on(days) - counted)
    engine.load("work.published_days", pa.Table.from_pylist(_tell_days([*days, today], manifest), schema=_DAYS))
    engine.load("work.files_before", pa.table({"file_id": pa.array(sorted(files_on(days)), pa.string())}))
    ever = frozenset[str]().union(*(day.files for day in days))
    returned = manifest.reinstated & ever & today.files  # one that came late may stand on an earlier day that was published again
    engine.load("work.files_returned", pa.table({"file_id": pa.array(sorted(returned), pa.string())}))
    engine.stage("work.rate_records", manifest.published_parts("rates"), RATES.empty_table())
    engine.stage("work.case_records", manifest.published_parts("cases"), case_records())
    engine.stage("work.restated_records", manifest.published_parts("restated"), restated_records())


def count_restated(engine: Engine, manifest: Manifest, as_of: datetime) -> None:
    """work.cases_before, work.counted_before and work.counted_now: of which dossiers the restated rates were and are made up.

    The dossiers as the last published day told them are put together only where a rate is restated, which is rare.
    """
    every = load_measures(list(load_contracts()["core.cases"].columns))
    restated = {measure for (measure,) in engine.fetch("SELECT DISTINCT measure FROM work.restated_now")}
    measures = [measure for measure in every if measure.name in restated]
    if measures:
        newest = render_newest("work.case_records", ["case_code"], "unit_code", manifest.published[0].day)
        engine.run(f"CREATE TABLE work.cases_before AS\n{newest}", "restated dossiers")
    else:
        engine.load("work.cases_before", case_records())
    _count(engine, "work.counted_before", measures, manifest.published[-1].as_of if measures else as_of, "work.cases_before")
    _count(engine, "work.counted_now", measures, as_of, "core.cases")


def compare_cases(engine: Engine) -> None:
    """work.compared_cases: what is otherwise with the dossiers that restated rates count otherwise."""
    every = load_measures(list(load_contracts()["core.cases"].columns))
    engine.run("CREATE TABLE work.compared_cases AS\n" + render_compared(every), "measures.yml")


def _count(engine: Engine, name: str, measures: Sequence[Measure], moment: datetime, cases: str) -> None:
    if measures:
        engine.run(f"CREATE TABLE {name} AS\n{render_counted(measures, moment, cases)}", "measures.yml")
    else:
        engine.load(name, _COUNTED.empty_table())


def _tell_days(days: Sequence[PublishedDay], manifest: Manifest) -> list[dict[str, object]]:
    """One row a day but the first: the published day before it, and which exports were counted that were not on that one."""
    names: dict[str, str] = {}
    for file in manifest.files:
        names.setdefault(file["file_id"], f"{file['file_name']} › {file['member']}" if file.get("member") else file["file_name"])
    told = []
    known, counted = frozenset[str](), files_on(days[:1])
    for before, day in pairwise(days):
        known, counted = counted, (counted - day.files_gone) | day.files  # a day that stands alone tells all its exports (flows/history.py)
        named = sorted(names[file_id] for file_id in counted - known if file_id in names)
        more = f" và {len(counted - known) - _NAMED} tệp khác" if len(counted - known) > _NAMED else ""
        told.append(
            {
                "day": day.day,
                "previous_on": before.day,
                "new_exports": len(counted - known),
                "gone_exports": len(known - counted),
                "exports_vi": "; ".join(named[:_NAMED]) + more or None,
            }
        )
    return told
