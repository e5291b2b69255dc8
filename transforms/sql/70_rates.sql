-- Grain: one row a measure, period and unit (mart.unit_rates, mart.unit_rates_today) or group of units (mart.group_rates); silent units have
-- their row. mart.on_time_comparison: one row a unit and period.
-- Groups add up: counts by sum over sum, distinct values by counting them again. They have the columns of units, but no target: totals have none.
-- Inputs: work.measure_months, work.measure_periods (rendered from measures.yml), mart.measures, core.units, core.targets, work.periods, work.unit_today,
-- work.unit_freshness, work.moment.
-- Readers: 80_flags.sql, the summaries, analysts.

-- Counts per period, whatever the measure was counted by; `item` is a distinct value, NULL where dossiers are counted.
CREATE TABLE work.counts AS
SELECT m.measure, p.period_kind, p.period_start, m.unit_code, m.unit_valid_from, m.item,
       CAST(sum(m.numerator) AS BIGINT) AS numerator, CAST(sum(m.denominator) AS BIGINT) AS denominator
FROM work.measure_months AS m
JOIN work.periods AS p ON m.month >= p.period_start AND m.month < p.period_end
GROUP BY m.measure, p.period_kind, p.period_start, m.unit_code, m.unit_valid_from, m.item
UNION ALL
SELECT measure, period_kind, period_start, unit_code, unit_valid_from, item, numerator, denominator
FROM work.measure_periods;

-- Two views of the same counts: units as they were when the dossier was theirs, and as they are today, predecessors rolled into the
-- successors that are valid at as_of. Every dossier counts once in each.
CREATE TABLE work.unit_totals AS
WITH viewed AS (
    SELECT 'was' AS view, c.* FROM work.counts AS c
    UNION ALL
    SELECT 'today' AS view, c.measure, c.period_kind, c.period_start, t.today_code, t.today_valid_from, c.item, c.numerator, c.denominator
    FROM work.counts AS c
    JOIN work.unit_today AS t ON t.unit_code = c.unit_code AND t.valid_from = c.unit_valid_from
)
SELECT view, measure, period_kind, period_start, unit_code, unit_valid_from,
       CAST(sum(CASE WHEN item IS NULL THEN numerator ELSE 0 END) AS BIGINT) + count(DISTINCT CASE WHEN numerator > 0 THEN item END) AS numerator,
       CAST(sum(CASE WHEN item IS NULL THEN denominator ELSE 0 END) AS BIGINT) + count(DISTINCT item) AS denominator
FROM viewed
GROUP BY view, measure, period_kind, period_start, unit_code, unit_valid_from;

