-- Grain: work.deliveries one row a kind and day of export looked back on; work.delivery_sizes one a kind, unit and delivery; work.shrunk one a unit with missing dossiers.
-- Only the newest days of export are looked back on (work.watch.deliveries), so that a year of nightly lists costs no more than a fortnight.
-- A missing dossier is told only where a newer list proves that it covers it: it still lists dossiers that had ended before, of the same day of reception, unit,
-- procedure and channel, and that rested for at least as long. Parts, other months, lists of open dossiers and of what changed lately prove nothing and raise nothing.
-- Inputs: core.cases, core.case_history, work.exports, work.unit_numbers, work.day_counts (68_coverage.sql), work.every_*_row, work.unit_refs, work.watch.
-- Readers: 92_freshness.sql.

CREATE TABLE work.deliveries AS
WITH days AS (
    SELECT kind, delivered_on, max(exported_at) AS exported_at FROM work.exports GROUP BY kind, delivered_on
),
numbered AS (
    SELECT d.*, row_number() OVER (PARTITION BY d.kind ORDER BY d.delivered_on DESC) AS number FROM days AS d
)
SELECT n.kind, n.delivered_on, n.exported_at, n.number, c.worked
FROM numbered AS n
CROSS JOIN work.watch AS w
LEFT JOIN work.day_counts AS c ON c.date = n.delivered_on
WHERE n.number <= w.deliveries;

-- The rows of dossier lists in those deliveries. `content` is a fingerprint of what the row says, without where it stands.
CREATE TABLE work.listed AS
SELECT d.kind, d.number, r.file_id, r.case_code, n.unit_number, r.on_date AS day, r.procedure_code, r.channel,
       CASE WHEN r.received_at IS NOT NULL AND coalesce(r.status_code, 0) <> 3 THEN TRUE ELSE FALSE END AS is_received,
       CASE WHEN r.status_code IN (7, 8, 9, 10) THEN TRUE ELSE FALSE END AS is_ended,
       greatest(coalesce(r.received_at, r.submitted_at), coalesce(r.finished_at, r.received_at), coalesce(r.returned_at, r.received_at)) AS rested_from,
       coalesce(r.finished_at, r.returned_at, r.received_at, r.submitted_at) AS ended_from,
       CAST(hash(r.case_code, r.unit_ref, r.procedure_code, r.submitted_at, r.received_at, r.due_at, r.finished_at, r.returned_at, r.status_code)
            % 1000000007 AS BIGINT) AS content
FROM work.every_case_row AS r
JOIN work.exports AS e ON e.file_id = r.file_id AND e.kind = CASE r.source_rank WHEN 0 THEN 'cases' ELSE 'waiting' END
JOIN work.deliveries AS d ON d.kind = e.kind AND d.delivered_on = e.delivered_on
LEFT JOIN work.unit_refs AS u ON u.unit_ref = r.unit_ref AND u.on_date = r.on_date
LEFT JOIN work.unit_numbers AS n ON n.unit_code = u.unit_code AND n.valid_from = u.valid_from
WHERE r.case_code IS NOT NULL;

-- A dossier counts once a delivery, whatever number of its files list it. Fee and digitization rows are counted by their dossier's day, of no unit.
CREATE TABLE work.delivered_days AS
WITH lines AS (
    SELECT d.kind, d.number, r.case_code,
           CAST(hash(r.case_code, r.fee_kind, r.amount, r.collection, r.method, r.payment_state, r.paid_at) % 1000000007 AS BIGINT) AS content
    FROM work.every_payment_row AS r
    JOIN work.exports AS e ON e.file_id = r.file_id AND e.kind = 'payments'
    JOIN work.deliveries AS d ON d.kind = e.kind AND d.delivered_on = e.delivered_on
    WHERE r.case_code IS NOT NULL
    UNION ALL
    SELECT d.kind, d.number, r.case_code, CAST(hash(r.case_code, r.digitized_input_code, r.is_result_digitized, r.is_e_result) % 1000000007 AS BIGINT)
    FROM work.every_digitization_row AS r
    JOIN work.exports AS e ON e.file_id = r.file_id AND e.kind = 'digitization'
    JOIN work.deliveries AS d ON d.kind = e.kind AND d.delivered_on = e.delivered_on
    WHERE r.case_code IS NOT NULL
),
once AS (
    SELECT kind, number, case_code, max(content) + min(content) AS content FROM lines GROUP BY kind, number, case_code
),
dossiers AS (
    SELECT kind, number, max(unit_number) AS unit_number, max(day) AS day, max(content) + min(content) AS content
    FROM work.listed
    GROUP BY kind, number, case_code
    UNION ALL
    SELECT o.kind, o.number, CAST(NULL AS BIGINT), CAST(coalesce(c.received_at, c.submitted_at) AS DATE), o.content
    FROM once AS o
    LEFT JOIN core.cases AS c ON c.case_code = o.case_code
)
SELECT kind, number, unit_number, day, count(*) AS cases, sum(content) AS content
FROM dossiers
GROUP BY kind, number, unit_number, day;

