-- Grain: one row a fee line. Of the exports that hold a dossier's fees the newest wins whole: its lines replace all older ones.
-- A line counts as a fee when its amount is above 0 and it is not exempt, refunded or cancelled (design, section 5).
-- Inputs: work.payments_rows, ops.rejects, work.files.
-- Readers: 60_cases.sql; analysts.

INSERT INTO core.payments
WITH lines AS (
    SELECT r.*, f.exported_at
    FROM work.payments_rows AS r
    JOIN work.files AS f ON f.file_id = r.file_id AND f.status = 'loaded'
    LEFT JOIN ops.rejects AS j ON j.file_id = r.file_id AND j.sheet_number = r.sheet_number AND j.row_number = r.row_number
    WHERE j.file_id IS NULL
),
newest AS (
    SELECT case_code, file_id, row_number() OVER (PARTITION BY case_code ORDER BY exported_at DESC NULLS LAST, file_id DESC) AS place
    FROM (SELECT DISTINCT case_code, file_id, exported_at FROM lines) AS holding
)
SELECT l.case_code, l.procedure_code, l.fee_kind, l.amount, l.collection, l.method, l.payment_state, l.paid_at,
       CASE WHEN l.amount > 0 AND coalesce(l.collection, '') NOT IN ('exempt', 'no_fee') AND coalesce(l.payment_state, '') NOT IN ('refunded', 'cancelled')
            THEN TRUE ELSE FALSE END AS is_counted,
       CASE WHEN l.amount > 0 AND coalesce(l.collection, '') NOT IN ('exempt', 'no_fee') AND l.payment_state = 'paid' AND l.method = 'online'
            THEN TRUE ELSE FALSE END AS is_paid_online,
       l.file_id, l.sheet, l.sheet_number, l.row_number
FROM lines AS l
JOIN newest AS n ON n.case_code = l.case_code AND n.file_id = l.file_id AND n.place = 1;
