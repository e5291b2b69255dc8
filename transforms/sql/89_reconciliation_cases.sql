-- Grain: one row a difference that is not tolerated and a dossier that may explain it, at most thresholds.yml: reconciliation_max_cases a difference, the
-- likelier reasons first.
-- Inputs: work.candidates (rendered from reconciliation.yml), work.reasons, work.aggregates, work.thresholds.
-- Readers: the summaries, analysts.

INSERT INTO mart.reconciliation_cases
WITH ranked AS (
    SELECT c.aggregate_id, c.figure, c.case_code, c.reason_number,
           row_number() OVER (PARTITION BY c.aggregate_id, c.figure ORDER BY c.reason_number, c.case_code) AS place
    FROM work.candidates AS c
    WHERE c.reason_number IS NOT NULL
)
SELECT a.source_kind, a.unit_code, a.unit_valid_from, a.period_start, a.period_end, r.figure, r.case_code, q.reason_vi
FROM ranked AS r
JOIN work.aggregates AS a ON a.aggregate_id = r.aggregate_id
JOIN work.reasons AS q ON q.reason_number = r.reason_number
CROSS JOIN work.thresholds AS t
WHERE r.place <= t.reconciliation_max_cases
ORDER BY a.source_kind, a.period_start, a.period_end, a.unit_code, a.unit_valid_from, r.figure, r.place;

DROP TABLE work.countable_cases;
DROP TABLE work.candidates;
