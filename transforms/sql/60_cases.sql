-- Grain: one row a dossier, in its latest known state.
-- Waiting hours are a difference of two readings of the working calendar: no loop, exact to the second.
-- Inputs: work.latest_cases, work.latest_digitization, core.procedures, core.payments, work.office_days (core.calendar and the calendars of offices with hours of
-- their own), work.moment (as_of, restart_at_payment).
-- Readers: the measures; 80_flags.sql; analysts.

-- The reception clock runs for dossiers submitted online and not refused, from submission to reception or to as_of. Where the office has
-- switched it so, a fee that had to be paid in advance restarts the clock at its payment.
CREATE TABLE work.waiting AS
WITH prepaid AS (
    SELECT p.case_code, max(p.paid_at) AS paid_at
    FROM core.payments AS p
    CROSS JOIN work.moment AS m
    WHERE m.restart_at_payment AND p.collection = 'before' AND p.payment_state = 'paid' AND p.amount > 0
    GROUP BY p.case_code
),
clock AS (
    SELECT c.case_code, c.unit_code, c.unit_valid_from, c.submitted_at,
           CASE WHEN p.paid_at > c.submitted_at AND p.paid_at <= coalesce(c.received_at, m.as_of) THEN p.paid_at ELSE c.submitted_at END AS started_at,
           coalesce(c.received_at, m.as_of) AS stopped_at
    FROM work.latest_cases AS c
    CROSS JOIN work.moment AS m
    LEFT JOIN prepaid AS p ON p.case_code = c.case_code
    WHERE c.channel = 'online' AND c.submitted_at IS NOT NULL AND c.status_code <> 3
),
seconds AS (
    SELECT k.case_code, coalesce(o.office, '') AS office,
           CAST(k.started_at AS DATE) AS start_day, CAST(k.stopped_at AS DATE) AS stop_day,
           CAST(extract(hour FROM k.started_at) * 3600 + extract(minute FROM k.started_at) * 60 + extract(second FROM k.started_at) AS BIGINT) AS start_second,
           CAST(extract(hour FROM k.stopped_at) * 3600 + extract(minute FROM k.stopped_at) * 60 + extract(second FROM k.stopped_at) AS BIGINT) AS stop_second
    FROM clock AS k
    LEFT JOIN (SELECT DISTINCT office FROM work.office_days) AS o ON o.office = k.unit_code
),
readings AS (
    SELECT s.case_code, (b.day_number - a.day_number) * 86400 + s.stop_second - s.start_second AS clock_seconds,
           a.worked_before + least(greatest(s.start_second - a.morning_from, 0), a.morning_to - a.morning_from)
                           + least(greatest(s.start_second - a.afternoon_from, 0), a.afternoon_to - a.afternoon_from) AS start_reading,
           b.worked_before + least(greatest(s.stop_second - b.morning_from, 0), b.morning_to - b.morning_from)
                           + least(greatest(s.stop_second - b.afternoon_from, 0), b.afternoon_to - b.afternoon_from) AS stop_reading
    FROM seconds AS s
    JOIN work.office_days AS a ON a.office = s.office AND a.date = s.start_day
    JOIN work.office_days AS b ON b.office = s.office AND b.date = s.stop_day
)
SELECT case_code, CAST(greatest(stop_reading - start_reading, 0) AS DOUBLE) / 3600.0 AS waiting_hours,
       CAST(greatest(clock_seconds, 0) AS DOUBLE) / 3600.0 AS waiting_clock_hours
FROM readings;

INSERT INTO core.cases
WITH fees AS (
    SELECT case_code, sum(CASE WHEN is_counted THEN amount ELSE 0 END) AS fee_amount,
           max(CASE WHEN is_counted THEN 1 ELSE 0 END) AS counted, max(CASE WHEN is_paid_online THEN 1 ELSE 0 END) AS paid,
           min(CASE WHEN is_paid_online THEN paid_at END) AS paid_at, count(*) AS fee_lines,
           max(CASE WHEN amount > 0 THEN 1 ELSE 0 END) AS positive,
           max(CASE WHEN amount > 0 AND payment_state = 'paid' AND method = 'online' THEN 1 ELSE 0 END) AS online_line
    FROM core.payments
    GROUP BY case_code
)
SELECT c.case_code, c.unit_code, c.unit_valid_from, c.procedure_code, coalesce(c.field_vi, p.field_vi) AS field_vi,
       coalesce(p.service_level, c.service_level) AS service_level, c.channel,
       c.submitted_at, c.received_at, c.due_at, c.finished_at, c.returned_at, c.status_code,
       CASE WHEN f.counted = 1 THEN TRUE ELSE FALSE END AS is_fee_bearing, CAST(coalesce(f.fee_amount, 0) AS BIGINT) AS fee_amount,
       CASE WHEN f.paid = 1 THEN TRUE ELSE FALSE END AS is_paid_online, f.paid_at,
       d.digitized_input_code, d.is_result_digitized, d.is_e_result, coalesce(p.has_result, TRUE) AS has_result,
       CASE WHEN c.received_at IS NOT NULL AND c.status_code <> 3 THEN TRUE ELSE FALSE END AS is_received,
       CASE WHEN c.status_code IN (9, 10) AND coalesce(c.finished_at, c.returned_at) IS NOT NULL THEN TRUE ELSE FALSE END AS is_finished,
       coalesce(c.finished_at, c.returned_at) AS ended_at,
       w.waiting_hours, w.waiting_hours AS waiting_working_hours, w.waiting_clock_hours,
       CASE WHEN c.status_code IN (7, 8, 9, 10) AND coalesce(c.finished_at, c.returned_at) IS NOT NULL THEN TRUE ELSE FALSE END AS is_ended,
       c.supplement_count, p.fee_amount AS procedure_fee, coalesce(f.fee_lines, 0) AS fee_lines,
       CASE WHEN f.positive = 1 THEN TRUE ELSE FALSE END AS has_positive_line, CASE WHEN f.online_line = 1 THEN TRUE ELSE FALSE END AS has_online_line,
       CASE WHEN p.procedure_code IS NOT NULL THEN TRUE ELSE FALSE END AS is_listed,
       c.file_id, c.sheet, c.row_number
FROM work.latest_cases AS c
LEFT JOIN core.procedures AS p ON p.procedure_code = c.procedure_code
LEFT JOIN fees AS f ON f.case_code = c.case_code
LEFT JOIN work.latest_digitization AS d ON d.case_code = c.case_code
LEFT JOIN work.waiting AS w ON w.case_code = c.case_code;  -- not ordered: that would cost a third of the statement

-- Of a million dossiers each of these holds some hundred megabytes, and nothing that follows reads them.
DROP TABLE work.other_units;
DROP VIEW work.latest_digitization;
DROP VIEW work.latest_payments;
DROP TABLE work.newest_digitization;
DROP TABLE work.newest_payments;
DROP TABLE work.waiting;
