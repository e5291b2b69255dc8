-- Grain: work.audit_of_lists one row a finding that lists raise beside each other: dossiers that vanished, that stand under two units, or under two codes.
-- A list is taken to hold a day's dossiers when it holds those received just before and just after: lists of one month, of open dossiers only, or of one
-- procedure leave most of these out and so raise nothing.
-- Inputs: core.case_history, core.cases, work.export_covers, work.unit_numbers, work.unit_today, work.interleaved_sightings, work.files,
-- work.audit_rules, work.moment, core.calendar (as a source of numbers).
-- Readers: 94_audit_words.sql.

-- Units whose dossiers were last seen at several times; the others can have lost nothing.
CREATE TABLE work.audit_lasts AS
WITH fronts AS (
    SELECT unit_code, unit_valid_from
    FROM core.case_history
    WHERE valid_to IS NULL
    GROUP BY unit_code, unit_valid_from
    HAVING min(last_seen_at) < max(last_seen_at)
)
SELECT h.case_code, h.state_number, h.unit_code, h.unit_valid_from, h.procedure_code, h.submitted_at, h.received_at, h.last_seen_at,
       CAST(coalesce(h.received_at, h.submitted_at, h.due_at, h.finished_at) AS DATE) AS on_date,
       CASE WHEN h.status_code IN (3, 7, 8, 9, 10) THEN 1 ELSE 0 END AS is_closed, CASE WHEN h.received_at IS NULL THEN 1 ELSE 0 END AS is_waiting
FROM core.case_history AS h
JOIN fronts AS f ON f.unit_code = h.unit_code AND f.unit_valid_from = h.unit_valid_from
WHERE h.valid_to IS NULL;

