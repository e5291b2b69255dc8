-- Grain: one row a (unit_ref, on_date) met in the staged rows: which unit, of the several that had this name or code over time, it was.
-- unit_ref is the evened-out name in the unit cell, or '#' and the dossier code's prefix where the cell is blank.
-- The unit valid on the dossier's date wins; a name known only at other times still names its unit, the nearest in time.
-- work.case_rows: one row a state of a dossier's row at its newest place, with its unit (NULL: unknown). Rows of exports that repeat each other are one state
-- (state_id, all places in work.places); any other row is its own (state_id NULL). work.every_case_row,
-- work.every_payment_row, work.every_digitization_row: one row a row of an export.
-- Inputs: work.*_rows, work.places, work.chained_exports, work.files, work.unit_names.
-- Readers: 40_rejects.sql, 60_cases.sql, 68_coverage.sql, 91_deliveries.sql.

CREATE VIEW work.staged_cases AS
SELECT 0 AS source_rank, r.state_id, r.file_id, r.sheet, r.sheet_number, r.row_number, r.case_code, r.is_odd_code, r.unit_ref, r.unit_shown, r.procedure_code,
       r.field_vi, r.service_level, r.channel, r.submitted_at, r.received_at, r.due_at, r.finished_at, r.returned_at, r.status_code, r.supplement_count,
       CAST(coalesce(r.received_at, r.submitted_at, r.due_at, r.finished_at) AS DATE) AS dated_on,
       CAST(coalesce(r.received_at, r.submitted_at, r.due_at, r.finished_at, f.exported_at) AS DATE) AS on_date,
       f.file_number, f.exported_at, CASE WHEN f.status = 'loaded' THEN TRUE ELSE FALSE END AS is_loaded
FROM work.cases_rows AS r
JOIN work.files AS f ON f.file_id = r.file_id AND f.status IN ('loaded', 'later')
UNION ALL
SELECT 1 AS source_rank, r.state_id, r.file_id, r.sheet, r.sheet_number, r.row_number, r.case_code, r.is_odd_code, r.unit_ref, r.unit_shown, r.procedure_code,
       r.field_vi, r.service_level, r.channel, r.submitted_at, CAST(NULL AS TIMESTAMP), CAST(NULL AS TIMESTAMP), CAST(NULL AS TIMESTAMP),
       CAST(NULL AS TIMESTAMP), r.status_code, CAST(NULL AS BIGINT), CAST(r.submitted_at AS DATE), CAST(coalesce(r.submitted_at, f.exported_at) AS DATE), f.file_number, f.exported_at,
       CASE WHEN f.status = 'loaded' THEN TRUE ELSE FALSE END
FROM work.waiting_rows AS r
JOIN work.files AS f ON f.file_id = r.file_id AND f.status IN ('loaded', 'later');

-- Rows of the other kinds only name a unit; they are dated by their export.
CREATE TABLE work.other_units AS
SELECT r.file_id, r.sheet, r.sheet_number, r.row_number, r.unit_ref, r.unit_shown, CAST(f.exported_at AS DATE) AS on_date
FROM work.payments_rows AS r
JOIN work.files AS f ON f.file_id = r.file_id AND f.status IN ('loaded', 'later')
WHERE r.unit_ref IS NOT NULL
UNION ALL
SELECT r.file_id, r.sheet, r.sheet_number, r.row_number, r.unit_ref, r.unit_shown, CAST(f.exported_at AS DATE)
FROM work.digitization_rows AS r
JOIN work.files AS f ON f.file_id = r.file_id AND f.status IN ('loaded', 'later')
WHERE r.unit_ref IS NOT NULL
UNION ALL
SELECT r.file_id, r.sheet, r.sheet_number, r.row_number, coalesce(r.unit_ref, ''), r.unit_shown, coalesce(r.period_last, CAST(f.exported_at AS DATE))
FROM work.summary06_rows AS r
JOIN work.files AS f ON f.file_id = r.file_id AND f.status IN ('loaded', 'later')
UNION ALL
SELECT r.file_id, r.sheet, r.sheet_number, r.row_number, coalesce(r.unit_ref, ''), r.unit_shown, coalesce(r.period_last, CAST(f.exported_at AS DATE))
FROM work.receptions_summary_rows AS r
JOIN work.files AS f ON f.file_id = r.file_id AND f.status IN ('loaded', 'later')
UNION ALL
SELECT r.file_id, r.sheet, r.sheet_number, r.row_number, coalesce(r.unit_ref, ''), r.unit_shown, coalesce(r.period_last, CAST(f.exported_at AS DATE))
FROM work.payments_summary_rows AS r
JOIN work.files AS f ON f.file_id = r.file_id AND f.status IN ('loaded', 'later')
UNION ALL
SELECT r.file_id, r.sheet, r.sheet_number, r.row_number, coalesce(r.unit_ref, ''), r.unit_shown, coalesce(r.period_last, CAST(f.exported_at AS DATE))
FROM work.digitization_summary_rows AS r
JOIN work.files AS f ON f.file_id = r.file_id AND f.status IN ('loaded', 'later')
UNION ALL
SELECT r.file_id, r.sheet, r.sheet_number, r.row_number, coalesce(r.unit_ref, ''), r.unit_shown, CAST(coalesce(r.assigned_at, f.exported_at) AS DATE)
FROM work.tasks_rows AS r
JOIN work.files AS f ON f.file_id = r.file_id AND f.status IN ('loaded', 'later')
UNION ALL
SELECT r.file_id, r.sheet, r.sheet_number, r.row_number, r.unit_ref, r.unit_shown, CAST(coalesce(r.reported_at, f.exported_at) AS DATE)
FROM work.plan_progress_rows AS r
JOIN work.files AS f ON f.file_id = r.file_id AND f.status IN ('loaded', 'later')
WHERE r.unit_ref IS NOT NULL;