-- A unit is listed in a period when it was valid on any day of it (today's view: when it is valid now), or when dossiers of the period are its own.
CREATE TABLE work.period_units AS
SELECT 'was' AS view, p.period_kind, p.period_start, p.period_end, u.unit_code, u.valid_from, u.unit_name, u.level
FROM work.periods AS p
JOIN core.units AS u ON u.valid_from < p.period_end AND u.valid_to >= p.period_start
UNION
SELECT 'today' AS view, p.period_kind, p.period_start, p.period_end, u.unit_code, u.valid_from, u.unit_name, u.level
FROM work.periods AS p
CROSS JOIN work.moment AS m
JOIN core.units AS u ON u.valid_from <= CAST(m.as_of AS DATE) AND u.valid_to >= CAST(m.as_of AS DATE)
UNION
SELECT t.view, p.period_kind, p.period_start, p.period_end, u.unit_code, u.valid_from, u.unit_name, u.level
FROM work.unit_totals AS t
JOIN work.periods AS p ON p.period_kind = t.period_kind AND p.period_start = t.period_start
JOIN core.units AS u ON u.unit_code = t.unit_code AND u.valid_from = t.unit_valid_from;

-- Of several targets that hold in a period the latest one counts: of a level's for the year plan, below of those of a unit's own days.
CREATE TABLE work.period_targets AS
WITH ranked AS (
    SELECT p.period_kind, p.period_start, t.measure, t.level, t.criterion, t.target,
           row_number() OVER (PARTITION BY p.period_kind, p.period_start, t.measure, t.level ORDER BY t.valid_from DESC, t.criterion) AS place
    FROM work.periods AS p
    JOIN core.targets AS t ON t.valid_from < p.period_end AND t.valid_to >= p.period_start
)
SELECT * FROM ranked WHERE place = 1;

-- A unit is judged by what its level was given while it was in force: a target that begins on the day of a reform is not that of the units which ended the day
-- before, nor one that ended then that of the units which began. A unit that is listed for its dossiers alone has no day of its own in the period; today's
-- units answer for their predecessors' days, too.
CREATE TABLE work.unit_targets AS
WITH ranked AS (
    SELECT n.view, n.period_kind, n.period_start, n.unit_code, n.valid_from, t.measure, t.criterion, t.target,
           row_number() OVER (
               PARTITION BY n.view, n.period_kind, n.period_start, n.unit_code, n.valid_from, t.measure ORDER BY t.valid_from DESC, t.criterion
           ) AS place
    FROM work.period_units AS n
    JOIN core.units AS u ON u.unit_code = n.unit_code AND u.valid_from = n.valid_from
    JOIN core.targets AS t ON t.level = n.level AND t.valid_from < n.period_end AND t.valid_to >= n.period_start
    WHERE n.view = 'today' OR u.valid_from >= n.period_end OR u.valid_to < n.period_start
       OR (t.valid_from <= u.valid_to AND t.valid_to >= u.valid_from)
)
SELECT * FROM ranked WHERE place = 1;

CREATE TABLE work.rated AS
WITH counted AS (
    SELECT u.view, m.measure, coalesce(g.criterion, m.criterion) AS criterion, u.period_kind, u.period_start, u.period_end, u.unit_code, u.unit_name,
           u.level, u.valid_from AS unit_valid_from, coalesce(t.numerator, 0) AS numerator, coalesce(t.denominator, 0) AS denominator, g.target
    FROM work.period_units AS u
    CROSS JOIN mart.measures AS m
    LEFT JOIN work.unit_totals AS t
           ON t.view = u.view AND t.measure = m.measure AND t.period_kind = u.period_kind AND t.period_start = u.period_start
          AND t.unit_code = u.unit_code AND t.unit_valid_from = u.valid_from
    LEFT JOIN work.unit_targets AS g
           ON g.view = u.view AND g.measure = m.measure AND g.period_kind = u.period_kind AND g.period_start = u.period_start
          AND g.unit_code = u.unit_code AND g.valid_from = u.valid_from
)
SELECT c.*, CAST(c.numerator AS DOUBLE) / nullif(CAST(c.denominator AS DOUBLE), 0) AS rate,
       CASE WHEN c.denominator = 0 THEN 'no_data'
            WHEN c.target IS NULL THEN 'no_target'
            WHEN c.numerator >= CAST(c.target AS DECIMAL(9, 6)) * c.denominator THEN 'met'
            ELSE 'missed' END AS status,
       CASE WHEN c.denominator > 0 AND c.target IS NOT NULL
            THEN greatest(CAST(ceil(CAST(c.target AS DECIMAL(9, 6)) * c.denominator) AS BIGINT) - c.numerator, 0) END AS shortfall,
       m.as_of, f.data_as_of, coalesce(f.is_stale, TRUE) AS is_stale
FROM counted AS c
CROSS JOIN work.moment AS m
LEFT JOIN work.unit_freshness AS f
       ON f.view = c.view AND f.period_kind = c.period_kind AND f.period_start = c.period_start AND f.unit_code = c.unit_code
      AND f.valid_from = c.unit_valid_from;

INSERT INTO mart.unit_rates
SELECT measure, criterion, period_kind, period_start, period_end, unit_code, unit_name, level, unit_valid_from, numerator, denominator, rate, target, status,
       shortfall, as_of, data_as_of, is_stale
FROM work.rated
WHERE view = 'was'
ORDER BY measure, period_kind, period_start, unit_code, unit_valid_from;

INSERT INTO mart.unit_rates_today
SELECT measure, criterion, period_kind, period_start, period_end, unit_code, unit_name, level, unit_valid_from, numerator, denominator, rate, target, status,
       shortfall, as_of, data_as_of, is_stale
FROM work.rated
WHERE view = 'today'
ORDER BY measure, period_kind, period_start, unit_code, unit_valid_from;

INSERT INTO mart.group_rates
WITH members AS (
    SELECT DISTINCT period_kind, period_start, period_end, unit_code, valid_from, 'level' AS group_kind, level AS group_code
    FROM work.period_units WHERE view = 'was'
    UNION ALL
    SELECT DISTINCT period_kind, period_start, period_end, unit_code, valid_from, 'all' AS group_kind, 'all' AS group_code
    FROM work.period_units WHERE view = 'was'
),
groups AS (
    SELECT DISTINCT period_kind, period_start, period_end, group_kind, group_code FROM members
),
totals AS (
    SELECT m.measure, g.period_kind, g.period_start, g.group_kind, g.group_code,
           CAST(sum(CASE WHEN m.item IS NULL THEN m.numerator ELSE 0 END) AS BIGINT)
               + count(DISTINCT CASE WHEN m.numerator > 0 THEN m.item END) AS numerator,
           CAST(sum(CASE WHEN m.item IS NULL THEN m.denominator ELSE 0 END) AS BIGINT) + count(DISTINCT m.item) AS denominator
    FROM work.counts AS m
    JOIN members AS g ON g.unit_code = m.unit_code AND g.valid_from = m.unit_valid_from
                     AND g.period_kind = m.period_kind AND g.period_start = m.period_start
    GROUP BY m.measure, g.period_kind, g.period_start, g.group_kind, g.group_code
)
SELECT m.measure, m.criterion, g.period_kind, g.period_start, g.period_end, g.group_kind, g.group_code,
       coalesce(t.numerator, 0) AS numerator, coalesce(t.denominator, 0) AS denominator,
       CAST(t.numerator AS DOUBLE) / nullif(CAST(t.denominator AS DOUBLE), 0) AS rate,
       CAST(NULL AS DOUBLE) AS target, CASE WHEN coalesce(t.denominator, 0) = 0 THEN 'no_data' ELSE 'no_target' END AS status,
       CAST(NULL AS BIGINT) AS shortfall, a.as_of
FROM groups AS g
CROSS JOIN mart.measures AS m
CROSS JOIN work.moment AS a
LEFT JOIN totals AS t
       ON t.measure = m.measure AND t.period_kind = g.period_kind AND t.period_start = g.period_start
      AND t.group_kind = g.group_kind AND t.group_code = g.group_code
ORDER BY m.measure, g.period_kind, g.period_start, g.group_kind, g.group_code;

-- The three definitions of "on time" side by side, for the official who compares our figure with the national portal's and with Biểu số 06.
INSERT INTO mart.on_time_comparison
SELECT a.period_kind, a.period_start, a.period_end, a.unit_code, a.unit_name, a.level, a.unit_valid_from,
       a.numerator AS plan_numerator, a.denominator AS plan_denominator, a.rate AS plan_rate,
       b.numerator AS qd766_numerator, b.denominator AS qd766_denominator, b.rate AS qd766_rate,
       c.numerator AS bieu06_numerator, c.denominator AS bieu06_denominator, c.rate AS bieu06_rate, a.as_of
FROM mart.unit_rates AS a
JOIN mart.unit_rates AS b
  ON b.measure = 'on_time_766' AND b.period_kind = a.period_kind AND b.period_start = a.period_start AND b.unit_code = a.unit_code
 AND b.unit_valid_from = a.unit_valid_from
JOIN mart.unit_rates AS c
  ON c.measure = 'on_time_resolved' AND c.period_kind = a.period_kind AND c.period_start = a.period_start AND c.unit_code = a.unit_code
 AND c.unit_valid_from = a.unit_valid_from
WHERE a.measure = 'on_time'
ORDER BY a.period_kind, a.period_start, a.unit_code, a.unit_valid_from;
