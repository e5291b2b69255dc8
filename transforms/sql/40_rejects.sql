-- Grain: one row a rejected data row, with the first reason of the contract's list that applies.
-- A row is judged once, at its newest place, and rejected at every place where exports repeat it.
-- Inputs: work.troubles (found while reading), work.*_rows, work.case_rows, work.other_units, work.unit_refs, work.places, core.procedures, work.files.
-- Readers: 50_payments.sql, 60_cases.sql, 90_files.sql; the office, to repair the source.

CREATE TABLE work.rejected AS
WITH problems AS (
    SELECT t.file_id, t.sheet, t.sheet_number, t.row_number, t.rank, t.reason, t.column_name, t.masked_value
    FROM work.troubles AS t
    LEFT JOIN work.case_rows AS r
           ON t.reason = 'unknown_level' AND r.file_id = t.file_id AND r.sheet_number = t.sheet_number AND r.row_number = t.row_number
    LEFT JOIN core.procedures AS p ON p.procedure_code = r.procedure_code
    WHERE t.reason <> 'unknown_level' OR p.procedure_code IS NULL
    UNION ALL
    SELECT file_id, sheet, sheet_number, row_number, 2, 'unknown_unit', 'unit', unit_shown
    FROM work.case_rows
    WHERE unit_code IS NULL
    UNION ALL
    SELECT r.file_id, r.sheet, r.sheet_number, r.row_number, 2, 'unknown_unit', 'unit', r.unit_shown
    FROM work.other_units AS r
    LEFT JOIN work.unit_refs AS u ON u.unit_ref = r.unit_ref AND u.on_date = r.on_date
    WHERE u.unit_code IS NULL
),
ranked AS (
    SELECT p.*, row_number() OVER (PARTITION BY file_id, sheet_number, row_number ORDER BY rank, column_name NULLS LAST, masked_value NULLS LAST) AS place
    FROM problems AS p
)
SELECT r.file_id, r.sheet, r.sheet_number, r.row_number, r.reason, r.column_name, r.masked_value, s.state_id
FROM ranked AS r
LEFT JOIN work.state_places AS s ON s.file_id = r.file_id AND s.sheet_number = r.sheet_number AND s.row_number = r.row_number
WHERE r.place = 1;

INSERT INTO ops.rejects
WITH every_place AS (
    SELECT file_id, sheet, sheet_number, row_number, reason, column_name, masked_value
    FROM work.rejected
    WHERE state_id IS NULL
    UNION ALL
    SELECT e.file_id, e.sheet, e.sheet_number, p.row_number, r.reason, r.column_name, r.masked_value
    FROM work.rejected AS r
    JOIN work.places AS p ON p.state_id = r.state_id
    JOIN work.chained_exports AS e ON e.export_number = p.export_number
)
SELECT r.file_id, f.file_name, r.sheet, r.sheet_number, r.row_number, r.reason, r.column_name, r.masked_value
FROM every_place AS r
JOIN work.files AS f ON f.file_id = r.file_id AND f.status IN ('loaded', 'later');

-- The rows that count: loaded exports only, without their rejected rows.
CREATE VIEW work.good_cases AS
SELECT r.*
FROM work.case_rows AS r
LEFT JOIN work.rejected AS j ON j.file_id = r.file_id AND j.sheet_number = r.sheet_number AND j.row_number = r.row_number
WHERE j.file_id IS NULL AND r.is_loaded;
