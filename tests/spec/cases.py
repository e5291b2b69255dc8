"""The measures as an official could check them: a few dossiers, and the fraction they must give.

Each case is a table; columns left out take the values of an ordinary dossier (DEFAULTS). Dates are of 2024 unless they name a year.
docs/measures.md is made from these cases (`make docs`), `make mutate` shows that they pin every predicate of measures.yml.
"""

from dataclasses import dataclass
from datetime import datetime

AS_OF = datetime(2024, 3, 15, 10)

DEFAULTS = {
    "unit": "", "channel": "counter", "level": "full", "submitted": "05/02 07:30", "received": "05/02 08:00", "due": "12/02 17:00",
    "finished": "", "returned": "", "status": "4", "procedure": "1.000001", "supplements": "",
    "amount": "", "collection": "before", "method": "", "state": "", "paid": "", "input": "", "result": "", "e_result": "",
}  # fmt: skip

# Tết 2024 and the worked Saturday of 6 January, as an office's calendar.csv has them.
CALENDAR = """date,is_working,note
2024-02-08,false,Tết
2024-02-09,false,Tết
2024-02-12,false,Tết
2024-02-13,false,Tết
2024-02-14,false,Tết
2024-01-06,true,làm bù
"""

# procedure, service level, fee in đồng (blank: the catalogue does not say), has a result; 1.… are in no catalogue.
CATALOGUE = (
    ("9.000002", "full", None, False),
    ("2.000001", "full", 5000, True),
    ("2.000002", "full", 0, True),
    ("2.000003", "full", None, True),
    ("2.000004", "full", 1, True),
    ("3.000001", "full", None, True),
    ("3.000001", "partial", None, True),
    ("3.000002", "partial", None, True),
    ("3.000003", "info", None, True),
)

# hours of offices by the number of their unit in a case: (name, from, to); every other office has the default hours.
DEFAULT_HOURS = (("07:00", "11:30"), ("13:30", "17:00"))


@dataclass(frozen=True)
class Spec:
    """What a case shows.

    Attributes:
        measure: the measure.
        shows_vi, shows_en: what the case shows.
        table: the dossiers.
        expected: numerator and denominator in the period.
        period: 2024, 2024-Q1 or 2024-02.
        hours: sessions of the unit's own, every working day; none: those of every office.
        restart_at_payment: the office's switch.
    """

    measure: str
    shows_vi: str
    shows_en: str
    table: str
    expected: tuple[int, int]
    period: str = "2024"
    hours: tuple[tuple[str, str], ...] = ()
    restart_at_payment: bool = False


@dataclass(frozen=True)
class Reform:
    """Dossiers of several units over time, and the counts of each unit as it was and as it is today.

    Attributes:
        units: lines of units.csv without its heading: unit_code, name_vi, level, valid_from, valid_to, successor_code.
        was, today: (unit_code, valid_from) -> numerator and denominator; every other unit of the case has (0, 0) or no row.
    """

    measure: str
    shows_vi: str
    shows_en: str
    units: str
    table: str
    was: dict[tuple[str, str], tuple[int, int]]
    today: dict[tuple[str, str], tuple[int, int]]
    period: str = "2024"


ON_TIME = [
    Spec("on_time", "tính theo ngày, không theo giờ: xong 18:00 ngày hẹn trả là đúng hạn, hôm sau là trễ",
        "the day counts, not the hour: finished at 18:00 on the due date is on time, the day after is late", """
        due         | finished    | status
        12/02 11:30 | 12/02 18:00 | 10
        12/02 11:30 | 13/02 07:00 | 10
        12/02 11:30 | 11/02 23:59 | 9
        """, (2, 3)),
    Spec("on_time", "không có ngày hẹn trả thì không tính", "without a due date a dossier is not counted", """
        due | finished    | status
            | 06/02 08:00 | 10
            |             | 4
        """, (0, 0)),
    Spec("on_time", "ngày xong là ngày kết thúc xử lý, trống thì ngày trả kết quả", "the end is the finish, else the return", """
        finished    | returned    | status
                    | 12/02 09:00 | 10
                    | 13/02 09:00 | 9
        12/02 09:00 | 20/02 09:00 | 10
        13/02 09:00 | 12/02 09:00 | 10
        """, (2, 4)),
    Spec("on_time", "có ngày kết thúc nhưng trạng thái chưa xong: chỉ tính khi đã quá hạn, và là trễ",
        "finished, but the status says otherwise: counted only once overdue, and then as late", """
        finished    | due         | status
        06/02 09:00 | 12/02 17:00 | 4
        06/02 09:00 | 20/03 17:00 | 4
        """, (0, 1)),
    Spec("on_time", "trạng thái đã xong mà không có ngày nào: không tính", "the status says finished without any date: not counted", """
        due         | status
        12/02 17:00 | 9
        12/02 17:00 | 10
        """, (0, 0)),
    Spec("on_time", "hồ sơ đang xử lý được tính từ hôm sau ngày hẹn trả; đến hạn hôm nay chưa là trễ",
        "open dossiers count from the day after their due date; due today is not late", """
        due         | status
        13/03 07:00 | 4
        14/03 17:00 | 4
        14/03 17:00 | 2
        15/03 07:00 | 4
        16/03 07:00 | 2
        """, (0, 3)),
    Spec("on_time", "tháng đã qua cũng xét đến hôm nay: tiếp nhận tháng 2, hạn 10/03, nay 15/03 chưa xong là trễ của tháng 2",
        "a month gone by is judged today too: received in February, due 10/03 and still open on 15/03 is late in February", """
        due         | finished    | status
        10/03 17:00 |             | 4
        10/03 17:00 | 09/03 08:00 | 10
        20/03 17:00 |             | 4
        """, (1, 2), "2024-02"),
    Spec("on_time", "chờ tiếp nhận, từ chối, yêu cầu bổ sung, tạm dừng, rút, dừng xử lý: không tính",
        "waiting, refused, paused, withdrawn and stopped dossiers are not counted, with or without an end", """
        due         | finished    | status
        12/02 17:00 |             | 1
        12/02 17:00 |             | 3
        12/02 17:00 | 06/02 09:00 | 3
        12/02 17:00 |             | 5
        12/02 17:00 |             | 6
        12/02 17:00 |             | 7
        12/02 17:00 | 06/02 09:00 | 7
        12/02 17:00 |             | 8
        12/02 17:00 | 06/02 09:00 | 8
        """, (0, 0)),
    Spec("on_time", "không có ngày tiếp nhận thì không thuộc kỳ nào", "without a reception date a dossier belongs to no period", """
        received | finished    | status
                 | 06/02 09:00 | 10
        """, (0, 0)),
    Spec("on_time", "thủ tục không có kết quả, có phí, số hóa hay không: không ảnh hưởng",
        "fees, digitization, catalogue and results make no difference", """
        procedure | amount | method | state | input | result | e_result | finished    | status
        9.000002  |        |        |       |       |        |          | 06/02 09:00 | 10
        2.000001  | 5000   | online | paid  | 1     | true   | true     | 13/02 09:00 | 10
        """, (1, 2)),
    Spec("on_time", "kỳ nửa mở: 31/01 23:59 thuộc tháng 1, 01/02 00:00 và 29/02 23:59 thuộc tháng 2, 01/03 00:00 thuộc tháng 3",
        "a period is half-open: 31/01 23:59 belongs to January, 01/02 00:00 and 29/02 23:59 to February, 01/03 00:00 to March", """
        submitted   | received    | due         | finished    | status
        30/01 08:00 | 31/01 23:59 | 20/03 08:00 | 12/02 08:00 | 10
        30/01 08:00 | 01/02 00:00 | 20/03 08:00 | 12/03 08:00 | 10
        28/02 08:00 | 29/02 23:59 | 20/03 08:00 | 12/03 08:00 | 10
        28/02 08:00 | 01/03 00:00 | 20/03 08:00 | 12/03 08:00 | 10
        """, (2, 2), "2024-02"),
    Spec("on_time", "quý và năm cũng vậy: 31/12/2023 23:59 không thuộc năm 2024", "so do quarters and years: 31/12/2023 23:59 is not of 2024", """
        submitted        | received         | due         | finished    | status
        31/12/2023 08:00 | 31/12/2023 23:59 | 12/02 08:00 | 12/02 08:00 | 10
        31/12/2023 08:00 | 01/01/2024 00:00 | 12/02 08:00 | 12/02 08:00 | 10
        """, (1, 1), "2024-Q1"),
]  # fmt: skip

