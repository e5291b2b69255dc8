-- Grain: one row a (unit_ref, on_date) met in the staged rows: which unit, of the several that had this name or code over time, it was.
-- unit_ref is the evened-out name in the unit cell, or '#' and the dossier code's prefix where the cell is blank.
-- The unit valid on the dossier's date wins; a name known only at other times still names its unit, the nearest in time.
-- Inputs: work.*_rows, work.files, work.unit_names.
-- Readers: 40_rejects.sql, 60_cases.sql.

CREATE TABLE work.case_rows AS
SELECT 0 AS source_rank, r.file_id, r.sheet, r.sheet_number, r.row_number, r.case_code, r.is_odd_code, r.unit_ref, r.unit_shown, r.procedure_code,
       r.field_vi, r.service_level, r.channel, r.submitted_at, r.received_at, r.due_at, r.finished_at, r.returned_at, r.status_code, r.supplement_count,
       CAST(coalesce(r.received_at, r.submitted_at, r.due_at, r.finished_at, f.exported_at) AS DATE) AS on_date
FROM work.cases_rows AS r
JOIN work.files AS f ON f.file_id = r.file_id AND f.status IN ('loaded', 'later')
UNION ALL
SELECT 1 AS source_rank, r.file_id, r.sheet, r.sheet_number, r.row_number, r.case_code, r.is_odd_code, r.unit_ref, r.unit_shown, r.procedure_code,
       r.field_vi, r.service_level, r.channel, r.submitted_at, CAST(NULL AS TIMESTAMP), CAST(NULL AS TIMESTAMP), CAST(NULL AS TIMESTAMP),
       CAST(NULL AS TIMESTAMP), r.status_code, CAST(NULL AS BIGINT), CAST(coalesce(r.submitted_at, f.exported_at) AS DATE) AS on_date
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
    SELECT unit_ref, on_date FROM work.case_rows
    UNION
    SELECT unit_ref, on_date FROM work.other_units
),
ranked AS (
    SELECT m.unit_ref, m.on_date, n.unit_code, n.valid_from,
           row_number() OVER (
               PARTITION BY m.unit_ref, m.on_date
               ORDER BY CASE WHEN m.on_date >= n.valid_from AND m.on_date <= n.valid_to THEN 0 ELSE 1 END,
                        n.rank,
                        CASE WHEN m.on_date < n.valid_from THEN n.valid_from END ASC NULLS LAST,
                        n.valid_to DESC, n.unit_code
           ) AS place
    FROM mentions AS m
    JOIN work.unit_names AS n ON n.unit_ref = m.unit_ref
)
SELECT unit_ref, on_date, unit_code, valid_from
FROM ranked
WHERE place = 1;
