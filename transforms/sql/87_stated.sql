-- Grain: work.aggregates one row an aggregated export's kind, unit and period (the newest export that states it); work.aggregate_units its units.
-- Two rows of one sheet may name one unit: a commune that ended and its successor bear one name. Their figures are then added up, and so are
-- the dossiers of all units of that name.
-- A period that lies wholly before the first dossier or after as_of is not compared: there is nothing to compare it with (a rule warns of it).
-- Inputs: work.stated (rendered from reconciliation.yml), work.unit_refs, work.unit_names, work.files, work.moment, ops.rejects, core.cases, core.payments.
-- Readers: the counts rendered from reconciliation.yml, 88_reconciliation.sql, rules.yml.

CREATE TABLE work.stated_rows AS
WITH stated AS (
    SELECT DISTINCT source_kind, file_id, sheet, sheet_number, row_number, unit_ref, period_first, period_last
    FROM work.stated
),
known AS (
    SELECT CAST(date_trunc('month', min(c.received_at)) AS DATE) AS first_day, CAST(max(m.as_of) AS DATE) AS last_day
    FROM work.moment AS m
    LEFT JOIN core.cases AS c ON c.is_received
)
SELECT s.source_kind, s.file_id, s.sheet, s.sheet_number, s.row_number, s.unit_ref, u.unit_code, u.valid_from AS unit_valid_from, f.exported_at,
       s.period_first AS period_start, CAST(s.period_last + INTERVAL 1 DAY AS DATE) AS period_end,
       CASE WHEN s.period_first IS NULL THEN FALSE ELSE TRUE END AS has_period,
       CASE WHEN s.period_first >= k.first_day AND s.period_first <= k.last_day THEN TRUE ELSE FALSE END AS begins_inside,
       CASE WHEN s.period_last >= k.first_day AND s.period_first <= k.last_day THEN TRUE ELSE FALSE END AS is_comparable
FROM stated AS s
JOIN work.files AS f ON f.file_id = s.file_id AND f.status = 'loaded'
JOIN work.unit_refs AS u ON u.unit_ref = s.unit_ref AND u.on_date = coalesce(s.period_last, CAST(f.exported_at AS DATE))
CROSS JOIN known AS k
LEFT JOIN ops.rejects AS j ON j.file_id = s.file_id AND j.sheet_number = s.sheet_number AND j.row_number = s.row_number
WHERE j.file_id IS NULL;

CREATE TABLE work.aggregates AS
WITH sheets AS (
    SELECT source_kind, unit_code, unit_valid_from, period_start, period_end, file_id, sheet, sheet_number, exported_at,
           min(row_number) AS row_number, count(*) AS row_count,
           row_number() OVER (
               PARTITION BY source_kind, unit_code, unit_valid_from, period_start, period_end
               ORDER BY exported_at DESC NULLS LAST, file_id DESC, sheet_number DESC
           ) AS place
    FROM work.stated_rows
    WHERE is_comparable
    GROUP BY source_kind, unit_code, unit_valid_from, period_start, period_end, file_id, sheet, sheet_number, exported_at
)
SELECT row_number() OVER (ORDER BY source_kind, period_start, period_end, unit_code, unit_valid_from) AS aggregate_id,
       source_kind, unit_code, unit_valid_from, period_start, period_end, file_id, sheet, sheet_number, row_number, row_count, exported_at
FROM sheets
WHERE place = 1;

CREATE TABLE work.aggregate_units AS
WITH members AS (
    SELECT a.aggregate_id, a.unit_code, a.unit_valid_from
    FROM work.aggregates AS a
    UNION
    SELECT a.aggregate_id, n.unit_code, n.valid_from
    FROM work.aggregates AS a
    JOIN work.stated_rows AS r ON r.source_kind = a.source_kind AND r.file_id = a.file_id AND r.sheet_number = a.sheet_number
                              AND r.unit_code = a.unit_code AND r.unit_valid_from = a.unit_valid_from
                              AND r.period_start = a.period_start AND r.period_end = a.period_end
    JOIN work.unit_names AS n ON n.unit_ref = r.unit_ref
    WHERE a.row_count > 1
)
SELECT a.aggregate_id, a.source_kind, a.period_start, a.period_end, a.exported_at, m.unit_code, m.unit_valid_from, u.level
FROM members AS m
JOIN work.aggregates AS a ON a.aggregate_id = m.aggregate_id
JOIN core.units AS u ON u.unit_code = m.unit_code AND u.valid_from = m.unit_valid_from;

-- The dossiers of units that some aggregate is about.
CREATE TABLE work.countable_cases AS
SELECT c.unit_code AS case_unit_code, c.unit_valid_from AS case_unit_valid_from, c.case_code, c.procedure_code, c.field_vi, c.service_level, c.channel,
       c.submitted_at, c.received_at, c.due_at, c.finished_at, c.returned_at, c.status_code, c.is_fee_bearing, c.fee_amount, c.is_paid_online, c.paid_at,
       c.digitized_input_code, c.is_result_digitized, c.is_e_result, c.has_result, c.is_received, c.is_finished, c.ended_at, c.waiting_hours, c.is_ended,
       c.supplement_count, c.procedure_fee, c.fee_lines, c.has_positive_line, c.has_online_line, c.is_listed,
       CASE WHEN l.case_code IS NOT NULL THEN TRUE ELSE FALSE END AS has_paid_line
FROM core.cases AS c
LEFT JOIN (SELECT DISTINCT case_code FROM core.payments WHERE is_counted AND payment_state = 'paid') AS l ON l.case_code = c.case_code
WHERE c.unit_code IN (SELECT unit_code FROM work.aggregate_units);
