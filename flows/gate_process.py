"""The process in which Great Expectations runs: it imports while exports are read, is then asked about one built warehouse, and writes Data Docs.

One JSON record a line, in and out. Nothing that leaves this process holds a value of a checked column: only counts and keys.
"""

import gc
import json
import os
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import duckdb

from expectations.checks import MOST_EXAMPLES, NOT_RUN, CheckResult, not_run
from expectations.suites import ColumnCheck, Frame, frame_from, make_suite
from flows.data_docs import write_data_docs
from flows.engine import are_small, connect_scratch

# All that is kept of what Great Expectations found; the rest of its result lists values.
_COUNTS = ("element_count", "unexpected_count", "unexpected_percent", "missing_count", "missing_percent")


# Great Expectations imports these where they are installed, and does without: pyspark ends the whole process where grpc is not there, and we ask about
# pandas frames on this machine only.
_MISSING = ("pyspark", "boto3", "botocore", "sqlalchemy")
# It imports these for questions that we do not ask (distributions and their pictures): a third of its start and 80 MB.
_HOLLOW = ("altair", "scipy", "scipy.stats")


@contextmanager
def _without(missing: Iterable[str], hollow: Iterable[str]) -> Iterator[None]:
    """While this is open, importing a missing module fails and a hollow one is empty; what was imported before stays as it is."""
    stand_ins: dict[str, Any] = dict.fromkeys(missing) | {name: ModuleType(name) for name in hollow}
    new = {name: module for name, module in stand_ins.items() if name not in sys.modules}
    sys.modules.update(new)
    try:
        yield
    finally:
        for name in new:
            sys.modules.pop(name, None)


def _name_metrics_plainly() -> None:
    """What Great Expectations looks metrics up by is written out as it stands; its MD5 of their JSON is a fifth of a district's gate."""
    from great_expectations.core.id_dict import IDDict

    original = IDDict.to_id

    def to_id(self: Any, *which: Any, **more: Any) -> Any:
        if which or more or len(self) < 2 or not all(type(value) in (str, int, bool, type(None)) for value in self.values()):
            return original(self, *which, **more)
        return "; ".join(f"{name}={self[name]!r}" for name in sorted(self))

    IDDict.to_id = to_id  # type: ignore[method-assign]


class FrameValidator:
    """Great Expectations, imported and ready for frames."""

    def __init__(self) -> None:
        with _without(_MISSING, _HOLLOW):
            import great_expectations as gx
            from great_expectations.data_context.types.base import ProgressBarsConfig
            from great_expectations.execution_engine import pandas_execution_engine

        _name_metrics_plainly()
        pandas_execution_engine.HASH_THRESHOLD = 0  # larger frames get no fingerprint, which nobody asks for: a sixth of a district's gate
        context = gx.get_context(mode="ephemeral")
        context.variables.progress_bars = ProgressBarsConfig(globally=False)
        # One for all frames: Great Expectations writes its whole configuration anew for each that is added.
        self._batches = context.data_sources.add_pandas("tthc").add_dataframe_asset("tthc").add_batch_definition_whole_dataframe("all")

    def validate(self, connection: duckdb.DuckDBPyConnection, frame: Frame) -> tuple[list[CheckResult], Any]:
        """One result a check of the frame, and Great Expectations' own result without values, for Data Docs.

        Whether a check holds is asked first, of the evidence alone; the failed ones are asked again of every row for their count and keys.
        """
        columns = _columns(connection, frame)
        if columns is None:
            return [not_run(check.name, check.message_vi, "không có bảng", check.table) for check in frame.checks], None
        asked = [check for check in frame.checks if check.column in columns]
        lost = [check for check in frame.checks if check.column not in columns]
        outcome = self._run(frame, _evidence(connection, columns, asked), frame.checks, "BOOLEAN_ONLY")
        failed = [check for check in asked if not _by_name(outcome)[check.name].success]
        if failed:
            key = [name for name in frame.key if name in columns]
            counting = {"result_format": "SUMMARY", "partial_unexpected_count": MOST_EXAMPLES, "unexpected_index_column_names": key}
            counted = _by_name(self._run(frame, _read(connection, columns, failed, key), failed, counting))
            outcome.results = [counted.get(_name(result), result) for result in outcome.results]
        found = [_result(check, _by_name(outcome)[check.name], frame.key) for check in asked]
        found += [not_run(check.name, check.message_vi, f"không có cột {check.column}", check.table) for check in lost]
        _strip(outcome)
        return found, outcome

    def _run(self, frame: Frame, data: Any, checks: Sequence[ColumnCheck], result_format: Any) -> Any:
        batch = self._batches.get_batch(batch_parameters={"dataframe": data})
        suite = make_suite(Frame(frame.name, frame.title_vi, frame.key, tuple(checks)))
        return batch.validate(suite, result_format=result_format)