ONLINE = [
    Spec("online_full", "bưu chính, trực tiếp và hình thức trống không phải trực tuyến; chỉ thủ tục toàn trình",
        "postal, counter and blank channels are not online; only procedures offered in full", """
        channel | level
        online  | full
        counter | full
        postal  | full
                | full
        online  | partial
        online  | info
        """, (1, 4)),
    Spec("online_full", "thủ tục có cả hai mức độ là toàn trình; danh mục thắng mức độ ghi ở hồ sơ",
        "a procedure with both levels counts as full; the catalogue wins over the dossier", """
        procedure | channel | level
        3.000001  | online  | partial
        3.000001  | counter | partial
        3.000002  | online  | full
        3.000003  | online  | full
        """, (1, 2)),
    Spec("online_full", "chưa tiếp nhận hoặc bị từ chối thì không tính; đã rút, dừng vẫn là đã tiếp nhận",
        "not received or refused: not counted; withdrawn, stopped and paused ones were received", """
        channel | received    | status
        online  |             | 1
        online  | 05/02 08:00 | 3
        online  | 05/02 08:00 | 5
        online  | 05/02 08:00 | 6
        counter | 05/02 08:00 | 7
        counter | 05/02 08:00 | 8
        """, (2, 4)),
    Spec("online_full", "không có hồ sơ nào: mẫu số 0, không có tỷ lệ", "no dossier: denominator 0, no rate", """
        level
        partial
        """, (0, 0)),
    Spec("online_full", "tháng là tháng tiếp nhận", "the month is that of reception", """
        channel | submitted   | received    | finished    | status
        online  | 31/01 16:30 | 01/02 08:00 |             | 4
        counter | 02/02 16:30 | 02/02 16:30 | 01/03 08:00 | 10
        online  | 01/03 00:00 | 01/03 08:00 |             | 4
        online  | 30/01 16:30 | 31/01 08:00 | 02/02 08:00 | 10
        """, (1, 2), "2024-02"),
    Spec("online_partial", "chỉ thủ tục một phần, chỉ hồ sơ đã tiếp nhận", "only procedures offered in part, only dossiers received", """
        channel | level   | received    | status
        online  | partial | 05/02 08:00 | 4
        counter | partial | 05/02 08:00 | 4
        postal  | partial | 05/02 08:00 | 4
                | partial | 05/02 08:00 | 4
        online  | partial |             | 1
        online  | partial | 05/02 08:00 | 3
        online  | full    | 05/02 08:00 | 4
        online  | info    | 05/02 08:00 | 4
        """, (1, 4)),
    Spec("online_partial", "có cả hai mức độ là toàn trình, không phải một phần; danh mục thắng mức độ ghi ở hồ sơ",
        "both levels are full, not partial; the catalogue wins over the dossier", """
        procedure | channel | level
        3.000001  | online  | partial
        3.000002  | online  | full
        3.000002  | counter | info
        """, (1, 2)),
    Spec("online_partial", "tháng là tháng tiếp nhận", "the month is that of reception", """
        level   | channel | submitted   | received    | finished    | status
        partial | online  | 31/01 16:30 | 01/02 08:00 |             | 4
        partial | counter | 02/02 16:30 | 02/02 16:30 | 01/03 08:00 | 10
        partial | online  | 01/03 00:00 | 01/03 08:00 |             | 4
        partial | online  | 30/01 16:30 | 31/01 08:00 | 02/02 08:00 | 10
        """, (1, 2), "2024-02"),
    Spec("online_submission_766", "mọi hồ sơ tiếp nhận, không tách mức độ; trực tiếp, bưu chính, trống không phải trực tuyến",
        "every dossier received, whatever its level; counter, postal and blank are not online", """
        channel | level   | received    | status
        online  | full    | 05/02 08:00 | 4
        online  | partial | 05/02 08:00 | 10
        online  | info    | 05/02 08:00 | 7
        counter | full    | 05/02 08:00 | 4
        postal  | full    | 05/02 08:00 | 4
                | partial | 05/02 08:00 | 4
        online  | full    |             | 1
        online  | full    | 05/02 08:00 | 3
        online  | full    | 05/02 08:00 | 2
        """, (4, 7)),
    Spec("online_submission_766", "tháng là tháng tiếp nhận; không có hồ sơ thì không có tỷ lệ", "the month is that of reception", """
        channel | submitted   | received    | finished    | status
        online  | 31/01 23:59 | 01/02 00:00 |             | 4
        counter | 28/02 08:00 | 29/02 23:59 | 01/03 08:00 | 10
        online  | 01/03 00:00 | 01/03 00:00 |             | 4
        online  | 30/01 08:00 | 31/01 23:59 | 01/02 08:00 | 10
        """, (1, 2), "2024-02"),
    Spec("online_submission_766", "chỉ có hồ sơ chờ tiếp nhận: mẫu số 0, không có tỷ lệ", "only dossiers still waiting: denominator 0, no rate", """
        channel | received | status
        online  |          | 1
        """, (0, 0)),
]  # fmt: skip

