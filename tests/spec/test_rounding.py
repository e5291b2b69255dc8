"""A rate just below its target never reads as the target, in no text of the warehouse: 2906 of 2996 dossiers in time are 96,996 %."""

import re
from datetime import datetime

import duckdb
import pytest
from spec.staged import build_staged, staged_row

from transforms.wording import count_vi, percent_vi

AS_OF = datetime(2024, 12, 31, 23)
UNITS = "unit_code,name_vi,level\n000.22.58.H48,UBND xã Sơn Hạ,commune\n"
_SHARE = re.compile(r"([\d,]+ %) \(([\d.]+) trên ([\d.]+)\)")


@pytest.fixture(
    scope="module", params=[(2906, 2996, 0.97), pytest.param((974_96, 1_000_00, 0.975), marks=pytest.mark.slow)], ids=["97 %", "97,5 %"]
)
def office(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[duckdb.DuckDBPyConnection, float]:
    in_time, count, target = request.param
    moments = {"submitted_at": datetime(2024, 3, 4, 8), "received_at": datetime(2024, 3, 4, 8), "due_at": datetime(2024, 3, 12, 17)}
    rows = [
        staged_row(
            number,
            case_code=f"000.22.58.H48-240304-{number:06d}",
            unit="UBND xã Sơn Hạ",
            channel="counter",
            service_level="info",
            procedure_code="1.000001",
            status_code=9,
            finished_at=datetime(2024, 3, 8 if number <= in_time else 18, 17, 30),
            **moments,
        )
        for number in range(1, count + 1)
    ]
    targets = f"criterion,measure,level,target,valid_from,valid_to\n3.4.2,on_time,commune,{target},2024-01-01,2024-12-31\n"
    folder = tmp_path_factory.mktemp("rounding")
    (folder / "reference").mkdir()
    wanted = f"{target * 100:g}%".replace(".", ",")
    line = f'3.4.2,Hồ sơ cấp xã đúng hạn,UBND cấp xã,,2024-12-31,"{wanted}",exports,on_time'
    plan = f"criterion,name_vi,lead_unit,partner_units,deadline,target,source,measure\n{line}\n"
    (folder / "reference" / "plan.csv").write_text(plan, encoding="utf-8")
    connection, _ = build_staged(folder, {"cases": rows}, AS_OF, units=UNITS, targets=targets)
    return connection, target


def texts(connection: duckdb.DuckDBPyConnection, query: str) -> list[str]:
    return [text for (text,) in connection.execute(query).fetchall()]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT message_vi FROM mart.flags WHERE problem = 'on_time'",
        "SELECT actual FROM mart.plan",
        "SELECT effect_vi FROM mart.audit_units WHERE measure = 'on_time'",
        "SELECT effect_vi FROM mart.audit WHERE measure = 'on_time'",
    ],
)
def test_every_text_says_the_rate_as_the_outputs_do(office: tuple[duckdb.DuckDBPyConnection, float], query: str) -> None:
    connection, target = office
    shares = [found for text in texts(connection, query) for found in _SHARE.findall(text)]
    assert shares
    for shown, *counts in shares:
        numerator, denominator = (int(count.replace(".", "")) for count in counts)
        assert shown == percent_vi(numerator, denominator, target).replace("\u00a0", " ")
        assert counts == [count_vi(numerator), count_vi(denominator)]


def test_what_can_still_be_reached_is_said_in_the_same_way(office: tuple[duckdb.DuckDBPyConnection, float]) -> None:
    connection, target = office
    [(numerator, denominator, words)] = connection.execute(
        "SELECT numerator, denominator, message_vi FROM mart.needed WHERE measure = 'on_time'"
    ).fetchall()
    shown = percent_vi(numerator, denominator, target).replace("\u00a0", " ")
    wanted = percent_vi(round(target * 10_000), 10_000).replace("\u00a0", " ")
    assert words == f"Không còn hồ sơ nào dự kiến đến cuối năm: giữ tỷ lệ {shown}, không đạt {wanted}"
