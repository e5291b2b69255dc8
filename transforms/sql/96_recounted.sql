-- Grain: work.recounted one row a rate that is restated at this as_of and a dossier that it counts otherwise than before; before_was and now_is are 1 in the
-- numerator, 0 in the denominator alone, NULL where it is not counted.
-- Inputs: work.counted_before, work.counted_now (rendered from measures.yml; flows/restating.py).
-- Readers: 97_restatements.sql, work.compared_cases (transforms/restatements.py).

CREATE TABLE work.recounted AS
WITH sides AS (
    SELECT measure, period_kind, period_start, unit_code, unit_valid_from, case_code, numerator AS before_was, CAST(NULL AS INTEGER) AS now_is FROM work.counted_before
    UNION ALL
    SELECT measure, period_kind, period_start, unit_code, unit_valid_from, case_code, CAST(NULL AS INTEGER), numerator FROM work.counted_now
),
joined AS (
    SELECT measure, period_kind, period_start, unit_code, unit_valid_from, case_code, max(before_was) AS before_was, max(now_is) AS now_is
    FROM sides
    GROUP BY measure, period_kind, period_start, unit_code, unit_valid_from, case_code
)
SELECT measure, period_kind, period_start, unit_code, unit_valid_from, case_code, before_was, now_is
FROM joined
WHERE before_was IS DISTINCT FROM now_is;