WAITING = [
    Spec("received_within_8h", "đúng 8,0 giờ làm việc chưa là vi phạm, thêm một phút, một giây là vi phạm",
        "exactly 8.0 working hours are not a breach, a minute or a second more is", """
        channel | submitted   | received
        online  | 05/02 07:00 | 05/02 17:00
        online  | 05/02 07:00 | 06/02 07:01
        online  | 05/02 10:00 | 06/02 10:00
        online  | 05/02 10:00 | 06/02 10:01
        online  | 05/02 07:00 | 06/02 07:00:01
        """, (2, 5)),
    Spec("received_within_8h", "nộp 16:59 thứ sáu, tiếp nhận 16:59 thứ hai là 8 giờ; cuối tuần và giờ nghỉ trưa không tính",
        "Friday 16:59 to Monday 16:59 is 8 hours; the weekend does not run, nor does the lunch break", """
        channel | submitted   | received
        online  | 02/02 16:59 | 05/02 16:59
        online  | 02/02 16:59 | 05/02 17:00
        online  | 02/02 11:45 | 05/02 13:30
        """, (2, 3)),
    Spec("received_within_8h", "Tết không tính: nộp 16:00 ngày cuối trước Tết, tiếp nhận ngày làm việc đầu tiên sau Tết",
        "Tết does not run: submitted on the eve at 16:00, received on the first working day after", """
        channel | submitted   | received
        online  | 07/02 16:00 | 15/02 16:00
        online  | 07/02 16:00 | 15/02 16:01
        online  | 10/02 09:00 | 15/02 17:00
        """, (2, 3)),
    Spec("received_within_8h", "thứ bảy làm bù có tính, thứ bảy thường thì không", "a worked Saturday runs, an ordinary one does not", """
        channel | submitted   | received
        online  | 05/01 16:00 | 06/01 16:00
        online  | 05/01 16:00 | 06/01 16:01
        online  | 05/01 16:00 | 08/01 07:00
        online  | 12/01 16:00 | 15/01 16:00
        """, (2, 4)),
    Spec("received_within_8h", "còn chờ thì tính đến thời điểm chốt; từ chối, trực tiếp, bưu chính và hình thức trống không có đồng hồ",
        "still waiting counts up to now; refused, counter, postal and blank-channel dossiers have no clock", """
        channel | submitted   | received    | status
        online  | 15/03 07:00 |             | 1
        online  | 14/03 10:00 |             | 1
        online  | 14/03 09:59 |             | 1
        online  | 13/03 07:00 |             | 3
        online  | 13/03 07:00 | 13/03 08:00 | 3
        counter | 13/03 07:00 |             | 1
        postal  | 13/03 07:00 | 13/03 08:00 | 4
                | 13/03 07:00 | 13/03 08:00 | 4
        """, (2, 3)),
    Spec("received_within_8h", "không có ngày nộp thì không tính", "without a submission date a dossier is not counted", """
        channel | submitted | received
        online  |           | 05/02 08:00
        """, (0, 0)),
    Spec("received_within_8h", "không cần ngày hẹn trả", "a due date is not needed", """
        channel | submitted   | received    | due
        online  | 05/02 07:30 | 05/02 08:00 |
        """, (1, 1)),
    Spec("received_within_8h", "mọi trạng thái trừ từ chối, xong hay chưa, cả khi rút hoặc dừng", "every status but refused counts", """
        channel | submitted   | received    | finished    | status
        online  | 05/02 07:30 | 05/02 08:00 |             | 2
        online  | 05/02 07:30 | 05/02 08:00 |             | 4
        online  | 05/02 07:30 | 05/02 08:00 |             | 5
        online  | 05/02 07:30 | 05/02 08:00 | 07/02 08:00 | 7
        online  | 05/02 07:30 | 07/02 08:00 | 07/02 08:00 | 10
        """, (4, 5)),
    Spec("received_within_8h", "tháng là tháng nộp", "the month is that of submission", """
        channel | submitted   | received    | finished    | status
        online  | 31/12/2023 23:59 | 02/01 08:00 | | 4
        online  | 01/01 00:00 | 02/01 08:00 |             | 4
        online  | 31/01 16:30 | 01/02 08:00 | 01/02 09:00 | 10
        online  | 01/02 00:00 | 01/02 08:00 | 01/02 09:00 | 10
        """, (2, 2), "2024-01"),
    Spec("received_within_8h", "cơ quan có giờ riêng 08:00–12:00, 13:00–16:00: 7 giờ mỗi ngày",
        "an office with its own hours, 08:00–12:00 and 13:00–16:00: 7 hours a day", """
        channel | submitted   | received
        online  | 05/02 07:00 | 06/02 09:00
        online  | 05/02 07:00 | 06/02 09:01
        online  | 05/02 08:00 | 05/02 17:00
        """, (2, 3), hours=(("08:00", "12:00"), ("13:00", "16:00"))),
    Spec("received_within_8h", "công tắc tắt (mặc định): thanh toán phí thu trước không làm đồng hồ chạy lại",
        "the switch off (default): paying a prepaid fee does not restart the clock", """
        channel | submitted   | received    | amount | collection | state | method | paid
        online  | 05/02 07:00 | 06/02 09:00 | 5000   | before     | paid  | online | 05/02 10:00
        """, (0, 1)),
    Spec("received_within_8h", "công tắc bật: đồng hồ chạy lại khi nộp khoản phí thu trước, bằng cách nào cũng được, nếu nộp trước khi tiếp nhận",
        "the switch on: the clock restarts when a fee due in advance is paid, however, before reception", """
        channel | submitted   | received    | amount | collection | state   | method | paid
        online  | 05/02 07:00 | 06/02 10:00 | 5000   | before     | paid    | online | 05/02 10:00
        online  | 05/02 07:00 | 06/02 10:01 | 5000   | before     | paid    | online | 05/02 10:00
        online  | 05/02 07:00 | 06/02 09:00 | 5000   | before     | paid    | cash   | 05/02 10:00
        online  | 05/02 07:00 | 06/02 09:00 | 5000   | after      | paid    | online | 05/02 10:00
        online  | 05/02 07:00 | 06/02 09:00 | 5000   | before     | pending | online | 05/02 10:00
        online  | 05/02 07:00 | 06/02 09:00 | 0      | before     | paid    | online | 05/02 10:00
        online  | 05/02 07:00 | 06/02 09:00 | 5000   | before     | paid    | online | 06/02 09:01
        online  | 05/02 07:00 | 06/02 09:00 | 5000   | before     | paid    | online | 02/02 10:00
        online  | 14/03 07:00 |             | 5000   | before     | paid    | online | 14/03 11:00
        """, (3, 9), restart_at_payment=True),
    Spec("received_within_8h", "công tắc bật, nhiều khoản thu trước: tính từ lần nộp cuối trước khi tiếp nhận; khoản nộp sau khi tiếp nhận không làm mất các lần nộp trước",
        "the switch on, several fees due in advance: the last payment before reception counts; one paid after it takes nothing away", """
        channel | submitted   | received    | amount     | collection | state   | method | paid
        online  | 05/02 07:00 | 06/02 10:00 | 5000; 3000 | before     | paid    | online | 05/02 10:00; 06/02 10:30
        online  | 05/02 07:00 | 06/02 10:00 | 5000; 3000 | before     | paid    | online | 05/02 08:00; 05/02 10:00
        online  | 05/02 07:00 | 06/02 10:01 | 5000; 3000 | before     | paid    | online | 05/02 10:00; 07/02 08:00
        online  | 14/03 07:00 |             | 5000; 3000 | before     | paid    | online | 14/03 11:00; 20/03 08:00
        """, (3, 4), restart_at_payment=True),
]  # fmt: skip