CREATE TABLE work.unit_refs AS
WITH mentions AS (
    SELECT unit_ref, on_date FROM work.staged_cases
    UNION
    SELECT unit_ref, on_date FROM work.other_units
    UNION
    SELECT r.unit_ref, CAST(f.exported_at AS DATE)  -- a row without any date is dated by each export that shows it
    FROM work.staged_cases AS r
    JOIN work.places AS p ON p.state_id = r.state_id
    JOIN work.chained_exports AS e ON e.export_number = p.export_number
    JOIN work.files AS f ON f.file_id = e.file_id AND f.status IN ('loaded', 'later')
    WHERE r.dated_on IS NULL
),
ranked AS (
    SELECT m.unit_ref, m.on_date, n.unit_code, n.valid_from,
           row_number() OVER (
               PARTITION BY m.unit_ref, m.on_date
               ORDER BY CASE WHEN m.on_date >= n.valid_from AND m.on_date <= n.valid_to THEN 0 ELSE 1 END,
                        n.rank,
                        CASE WHEN m.on_date >= n.nearest_from AND m.on_date <= n.nearest_to THEN 0 ELSE 1 END,
                        CASE WHEN m.on_date < n.valid_from THEN n.valid_from END ASC NULLS LAST,
                        n.valid_to DESC, n.unit_code
           ) AS place
    FROM mentions AS m
    JOIN work.unit_names AS n ON n.unit_ref = m.unit_ref
)
SELECT unit_ref, on_date, unit_code, valid_from
FROM ranked
WHERE place = 1;

-- Rows and units are joined here, once: a million rows written again cost half a second.
CREATE TABLE work.case_rows AS
SELECT r.source_rank, r.state_id, r.file_id, r.sheet, r.sheet_number, r.row_number, r.case_code, r.is_odd_code, r.unit_ref, r.unit_shown, r.procedure_code,
       r.field_vi, r.service_level, r.channel, r.submitted_at, r.received_at, r.due_at, r.finished_at, r.returned_at, r.status_code, r.supplement_count,
       r.dated_on, r.on_date, r.file_number, r.exported_at, r.is_loaded, u.unit_code, u.valid_from AS unit_valid_from
FROM work.staged_cases AS r
LEFT JOIN work.unit_refs AS u ON u.unit_ref = r.unit_ref AND u.on_date = r.on_date;

-- Where every state stands in work.*_rows.
CREATE TABLE work.state_places AS
SELECT state_id, file_id, sheet_number, row_number FROM work.case_rows WHERE state_id IS NOT NULL
UNION ALL
SELECT state_id, file_id, sheet_number, row_number FROM work.payments_rows WHERE state_id IS NOT NULL
UNION ALL
SELECT state_id, file_id, sheet_number, row_number FROM work.digitization_rows WHERE state_id IS NOT NULL;

CREATE VIEW work.every_case_row AS
SELECT source_rank, file_id, case_code, unit_ref, procedure_code, channel, submitted_at, received_at, due_at, finished_at, returned_at, status_code, on_date
FROM work.case_rows
WHERE state_id IS NULL
UNION ALL
SELECT r.source_rank, e.file_id, r.case_code, r.unit_ref, r.procedure_code, r.channel, r.submitted_at, r.received_at, r.due_at, r.finished_at, r.returned_at,
       r.status_code, coalesce(r.dated_on, CAST(f.exported_at AS DATE))
FROM work.places AS p
JOIN work.chained_exports AS e ON e.export_number = p.export_number
JOIN work.files AS f ON f.file_id = e.file_id AND f.status IN ('loaded', 'later')
JOIN work.case_rows AS r ON r.state_id = p.state_id;

CREATE VIEW work.every_payment_row AS
SELECT file_id, case_code, fee_kind, amount, collection, method, payment_state, paid_at
FROM work.payments_rows
WHERE state_id IS NULL
UNION ALL
SELECT e.file_id, r.case_code, r.fee_kind, r.amount, r.collection, r.method, r.payment_state, r.paid_at
FROM work.places AS p
JOIN work.chained_exports AS e ON e.export_number = p.export_number
JOIN work.payments_rows AS r ON r.state_id = p.state_id;

CREATE VIEW work.every_digitization_row AS
SELECT file_id, case_code, digitized_input_code, is_result_digitized, is_e_result
FROM work.digitization_rows
WHERE state_id IS NULL
UNION ALL
SELECT e.file_id, r.case_code, r.digitized_input_code, r.is_result_digitized, r.is_e_result
FROM work.places AS p
JOIN work.chained_exports AS e ON e.export_number = p.export_number
JOIN work.digitization_rows AS r ON r.state_id = p.state_id;
