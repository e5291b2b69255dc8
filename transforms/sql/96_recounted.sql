-- Grain: work.recounted one row a rate that is restated at this as_of and a dossier that it counts otherwise than before; before_was and now_is are 1 in the
-- numerator, 0 in the denominator alone, NULL where it is not counted.
-- Inputs: work.counted_before, work.counted_now (rendered from measures.yml; flows/restating.py), work.restated_now.
-- Readers: 97_restatements.sql, work.compared_cases (transforms/restatements.py).

CREATE TABLE work.recounted AS
WITH sides AS (
    SELECT rate_number, case_code, numerator AS before_was, CAST(NULL AS INTEGER) AS now_is FROM work.counted_before
    UNION ALL
    SELECT rate_number, case_code, CAST(NULL AS INTEGER), numerator FROM work.counted_now
),
joined AS (
    SELECT rate_number, case_code, max(before_was) AS before_was, max(now_is) AS now_is
    FROM sides
    GROUP BY rate_number, case_code
)
SELECT r.measure, r.period_kind, r.period_start, r.of_unit_code AS unit_code, r.of_unit_valid_from AS unit_valid_from, j.case_code, j.before_was, j.now_is
FROM joined AS j
JOIN work.restated_now AS r ON r.rate_number = j.rate_number
WHERE j.before_was IS DISTINCT FROM j.now_is;