_SHOWN = "shown"
# What facts judge the values one by one; the others depend on the extremes and on whether there is an empty cell.
_OF_VALUES = {"allowed", "pattern"}


def _evidence(connection: duckdb.DuckDBPyConnection, columns: Mapping[str, str], checks: Sequence[ColumnCheck]) -> Any:
    """A pandas frame with all that the checks depend on, so that it holds for every row what holds for this frame's.

    Of a column whose values are listed or patterned every different value, of one with bounds the least and the greatest, of any other one value;
    and an empty cell where the column has one. Shorter columns repeat their last value. One scan makes it; it grows with the different values of a column, not with the rows.
    """
    import pandas as pd

    facts: dict[str, set[str]] = {}
    for check in checks:
        facts.setdefault(check.column, set()).add(check.fact)
    if not facts:
        return pd.DataFrame()
    shown = ", ".join(f"{_telling(name, columns[name], asked)}, count(*) > count({name})" for name, asked in facts.items())
    row = connection.execute(f"SELECT {shown} FROM {_SHOWN}").fetchall()[0]
    told = {}
    for name, values, has_empty in zip(facts, row[::2], row[1::2], strict=True):
        told[name] = [value for value in values or () if value is not None] + [None] * has_empty
    length = max(len(values) for values in told.values())
    return pd.DataFrame({name: pd.Series(values + values[-1:] * (length - len(values)), dtype=object) for name, values in told.items()})


def _telling(name: str, kind: str, facts: set[str]) -> str:
    """SQL of the list of values that the facts of a column depend on; NaN, which a frame shows as empty, is asked for in SQL."""
    shown = f"CAST({name} AS TIMESTAMP)" if kind == "DATE" and "bounds" in facts else name
    if facts & _OF_VALUES:
        return f"list(DISTINCT {shown})"
    if "bounds" not in facts:
        return f"[any_value({shown})]"
    number = f"CASE WHEN NOT isnan({shown}) THEN {shown} END" if kind in ("DOUBLE", "FLOAT") else shown
    return f"[min({number}), max({number})]"


# Great Expectations compares these column by column, all other types value by value in Python: at 1,000,000 dossiers that is minutes.
_COMPARED_AS = {"DATE": "TIMESTAMP_NS", "TIMESTAMP": "TIMESTAMP_NS", "INTEGER": "DOUBLE", "BIGINT": "DOUBLE"}


def _read(connection: duckdb.DuckDBPyConnection, columns: Mapping[str, str], checks: Sequence[ColumnCheck], key: Sequence[str]) -> Any:
    """The columns that are asked about and the key, as a pandas frame."""
    bounded = {check.column for check in checks if check.fact == "bounds"} - set(key)
    wanted = dict.fromkeys([*key, *(check.column for check in checks if check.column in columns)])
    types = {name: _COMPARED_AS.get(columns[name]) if name in bounded else None for name in wanted}
    shown = ", ".join(f"CAST({name} AS {kind}) AS {name}" if kind else name for name, kind in types.items())
    try:
        return connection.execute(f"SELECT {shown or '1 AS nothing'} FROM {_SHOWN}").df()
    except duckdb.ConversionException:  # a day before 1677 or after 2262 has no such type
        return connection.execute(f"SELECT {', '.join(wanted)} FROM {_SHOWN}").df()


