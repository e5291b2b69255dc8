-- Grain: work.recounted one row a rate that is restated at this as_of and a dossier that it counts otherwise than before; before_was and now_is are 1 in the
-- numerator, 0 in the denominator alone, NULL where it is not counted. A dossier that counts alike, but under another procedure where procedures are counted, counts otherwise.
-- Inputs: work.counted_before, work.counted_now (rendered from measures.yml; flows/restating.py), work.restated_now.
-- Readers: 97_restatements.sql, work.compared_cases (transforms/restatements.py).

CREATE TABLE work.recounted AS
WITH sides AS (
    SELECT rate_number, case_code, numerator AS before_was, CAST(NULL AS INTEGER) AS now_is, item AS item_before, CAST(NULL AS STRING) AS item_now
    FROM work.counted_before
    UNION ALL
    SELECT rate_number, case_code, CAST(NULL AS INTEGER), numerator, CAST(NULL AS STRING), item FROM work.counted_now
),
joined AS (
    SELECT rate_number, case_code, max(before_was) AS before_was, max(now_is) AS now_is, max(item_before) AS item_before, max(item_now) AS item_now
    FROM sides
    GROUP BY rate_number, case_code
)
SELECT r.measure, r.period_kind, r.period_start, r.of_unit_code AS unit_code, r.of_unit_valid_from AS unit_valid_from, j.case_code, j.before_was, j.now_is
FROM joined AS j
JOIN work.restated_now AS r ON r.rate_number = j.rate_number
WHERE j.before_was IS DISTINCT FROM j.now_is OR j.item_before IS DISTINCT FROM j.item_now;
