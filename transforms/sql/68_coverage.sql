-- Which export holds what, and how old a unit's data are. All work tables:
-- work.exports one row a loaded export and kind; a delivery is what was exported on one day (a night's work up to 04:00 belongs to the day before), so that
-- two exports on one day, or one list in parts, count as one.
-- work.export_ranges, work.export_units: the days and units of one dossier list. work.export_covers: also the units without dossiers, where the list holds
-- most units of the district: a silent unit is as fresh as that list, unless it used to have dossiers in such lists (then it is missed).
-- work.unit_ages: one row a unit, its newest list. work.unit_period_ages: one row a unit and period; work.unit_freshness one a view, unit and period.
-- Inputs: work.files, work.kinds, work.watch, work.case_rows, work.places, work.chained_exports, work.unit_refs, core.units, core.calendar, work.periods, work.unit_today, work.moment.
-- Readers: 70_rates.sql, 91_deliveries.sql, 92_freshness.sql, 94_audit_lists.sql.

CREATE TABLE work.unit_numbers AS
SELECT row_number() OVER (ORDER BY unit_code, valid_from) AS unit_number, unit_code, valid_from, valid_to, unit_name, level
FROM core.units;

-- Working days up to and with a day; the difference of two is the number of working days between them.
CREATE TABLE work.day_counts AS
SELECT date, CAST(sum(CASE WHEN is_working THEN 1 ELSE 0 END) OVER (ORDER BY date) AS BIGINT) AS worked
FROM core.calendar;

CREATE TABLE work.exports AS
SELECT k.kind, f.file_id, f.exported_at, CAST(f.exported_at - INTERVAL 4 HOUR AS DATE) AS delivered_on
FROM work.files AS f
JOIN work.kinds AS k ON ',' || f.kind || ',' LIKE '%,' || k.kind || ',%'
WHERE f.status = 'loaded' AND f.exported_at IS NOT NULL;

-- Unit and day of every row, worked out once a state and not once a place: a year of nights shows the same row hundreds of times.
CREATE TABLE work.row_days AS
SELECT r.state_id, r.file_id, n.unit_number, r.on_date AS day
FROM work.case_rows AS r
JOIN work.unit_numbers AS n ON n.unit_code = r.unit_code AND n.valid_from = r.unit_valid_from
WHERE r.source_rank = 0 AND (r.state_id IS NULL OR r.dated_on IS NOT NULL);

-- The places of states, and the rows that have none; a state without any date is dated by each export that shows it.
-- Days after the export itself are typing errors and say nothing about what it covers.
CREATE TABLE work.dated_exports AS
SELECT c.export_number, e.file_id, CAST(e.exported_at AS DATE) AS exported_on
FROM work.chained_exports AS c
JOIN work.exports AS e ON e.kind = 'cases' AND e.file_id = c.file_id;

CREATE TABLE work.single_days AS
SELECT x.file_id, x.unit_number, x.day
FROM work.row_days AS x
JOIN work.exports AS e ON e.kind = 'cases' AND e.file_id = x.file_id
WHERE x.state_id IS NULL AND x.day <= CAST(e.exported_at AS DATE)
UNION ALL
SELECT e.file_id, n.unit_number, e.exported_on
FROM work.case_rows AS r
JOIN work.places AS p ON p.state_id = r.state_id
JOIN work.dated_exports AS e ON e.export_number = p.export_number
JOIN work.unit_refs AS u ON u.unit_ref = r.unit_ref AND u.on_date = e.exported_on
JOIN work.unit_numbers AS n ON n.unit_code = u.unit_code AND n.valid_from = u.valid_from
WHERE r.source_rank = 0 AND r.dated_on IS NULL;

CREATE TABLE work.export_days AS
WITH placed AS (
    SELECT p.export_number, x.day, count(*) AS cases
    FROM work.places AS p
    JOIN work.row_days AS x ON x.state_id = p.state_id
    GROUP BY p.export_number, x.day
),
counted AS (
    SELECT e.file_id, p.day, p.cases FROM placed AS p JOIN work.dated_exports AS e ON e.export_number = p.export_number AND p.day <= e.exported_on
    UNION ALL
    SELECT file_id, day, count(*) FROM work.single_days GROUP BY file_id, day
)
SELECT file_id, day, sum(cases) AS cases FROM counted GROUP BY file_id, day;

CREATE TABLE work.export_units AS
WITH placed AS (
    SELECT p.export_number, x.unit_number, sum(CASE WHEN x.day <= e.exported_on THEN 1 ELSE 0 END) AS cases
    FROM work.places AS p
    JOIN work.row_days AS x ON x.state_id = p.state_id
    JOIN work.dated_exports AS e ON e.export_number = p.export_number
    GROUP BY p.export_number, x.unit_number
),
counted AS (
    SELECT e.file_id, p.unit_number, p.cases FROM placed AS p JOIN work.dated_exports AS e ON e.export_number = p.export_number WHERE p.cases > 0
    UNION ALL
    SELECT file_id, unit_number, count(*) FROM work.single_days GROUP BY file_id, unit_number
)
SELECT file_id, unit_number, CAST(sum(cases) AS BIGINT) AS cases FROM counted GROUP BY file_id, unit_number;

-- The first day leaves out the oldest 2 % of the rows: old dossiers carried along do not make a list of June one of January.
CREATE TABLE work.export_ranges AS
WITH running AS (
    SELECT file_id, day, sum(cases) OVER (PARTITION BY file_id ORDER BY day) AS so_far, sum(cases) OVER (PARTITION BY file_id) AS cases
    FROM work.export_days
),
ranges AS (
    SELECT file_id, min(CASE WHEN so_far > 0.02 * cases THEN day END) AS first_day, max(day) AS last_day, max(cases) AS cases
    FROM running
    GROUP BY file_id
)
SELECT r.file_id, e.exported_at, e.delivered_on, r.first_day, r.last_day, CAST(r.cases AS BIGINT) AS cases,
       greatest(b.worked - coalesce(a.worked, 0), 1) AS worked
FROM ranges AS r
JOIN work.exports AS e ON e.kind = 'cases' AND e.file_id = r.file_id
JOIN work.day_counts AS b ON b.date = r.last_day
LEFT JOIN work.day_counts AS a ON a.date = CAST(r.first_day - INTERVAL 1 DAY AS DATE);

-- What a unit has a working day, learned from the deliveries before; counted over the lists that hold it.
CREATE TABLE work.unit_paces AS
WITH held AS (
    SELECT x.unit_number, r.delivered_on, sum(x.cases) AS cases, sum(r.worked) AS worked
    FROM work.export_units AS x
    JOIN work.export_ranges AS r ON r.file_id = x.file_id
    GROUP BY x.unit_number, r.delivered_on
),
grid AS (
    SELECT d.delivered_on, n.unit_number, n.level, h.cases, h.worked,
           sum(h.cases) OVER w AS cases_before, sum(h.worked) OVER w AS worked_before
    FROM (SELECT DISTINCT delivered_on FROM work.export_ranges) AS d
    CROSS JOIN work.unit_numbers AS n
    LEFT JOIN held AS h ON h.unit_number = n.unit_number AND h.delivered_on = d.delivered_on
    WINDOW w AS (PARTITION BY n.unit_number ORDER BY d.delivered_on ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
)
SELECT delivered_on, unit_number, level, coalesce(cases, 0) AS cases, cases_before / nullif(CAST(worked_before AS DOUBLE), 0) AS pace
FROM grid;

-- A list is the district's when it holds at least half of the units of a level that have dossiers at all and lived on its days, and at least two.
CREATE TABLE work.export_levels AS
WITH active AS (
    SELECT DISTINCT n.unit_number, n.level, n.valid_from, n.valid_to
    FROM work.export_units AS x JOIN work.unit_numbers AS n ON n.unit_number = x.unit_number
),
expected AS (
    SELECT r.file_id, a.level, count(*) AS units
    FROM work.export_ranges AS r
    JOIN active AS a ON a.valid_from <= r.last_day AND a.valid_to >= r.first_day
    GROUP BY r.file_id, a.level
),
found AS (
    SELECT x.file_id, n.level, count(*) AS units
    FROM work.export_units AS x
    JOIN work.export_ranges AS r ON r.file_id = x.file_id
    JOIN work.unit_numbers AS n ON n.unit_number = x.unit_number AND n.valid_from <= r.last_day AND n.valid_to >= r.first_day
    GROUP BY x.file_id, n.level
),
levels AS (
    SELECT e.file_id, e.level, e.units AS expected, coalesce(f.units, 0) AS found
    FROM expected AS e LEFT JOIN found AS f ON f.file_id = e.file_id AND f.level = e.level
),
wholes AS (
    SELECT file_id, sum(expected) AS expected, sum(found) AS found FROM levels GROUP BY file_id
)
SELECT w.file_id, v.level, CASE WHEN l.found >= 2 AND l.found * 2 >= l.expected THEN TRUE ELSE FALSE END AS is_level_whole,
       CASE WHEN w.found >= 2 AND w.found * 2 >= w.expected THEN TRUE ELSE FALSE END AS is_whole
FROM wholes AS w
CROSS JOIN (SELECT DISTINCT level FROM core.units) AS v
LEFT JOIN levels AS l ON l.file_id = w.file_id AND l.level = v.level;

CREATE TABLE work.export_covers AS
SELECT r.file_id, r.exported_at, r.delivered_on, r.first_day, r.last_day, n.unit_number, p.pace * r.worked AS expected, l.is_level_whole,
       CASE WHEN x.cases > 0 THEN TRUE ELSE FALSE END AS is_listed,
       CASE WHEN x.cases > 0 OR coalesce(p.pace, 0) * r.worked < k.expected_least THEN TRUE ELSE FALSE END AS is_covered
FROM work.export_ranges AS r
CROSS JOIN work.unit_numbers AS n
CROSS JOIN work.watch AS k
JOIN work.export_levels AS l ON l.file_id = r.file_id AND l.level = n.level
JOIN work.unit_paces AS p ON p.delivered_on = r.delivered_on AND p.unit_number = n.unit_number
LEFT JOIN work.export_units AS x ON x.file_id = r.file_id AND x.unit_number = n.unit_number
WHERE x.cases > 0 OR ((l.is_level_whole OR l.is_whole) AND n.valid_from <= r.last_day AND n.valid_to >= r.first_day);

-- How many working days a source may be silent: one and a half of its usual intervals, within the bounds of its kind. `unit_number` 0 is the kind as a whole.
CREATE TABLE work.source_ages AS
WITH deliveries AS (
    SELECT DISTINCT kind, CAST(0 AS BIGINT) AS unit_number, delivered_on FROM work.exports
    UNION ALL
    SELECT DISTINCT 'cases', unit_number, delivered_on FROM work.export_covers WHERE is_covered
),
ordered AS (
    SELECT d.kind, d.unit_number, d.delivered_on, c.worked,
           c.worked - lag(c.worked) OVER (PARTITION BY d.kind, d.unit_number ORDER BY d.delivered_on) AS gap,
           row_number() OVER (PARTITION BY d.kind, d.unit_number ORDER BY d.delivered_on DESC) AS place
    FROM deliveries AS d
    LEFT JOIN work.day_counts AS c ON c.date = d.delivered_on
),
learned AS (
    SELECT o.kind, o.unit_number, max(o.delivered_on) AS delivered_on, max(o.worked) AS worked, count(o.gap) AS gaps, median(o.gap) AS gap
    FROM ordered AS o CROSS JOIN work.watch AS w
    WHERE o.place <= w.deliveries
    GROUP BY o.kind, o.unit_number
)
SELECT l.kind, l.unit_number, l.delivered_on, a.worked - coalesce(l.worked, 0) AS age_days,
       least(greatest(CASE WHEN l.gaps >= 3 THEN CAST(ceil(1.5 * l.gap) AS BIGINT) ELSE k.usual END, k.least), k.most) AS allowed_days
FROM learned AS l
JOIN work.kinds AS k ON k.kind = l.kind
CROSS JOIN work.moment AS m
JOIN work.day_counts AS a ON a.date = CAST(m.as_of AS DATE);

CREATE TABLE work.unit_ages AS
WITH newest AS (
    SELECT unit_number, max(exported_at) AS data_as_of FROM work.export_covers WHERE is_covered GROUP BY unit_number
)
SELECT n.unit_number, n.unit_code, n.valid_from, n.valid_to, w.data_as_of, s.age_days, s.allowed_days,
       CASE WHEN n.valid_from >= CAST(m.as_of AS DATE) THEN FALSE  -- begins on that day or later: no list can be expected to show it
            WHEN w.data_as_of IS NULL OR s.age_days > s.allowed_days THEN TRUE ELSE FALSE END AS is_old
FROM work.unit_numbers AS n
CROSS JOIN work.moment AS m
LEFT JOIN newest AS w ON w.unit_number = n.unit_number
LEFT JOIN work.source_ages AS s ON s.kind = 'cases' AND s.unit_number = n.unit_number;

-- A period that is over, or a unit that has ended, is complete when the data were exported after the last working day of it; what is still running is
-- fresh while its newest list is not older than allowed. A period no list covers leaves its unit's newest list to judge by.
CREATE TABLE work.unit_period_ages AS
WITH ends AS (
    SELECT p.period_kind, p.period_start, p.period_end, a.unit_number, a.unit_code, a.valid_from, a.data_as_of, a.is_old,
           CASE WHEN least(p.period_end, CAST(a.valid_to + INTERVAL 1 DAY AS DATE)) <= CAST(m.as_of AS DATE)
                THEN least(p.period_end, CAST(a.valid_to + INTERVAL 1 DAY AS DATE)) END AS ended_on
    FROM work.periods AS p
    CROSS JOIN work.unit_ages AS a
    CROSS JOIN work.moment AS m
),
closings AS (
    SELECT e.ended_on, max(CAST(c.date AS TIMESTAMP) + INTERVAL 1 SECOND * c.afternoon_to) AS closed_at
    FROM (SELECT DISTINCT ended_on FROM ends WHERE ended_on IS NOT NULL) AS e
    JOIN core.calendar AS c ON c.date < e.ended_on AND c.is_working
    GROUP BY e.ended_on
),
covering AS (
    SELECT x.unit_number, p.period_kind, p.period_start, max(x.exported_at) AS data_as_of
    FROM work.export_covers AS x
    JOIN work.periods AS p ON x.first_day < p.period_end AND x.last_day >= p.period_start
    WHERE x.is_covered
    GROUP BY x.unit_number, p.period_kind, p.period_start
)
SELECT e.period_kind, e.period_start, e.period_end, e.unit_number, e.unit_code, e.valid_from,
       CASE WHEN e.ended_on IS NULL THEN e.data_as_of ELSE coalesce(v.data_as_of, e.data_as_of) END AS data_as_of,
       CASE WHEN e.data_as_of IS NULL OR e.ended_on IS NULL THEN e.is_old
            WHEN coalesce(v.data_as_of, e.data_as_of) < c.closed_at THEN TRUE
            ELSE FALSE END AS is_stale
FROM ends AS e
LEFT JOIN closings AS c ON c.ended_on = e.ended_on
LEFT JOIN covering AS v ON v.unit_number = e.unit_number AND v.period_kind = e.period_kind AND v.period_start = e.period_start;

-- As units are today the least fresh predecessor counts, of those that lived in the period.
CREATE TABLE work.unit_freshness AS
SELECT 'was' AS view, period_kind, period_start, unit_code, valid_from, data_as_of, is_stale
FROM work.unit_period_ages
UNION ALL
SELECT 'today', a.period_kind, a.period_start, t.today_code, t.today_valid_from, min(a.data_as_of), CASE WHEN max(CASE WHEN a.is_stale THEN 1 ELSE 0 END) = 1 THEN TRUE ELSE FALSE END
FROM work.unit_period_ages AS a
JOIN work.unit_numbers AS n ON n.unit_number = a.unit_number 
JOIN work.unit_today AS t ON t.unit_code = a.unit_code AND t.valid_from = a.valid_from
WHERE (n.valid_from < a.period_end AND n.valid_to >= a.period_start) OR (t.today_code = a.unit_code AND t.today_valid_from = a.valid_from)
GROUP BY a.period_kind, a.period_start, t.today_code, t.today_valid_from;