def _columns(connection: duckdb.DuckDBPyConnection, frame: Frame) -> dict[str, str] | None:
    """The frame's columns and their types, standing ready in the view `shown`; None when there is no such table."""
    if frame.rows:
        connection.register("nothing", _no_rows(frame))
        rows = f"read_parquet({_paths(frame.rows)}, union_by_name = true)"
        select = f"SELECT * FROM nothing UNION ALL BY NAME SELECT * FROM {rows} AS s"  # a column that no file has is empty
        if frame.skip:
            same = " AND ".join(f"t.{name} = s.{name}" for name in frame.key)
            select += f" WHERE NOT EXISTS (SELECT 1 FROM read_parquet({_paths(frame.skip)}, union_by_name = true) AS t WHERE {same})"
        if are_small([Path(path) for path in frame.rows]):
            connection.execute(f"CREATE OR REPLACE TEMP TABLE staged_rows AS {select}")
            select = "SELECT * FROM staged_rows"
    else:
        select = f"SELECT * FROM built.{frame.name}"
    try:
        connection.execute(f"CREATE OR REPLACE TEMP VIEW {_SHOWN} AS {select}")
    except duckdb.CatalogException:
        return None
    return {name: kind for name, kind, *_ in connection.execute(f"DESCRIBE {_SHOWN}").fetchall()}


def _no_rows(frame: Frame) -> Any:
    import pyarrow as pa

    types = {"DATE": pa.date32(), "TIMESTAMP": pa.timestamp("us"), "INTEGER": pa.int32(), "BIGINT": pa.int64(), "DOUBLE": pa.float64()}
    types["BOOLEAN"] = pa.bool_()
    return pa.schema(
        [(check.column, types.get(check.type, pa.string())) for check in {c.column: c for c in frame.checks}.values()]
    ).empty_table()


def _paths(paths: Iterable[str]) -> str:
    return "[" + ", ".join("'" + path.replace("'", "''") + "'" for path in paths) + "]"


def _name(result: Any) -> str:
    name: str = result.expectation_config.meta["check"]
    return name


def _by_name(outcome: Any) -> dict[str, Any]:
    return {_name(result): result for result in outcome.results}


def _has_raised(result: Any) -> bool:
    """A result whose metrics raised says success=False and holds the exceptions by metric."""
    info = result.exception_info or {}
    return bool(info.get("raised_exception", bool(info)))


def _result(check: ColumnCheck, result: Any, key: Sequence[str]) -> CheckResult:
    if _has_raised(result):
        return not_run(check.name, check.message_vi, "dữ liệu của cột không so sánh được", check.table)
    if result.success:
        return CheckResult(check.name, check.severity, 0, check.message_vi, check.table)
    rows = result.result.get("partial_unexpected_index_list") or []
    examples = tuple(" / ".join(str(row[name]) for name in key if name in row).replace(";", ",") for row in rows)
    found = int(result.result.get("unexpected_count") or 1)
    return CheckResult(check.name, check.severity, found, check.message_vi, check.table, tuple(e for e in examples if e)[:MOST_EXAMPLES])


def _strip(outcome: Any) -> None:
    """Leave counts alone in what is rendered; the keys stand in the results."""
    for result in outcome.results:
        result.result = {name: value for name, value in (result.result or {}).items() if name in _COUNTS}
        if _has_raised(result):
            result.exception_info = {"raised_exception": True, "exception_message": NOT_RUN, "exception_traceback": ""}


def _validate_all(validator: FrameValidator, job: Mapping[str, Any]) -> tuple[list[CheckResult], list[tuple[Frame, Any]]]:
    frames = [frame_from(record) for record in job["frames"]]
    found: list[CheckResult] = []
    outcomes: list[tuple[Frame, Any]] = []
    # beside the folder that the SQL checks spill to, which run at the same time in another process
    with connect_scratch(Path(f"{job['built']}.columns")) as connection:
        connection.execute("ATTACH '{}' AS built (READ_ONLY)".format(job["built"].replace("'", "''")))
        for frame in frames:
            results, outcome = validator.validate(connection, frame)
            found += results
            outcomes.append((frame, outcome))
    return found, outcomes


def main() -> None:
    """Answer until the other side closes: `frames` with results, `docs` (after them) with the pages written."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries print must not stand between two answers
    warnings.simplefilter("ignore")
    gc.disable()  # of what an import makes nothing is garbage; looking for some takes a fifth of its time
    validator = FrameValidator()
    gc.freeze()
    gc.enable()
    outcomes: list[tuple[Frame, Any]] = []
    for line in sys.stdin:
        job = json.loads(line)
        if "frames" in job:
            found, outcomes = _validate_all(validator, job)
            answer: dict[str, Any] = {"results": [vars(result) for result in found]}
        else:
            checks = [CheckResult(**(check | {"examples": tuple(check["examples"])})) for check in job["checks"]]
            write_data_docs(Path(job["docs"]), outcomes, checks, datetime.fromisoformat(job["as_of"]))
            answer = {"docs": job["docs"]}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