PAYMENT = [
    Spec("payment_cases", "khoản bằng 0, đối tượng miễn, không thu, hoàn phí, hủy thanh toán không phải khoản phải thu; chỉ khoản đã thanh toán trực tuyến là trực tuyến",
        "zero, exempt, free, refunded and cancelled lines bear no fee; only a paid online line pays online", """
        amount | collection | method   | state
        0      | before     | online   | paid
        5000   | exempt     | online   | paid
        5000   | no_fee     | online   | paid
        5000   | before     | online   | refunded
        5000   | before     | online   | cancelled
        5000   | before     | cash     | paid
        5000   | before     | online   | pending
        5000   | after      | online   | paid
        1      | before     | online   | paid
               |            |          |
        """, (2, 4)),
    Spec("payment_cases", "nhiều khoản: một khoản phải thu là đủ, một khoản phải thu trả trực tuyến là đủ", "several lines: one that counts is enough", """
        amount      | collection      | method        | state
        0; 5000     | before          | online; cash  | paid
        5000; 3000  | before          | online; cash  | paid
        5000; 3000  | exempt; before  | online; cash  | paid
        5000; 3000  | before          | online        | refunded; paid
        0; 0        | before          | online        | paid
        """, (2, 4)),
    Spec("payment_cases", "chỉ hồ sơ đã tiếp nhận; xong hay chưa, nộp kiểu gì cũng tính", "only dossiers received, finished or not, whatever the channel", """
        channel | received    | finished    | status | amount | method | state | input
        online  |             |             | 1      | 5000   | online | paid  |
        online  | 05/02 08:00 |             | 3      | 5000   | online | paid  |
        counter | 05/02 08:00 | 06/02 08:00 | 10     | 5000   | cash   | paid  | 1
        counter | 05/02 08:00 |             | 7      | 5000   | online | paid  |
        """, (1, 2)),
    Spec("payment_cases", "danh mục ghi có phí nhưng hồ sơ không có khoản phải thu: không tính", "a fee in the catalogue alone counts for nothing", """
        procedure | amount | method | state
        2.000001  |        |        |
        2.000001  | 0      | online | paid
        2.000002  | 5000   | cash   | paid
        """, (0, 1)),
    Spec("payment_cases", "tháng là tháng tiếp nhận", "the month is that of reception", """
        submitted   | received    | finished    | status | amount | method | state | paid
        31/01 08:00 | 01/02 00:00 |             | 4      | 5000   | online | paid  | 03/03 08:00
        28/02 08:00 | 29/02 23:59 | 01/03 08:00 | 10     | 5000   | cash   | paid  | 01/03 08:00
        01/03 00:00 | 01/03 00:00 |             | 4      | 5000   | online | paid  | 29/02 08:00
        30/01 08:00 | 31/01 23:59 | 02/02 08:00 | 10     | 5000   | online | paid  | 02/02 08:00
        """, (1, 2), "2024-02"),
    Spec("payment_procedures", "mỗi thủ tục đếm một lần; có một hồ sơ trả trực tuyến là đạt", "procedures are counted once, paid online when any dossier is", """
        procedure | amount | collection | method | state
        1.000001  | 5000   | before     | online | paid
        1.000001  | 5000   | before     | cash   | paid
        1.000001  | 5000   | before     | online | paid
        1.000002  | 5000   | before     | cash   | paid
        1.000003  | 0      | before     | online | paid
        1.000004  | 5000   | exempt     | online | paid
        1.000005  | 5000   | before     | online | refunded
        1.000006  | 5000   | before     | online | cancelled
        1.000007  | 5000   | before     | online | pending
        1.000008  | 5000; 3000 | exempt; before | online; cash | paid
        2.000001  |        |            |        |
        """, (1, 4)),
    Spec("payment_procedures", "hồ sơ không được tiếp nhận, bị từ chối không làm thủ tục phát sinh phí; hồ sơ không ghi thủ tục không tính",
        "dossiers not received or refused do not count, nor those without a procedure", """
        procedure | received    | finished    | status | amount | method | state
        1.000001  |             |             | 1      | 5000   | online | paid
        1.000002  | 05/02 08:00 |             | 3      | 5000   | online | paid
        1.000003  | 05/02 08:00 | 06/02 08:00 | 10     | 5000   | cash   | paid
        1.000004  | 05/02 08:00 |             | 4      | 5000   | online | paid
                  | 05/02 08:00 |             | 4      | 5000   | online | paid
        """, (1, 2)),
    Spec("payment_procedures", "quý đếm lại thủ tục, không cộng các tháng", "a quarter counts procedures again, it does not add months", """
        procedure | submitted   | received    | finished    | status | amount | method | state
        1.000001  | 31/12/2023 08:00 | 01/01 00:00 |        | 4      | 5000   | cash   | paid
        1.000001  | 28/02 08:00 | 29/02 23:59 |             | 4      | 5000   | online | paid
        1.000002  | 31/12/2023 08:00 | 31/12/2023 23:59 | 05/01 08:00 | 10 | 5000 | online | paid
        1.000003  | 31/12/2023 08:00 | 02/01 08:00 |        | 4      | 5000   | cash   | paid
        """, (1, 2), "2024-Q1"),
    Spec("payment_766", "danh mục có phí > 0 thì tính, kể cả hồ sơ chưa có khoản nào; phí 0 hoặc danh mục không ghi phí thì không",
        "the catalogue's fee above 0 counts, even without any line; 0 or blank in the catalogue does not", """
        procedure | amount | method | state
        2.000001  |        |        |
        2.000001  | 5000   | online | paid
        2.000001  | 5000   | cash   | paid
        2.000001  | 5000   | online | pending
        2.000002  | 5000   | online | paid
        2.000003  | 5000   | online | paid
        2.000002  |        |        |
        2.000004  |        |        |
        """, (1, 5)),
    Spec("payment_766", "thủ tục ngoài danh mục: tính khi hồ sơ có khoản phải thu", "a procedure in no catalogue counts where the dossier bears a fee", """
        procedure | amount | collection | method | state
        1.000001  | 5000   | before     | online | paid
        1.000001  | 5000   | before     | cash   | paid
        1.000001  |        |            |        |
        1.000001  | 5000   | exempt     | online | paid
        1.000001  | 5000   | before     | online | refunded
        """, (1, 2)),
    Spec("payment_766", "trừ hồ sơ mà mọi khoản đều bằng 0; một khoản lớn hơn 0 là đủ, kể cả miễn hoặc đã hoàn",
        "less the dossiers whose every line is 0; one line above 0 is enough, exempt or refunded too", """
        procedure | amount   | collection | method | state
        2.000001  | 0        | before     | online | paid
        2.000001  | 0; 0     | before     | online | paid
        2.000001  | 0; 1     | before     | cash   | paid
        2.000001  | 5000     | exempt     | online | paid
        2.000001  | 5000     | no_fee     | cash   | paid
        2.000001  | 5000     | before     | online | refunded
        2.000001  | 5000     | before     | online | cancelled
        2.000001  | 0; 5000  | before     | online; cash | paid
        """, (1, 6)),
    Spec("payment_766", "chỉ hồ sơ đã tiếp nhận", "only dossiers received", """
        procedure | received    | finished    | status | amount | method | state
        2.000001  |             |             | 1      | 5000   | online | paid
        2.000001  | 05/02 08:00 |             | 3      | 5000   | online | paid
        2.000001  | 05/02 08:00 | 06/02 08:00 | 10     | 5000   | cash   | paid
        2.000001  | 05/02 08:00 |             | 8      | 5000   | online | paid
        """, (1, 2)),
    Spec("payment_766", "tháng là tháng tiếp nhận", "the month is that of reception", """
        procedure | submitted   | received    | finished    | status | amount | method | state | paid
        2.000001  | 31/01 08:00 | 01/02 00:00 |             | 4      | 5000   | online | paid  | 03/03 08:00
        2.000001  | 28/02 08:00 | 29/02 23:59 | 01/03 08:00 | 10     | 5000   | cash   | paid  | 01/03 08:00
        2.000001  | 01/03 00:00 | 01/03 00:00 |             | 4      | 5000   | online | paid  | 29/02 08:00
        2.000001  | 30/01 08:00 | 31/01 23:59 | 02/02 08:00 | 10     | 5000   | online | paid  | 02/02 08:00
        """, (1, 2), "2024-02"),
]  # fmt: skip