-- Size of a delivery: dossiers a working day of the days it covers, for the kind as a whole (unit 0) and for each unit.
CREATE TABLE work.delivery_sizes AS
WITH by_day AS (
    SELECT s.kind, s.number, s.day, sum(s.cases) AS cases
    FROM work.delivered_days AS s
    JOIN work.deliveries AS d ON d.kind = s.kind AND d.number = s.number AND s.day <= CAST(d.exported_at AS DATE)
    GROUP BY s.kind, s.number, s.day
),
running AS (
    SELECT kind, number, day, sum(cases) OVER (PARTITION BY kind, number ORDER BY day) AS so_far, sum(cases) OVER (PARTITION BY kind, number) AS cases
    FROM by_day
),
ranges AS (
    SELECT kind, number, min(CASE WHEN so_far > 0.02 * cases THEN day END) AS first_day, max(day) AS last_day FROM running GROUP BY kind, number
),
worked AS (
    SELECT r.*, coalesce(a.worked, 0) AS worked_from, b.worked AS worked_to, greatest(b.worked - coalesce(a.worked, 0), 1) AS worked
    FROM ranges AS r
    JOIN work.day_counts AS b ON b.date = r.last_day
    LEFT JOIN work.day_counts AS a ON a.date = CAST(r.first_day - INTERVAL 1 DAY AS DATE)
),
sized AS (
    SELECT kind, number, CAST(0 AS BIGINT) AS unit_number, sum(cases) AS cases, sum(content) AS content FROM work.delivered_days GROUP BY kind, number
    UNION ALL
    SELECT kind, number, unit_number, sum(cases), sum(content) FROM work.delivered_days WHERE kind = 'cases' AND unit_number IS NOT NULL
    GROUP BY kind, number, unit_number
)
SELECT s.kind, s.unit_number, s.number, row_number() OVER (PARTITION BY s.kind, s.unit_number ORDER BY s.number) AS place, CAST(s.cases AS BIGINT) AS cases,
       CAST(s.content AS DECIMAL(38, 0)) AS content, w.first_day, w.last_day, w.worked_from, w.worked_to, w.worked,
       CAST(s.cases AS DOUBLE) / w.worked AS pace
FROM sized AS s
LEFT JOIN worked AS w ON w.kind = s.kind AND w.number = s.number;

