"""What an office would do instead, each a whole process: `python peers.py NAME FOLDER [DATABASE]`; prints rows read, or its rates, as JSON.

The two scripts with pandas are written as an analyst would write them: straightforward, right, no tricks.
"""

import json
import sys
from pathlib import Path

AS_OF = "2024-06-30"


def floor(folder: Path) -> object:
    """Nothing but reading, one file after the other: fastexcel to Arrow."""
    import fastexcel

    return {"rows": sum(fastexcel.read_excel(str(p)).load_sheet(0).to_arrow().num_rows for p in sorted(folder.glob("danh_sach_*.xlsx")))}


def csv_floor(folder: Path) -> object:
    """Nothing but reading: DuckDB's read_csv, every column as text, into a table."""
    import duckdb

    connection = duckdb.connect()
    connection.execute(f"CREATE TABLE cases AS SELECT * FROM read_csv('{folder}/danh_sach_*.csv', all_varchar = true, header = true)")
    return {"rows": connection.execute("SELECT count(*) FROM cases").fetchall()[0][0]}


def pandas_openpyxl(folder: Path) -> object:
    return _rates(_frame(folder, "openpyxl"))


def pandas_calamine(folder: Path) -> object:
    return _rates(_frame(folder, "calamine"))


def dlt_merge(folder: Path) -> object:
    """dlt with a pandas resource, merged into DuckDB by dossier code, all columns; the rates by SQL. Frames go through as Arrow, dlt's faster way."""
    return _dlt(folder, "openpyxl", whole=True)


def dlt_tuned(folder: Path) -> object:
    """The same tuned: pandas reads with calamine, and only the eight columns that the rates need are merged."""
    return _dlt(folder, "calamine", whole=False)


def _dlt(folder: Path, engine: str, *, whole: bool) -> object:
    import dlt
    import pandas as pd

    @dlt.resource(name="cases", primary_key="ma_ho_so", write_disposition="merge")
    def cases() -> object:
        for path in sorted(folder.glob("danh_sach_*.xlsx")):
            frame = pd.read_excel(path, dtype=str, engine=engine)
            names = {"Mã hồ sơ": "ma_ho_so"} | dict(zip(_NEEDED, _SHORT, strict=True))
            frame = frame if whole else frame[list(names)]
            frame.columns = [names.get(column, f"cot_{number}") for number, column in enumerate(frame.columns, 1)]
            yield frame

    database = sys.argv[3]
    pipeline = dlt.pipeline(
        "bench", destination=dlt.destinations.duckdb(database), dataset_name="office", pipelines_dir=f"{database}.pipelines"
    )
    pipeline.run(cases())
    import duckdb

    with duckdb.connect(database) as connection:
        frame = connection.execute(f"SELECT {', '.join(_SHORT)} FROM office.cases").df()
    frame.columns = _NEEDED
    return _rates(frame)


_NEEDED = [
    "Đơn vị giải quyết",
    "Hình thức tiếp nhận",
    "Trạng thái",
    "Ngày tiếp nhận",
    "Ngày hẹn trả",
    "Ngày kết thúc xử lý",
    "Ngày trả kết quả",
]
_SHORT = ["don_vi", "hinh_thuc", "trang_thai", "tiep_nhan", "hen_tra", "ket_thuc", "tra"]


def _frame(folder: Path, engine: str) -> object:
    import pandas as pd

    return pd.concat([pd.read_excel(p, dtype=str, engine=engine) for p in sorted(folder.glob("danh_sach_*.xlsx"))], ignore_index=True)


def _rates(frame: object) -> object:
    """unit -> on_time numerator and denominator, online and received dossiers of the year 2024."""
    import pandas as pd

    table: pd.DataFrame = frame  # type: ignore[assignment]
    for column in _NEEDED[3:]:
        table[column] = pd.to_datetime(table[column], format="%d/%m/%Y %H:%M:%S")
    received = table[table["Ngày tiếp nhận"].dt.year.eq(2024) & table["Trạng thái"].ne("Không được tiếp nhận")].copy()
    ended = received["Ngày kết thúc xử lý"].fillna(received["Ngày trả kết quả"])
    due = received["Ngày hẹn trả"].dt.normalize()
    finished = received["Trạng thái"].isin(["Đã xử lý xong", "Đã trả kết quả"]) & ended.notna()
    overdue = received["Trạng thái"].isin(["Được tiếp nhận", "Đang xử lý"]) & (due < pd.Timestamp(AS_OF))
    received["counted"] = due.notna() & (finished | overdue)
    received["on_time"] = received["counted"] & finished & (ended.dt.normalize() <= due)
    received["online"] = received["Hình thức tiếp nhận"].eq("Trực tuyến")
    received["received"] = True
    sums = received.groupby("Đơn vị giải quyết")[["on_time", "counted", "online", "received"]].sum()
    return {"rates": {unit: [int(n) for n in row] for unit, row in zip(sums.index, sums.to_numpy(), strict=True)}}


PEERS = {
    "floor": floor,
    "csv-floor": csv_floor,
    "pandas-openpyxl": pandas_openpyxl,
    "pandas-calamine": pandas_calamine,
    "dlt": dlt_merge,
    "dlt-tuned": dlt_tuned,
}

if __name__ == "__main__":
    print(json.dumps(PEERS[sys.argv[1]](Path(sys.argv[2])), ensure_ascii=False))