_MONTHS = """
        submitted   | received    | finished    | status | input | result | e_result
        31/01 08:00 | 01/02 00:00 | 06/03 08:00 | 10     | 1     | true   | true
        28/02 08:00 | 29/02 23:59 | 01/03 08:00 | 10     | 0     | false  | false
        01/03 00:00 | 01/03 00:00 | 06/03 08:00 | 10     | 1     | true   | true
        30/01 08:00 | 31/01 23:59 | 02/02 08:00 | 10     | 1     | true   | true
        """

DIGITIZATION = [
    Spec("digitized_input", "được số hóa, tái sử dụng, tái sử dụng từ hồ sơ khác đều tính; chưa số hóa hoặc trống thì không",
        "digitized, reused and reused from another dossier count; not digitized or blank do not", """
        input | status
        0     | 4
        0     | 10
        1     | 4
        2     | 4
        3     | 4
              | 4
        """, (3, 6)),
    Spec("digitized_input", "mọi hồ sơ đã tiếp nhận, xong hay chưa; chưa tiếp nhận, từ chối thì không", "every dossier received, finished or not", """
        procedure | received    | finished    | status | input | result
        1.000001  | 05/02 08:00 | 06/02 08:00 | 10     | 1     | false
        9.000002  | 05/02 08:00 |             | 7      | 2     |
        9.000002  | 05/02 08:00 | 06/02 08:00 | 9      | 0     | true
        1.000001  | 05/02 08:00 |             | 3      | 1     |
        1.000001  |             |             | 1      | 1     |
        """, (2, 3)),
    Spec("digitized_input", "tháng là tháng tiếp nhận", "the month is that of reception", _MONTHS, (1, 2), "2024-02"),
    Spec("digitized_result", "hồ sơ đã xong của thủ tục có kết quả; 9.000002 không có kết quả", "finished dossiers whose procedure has a result; 9.000002 has none", """
        procedure | status | finished    | returned    | result | e_result | input
        1.000001  | 10     | 06/02 08:00 |             | true   | false    | 0
        1.000001  | 10     | 06/02 08:00 |             | true   |          | 0
        1.000001  | 9      | 06/02 08:00 |             | false  | true     | 1
        1.000001  | 9      |             | 06/02 08:00 |        |          |
        1.000001  | 9      |             |             | true   |          |
        1.000001  | 4      |             |             | true   |          |
        1.000001  | 4      | 06/02 08:00 |             | true   |          |
        1.000001  | 7      | 06/02 08:00 |             | true   |          |
        1.000001  | 8      | 06/02 08:00 |             | true   |          |
        1.000001  | 3      | 06/02 08:00 |             | true   |          |
        9.000002  | 10     | 06/02 08:00 |             | true   |          |
        """, (2, 4)),
    Spec("digitized_result", "tháng là tháng tiếp nhận", "the month is that of reception", _MONTHS, (1, 2), "2024-02"),
    Spec("e_result", "kết quả điện tử được cấp, không phải bản số hóa", "an electronic result issued, not a scan of the paper one", """
        procedure | status | finished    | e_result | result | input
        1.000001  | 10     | 06/02 08:00 | true     | false  | 0
        1.000001  | 10     | 06/02 08:00 | true     |        | 0
        1.000001  | 9      | 06/02 08:00 | false    | true   | 1
        1.000001  | 9      | 06/02 08:00 |          |        |
        1.000001  | 4      |             | true     |        |
        1.000001  | 7      | 06/02 08:00 | true     |        |
        9.000002  | 10     | 06/02 08:00 | true     |        |
        """, (2, 4)),
    Spec("e_result", "tháng là tháng tiếp nhận", "the month is that of reception", _MONTHS, (1, 2), "2024-02"),
    Spec("digitized", "đủ thành phần, và kết quả nếu thủ tục có kết quả", "components, and the result where there is one", """
        procedure | status | finished    | input | result | e_result
        1.000001  | 10     | 06/02 08:00 | 1     | true   | false
        1.000001  | 10     | 06/02 08:00 | 2     | true   | false
        1.000001  | 9      | 06/02 08:00 | 3     | true   |
        1.000001  | 10     | 06/02 08:00 | 1     | false  | true
        1.000001  | 10     | 06/02 08:00 | 3     | false  |
        1.000001  | 10     | 06/02 08:00 | 1     |        | true
        1.000001  | 10     | 06/02 08:00 | 0     | true   | true
        1.000001  | 10     | 06/02 08:00 |       | true   | true
        9.000002  | 10     | 06/02 08:00 | 2     |        |
        9.000002  | 10     | 06/02 08:00 | 0     |        |
        """, (4, 10)),
    Spec("digitized", "chỉ hồ sơ đã tiếp nhận và đã xong", "only dossiers received and finished", """
        received    | status | finished    | input | result
        05/02 08:00 | 4      |             | 1     | true
        05/02 08:00 | 4      | 06/02 08:00 | 1     | true
        05/02 08:00 | 7      | 06/02 08:00 | 1     | true
        05/02 08:00 | 3      | 06/02 08:00 | 1     | true
                    | 10     | 06/02 08:00 | 1     | true
        """, (0, 0)),
    Spec("digitized", "tháng là tháng tiếp nhận", "the month is that of reception", _MONTHS, (1, 2), "2024-02"),
    Spec("digitized_766", "hồ sơ chưa xong chỉ xét thành phần; đã xong xét cả kết quả nếu thủ tục có kết quả",
        "an unfinished dossier needs its components only; a finished one its result too, where there is one", """
        procedure | status | finished    | input | result | e_result
        1.000001  | 4      |             | 1     |        |
        1.000001  | 4      |             | 2     | false  |
        1.000001  | 4      |             | 3     | false  |
        1.000001  | 5      |             | 1     |        |
        1.000001  | 7      | 06/02 08:00 | 3     |        |
        1.000001  | 4      |             | 0     | true   | true
        1.000001  | 4      |             |       |        |
        1.000001  | 10     | 06/02 08:00 | 1     | true   | false
        1.000001  | 10     | 06/02 08:00 | 1     | false  | true
        1.000001  | 10     | 06/02 08:00 | 3     | false  |
        1.000001  | 10     | 06/02 08:00 | 1     |        | true
        1.000001  | 9      | 06/02 08:00 | 0     | true   |
        9.000002  | 10     | 06/02 08:00 | 2     |        |
        9.000002  | 9      | 06/02 08:00 | 0     |        |
        9.000002  | 4      |             | 1     |        |
        """, (8, 15)),
    Spec("digitized_766", "chưa tiếp nhận, từ chối thì không tính", "not received or refused: not counted", """
        received    | status | input
                    | 1      | 1
        05/02 08:00 | 3      | 1
        """, (0, 0)),
    Spec("digitized_766", "tháng là tháng tiếp nhận", "the month is that of reception", _MONTHS, (1, 2), "2024-02"),
]  # fmt: skip