-- Dossiers that newer lists cover and no longer hold. Those that only the newest delivery lists can neither be missing nor prove anything.
-- A list of what changed lately, or of what is open or ended lately, leaves out whatever rests: of the dossiers that rested at least as long as the missing one, the list must hold
-- more than it leaves out. That is from the last date of its row, and where a change was seen, from the list that showed it; and from its end alone, for lists of what ended
-- lately leave out also what was handed out later.
CREATE TABLE work.shrunk AS
WITH dossiers AS (
    SELECT case_code, min(number) AS last_number, max(CASE WHEN is_ended THEN number END) AS ended_number
    FROM work.listed
    WHERE kind = 'cases' AND case_code IN (SELECT case_code FROM work.listed WHERE kind = 'cases' AND number > 1)
    GROUP BY case_code
),
missing AS (
    SELECT DISTINCT l.case_code, l.number, l.unit_number, l.day, l.procedure_code, l.channel, l.is_ended, l.rested_from, l.ended_from
    FROM work.listed AS l
    JOIN dossiers AS d ON d.case_code = l.case_code AND d.last_number = l.number
    WHERE l.kind = 'cases' AND l.number > 1 AND l.is_received AND l.unit_number IS NOT NULL
),
proof AS (
    SELECT l.file_id, l.number, l.unit_number, l.day, l.procedure_code, l.channel,
           CASE WHEN h.valid_from > l.rested_from THEN h.valid_from ELSE l.rested_from END AS rested_from, l.ended_from, count(*) AS cases
    FROM work.listed AS l
    JOIN dossiers AS d ON d.case_code = l.case_code AND d.ended_number > l.number
    LEFT JOIN core.case_history AS h ON h.case_code = l.case_code AND h.valid_to IS NULL AND h.state_number > 1
    WHERE l.kind = 'cases' AND l.is_received
    GROUP BY l.file_id, l.number, l.unit_number, l.day, l.procedure_code, l.channel, l.ended_from,
             CASE WHEN h.valid_from > l.rested_from THEN h.valid_from ELSE l.rested_from END
),
days AS (
    SELECT DISTINCT file_id, number, day FROM proof
),
units AS (
    SELECT DISTINCT file_id, unit_number FROM proof
),
procedures AS (
    SELECT DISTINCT file_id, procedure_code FROM proof
),
channels AS (
    SELECT DISTINCT file_id, channel FROM proof
),
sizes AS (
    SELECT p.file_id, max(CASE WHEN o.file_id IS NOT NULL THEN 1 ELSE 0 END) AS has_open
    FROM (SELECT DISTINCT file_id FROM proof) AS p
    LEFT JOIN (SELECT DISTINCT file_id FROM work.listed WHERE kind = 'cases' AND is_received AND NOT is_ended) AS o ON o.file_id = p.file_id
    GROUP BY p.file_id
),
-- A refused row loses its code when it is read: so many of the missing may be among those of the same unit, or of no known unit.
refused AS (
    SELECT r.file_id, n.unit_number, count(*) AS cases
    FROM work.every_case_row AS r
    LEFT JOIN work.unit_refs AS u ON u.unit_ref = r.unit_ref AND u.on_date = r.on_date
    LEFT JOIN work.unit_numbers AS n ON n.unit_code = u.unit_code AND n.valid_from = u.valid_from
    WHERE r.case_code IS NULL AND r.source_rank = 0
    GROUP BY r.file_id, n.unit_number
),
covered AS (
    SELECT m.case_code, m.unit_number, m.rested_from, m.ended_from, d.number, d.file_id
    FROM missing AS m
    JOIN days AS d ON d.day = m.day AND d.number < m.number
    JOIN units AS u ON u.file_id = d.file_id AND u.unit_number = m.unit_number
    JOIN procedures AS p ON p.file_id = d.file_id AND p.procedure_code = m.procedure_code
    JOIN channels AS c ON c.file_id = d.file_id AND c.channel = m.channel
    JOIN sizes AS s ON s.file_id = d.file_id AND (m.is_ended OR s.has_open = 1)
),
rests AS (
    SELECT file_id, case_code, unit_number, number, 'last' AS clock, rested_from AS since, 0 AS cases, 1 AS missing FROM covered
    UNION ALL
    SELECT file_id, case_code, unit_number, number, 'end', ended_from, 0, 1 FROM covered
    UNION ALL
    SELECT file_id, NULL, unit_number, number, 'last', rested_from, cases, 0 FROM proof
    UNION ALL
    SELECT file_id, NULL, unit_number, number, 'end', ended_from, cases, 0 FROM proof
),
rested AS (
    SELECT r.*, sum(r.cases) OVER w AS cases_rested, sum(r.missing) OVER w AS missing_rested
    FROM rests AS r
    WINDOW w AS (PARTITION BY r.file_id, r.clock ORDER BY r.since RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
),
held AS (
    SELECT case_code, unit_number, number, file_id
    FROM rested
    WHERE missing = 1 AND missing_rested <= cases_rested
    GROUP BY case_code, unit_number, number, file_id
    HAVING count(DISTINCT clock) = 2
),
told AS (
    SELECT h.*, count(*) OVER (PARTITION BY h.file_id, h.unit_number) AS missing_of_unit FROM held AS h
)
SELECT t.unit_number, count(DISTINCT t.case_code) AS cases, min(t.number) AS number
FROM told AS t
LEFT JOIN refused AS o ON o.file_id = t.file_id AND o.unit_number = t.unit_number
LEFT JOIN refused AS e ON e.file_id = t.file_id AND e.unit_number IS NULL
WHERE t.missing_of_unit > coalesce(o.cases, 0) + coalesce(e.cases, 0)
GROUP BY t.unit_number;

DROP TABLE work.listed;
