-- Grain: work.periods one row a month, quarter and year, from the first in which a dossier was submitted to the one that holds as_of.
-- period_end is the day after the last one; cutoff the last day reached so far.
-- Inputs: core.cases, core.calendar, work.moment.
-- Readers: the measures (rendered from measures.yml), 70_rates.sql, 80_flags.sql.

CREATE TABLE work.periods AS
WITH bounds AS (
    SELECT coalesce(least(min(c.submitted_at), max(m.as_of)), max(m.as_of)) AS first_at, max(m.as_of) AS as_of
    FROM work.moment AS m
    LEFT JOIN core.cases AS c ON c.submitted_at IS NOT NULL
),
starts AS (
    SELECT DISTINCT 'month' AS period_kind, CAST(date_trunc('month', k.date) AS DATE) AS period_start
    FROM core.calendar AS k CROSS JOIN bounds AS b
    WHERE k.date >= CAST(date_trunc('month', b.first_at) AS DATE) AND k.date <= CAST(b.as_of AS DATE)
    UNION ALL
    SELECT DISTINCT 'quarter', CAST(date_trunc('quarter', k.date) AS DATE)
    FROM core.calendar AS k CROSS JOIN bounds AS b
    WHERE k.date >= CAST(date_trunc('quarter', b.first_at) AS DATE) AND k.date <= CAST(b.as_of AS DATE)
    UNION ALL
    SELECT DISTINCT 'year', CAST(date_trunc('year', k.date) AS DATE)
    FROM core.calendar AS k CROSS JOIN bounds AS b
    WHERE k.date >= CAST(date_trunc('year', b.first_at) AS DATE) AND k.date <= CAST(b.as_of AS DATE)
)
SELECT s.period_kind, s.period_start, s.period_end, least(CAST(s.period_end - INTERVAL 1 DAY AS DATE), CAST(b.as_of AS DATE)) AS cutoff
FROM (
    SELECT period_kind, period_start,
           CAST(CASE period_kind WHEN 'month' THEN period_start + INTERVAL 1 MONTH
                             WHEN 'quarter' THEN period_start + INTERVAL 3 MONTH
                             ELSE period_start + INTERVAL 1 YEAR END AS DATE) AS period_end
    FROM starts
) AS s
CROSS JOIN bounds AS b;