_ACROSS = """
        submitted   | received    | due         | finished    | status
        10/01 08:00 | 10/01 08:00 | 10/02 17:00 | 15/02 08:00 | 10
        """
_EDGES_766 = """
        submitted   | received    | due         | finished    | status
        30/01 08:00 | 31/01 23:59 | 20/03 17:00 |             | 4
        30/01 08:00 | 31/01 23:59 | 20/03 17:00 | 01/02 00:00 | 10
        30/01 08:00 | 30/01 08:00 | 20/03 17:00 | 29/02 23:59 | 10
        30/01 08:00 | 30/01 08:00 | 20/03 17:00 | 31/01 23:59 | 10
        30/01 08:00 | 30/01 08:00 | 20/03 17:00 | 01/03 00:00 | 10
        31/01 08:00 | 01/02 00:00 | 20/03 17:00 |             | 4
        28/02 08:00 | 29/02 23:59 | 28/02 17:00 |             | 4
        28/02 08:00 | 01/03 00:00 | 20/03 17:00 |             | 4
        """

NATIONAL = [
    Spec("on_time_766", "tính theo ngày: xong 18:00 ngày hẹn trả là đúng hạn, hôm sau là trễ; không có hạn là đúng hạn",
        "the day counts: finished at 18:00 on the due date is on time, the day after late; no due date is on time", """
        due         | finished    | returned    | status
        12/02 11:30 | 12/02 18:00 |             | 10
        12/02 11:30 | 13/02 07:00 |             | 10
        12/02 11:30 |             | 12/02 18:00 | 9
        12/02 11:30 | 13/02 07:00 | 12/02 18:00 | 9
                    | 20/02 18:00 |             | 10
                    |             |             | 4
        """, (4, 6), "2024-02"),
    Spec("on_time_766", "chưa xong mà còn trong hạn vào ngày cuối kỳ là đúng hạn: đến hạn ngày cuối tháng còn đúng hạn, trước đó một ngày là trễ",
        "open and within its deadline on the last day of the period is on time: due on that day still is, the day before is late", """
        due         | status
        29/02 00:00 | 4
        29/02 23:59 | 4
        01/03 07:00 | 2
        28/02 23:59 | 4
        """, (3, 4), "2024-02"),
    Spec("on_time_766", "kỳ đang chạy xét đến ngày chốt (15/03)", "a period still running is judged on the day of the figures (15/03)", """
        submitted   | received    | due         | status
        01/03 08:00 | 01/03 08:00 | 15/03 07:00 | 4
        01/03 08:00 | 01/03 08:00 | 14/03 17:00 | 4
        01/03 08:00 | 01/03 08:00 | 16/03 17:00 | 4
        """, (2, 3), "2024-03"),
    Spec("on_time_766", "trạng thái đã xong mà không có ngày, hoặc có ngày mà chưa xong: xét như hồ sơ đang xử lý",
        "a status of the end without a date, or a date without such a status: judged as open", """
        due         | finished    | status
        20/03 17:00 |             | 10
        28/02 17:00 |             | 9
        20/02 17:00 | 15/02 08:00 | 4
        20/03 17:00 | 15/02 08:00 | 5
        """, (2, 4), "2024-02"),
    Spec("on_time_766", "rút, dừng xử lý có ngày kết thúc: xét theo ngày đó; tạm dừng xét như đang xử lý; từ chối, chưa tiếp nhận không tính",
        "withdrawn and stopped ones are judged by their end, paused ones as open; refused and not received: not counted", """
        received    | due         | finished    | status
        05/02 08:00 | 12/02 17:00 | 12/02 09:00 | 7
        05/02 08:00 | 12/02 17:00 | 12/02 09:00 | 8
        05/02 08:00 | 12/02 17:00 | 13/02 09:00 | 7
        05/02 08:00 | 12/02 17:00 |             | 6
        05/02 08:00 | 12/03 17:00 |             | 5
        05/02 08:00 | 12/03 17:00 | 06/02 08:00 | 3
                    | 12/03 17:00 | 06/02 08:00 | 10
        """, (3, 5), "2024-02"),
    Spec("on_time_766", "yêu cầu bổ sung quá một lần là quá hạn; một lần, không lần nào, không rõ thì xét theo hạn",
        "more than one supplement request counts as late; one, none or unknown are judged by the deadline", """
        supplements | due         | finished    | status
        0           | 12/02 17:00 | 06/02 08:00 | 10
        0           | 12/03 17:00 |             | 4
        1           | 12/02 17:00 | 06/02 08:00 | 10
        2           | 12/02 17:00 | 06/02 08:00 | 10
        3           | 12/03 17:00 |             | 4
                    | 12/02 17:00 | 06/02 08:00 | 10
        1           | 12/03 17:00 |             | 5
        1           | 12/02 17:00 | 13/02 08:00 | 10
        2           |             |             | 5
        """, (5, 9), "2024-02"),
    Spec("on_time_766", "tiếp nhận tháng 1, hạn 10/02, xong 15/02: tháng 1 còn trong hạn nên đúng hạn …",
        "received in January, due 10/02, ended 15/02: in January still within the deadline, so on time …", _ACROSS, (1, 1), "2024-01"),
    Spec("on_time_766", "… tháng 2 xong sau hạn nên trễ …", "… in February ended after it, so late …", _ACROSS, (0, 1), "2024-02"),
    Spec("on_time_766", "… tháng 3 không còn …", "… in March no longer there …", _ACROSS, (0, 0), "2024-03"),
    Spec("on_time_766", "… và quý chỉ đếm một lần", "… and the quarter counts it once", _ACROSS, (0, 1), "2024-Q1"),
    Spec("on_time_766", "kỳ nửa mở cho cả ngày tiếp nhận và ngày kết thúc; hồ sơ của tháng trước chưa xong không tính ở tháng này",
        "half-open for reception and end alike; an open dossier of the month before does not count in this one", _EDGES_766, (3, 4), "2024-02"),
    Spec("on_time_766", "cùng những hồ sơ đó trong tháng 1: kết thúc phút cuối tháng đã kết thúc, sau đó là đang xử lý",
        "the same dossiers in January: those ended later are open at its end", _EDGES_766, (5, 5), "2024-01"),
    Spec("on_time_766", "kết thúc sau kỳ thì ngày kết thúc không xét: quá hạn cuối kỳ là trễ, dù sau này thế nào",
        "an end after the period is not looked at: the deadline against the period's last day decides", """
        received    | due         | finished    | status
        05/02 08:00 | 28/02 17:00 | 01/03 08:00 | 10
        05/02 08:00 | 29/02 17:00 | 01/03 08:00 | 10
        05/02 08:00 | 29/02 17:00 | 29/02 23:00 | 10
        05/02 08:00 | 28/02 17:00 | 28/02 23:00 | 10
        05/02 08:00 | 28/02 17:00 | 29/02 01:00 | 10
        """, (3, 5), "2024-02"),
    Spec("on_time_766", "ngày kết thúc ghi sau ngày chốt (lỗi nguồn, có cảnh báo): vẫn xét theo ngày ấy, như on_time",
        "an end recorded after the day of the figures (a source error, warned of) is judged as recorded, as in on_time", """
        submitted   | received    | due         | finished    | status
        01/03 08:00 | 01/03 08:00 | 20/03 17:00 | 31/03 08:00 | 10
        01/03 08:00 | 01/03 08:00 | 20/03 17:00 | 20/03 08:00 | 10
        """, (1, 2), "2024-03"),
    Spec("on_time_766", "phí, số hóa, danh mục không ảnh hưởng", "fees, digitization, catalogue and results make no difference", """
        procedure | channel | amount | method | state | input | result | e_result | finished    | status
        9.000002  | counter |        |        |       |       |        |          | 06/02 09:00 | 10
        2.000001  | online  | 5000   | online | paid  | 1     | true   | true     | 13/02 09:00 | 10
        """, (1, 2), "2024-02"),
]  # fmt: skip

