-- Grain: one row a dossier, in its latest known state.
-- Waiting hours are a difference of two readings of the working calendar: no loop, exact to the second.
-- Inputs: work.latest_cases, work.latest_digitization, core.procedures, core.payments, work.office_days (core.calendar and the calendars of offices with hours of
-- their own), work.moment (as_of, restart_at_payment).
-- Readers: the measures; 80_flags.sql; analysts.

-- The reception clock runs for dossiers submitted online and not refused, from submission to reception or to as_of. Where the office has
-- switched it so, a fee that had to be paid in advance restarts the clock at its payment, the last one before the reception: what was paid after it, or bears a
-- date still to come, takes nothing from the payments before.
INSERT INTO core.cases
WITH fees AS (
    SELECT case_code, sum(CASE WHEN is_counted THEN amount ELSE 0 END) AS fee_amount,
           max(CASE WHEN is_counted THEN 1 ELSE 0 END) AS counted, max(CASE WHEN is_paid_online THEN 1 ELSE 0 END) AS paid,
           min(CASE WHEN is_paid_online THEN paid_at END) AS paid_at, count(*) AS fee_lines,
           max(CASE WHEN amount > 0 THEN 1 ELSE 0 END) AS positive,
           max(CASE WHEN amount > 0 AND payment_state = 'paid' AND method = 'online' THEN 1 ELSE 0 END) AS online_line
    FROM core.payments
    GROUP BY case_code
),
prepaid AS (
    SELECT p.case_code, max(p.paid_at) AS paid_at
    FROM core.payments AS p
    CROSS JOIN work.moment AS m
    JOIN work.latest_cases AS c ON c.case_code = p.case_code
    WHERE m.restart_at_payment AND p.collection = 'before' AND p.payment_state = 'paid' AND p.amount > 0 AND p.paid_at <= coalesce(c.received_at, m.as_of)
    GROUP BY p.case_code
),
offices AS (
    SELECT DISTINCT office FROM work.office_days
),
clocks AS (
    SELECT c.*, coalesce(c.received_at, m.as_of) AS stopped_at,
           CASE WHEN c.channel = 'online' AND c.status_code <> 3
                THEN CASE WHEN p.paid_at > c.submitted_at THEN p.paid_at ELSE c.submitted_at END END AS started_at,
           coalesce(o.office, '') AS office
    FROM work.latest_cases AS c
    CROSS JOIN work.moment AS m
    LEFT JOIN prepaid AS p ON p.case_code = c.case_code
    LEFT JOIN offices AS o ON o.office = c.unit_code
),
seconds AS (
    SELECT c.*,
           CAST(extract(hour FROM started_at) * 3600 + extract(minute FROM started_at) * 60 + extract(second FROM started_at) AS BIGINT) AS start_second,
           CAST(extract(hour FROM stopped_at) * 3600 + extract(minute FROM stopped_at) * 60 + extract(second FROM stopped_at) AS BIGINT) AS stop_second
    FROM clocks AS c
),
-- Of a dossier whose clock never ran, or ran outside the calendar, both are NULL.
waited AS (
    SELECT s.*, (b.day_number - a.day_number) * 86400 + s.stop_second - s.start_second AS clock_seconds,
           b.worked_before + least(greatest(s.stop_second - b.morning_from, 0), b.morning_to - b.morning_from)
                           + least(greatest(s.stop_second - b.afternoon_from, 0), b.afternoon_to - b.afternoon_from)
           - a.worked_before - least(greatest(s.start_second - a.morning_from, 0), a.morning_to - a.morning_from)
                             - least(greatest(s.start_second - a.afternoon_from, 0), a.afternoon_to - a.afternoon_from) AS working_seconds
    FROM seconds AS s
    LEFT JOIN work.office_days AS a ON a.office = s.office AND a.date = CAST(s.started_at AS DATE)
    LEFT JOIN work.office_days AS b ON b.office = s.office AND b.date = CAST(s.stopped_at AS DATE)
),
hours AS (
    SELECT w.*, CASE WHEN w.clock_seconds IS NOT NULL THEN CAST(greatest(w.working_seconds, 0) AS DOUBLE) / 3600.0 END AS waiting_hours,
           CASE WHEN w.clock_seconds IS NOT NULL THEN CAST(greatest(w.clock_seconds, 0) AS DOUBLE) / 3600.0 END AS waiting_clock_hours
    FROM waited AS w
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
       c.waiting_hours, c.waiting_hours AS waiting_working_hours, c.waiting_clock_hours,
       CASE WHEN c.status_code IN (7, 8, 9, 10) AND coalesce(c.finished_at, c.returned_at) IS NOT NULL THEN TRUE ELSE FALSE END AS is_ended,
       c.supplement_count, p.fee_amount AS procedure_fee, coalesce(f.fee_lines, 0) AS fee_lines,
       CASE WHEN f.positive = 1 THEN TRUE ELSE FALSE END AS has_positive_line, CASE WHEN f.online_line = 1 THEN TRUE ELSE FALSE END AS has_online_line,
       CASE WHEN p.procedure_code IS NOT NULL THEN TRUE ELSE FALSE END AS is_listed,
       c.file_id, c.sheet, c.row_number
FROM hours AS c
LEFT JOIN core.procedures AS p ON p.procedure_code = c.procedure_code
LEFT JOIN fees AS f ON f.case_code = c.case_code
LEFT JOIN work.latest_digitization AS d ON d.case_code = c.case_code;  -- not ordered: that would cost a third of the statement

-- Of a million dossiers each of these holds some hundred megabytes, and nothing that follows reads them.
DROP TABLE work.other_units;
DROP VIEW work.latest_digitization;
DROP VIEW work.latest_payments;
DROP TABLE work.newest_digitization;
DROP TABLE work.newest_payments;
