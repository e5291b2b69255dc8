"""The build on Apache Spark: the same SQL files in the same order as on DuckDB, the tables as Parquet, on one machine or on a cluster.

Needs the extra `spark` (pip install ".[spark]") and Java 17. Settings of the cluster are Spark's own: --master, --conf, spark-defaults.conf.
"""

import os
import sys
import uuid
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow as pa

from expectations import check_columns, load_contracts
from flows.build_sql import SqlFunction, find_fill
from flows.reading import ReadTask, read_in_turn
from flows.settings import ConfigurationError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

# What the build's SQL means must not hang on how a cluster is set up: timestamps are civil time without a zone, overflow and bad casts are errors,
# columns that a query does not name are an error of the query.
_MEANING = {
    "spark.sql.timestampType": "TIMESTAMP_NTZ",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    "spark.sql.storeAssignmentPolicy": "ANSI",
    "spark.sql.sources.default": "parquet",
    "spark.sql.catalogImplementation": "in-memory",
    "spark.sql.parquet.inferTimestampNTZ.enabled": "true",
    "spark.sql.parquet.mergeSchema": "false",
}
_QUIET = {"spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false", "spark.log.level": "ERROR"}
# Of a contract's types, which Spark types hold the same values; a narrower or wider one is cast, another is an error.
_SAME = {
    "BIGINT": ("tinyint", "smallint", "int", "bigint"),
    "INTEGER": ("tinyint", "smallint", "int", "bigint"),
    "BOOLEAN": ("boolean",),
    "DATE": ("date",),
    "DOUBLE": ("double",),
    "TIMESTAMP": ("timestamp_ntz",),
    "VARCHAR": ("string",),
}


@contextmanager
def spark_session(master: str | None = None, conf: Mapping[str, str] | None = None) -> Iterator["SparkSession"]:
    """A Spark session of this program's own, stopped at the end.

    Args:
        master: where Spark runs, as spark-submit's --master; None leaves it to spark-defaults.conf, else all cores of this machine.
        conf: further settings, as spark-submit's --conf.

    Raises:
        ConfigurationError: pyspark or Java is missing, or the session does not start.
    """
    try:
        from pyspark.errors import PySparkException
        from pyspark.sql import SparkSession
    except ImportError:
        raise ConfigurationError("chưa cài Spark; hãy chạy: pip install 'tthc[spark]' (cần thêm Java 17)") from None
    warnings.filterwarnings(
        "ignore", "PySpark does not yet fully support pandas", FutureWarning
    )  # no frame of pandas' goes through it here
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # Spark would take whatever python3 is in PATH, which need not have tthc
    builder = SparkSession.builder.appName("tthc")
    if master:
        builder = builder.master(master)
    for name, value in (_QUIET | dict(conf or {}) | _MEANING).items():
        builder = builder.config(name, value)
    try:
        session = builder.getOrCreate()
    except (PySparkException, RuntimeError) as error:
        raise ConfigurationError(
            f"không khởi động được Spark (cần Java 17 trong PATH hoặc JAVA_HOME): {str(error).splitlines()[0]}"
        ) from None
    try:
        yield session
    finally:
        session.stop()