FORM_06 = [
    Spec("on_time_resolved", "tính theo ngày: xong trong ngày hẹn trả là đúng hạn; không có hạn là đúng hạn",
        "the day counts: ended on the due date is on time; no due date is on time", """
        due         | finished    | returned    | status
        12/02 11:30 | 12/02 18:00 |             | 10
        12/02 11:30 | 13/02 07:00 |             | 10
        12/02 11:30 | 11/02 07:00 |             | 10
        12/02 11:30 |             | 12/02 18:00 | 9
        12/02 11:30 | 13/02 07:00 | 12/02 18:00 | 9
                    | 20/02 18:00 |             | 10
        """, (4, 6)),
    Spec("on_time_resolved", "rút, dừng có ngày kết thúc được tính; đang xử lý, tạm dừng, từ chối, chưa tiếp nhận, không có ngày thì không",
        "withdrawn and stopped ones with an end count; open, paused, refused, not received or undated ones do not", """
        received    | due         | finished    | status
        05/02 08:00 | 12/02 17:00 | 12/02 09:00 | 7
        05/02 08:00 | 12/02 17:00 | 13/02 09:00 | 8
        05/02 08:00 | 12/02 17:00 |             | 7
        05/02 08:00 | 12/02 17:00 |             | 10
        05/02 08:00 | 12/02 17:00 |             | 4
        05/02 08:00 | 12/02 17:00 | 06/02 09:00 | 4
        05/02 08:00 | 12/02 17:00 | 06/02 09:00 | 5
        05/02 08:00 | 12/02 17:00 | 06/02 09:00 | 6
        05/02 08:00 | 12/02 17:00 | 06/02 09:00 | 3
                    | 12/02 17:00 | 06/02 09:00 | 10
        """, (1, 2)),
    Spec("on_time_resolved", "xếp theo ngày kết thúc, không theo ngày tiếp nhận; hồ sơ kỳ trước chuyển sang vẫn tính",
        "placed by the end, not by reception; dossiers carried over count", """
        submitted   | received    | due         | finished    | returned    | status
        10/01 08:00 | 10/01 08:00 | 20/03 17:00 | 31/01 23:59 | 02/02 08:00 | 10
        10/01 08:00 | 10/01 08:00 | 20/03 17:00 | 01/02 00:00 |             | 10
        10/01 08:00 | 10/01 08:00 | 20/01 17:00 | 29/02 23:59 | 01/03 08:00 | 10
        05/02 08:00 | 05/02 08:00 | 20/03 17:00 | 01/03 00:00 |             | 10
        """, (1, 2), "2024-02"),
    Spec("on_time_resolved", "hồ sơ quá hạn chưa xong không bị tính; không có hồ sơ nào kết thúc thì không có tỷ lệ",
        "overdue dossiers still open do not count; none ended, no rate", """
        due         | status
        06/02 17:00 | 4
        """, (0, 0)),
    Spec("on_time_resolved", "bổ sung, phí, số hóa, danh mục không ảnh hưởng", "supplements, fees, digitization and catalogue make no difference", """
        procedure | supplements | amount | method | state | input | result | e_result | finished    | status
        9.000002  | 2           |        |        |       |       |        |          | 06/02 09:00 | 10
        2.000001  |             | 5000   | online | paid  | 1     | true   | true     | 13/02 09:00 | 10
        """, (1, 2)),
]  # fmt: skip

