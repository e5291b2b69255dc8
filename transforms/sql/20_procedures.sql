-- Grain: one row a procedure. The newest catalogue wins; inside one export the fuller service level (QĐ 766: a procedure offered at both
-- levels counts as toàn trình), then the later row.
-- Inputs: work.procedures_rows, work.troubles, work.files.
-- Readers: 40_rejects.sql (is a level word needed?), 60_cases.sql.

INSERT INTO core.procedures
WITH ranked AS (
    SELECT r.*,
           row_number() OVER (
               PARTITION BY r.procedure_code
               ORDER BY f.exported_at DESC NULLS LAST, f.file_id DESC,
                        CASE r.service_level WHEN 'full' THEN 0 WHEN 'partial' THEN 1 WHEN 'info' THEN 2 ELSE 3 END,
                        r.sheet_number DESC, r.row_number DESC
           ) AS place
    FROM work.procedures_rows AS r
    JOIN work.files AS f ON f.file_id = r.file_id AND f.status = 'loaded'
    LEFT JOIN (SELECT DISTINCT file_id, sheet_number, row_number FROM work.troubles) AS t
           ON t.file_id = r.file_id AND t.sheet_number = r.sheet_number AND t.row_number = r.row_number
    WHERE t.file_id IS NULL AND r.procedure_code IS NOT NULL
)
SELECT procedure_code, procedure_name, field_vi, service_level, fee_amount, coalesce(has_result, TRUE) AS has_result, duration_days, scope, file_id, sheet, row_number
FROM ranked
WHERE place = 1;