class SparkEngine:
    """Spark SQL, with the published tables as Parquet folders `<out>/<schema>/<table>` and the tables of work below `<out>/_work`.

    Every table of work is written: a plan that grew through all files would be worked out again and again.
    """

    def __init__(self, session: "SparkSession", out: str, where: Callable[[Path], str] = "file://{}".format) -> None:
        """The published tables are there, empty.

        Args:
            session: made by `spark_session`.
            out: a local path or anything that Hadoop reaches (hdfs://, s3a://); must be empty or absent.
            where: the address of a staged file, as Spark is to open it.

        Raises:
            ConfigurationError: there is something in `out`.
        """
        path = session._jvm.org.apache.hadoop.fs.Path(out)
        files = path.getFileSystem(session._jsc.hadoopConfiguration())
        self.session, self.out, self.where = session, str(files.makeQualified(path).toString()), where
        if files.exists(path) and len(files.listStatus(path)):
            raise ConfigurationError(f"“{out}” không trống; mỗi lần dựng cần một thư mục mới để không trộn hai lần")
        written = self.out.replace("\\", "\\\\").replace("'", "\\'")
        for schema in ("work", *sorted({table.partition(".")[0] for table in load_contracts()})):
            session.sql(f"CREATE DATABASE {schema} LOCATION '{written}/{'_work' if schema == 'work' else schema}'")
        for contract in load_contracts().values():
            columns = ", ".join(f"{c.name} {_spark_type(c.type)}" for c in contract.columns.values())
            session.sql(f"CREATE TABLE {contract.table} ({columns}) USING parquet LOCATION '{written}/{contract.table.replace('.', '/')}'")

    def define(self, function: SqlFunction) -> None:
        """As Engine.define."""
        arguments = ", ".join(f"{name} {_spark_type(kind)}" for name, kind in function.takes.items())
        self.session.sql(f"CREATE OR REPLACE TEMPORARY FUNCTION {function.name}({arguments}) RETURN {function.sql}")

    def run(self, text: str, origin: str) -> list[str]:
        """As Engine.run."""
        filled = []
        for statement in duckdb.extract_statements(text):
            fills = find_fill(statement.query, origin)
            if fills:
                self._insert(*fills, origin)
                filled.append(fills[0])
            else:
                self.session.sql(statement.query)
        return filled

    def load(self, name: str, table: pa.Table) -> None:
        """As Engine.load."""
        self.session.createDataFrame(table).write.saveAsTable(name)

    def fill(self, name: str, table: pa.Table) -> None:
        """As Engine.fill."""
        self._write(name, self.session.createDataFrame(table), name)

    def stage(self, name: str, parts: Sequence[Path], rows: pa.Table) -> None:
        """As Engine.stage."""
        staged = self.session.createDataFrame(rows)
        if parts:
            staged = staged.union(self.session.read.schema(staged.schema).parquet(*(self.where(p) for p in sorted(parts))))
        staged.write.saveAsTable(name)

    def fetch(self, query: str) -> list[tuple[Any, ...]]:
        """As Engine.fetch."""
        return [tuple(row) for row in self.session.sql(query).collect()]

    def columns(self, name: str) -> list[tuple[str, str]]:
        """As Engine.columns."""
        return [(field.name, field.dataType.simpleString()) for field in self.session.table(name).schema]

    def replace(self, name: str, query: str) -> None:
        """As Engine.replace."""
        new = f"{name}_{uuid.uuid4().hex}"
        self.session.sql(f"CREATE TABLE {new} AS {query}")
        self.session.sql(f"DROP TABLE {name}")
        self.session.sql(f"ALTER TABLE {new} RENAME TO {name}")

    def finish(self, as_of: datetime) -> None:
        """The tables of work are gone; `<out>/built` says that the published ones are complete."""
        self.session.sql("DROP DATABASE work CASCADE")
        self.session.createDataFrame([(as_of, version("tthc"))], "as_of timestamp_ntz, version string").coalesce(1).write.json(
            f"{self.out}/built"
        )

    def _insert(self, table: str, query: str, origin: str) -> None:
        self._write(table, self.session.sql(query), origin)

    def _write(self, table: str, rows: "DataFrame", origin: str) -> None:
        """Rows stand in a published table; names, order and kinds of types are compared as `flows.build_sql.run_sql` does."""
        contract = load_contracts()[table].columns.values() if table in load_contracts() else ()
        found = [(field.name, field.dataType.simpleString()) for field in rows.schema]
        names = {c.name: c.type for c in contract}
        told = [(name, names[name] if kind in _SAME.get(names.get(name, ""), ()) else kind) for name, kind in found]
        check_columns(table, told, origin)
        rows.select(*(rows[name].cast(_spark_type(kind)).alias(name) for name, kind in told)).write.insertInto(table)


def _spark_type(kind: str) -> str:
    """What Spark calls a type of the contracts."""
    return {"VARCHAR": "string", "TIMESTAMP": "timestamp_ntz"}.get(kind, kind.lower())


def copy_down(session: "SparkSession", address: str, folder: Path, pattern: str) -> None:
    """The files below an address whose names fit the pattern stand in a local folder, in the same places."""
    name = f"/{address.rstrip('/').rpartition('/')[2]}/"
    found = session.read.format("binaryFile").option("recursiveFileLookup", "true").option("pathGlobFilter", pattern).load(address)
    for path, content in found.select("path", "content").toLocalIterator():
        target = folder / path.rpartition(name)[2]
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def read_on_executors(session: "SparkSession", tasks: Sequence[ReadTask]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Exports staged by the executors, each by a reader process of its own (see flows/reading.py); every file is a task of its own."""
    if tasks:
        yield from session.sparkContext.parallelize(tasks, len(tasks)).mapPartitions(read_in_turn).collect()
