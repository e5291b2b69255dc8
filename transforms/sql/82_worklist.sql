-- Grain: mart.open_cases one row an open dossier with its deadlines; mart.worklist those to be taken up next, most urgent first.
-- Remaining hours are a difference of two readings of the working calendar, the reception deadline a reading looked up backwards: no loop.
-- A deadline without time of day counts to the end of that working day. A dossier is overdue by its date, as in the measure on_time: on its
-- last day it is due, with hours below 0 once the hour has passed.
-- Inputs: core.cases, work.office_days (the calendar of everybody, and of units with hours of their own), core.units, work.moment, work.thresholds.
-- Readers: the summaries, analysts.

CREATE TABLE work.workday_numbers AS
SELECT office, date, is_working, worked_before, morning_from, morning_to, afternoon_from, afternoon_to,
       CAST(morning_to - morning_from AS BIGINT) AS morning_seconds,
       CAST(morning_to - morning_from + afternoon_to - afternoon_from AS BIGINT) AS day_seconds,
       CAST(sum(CASE WHEN is_working THEN 1 ELSE 0 END) OVER (PARTITION BY office ORDER BY date ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS BIGINT)
           AS workdays_through
FROM work.office_days;

-- share_of_today_left: of today's working hours, what is still to come; 0 on a day when nobody works.
CREATE TABLE work.now_reading AS
WITH clock AS (
    SELECT as_of, CAST(as_of AS DATE) AS today,
           CAST(extract(hour FROM as_of) * 3600 + extract(minute FROM as_of) * 60 + extract(second FROM as_of) AS BIGINT) AS second
    FROM work.moment
),
readings AS (
    SELECT k.office, c.as_of, c.today, k.workdays_through, k.worked_before, k.day_seconds,
           k.worked_before + least(greatest(c.second - k.morning_from, 0), k.morning_to - k.morning_from)
                           + least(greatest(c.second - k.afternoon_from, 0), k.afternoon_to - k.afternoon_from) AS reading
    FROM clock AS c
    JOIN work.workday_numbers AS k ON k.date = c.today
)
SELECT office, as_of, today, workdays_through, reading,
       coalesce(CAST(worked_before + day_seconds - reading AS DOUBLE) / nullif(CAST(day_seconds AS DOUBLE), 0), 0.0) AS share_of_today_left
FROM readings;

-- waiting: for reception; processing: the deadline runs; paused: the citizen is to supplement or to pay.
CREATE TABLE work.open_dossiers AS
SELECT c.case_code, c.unit_code, c.unit_valid_from, coalesce(o.office, '') AS office, c.status_code, c.submitted_at, c.received_at, c.due_at, c.waiting_hours,
       CASE WHEN c.received_at IS NULL THEN 'waiting' WHEN c.status_code IN (5, 6) THEN 'paused' ELSE 'processing' END AS state
FROM core.cases AS c
LEFT JOIN (SELECT DISTINCT office FROM work.office_days) AS o ON o.office = c.unit_code
WHERE c.status_code IN (1, 2, 4, 5, 6) AND NOT c.is_finished;

INSERT INTO mart.open_cases
WITH due AS (
    SELECT case_code, office, CAST(due_at AS DATE) AS due_day,
           CAST(extract(hour FROM due_at) * 3600 + extract(minute FROM due_at) * 60 + extract(second FROM due_at) AS BIGINT) AS due_second
    FROM work.open_dossiers
    WHERE due_at IS NOT NULL
),
-- Without time of day: until the office closes; on a day when it does not open, until midnight.
ends AS (
    SELECT d.case_code, d.due_day, k.workdays_through, k.worked_before, k.morning_from, k.morning_to, k.afternoon_from, k.afternoon_to,
           CASE WHEN d.due_second > 0 THEN d.due_second WHEN k.day_seconds > 0 THEN CAST(k.afternoon_to AS BIGINT) ELSE CAST(86399 AS BIGINT) END AS until_second
    FROM due AS d
    JOIN work.workday_numbers AS k ON k.office = d.office AND k.date = d.due_day
),
due_readings AS (
    SELECT case_code, due_day, workdays_through, until_second,
           worked_before + least(greatest(until_second - morning_from, 0), morning_to - morning_from)
                         + least(greatest(until_second - afternoon_from, 0), afternoon_to - afternoon_from) AS reading
    FROM ends
),
-- The reading at which the limit is used up, then the one working day whose readings reach it.
reception_readings AS (
    SELECT o.case_code, o.office, n.reading + CAST(round((t.reception_limit_hours - o.waiting_hours) * 3600) AS BIGINT) AS reading
    FROM work.open_dossiers AS o
    JOIN work.now_reading AS n ON n.office = o.office
    CROSS JOIN work.thresholds AS t
    WHERE o.state = 'waiting' AND o.waiting_hours IS NOT NULL
),
reception_due AS (
    SELECT r.case_code, k.date,
           CASE WHEN r.reading - k.worked_before <= k.morning_seconds THEN k.morning_from + (r.reading - k.worked_before)
                ELSE k.afternoon_from + (r.reading - k.worked_before - k.morning_seconds) END AS second
    FROM reception_readings AS r
    JOIN work.workday_numbers AS k
      ON k.office = r.office AND k.is_working AND k.worked_before < r.reading AND r.reading <= k.worked_before + k.day_seconds
)
SELECT o.case_code, o.unit_code, o.unit_valid_from, o.state, o.status_code, o.submitted_at, o.received_at, o.due_at,
       CAST(d.due_day AS TIMESTAMP) + d.until_second * INTERVAL 1 SECOND AS deadline_at,
       CAST(d.reading - n.reading AS DOUBLE) / 3600.0 AS working_hours_left, d.workdays_through - n.workdays_through AS working_days_left,
       CASE WHEN o.state = 'processing' AND d.due_day < n.today THEN TRUE ELSE FALSE END AS is_overdue,
       CASE WHEN o.state = 'waiting' THEN o.waiting_hours END AS waited_hours,
       CAST(r.date AS TIMESTAMP) + r.second * INTERVAL 1 SECOND AS reception_due_at,
       CASE WHEN o.state = 'waiting' THEN t.reception_limit_hours - o.waiting_hours END AS reception_hours_left,
       n.as_of
FROM work.open_dossiers AS o
JOIN work.now_reading AS n ON n.office = o.office
CROSS JOIN work.thresholds AS t
LEFT JOIN due_readings AS d ON d.case_code = o.case_code
LEFT JOIN reception_due AS r ON r.case_code = o.case_code
ORDER BY o.case_code;

INSERT INTO mart.worklist
WITH urgent AS (
    SELECT o.case_code, o.unit_code, o.unit_valid_from, o.submitted_at, o.received_at, o.as_of, o.waited_hours,
           CASE WHEN o.waited_hours > t.reception_limit_hours THEN 'reception_over_8h'
                WHEN o.waited_hours > t.reception_warn_hours THEN 'reception_due'
                WHEN o.is_overdue THEN 'overdue'
                WHEN o.state = 'processing' AND o.working_days_left <= t.due_soon_working_days THEN 'due_soon' END AS problem,
           CASE WHEN o.state = 'waiting' THEN o.reception_due_at ELSE o.deadline_at END AS due_at,
           CASE WHEN o.state = 'waiting' THEN o.reception_hours_left ELSE o.working_hours_left END AS hours_left,
           o.working_days_left AS days_left
    FROM mart.open_cases AS o
    CROSS JOIN work.thresholds AS t
),
worded AS (
    SELECT u.*, CASE WHEN u.problem IN ('reception_over_8h', 'overdue') THEN 0 ELSE 1 END AS severity,
           vi_day(u.due_at) AS due_day_vi, vi_hour(u.due_at) AS due_hour_vi,
           vi_tenths(abs(floor(round(u.hours_left * 3600) / 360)) / 10) || ' giờ' AS left_vi, vi_tenths(ceil(u.waited_hours * 10) / 10) || ' giờ' AS waited_vi,
           replace(CAST(CAST(t.reception_limit_hours AS DECIMAL(12, 1)) AS STRING), '.0', '') || ' giờ làm việc' AS limit_vi
    FROM urgent AS u
    CROSS JOIN work.thresholds AS t
    WHERE u.problem IS NOT NULL
)
SELECT row_number() OVER (ORDER BY w.severity, w.hours_left NULLS LAST, w.due_at NULLS LAST, w.case_code) AS rank,
       w.case_code, w.unit_code, w.unit_valid_from, u.unit_name, u.level, c.procedure_code, c.field_vi, w.problem, w.due_at, w.hours_left,
       w.waited_hours, w.received_at, w.submitted_at,
       CASE WHEN w.problem = 'reception_over_8h' THEN 'Chờ tiếp nhận đã ' || w.waited_vi || ', quá ' || w.limit_vi || '; tiếp nhận ngay'
            WHEN w.problem = 'reception_due' THEN 'Chờ tiếp nhận đã ' || w.waited_vi || '; tiếp nhận trước ' || w.due_hour_vi || ' ngày ' || w.due_day_vi
                || ' để không quá ' || w.limit_vi
            WHEN w.problem = 'overdue' THEN 'Quá hạn (hẹn ngày ' || w.due_day_vi || '), đã quá ' || w.left_vi || ' làm việc'
            WHEN w.due_at < w.as_of THEN 'Đến hạn hôm nay, đã qua giờ hẹn ' || w.due_hour_vi || '; xong trong ngày vẫn tính đúng hạn'
            WHEN CAST(w.due_at AS DATE) = CAST(w.as_of AS DATE) THEN 'Đến hạn hôm nay lúc ' || w.due_hour_vi || ', còn ' || w.left_vi || ' làm việc'
            ELSE 'Đến hạn lúc ' || w.due_hour_vi || ' ngày ' || w.due_day_vi || ', còn ' || w.left_vi || ' làm việc ('
                || vi_count(w.days_left) || ' ngày)' END AS message_vi,
       w.as_of
FROM worded AS w
JOIN core.cases AS c ON c.case_code = w.case_code
JOIN core.units AS u ON u.unit_code = w.unit_code AND u.valid_from = w.unit_valid_from
ORDER BY rank;