-- What may have vanished: of received dossiers those that some older and some younger one, both closed, outlasted, and after which the unit was listed often
-- enough. The last is known at once, and true of few where one list of some dossiers follows another of all.
CREATE TABLE work.audit_missing AS
WITH lists AS (
    SELECT u.unit_code, u.valid_from, x.exported_at, row_number() OVER (PARTITION BY u.unit_number ORDER BY x.exported_at DESC) AS place
    FROM work.export_covers AS x
    JOIN work.unit_numbers AS u ON u.unit_number = x.unit_number
    WHERE x.is_listed
),
enough AS (
    SELECT l.unit_code, l.valid_from, l.exported_at
    FROM lists AS l
    JOIN work.audit_rules AS r ON r.rule = 'vanished' AND l.place = r.least_lists
),
days AS (
    SELECT unit_code, unit_valid_from, on_date, max(CASE WHEN is_closed = 1 THEN last_seen_at END) AS last_at
    FROM work.audit_lasts
    GROUP BY unit_code, unit_valid_from, on_date
),
around AS (
    SELECT unit_code, unit_valid_from, on_date,
           max(last_at) OVER (PARTITION BY unit_code, unit_valid_from ORDER BY on_date ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS older_at,
           max(last_at) OVER (PARTITION BY unit_code, unit_valid_from ORDER BY on_date ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS younger_at
    FROM days
),
open_ones AS (
    SELECT unit_code, unit_valid_from, max(last_seen_at) AS last_at FROM work.audit_lasts WHERE is_closed = 0 GROUP BY unit_code, unit_valid_from
)
SELECT l.*
FROM work.audit_lasts AS l
JOIN around AS a ON a.unit_code = l.unit_code AND a.unit_valid_from = l.unit_valid_from AND a.on_date = l.on_date
JOIN enough AS e ON e.unit_code = l.unit_code AND e.valid_from = l.unit_valid_from AND e.exported_at > l.last_seen_at
LEFT JOIN open_ones AS o ON o.unit_code = l.unit_code AND o.unit_valid_from = l.unit_valid_from
WHERE l.is_waiting = 0 AND a.older_at > l.last_seen_at AND a.younger_at > l.last_seen_at AND (l.is_closed = 1 OR o.last_at > l.last_seen_at);

CREATE TABLE work.audit_neighbours AS
WITH units AS (
    SELECT DISTINCT unit_code, unit_valid_from FROM work.audit_missing
),
ordered AS (
    SELECT l.case_code, l.unit_code, l.unit_valid_from, l.last_seen_at, l.is_closed,
           sum(l.is_closed) OVER (PARTITION BY l.unit_code, l.unit_valid_from ORDER BY l.on_date, l.case_code ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS place
    FROM work.audit_lasts AS l
    JOIN units AS u ON u.unit_code = l.unit_code AND u.unit_valid_from = l.unit_valid_from
),
steps AS (
    SELECT n.step, r.least_neighbours, r.seen_share
    FROM (SELECT row_number() OVER (ORDER BY date) AS step FROM core.calendar) AS n
    JOIN work.audit_rules AS r ON r.rule = 'vanished'
    WHERE n.step <= r.neighbours
),
-- The place before a closed dossier's own is its own place less one; an open one stands between two places.
sides AS (
    SELECT o.case_code, o.unit_code, o.unit_valid_from, o.last_seen_at, 'older' AS side, o.place + 1 - o.is_closed - s.step AS place, s.least_neighbours, s.seen_share
    FROM ordered AS o
    JOIN work.audit_missing AS m ON m.case_code = o.case_code
    CROSS JOIN steps AS s
    UNION ALL
    SELECT o.case_code, o.unit_code, o.unit_valid_from, o.last_seen_at, 'younger', o.place + s.step, s.least_neighbours, s.seen_share
    FROM ordered AS o
    JOIN work.audit_missing AS m ON m.case_code = o.case_code
    CROSS JOIN steps AS s
),
counted AS (
    SELECT x.case_code, x.side
    FROM sides AS x
    JOIN ordered AS n ON n.unit_code = x.unit_code AND n.unit_valid_from = x.unit_valid_from AND n.is_closed = 1 AND n.place = x.place
    GROUP BY x.case_code, x.side, x.least_neighbours, x.seen_share
    HAVING count(*) >= x.least_neighbours AND sum(CASE WHEN n.last_seen_at > x.last_seen_at THEN 1 ELSE 0 END) >= x.seen_share * count(*)
)
SELECT case_code FROM counted GROUP BY case_code HAVING count(*) = 2;

-- The lists that should hold it. A dossier with the same content that first appears later is the same under a new code.
-- Lists of what has changed lately leave out whatever rests: they tell of the absence of a dossier only where they show most of the closed ones that rested
-- for longer. One that never changed while lists showed it rests since its own last date, not since the first list.
CREATE TABLE work.audit_vanished AS
WITH resting AS (
    SELECT h.unit_code, h.unit_valid_from, h.case_code, h.last_seen_at, h.status_code,
           CAST(CASE WHEN h.state_number > 1 THEN h.valid_from
                     ELSE least(h.valid_from, greatest(coalesce(h.received_at, h.submitted_at), coalesce(h.finished_at, h.received_at),
                                                       coalesce(h.returned_at, h.received_at))) END AS DATE) AS since_on
    FROM core.case_history AS h
    JOIN (SELECT DISTINCT unit_code, unit_valid_from FROM work.audit_missing) AS u ON u.unit_code = h.unit_code AND u.unit_valid_from = h.unit_valid_from
    WHERE h.valid_to IS NULL
),
rested AS (
    SELECT unit_code, unit_valid_from, last_seen_at, since_on, count(*) AS cases
    FROM resting
    WHERE status_code IN (3, 7, 8, 9, 10)
    GROUP BY unit_code, unit_valid_from, last_seen_at, since_on
),
recoded AS (
    SELECT DISTINCT m.case_code
    FROM work.audit_missing AS m
    JOIN work.audit_neighbours AS n ON n.case_code = m.case_code
    JOIN core.case_history AS h ON h.submitted_at = m.submitted_at AND h.received_at = m.received_at AND h.procedure_code = m.procedure_code AND h.case_code <> m.case_code
    WHERE h.state_number = 1 AND h.valid_from > m.last_seen_at
),
later AS (
    SELECT m.case_code, m.state_number, m.unit_code, m.unit_valid_from, x.file_id, x.exported_at, count(*) OVER (PARTITION BY m.case_code) AS lists,
           row_number() OVER (PARTITION BY m.case_code ORDER BY x.exported_at, x.file_id) AS place
    FROM work.audit_missing AS m
    JOIN work.audit_neighbours AS n ON n.case_code = m.case_code
    JOIN work.unit_numbers AS u ON u.unit_code = m.unit_code AND u.valid_from = m.unit_valid_from
    JOIN work.export_covers AS x ON x.unit_number = u.unit_number AND x.is_listed AND x.exported_at > m.last_seen_at
                                AND m.on_date >= x.first_day AND m.on_date <= x.last_day
)
SELECT l.case_code, l.state_number, l.file_id, l.exported_at
FROM later AS l
JOIN work.audit_rules AS r ON r.rule = 'vanished'
JOIN resting AS m ON m.case_code = l.case_code
JOIN rested AS s ON s.unit_code = l.unit_code AND s.unit_valid_from = l.unit_valid_from AND s.since_on < m.since_on
LEFT JOIN recoded AS c ON c.case_code = l.case_code
WHERE l.place = 1 AND l.lists >= r.least_lists AND c.case_code IS NULL
GROUP BY l.case_code, l.state_number, l.file_id, l.exported_at
HAVING sum(CASE WHEN s.last_seen_at >= l.exported_at THEN s.cases ELSE 0 END) > sum(CASE WHEN s.last_seen_at < l.exported_at THEN s.cases ELSE 0 END);

-- One dossier under two units at one export time; units that the reform made one are one. Shown are the rows of the list that first had it under its unit of today
-- and another one: what newer lists say of it makes no other evidence.
CREATE TABLE work.audit_doubles AS
WITH places AS (
    SELECT s.case_code, s.unit_code, s.unit_valid_from, s.received_at, s.due_at, s.finished_at, s.returned_at, s.status_code,
           s.last_at AS seen_at, f.file_id, s.last_sheet AS sheet, s.last_row_number AS row_number
    FROM work.interleaved_sightings AS s
    JOIN work.files AS f ON f.file_number = s.last_file AND f.status = 'loaded'
    WHERE s.source_rank = 0
),
named AS (
    SELECT p.*, t.today_code, t.today_valid_from
    FROM places AS p
    JOIN work.unit_today AS t ON t.unit_code = p.unit_code AND t.valid_from = p.unit_valid_from
),
times AS (
    SELECT case_code, seen_at
    FROM named
    GROUP BY case_code, seen_at
    HAVING min(today_code) < max(today_code) OR min(today_valid_from) < max(today_valid_from)
),
spans AS (
    SELECT t.case_code, min(t.seen_at) AS found_at, count(DISTINCT t.seen_at) AS times
    FROM times AS t
    JOIN core.cases AS c ON c.case_code = t.case_code
    JOIN named AS n ON n.case_code = t.case_code AND n.seen_at = t.seen_at AND n.unit_code = c.unit_code AND n.unit_valid_from = c.unit_valid_from
    GROUP BY t.case_code
),
paired AS (
    SELECT n.*, s.found_at, c.unit_code AS own_code, c.unit_valid_from AS own_valid_from,
           CASE WHEN n.unit_code = c.unit_code AND n.unit_valid_from = c.unit_valid_from THEN 1 ELSE 0 END AS is_own,
           row_number() OVER (
               PARTITION BY n.case_code, CASE WHEN n.unit_code = c.unit_code AND n.unit_valid_from = c.unit_valid_from THEN 1 ELSE 0 END
               ORDER BY n.unit_code, n.unit_valid_from, n.file_id, n.row_number
           ) AS place
    FROM spans AS s
    JOIN work.audit_rules AS r ON r.rule = 'two_units'
    JOIN named AS n ON n.case_code = s.case_code AND n.seen_at = s.found_at
    JOIN core.cases AS c ON c.case_code = s.case_code
    WHERE s.times >= r.least_lists
)
SELECT a.case_code, a.unit_code, a.unit_valid_from, a.found_at, b.unit_code AS other_unit_code, b.unit_valid_from AS other_unit_valid_from,
       b.received_at AS received_before, b.due_at AS due_before, b.finished_at AS finished_before, b.returned_at AS returned_before, b.status_code AS status_before,
       b.file_id AS before_file_id, b.sheet AS before_sheet, b.row_number AS before_row_number,
       a.received_at, a.due_at, a.finished_at, a.returned_at, a.status_code, a.file_id, a.sheet, a.row_number
FROM paired AS a
JOIN paired AS b ON b.case_code = a.case_code AND b.is_own = 0 AND b.place = 1
WHERE a.is_own = 1 AND a.place = 1;

-- One content under several codes in several units, to the minute: first by two moments, which nearly nothing passes.
CREATE TABLE work.audit_twins AS
WITH suspects AS (
    SELECT submitted_at, returned_at FROM core.cases WHERE is_finished AND finished_at IS NOT NULL AND returned_at IS NOT NULL
    GROUP BY submitted_at, returned_at
    HAVING count(*) > 1
),
alike AS (
    SELECT c.case_code, c.unit_code, c.unit_valid_from, t.today_code,
           first_value(c.case_code) OVER w AS first_code, first_value(t.today_code) OVER w AS first_unit
    FROM core.cases AS c
    JOIN suspects AS s ON s.submitted_at = c.submitted_at AND s.returned_at = c.returned_at
    JOIN core.case_history AS h ON h.case_code = c.case_code AND h.state_number = 1
    JOIN work.unit_today AS t ON t.unit_code = c.unit_code AND t.valid_from = c.unit_valid_from
    JOIN work.audit_rules AS r ON r.rule = 'same_content'
    WHERE c.is_finished AND c.finished_at IS NOT NULL
      AND CASE WHEN c.received_at <> c.submitted_at THEN 2 ELSE 1 END + CASE WHEN c.finished_at <> c.received_at THEN 1 ELSE 0 END
          + CASE WHEN c.returned_at <> c.finished_at THEN 1 ELSE 0 END >= r.least_moments
      AND CAST(CAST(c.finished_at AS DATE) AS TIMESTAMP) <> c.finished_at AND CAST(CAST(c.returned_at AS DATE) AS TIMESTAMP) <> c.returned_at
    WINDOW w AS (PARTITION BY c.procedure_code, c.channel, c.submitted_at, c.received_at, c.due_at, c.finished_at, c.returned_at ORDER BY h.valid_from, c.case_code)
)
SELECT case_code, unit_code, unit_valid_from, first_code FROM alike WHERE today_code <> first_unit;

-- The first state of a twin with the content as it stands: a status that goes on afterwards makes no new question.
CREATE TABLE work.audit_first_alike AS
WITH twins AS (
    SELECT case_code FROM work.audit_twins
    UNION
    SELECT first_code FROM work.audit_twins
)
SELECT n.case_code, min(h.state_number) AS state_number
FROM twins AS t
JOIN core.case_history AS n ON n.case_code = t.case_code AND n.valid_to IS NULL
JOIN core.case_history AS h
  ON h.case_code = n.case_code AND h.procedure_code IS NOT DISTINCT FROM n.procedure_code AND h.channel IS NOT DISTINCT FROM n.channel
 AND h.submitted_at IS NOT DISTINCT FROM n.submitted_at AND h.received_at IS NOT DISTINCT FROM n.received_at AND h.due_at IS NOT DISTINCT FROM n.due_at
 AND h.finished_at IS NOT DISTINCT FROM n.finished_at AND h.returned_at IS NOT DISTINCT FROM n.returned_at
GROUP BY n.case_code;

CREATE TABLE work.audit_of_lists AS
SELECT 'vanished' AS rule, h.unit_code, h.unit_valid_from, h.case_code, v.exported_at AS found_at,
       CAST(NULL AS STRING) AS other_code, CAST(NULL AS STRING) AS other_unit_code, CAST(NULL AS DATE) AS other_unit_valid_from,
       h.received_at AS received_before, h.due_at AS due_before, h.finished_at AS finished_before, h.returned_at AS returned_before, h.status_code AS status_before,
       h.last_file_id AS before_file_id, h.last_sheet AS before_sheet, h.last_row_number AS before_row_number,
       CAST(NULL AS TIMESTAMP) AS received_at, CAST(NULL AS TIMESTAMP) AS due_at, CAST(NULL AS TIMESTAMP) AS finished_at, CAST(NULL AS TIMESTAMP) AS returned_at,
       CAST(NULL AS INTEGER) AS status_code, v.file_id, CAST(NULL AS STRING) AS sheet, CAST(NULL AS INTEGER) AS row_number
FROM work.audit_vanished AS v
JOIN core.case_history AS h ON h.case_code = v.case_code AND h.state_number = v.state_number
UNION ALL
SELECT 'two_units', unit_code, unit_valid_from, case_code, found_at, NULL, other_unit_code, other_unit_valid_from,
       received_before, due_before, finished_before, returned_before, status_before, before_file_id, before_sheet, before_row_number,
       received_at, due_at, finished_at, returned_at, status_code, file_id, sheet, row_number
FROM work.audit_doubles
UNION ALL
SELECT 'same_content', n.unit_code, n.unit_valid_from, n.case_code, greatest(a.valid_from, f.valid_from), b.case_code, b.unit_code, b.unit_valid_from,
       b.received_at, b.due_at, b.finished_at, b.returned_at, b.status_code, b.last_file_id, b.last_sheet, b.last_row_number,
       a.received_at, a.due_at, a.finished_at, a.returned_at, a.status_code, a.file_id, a.sheet, a.row_number
FROM work.audit_twins AS t
JOIN core.case_history AS n ON n.case_code = t.case_code AND n.valid_to IS NULL
JOIN work.audit_first_alike AS o ON o.case_code = t.case_code
JOIN core.case_history AS a ON a.case_code = o.case_code AND a.state_number = o.state_number
JOIN core.case_history AS b ON b.case_code = t.first_code AND b.valid_to IS NULL
JOIN work.audit_first_alike AS g ON g.case_code = t.first_code
JOIN core.case_history AS f ON f.case_code = g.case_code AND f.state_number = g.state_number;