SPECS = [*ON_TIME, *ONLINE, *WAITING, *PAYMENT, *DIGITIZATION, *NATIONAL, *FORM_06]

# The codes are made up; R1 is given up on 14 February, its area goes to R2, and the code is used again for another unit from 1 March.
REFORM_UNITS = """
000.R1.58.H48,UBND xã Cũ,commune,2003-01-01,2024-02-14,000.R2.58.H48
000.R2.58.H48,UBND xã Kế Thừa,commune,2003-01-01,,
000.R1.58.H48,UBND xã Dùng Lại Mã,commune,2024-03-01,,
"""
REFORM_WORDS = ("mã cũ được dùng lại cho đơn vị khác: mỗi hồ sơ thuộc đơn vị có hiệu lực vào ngày tiếp nhận, không có thì đơn vị gần ngày đó nhất; theo đơn vị hiện nay, xã Cũ cộng vào xã Kế Thừa",
    "a code used again: a dossier belongs to the unit valid on its day of reception, else to the nearest in time; as units are today, xã Cũ is added to xã Kế Thừa")  # fmt: skip
REFORMS = [
    Reform("on_time_resolved", *REFORM_WORDS, REFORM_UNITS, """
        unit            | submitted   | received    | due         | finished    | status
        UBND xã Cũ      | 05/02 08:00 | 05/02 08:00 | 12/02 17:00 | 06/02 08:00 | 10
        #000.R1.58.H48  | 14/02 08:00 | 14/02 23:59 | 20/02 17:00 | 21/02 08:00 | 10
        #000.R1.58.H48  | 22/02 08:00 | 22/02 08:00 | 28/02 17:00 | 28/02 08:00 | 10
        #000.R1.58.H48  | 23/02 08:00 | 23/02 08:00 | 28/02 17:00 | 28/02 08:00 | 10
        UBND xã Kế Thừa | 05/02 08:00 | 05/02 08:00 | 12/02 17:00 | 12/02 08:00 | 10
        #000.R1.58.H48  | 01/03 00:00 | 01/03 00:00 | 12/03 17:00 | 12/03 08:00 | 10
        """,
        {("000.R1.58.H48", "2003-01-01"): (2, 3), ("000.R2.58.H48", "2003-01-01"): (1, 1), ("000.R1.58.H48", "2024-03-01"): (2, 2)},
        {("000.R2.58.H48", "2003-01-01"): (3, 4), ("000.R1.58.H48", "2024-03-01"): (2, 2)}),
    Reform("payment_procedures", "thủ tục của đơn vị cũ và đơn vị kế thừa được đếm lại, không cộng", "procedures of predecessor and successor are counted again, not added",
        REFORM_UNITS, """
        unit            | procedure | received    | amount | method | state
        UBND xã Cũ      | 1.000001  | 05/02 08:00 | 5000   | online | paid
        UBND xã Kế Thừa | 1.000001  | 05/02 08:00 | 5000   | cash   | paid
        UBND xã Kế Thừa | 1.000002  | 05/02 08:00 | 5000   | cash   | paid
        """,
        {("000.R1.58.H48", "2003-01-01"): (1, 1), ("000.R2.58.H48", "2003-01-01"): (0, 2)},
        {("000.R2.58.H48", "2003-01-01"): (1, 2)}),
]  # fmt: skip
