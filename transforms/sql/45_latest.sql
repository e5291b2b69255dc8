-- Grain: work.newest_cases and work.newest_digitization one row a dossier, work.newest_payments one row a fee line: what the newest export shows.
-- At the same age a dossier list wins over the list of those waiting, then the higher file_id, then the later row (design, section 4). Of the
-- exports that hold a dossier's fees the newest wins whole: its lines replace all older ones.
-- Inputs: work.good_cases, work.payments_rows, work.digitization_rows, work.rejected, work.files.
-- Readers: with corrections.yml applied they are work.latest_cases, work.latest_digitization and work.latest_payments; then 50_payments.sql and 60_cases.sql.

-- Most dossiers stand in one row and need no ordering; only keys are ordered of the others, by the numbers that files have in the order of file_id. One state
-- without any date stands for as many rows as lists show it, because its unit is that of each list's own day (62_history.sql).
CREATE TABLE work.repeated_codes AS
SELECT case_code
FROM work.good_cases
GROUP BY case_code
HAVING count(*) > 1 OR count(CASE WHEN state_id IS NOT NULL AND dated_on IS NULL THEN 1 END) > 0;

CREATE TABLE work.older_rows AS
WITH ranked AS (
    SELECT r.file_number, r.sheet_number, r.row_number,
           row_number() OVER (
               PARTITION BY r.case_code
               ORDER BY r.exported_at DESC NULLS LAST, r.source_rank, r.file_number DESC, r.sheet_number DESC, r.row_number DESC
           ) AS place
    FROM work.good_cases AS r
    JOIN work.repeated_codes AS c ON c.case_code = r.case_code
)
SELECT file_number, sheet_number, row_number FROM ranked WHERE place > 1;

CREATE VIEW work.newest_cases AS
SELECT r.*
FROM work.good_cases AS r
LEFT JOIN work.older_rows AS o ON o.file_number = r.file_number AND o.sheet_number = r.sheet_number AND o.row_number = r.row_number
WHERE o.file_number IS NULL;

CREATE TABLE work.newest_digitization AS
WITH ranked AS (
    SELECT r.case_code, r.digitized_input_code, r.is_result_digitized, r.is_e_result,
           row_number() OVER (
               PARTITION BY r.case_code
               ORDER BY f.exported_at DESC NULLS LAST, r.file_id DESC, r.sheet_number DESC, r.row_number DESC
           ) AS place
    FROM work.digitization_rows AS r
    JOIN work.files AS f ON f.file_id = r.file_id AND f.status = 'loaded'
    LEFT JOIN work.rejected AS j ON j.file_id = r.file_id AND j.sheet_number = r.sheet_number AND j.row_number = r.row_number
    WHERE j.file_id IS NULL
)
SELECT * FROM ranked WHERE place = 1;

CREATE TABLE work.newest_payments AS
WITH lines AS (
    SELECT r.*, f.exported_at
    FROM work.payments_rows AS r
    JOIN work.files AS f ON f.file_id = r.file_id AND f.status = 'loaded'
    LEFT JOIN work.rejected AS j ON j.file_id = r.file_id AND j.sheet_number = r.sheet_number AND j.row_number = r.row_number
    WHERE j.file_id IS NULL
),
newest AS (
    SELECT case_code, file_id, row_number() OVER (PARTITION BY case_code ORDER BY exported_at DESC NULLS LAST, file_id DESC) AS place
    FROM (SELECT DISTINCT case_code, file_id, exported_at FROM lines) AS holding
)
SELECT l.case_code, l.procedure_code, l.fee_kind, l.amount, l.collection, l.method, l.payment_state, l.paid_at, l.file_id, l.sheet, l.sheet_number, l.row_number
FROM lines AS l
JOIN newest AS n ON n.case_code = l.case_code AND n.file_id = l.file_id AND n.place = 1;
