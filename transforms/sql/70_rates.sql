-- Grain: one row a measure, period and unit (mart.unit_rates) or group of units (mart.group_rates); silent units have their row.
-- Longer periods and groups add up months: counts by sum over sum, distinct values by counting them again.
-- Inputs: work.measure_months (rendered from measures.yml), mart.measures, core.units, core.targets, core.calendar, core.cases, work.moment.
-- Readers: 80_flags.sql, the summaries, analysts.

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
SELECT period_kind, period_start,
       CAST(CASE period_kind WHEN 'month' THEN period_start + INTERVAL 1 MONTH
                             WHEN 'quarter' THEN period_start + INTERVAL 3 MONTH
                             ELSE period_start + INTERVAL 1 YEAR END AS DATE) AS period_end
FROM starts;

CREATE TABLE work.unit_totals AS
SELECT m.measure, p.period_kind, p.period_start, m.unit_code, m.unit_valid_from,
       CAST(sum(CASE WHEN m.item IS NULL THEN m.numerator ELSE 0 END) AS BIGINT)
           + count(DISTINCT CASE WHEN m.numerator > 0 THEN m.item END) AS numerator,
       CAST(sum(CASE WHEN m.item IS NULL THEN m.denominator ELSE 0 END) AS BIGINT) + count(DISTINCT m.item) AS denominator
FROM work.measure_months AS m
JOIN work.periods AS p ON m.month >= p.period_start AND m.month < p.period_end
GROUP BY m.measure, p.period_kind, p.period_start, m.unit_code, m.unit_valid_from;

-- A unit is listed in a period when it was valid on any day of it, or when dossiers of the period are its own.
CREATE TABLE work.period_units AS
SELECT p.period_kind, p.period_start, p.period_end, u.unit_code, u.valid_from, u.unit_name, u.level
FROM work.periods AS p
JOIN core.units AS u ON u.valid_from < p.period_end AND u.valid_to >= p.period_start
UNION
SELECT p.period_kind, p.period_start, p.period_end, u.unit_code, u.valid_from, u.unit_name, u.level
FROM work.unit_totals AS t
JOIN work.periods AS p ON p.period_kind = t.period_kind AND p.period_start = t.period_start
JOIN core.units AS u ON u.unit_code = t.unit_code AND u.valid_from = t.unit_valid_from;

-- Of several targets that hold in a period the latest one counts.
CREATE TABLE work.period_targets AS
WITH ranked AS (
    SELECT p.period_kind, p.period_start, t.measure, t.level, t.criterion, t.target,
           row_number() OVER (PARTITION BY p.period_kind, p.period_start, t.measure, t.level ORDER BY t.valid_from DESC, t.criterion) AS place
    FROM work.periods AS p
    JOIN core.targets AS t ON t.valid_from < p.period_end AND t.valid_to >= p.period_start
)
SELECT * FROM ranked WHERE place = 1;

INSERT INTO mart.unit_rates
WITH counted AS (
    SELECT m.measure, coalesce(g.criterion, m.criterion) AS criterion, u.period_kind, u.period_start, u.period_end, u.unit_code, u.unit_name, u.level,
           u.valid_from, coalesce(t.numerator, 0) AS numerator, coalesce(t.denominator, 0) AS denominator, g.target
    FROM work.period_units AS u
    CROSS JOIN mart.measures AS m
    LEFT JOIN work.unit_totals AS t
           ON t.measure = m.measure AND t.period_kind = u.period_kind AND t.period_start = u.period_start
          AND t.unit_code = u.unit_code AND t.unit_valid_from = u.valid_from
    LEFT JOIN work.period_targets AS g
           ON g.measure = m.measure AND g.level = u.level AND g.period_kind = u.period_kind AND g.period_start = u.period_start
)
SELECT c.measure, c.criterion, c.period_kind, c.period_start, c.period_end, c.unit_code, c.unit_name, c.level, c.valid_from, c.numerator, c.denominator,
       CAST(c.numerator AS DOUBLE) / nullif(CAST(c.denominator AS DOUBLE), 0) AS rate, c.target,
       CASE WHEN c.denominator = 0 THEN 'no_data'
            WHEN c.target IS NULL THEN 'no_target'
            WHEN c.numerator >= CAST(c.target AS DECIMAL(9, 6)) * c.denominator THEN 'met'
            ELSE 'missed' END AS status,
       CASE WHEN c.denominator > 0 AND c.target IS NOT NULL
            THEN greatest(CAST(ceil(CAST(c.target AS DECIMAL(9, 6)) * c.denominator) AS BIGINT) - c.numerator, 0) END AS shortfall,
       m.as_of
FROM counted AS c
CROSS JOIN work.moment AS m
ORDER BY c.measure, c.period_kind, c.period_start, c.unit_code, c.valid_from;

INSERT INTO mart.group_rates
WITH members AS (
    SELECT DISTINCT period_kind, period_start, period_end, unit_code, valid_from, 'level' AS group_kind, level AS group_code FROM work.period_units
    UNION ALL
    SELECT DISTINCT period_kind, period_start, period_end, unit_code, valid_from, 'all' AS group_kind, 'all' AS group_code FROM work.period_units
),
groups AS (
    SELECT DISTINCT period_kind, period_start, period_end, group_kind, group_code FROM members
),
totals AS (
    SELECT m.measure, g.period_kind, g.period_start, g.group_kind, g.group_code,
           CAST(sum(CASE WHEN m.item IS NULL THEN m.numerator ELSE 0 END) AS BIGINT)
               + count(DISTINCT CASE WHEN m.numerator > 0 THEN m.item END) AS numerator,
           CAST(sum(CASE WHEN m.item IS NULL THEN m.denominator ELSE 0 END) AS BIGINT) + count(DISTINCT m.item) AS denominator
    FROM work.measure_months AS m
    JOIN members AS g ON g.unit_code = m.unit_code AND g.valid_from = m.unit_valid_from AND m.month >= g.period_start AND m.month < g.period_end
    GROUP BY m.measure, g.period_kind, g.period_start, g.group_kind, g.group_code
)
SELECT m.measure, m.criterion, g.period_kind, g.period_start, g.period_end, g.group_kind, g.group_code,
       coalesce(t.numerator, 0) AS numerator, coalesce(t.denominator, 0) AS denominator,
       CAST(t.numerator AS DOUBLE) / nullif(CAST(t.denominator AS DOUBLE), 0) AS rate, a.as_of
FROM groups AS g
CROSS JOIN mart.measures AS m
CROSS JOIN work.moment AS a
LEFT JOIN totals AS t
       ON t.measure = m.measure AND t.period_kind = g.period_kind AND t.period_start = g.period_start
      AND t.group_kind = g.group_kind AND t.group_code = g.group_code
ORDER BY m.measure, g.period_kind, g.period_start, g.group_kind, g.group_code;
