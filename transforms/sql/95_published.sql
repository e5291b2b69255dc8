-- Grain: mart.rates_published one row a rate of a unit and the days on which it was published so; work.restated one row a rate of a period that was over
-- and the day that published it otherwise.
-- A published day keeps what is otherwise than on the one before; the figures of this as_of are the newest day.
-- Inputs: work.rate_records, work.published_days (flows/restating.py), mart.unit_rates, work.moment.
-- Readers: 96_recounted.sql, 97_restatements.sql, flows/history.py, "what changed" in the mail, analysts.

-- Each time a rate was told otherwise, with what it was before; numbers are NULL from the day on which there was no such rate any more.
CREATE TABLE work.rate_steps AS
WITH told AS (
    SELECT day, measure, period_kind, period_start, period_end, unit_code, unit_valid_from, numerator, denominator, status FROM work.rate_records
    UNION ALL
    SELECT CAST(as_of AS DATE), measure, period_kind, period_start, period_end, unit_code, unit_valid_from, numerator, denominator, status FROM mart.unit_rates
),
compared AS (
    SELECT t.*, row_number() OVER w AS place, lag(numerator) OVER w AS numerator_before, lag(denominator) OVER w AS denominator_before, lag(status) OVER w AS status_before,
           lead(day) OVER w AS next_day
    FROM told AS t
    WINDOW w AS (PARTITION BY measure, period_kind, period_start, unit_code, unit_valid_from ORDER BY day)
)
SELECT day, measure, period_kind, period_start, period_end, unit_code, unit_valid_from, numerator, denominator, status, numerator_before, denominator_before, status_before
FROM compared
WHERE place = 1 OR numerator IS DISTINCT FROM numerator_before OR denominator IS DISTINCT FROM denominator_before OR status IS DISTINCT FROM status_before
UNION ALL
SELECT CAST(m.as_of AS DATE), c.measure, c.period_kind, c.period_start, c.period_end, c.unit_code, c.unit_valid_from, CAST(NULL AS BIGINT), CAST(NULL AS BIGINT), CAST(NULL AS STRING),
       c.numerator, c.denominator, c.status
FROM compared AS c
JOIN work.moment AS m ON c.day < CAST(m.as_of AS DATE)
WHERE c.next_day IS NULL AND c.status IS NOT NULL;

INSERT INTO mart.rates_published
WITH spans AS (
    SELECT s.*, lead(day) OVER (PARTITION BY measure, period_kind, period_start, unit_code, unit_valid_from ORDER BY day) AS published_to FROM work.rate_steps AS s
)
SELECT measure, period_kind, period_start, period_end, unit_code, unit_valid_from, day AS published_from, published_to, numerator, denominator,
       CAST(numerator AS DOUBLE) / nullif(CAST(denominator AS DOUBLE), 0) AS rate, status
FROM spans
WHERE status IS NOT NULL
ORDER BY measure, period_kind, period_start, unit_code, unit_valid_from, published_from;

-- A period that is counted no more, because the first dossier was submitted later than it was said (a year mended, a list withdrawn), takes rates of units along
-- that had nothing in it: they say nothing otherwise. Where units have rates of it still, it is the unit or the measure that is gone.
CREATE TABLE work.restated AS
WITH gone AS (
    SELECT DISTINCT day, period_kind, period_start FROM work.rate_steps WHERE status IS NULL
),
still_counted AS (
    SELECT DISTINCT g.day, g.period_kind, g.period_start
    FROM gone AS g
    JOIN mart.rates_published AS p
      ON p.period_kind = g.period_kind AND p.period_start = g.period_start AND p.published_from <= g.day AND (p.published_to IS NULL OR p.published_to > g.day)
)
SELECT s.day AS restated_on, d.previous_on AS published_on, s.measure, s.period_kind, s.period_start, s.period_end, s.unit_code, s.unit_valid_from,
       s.numerator_before, s.denominator_before, s.status_before, s.numerator, s.denominator, s.status, d.new_exports, d.gone_exports, d.exports_vi
FROM work.rate_steps AS s
JOIN work.published_days AS d ON d.day = s.day
LEFT JOIN still_counted AS c ON c.day = s.day AND c.period_kind = s.period_kind AND c.period_start = s.period_start
WHERE s.status_before IS NOT NULL AND s.period_end <= d.previous_on AND (s.status IS NOT NULL OR s.denominator_before > 0 OR c.day IS NOT NULL);

-- Those of this as_of, whose dossiers are looked for; the names differ from core.cases' so that a measure's predicates stay clear.
CREATE TABLE work.restated_now AS
SELECT row_number() OVER (ORDER BY r.measure, r.period_kind, r.period_start, r.unit_code, r.unit_valid_from) AS rate_number,
       r.measure, r.period_kind, r.period_start, r.period_end, CAST(r.period_end - INTERVAL 1 DAY AS DATE) AS last_on, r.unit_code AS of_unit_code, r.unit_valid_from AS of_unit_valid_from
FROM work.restated AS r
JOIN work.moment AS m ON r.restated_on = CAST(m.as_of AS DATE);
