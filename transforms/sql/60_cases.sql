-- Grain: one row a dossier, in its latest known state.
-- Waiting hours are a difference of two readings of the working calendar: no loop, exact to the second.
-- Inputs: work.latest_cases, work.latest_digitization, core.procedures, core.payments, core.calendar, work.moment (as_of).
-- Readers: the measures; 80_flags.sql; analysts.

-- The reception clock runs for dossiers submitted online and not refused, from submission to reception or to as_of.
CREATE TABLE work.waiting AS
WITH clock AS (
    SELECT c.case_code, c.submitted_at AS started_at, coalesce(c.received_at, m.as_of) AS stopped_at
    FROM work.latest_cases AS c
    CROSS JOIN work.moment AS m
    WHERE c.channel = 'online' AND c.submitted_at IS NOT NULL AND c.status_code <> 3
),
seconds AS (
    SELECT case_code, CAST(started_at AS DATE) AS start_day, CAST(stopped_at AS DATE) AS stop_day,
           CAST(extract(hour FROM started_at) * 3600 + extract(minute FROM started_at) * 60 + extract(second FROM started_at) AS BIGINT) AS start_second,
           CAST(extract(hour FROM stopped_at) * 3600 + extract(minute FROM stopped_at) * 60 + extract(second FROM stopped_at) AS BIGINT) AS stop_second
    FROM clock
),
readings AS (
    SELECT s.case_code,
           a.worked_before + CASE WHEN a.is_working
               THEN least(greatest(s.start_second - a.morning_from, 0), a.morning_to - a.morning_from)
                  + least(greatest(s.start_second - a.afternoon_from, 0), a.afternoon_to - a.afternoon_from)
               ELSE 0 END AS start_reading,
           b.worked_before + CASE WHEN b.is_working
               THEN least(greatest(s.stop_second - b.morning_from, 0), b.morning_to - b.morning_from)
                  + least(greatest(s.stop_second - b.afternoon_from, 0), b.afternoon_to - b.afternoon_from)
               ELSE 0 END AS stop_reading
    FROM seconds AS s
    JOIN core.calendar AS a ON a.date = s.start_day
    JOIN core.calendar AS b ON b.date = s.stop_day
)
SELECT case_code, CAST(greatest(stop_reading - start_reading, 0) AS DOUBLE) / 3600.0 AS waiting_hours
FROM readings;

INSERT INTO core.cases
WITH fees AS (
    SELECT case_code, sum(CASE WHEN is_counted THEN amount ELSE 0 END) AS fee_amount,
           max(CASE WHEN is_counted THEN 1 ELSE 0 END) AS counted, max(CASE WHEN is_paid_online THEN 1 ELSE 0 END) AS paid,
           min(CASE WHEN is_paid_online THEN paid_at END) AS paid_at
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
       w.waiting_hours, CASE WHEN p.procedure_code IS NOT NULL THEN TRUE ELSE FALSE END AS is_listed,
       c.file_id, c.sheet, c.row_number
FROM work.latest_cases AS c
LEFT JOIN core.procedures AS p ON p.procedure_code = c.procedure_code
LEFT JOIN fees AS f ON f.case_code = c.case_code
LEFT JOIN work.latest_digitization AS d ON d.case_code = c.case_code
LEFT JOIN work.waiting AS w ON w.case_code = c.case_code
ORDER BY c.case_code;
