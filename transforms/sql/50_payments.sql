-- Grain: one row a fee line of the newest export that holds the dossier.
-- A line counts as a fee when its amount is above 0 and it is not exempt, refunded or cancelled (design, section 5).
-- Inputs: work.latest_payments.
-- Readers: 60_cases.sql; analysts.

INSERT INTO core.payments
SELECT l.case_code, l.procedure_code, l.fee_kind, l.amount, l.collection, l.method, l.payment_state, l.paid_at,
       CASE WHEN l.amount > 0 AND coalesce(l.collection, '') NOT IN ('exempt', 'no_fee') AND coalesce(l.payment_state, '') NOT IN ('refunded', 'cancelled')
            THEN TRUE ELSE FALSE END AS is_counted,
       CASE WHEN l.amount > 0 AND coalesce(l.collection, '') NOT IN ('exempt', 'no_fee') AND l.payment_state = 'paid' AND l.method = 'online'
            THEN TRUE ELSE FALSE END AS is_paid_online,
       l.file_id, l.sheet, l.sheet_number, l.row_number
FROM work.latest_payments AS l
ORDER BY l.case_code, l.sheet_number, l.row_number;
