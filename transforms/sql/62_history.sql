-- Grain: core.case_history one row a dossier and state it was seen in, in the order in which exports showed them.
-- A state is what the lists of dossiers say of it; the list of those waiting only adds a state before a list of dossiers first shows the dossier, because it
-- tells less. Of several rows at one moment the one counts that wins in 45_latest.sql. Nothing here is corrected: it is what the source said.
-- Most dossiers have one state and need no ordering; only of those with states that interleave (shown again after another) every place is looked at, so that
-- the cost follows what changed and not how many nights showed it.
-- Inputs: work.good_cases, work.repeated_codes, work.first_places, work.places, work.chained_exports, work.files.
-- Readers: 94_audit.sql; tthc explain --history; analysts.

CREATE TABLE work.first_seen AS
SELECT p.state_id, e.file_id, e.sheet, e.sheet_number, p.row_number, f.exported_at
FROM work.first_places AS p
JOIN work.chained_exports AS e ON e.export_number = p.export_number
JOIN work.files AS f ON f.file_id = e.file_id AND f.status = 'loaded';

CREATE VIEW work.sightings AS
SELECT c.case_code, c.source_rank, c.state_id, c.unit_code, c.unit_valid_from, c.procedure_code, c.channel, c.submitted_at, c.received_at, c.due_at, c.finished_at, c.returned_at, c.status_code,
       coalesce(s.exported_at, c.exported_at) AS first_at, coalesce(s.file_id, c.file_id) AS first_file_id,
       CASE WHEN s.file_id IS NULL THEN c.sheet ELSE s.sheet END AS first_sheet, coalesce(s.sheet_number, c.sheet_number) AS first_sheet_number,
       coalesce(s.row_number, c.row_number) AS first_row_number,
       c.exported_at AS last_at, c.file_id AS last_file_id, c.sheet AS last_sheet, c.sheet_number AS last_sheet_number, c.row_number AS last_row_number
FROM work.good_cases AS c
LEFT JOIN work.first_seen AS s ON s.state_id = c.state_id
WHERE c.exported_at IS NOT NULL;

CREATE TABLE work.repeated_cases AS
SELECT case_code, min(CASE WHEN source_rank = 0 THEN first_at END) AS listed_at
FROM work.sightings
WHERE case_code IN (SELECT case_code FROM work.repeated_codes)
GROUP BY case_code
HAVING count(*) > 1;

CREATE TABLE work.repeated_sightings AS
SELECT s.*, max(s.last_at) OVER (PARTITION BY s.case_code ORDER BY s.first_at, s.last_at ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS seen_until
FROM work.sightings AS s
JOIN work.repeated_cases AS r ON r.case_code = s.case_code
WHERE s.source_rank = 0 OR r.listed_at IS NULL OR s.first_at < r.listed_at;

CREATE TABLE work.interleaved_cases AS
SELECT DISTINCT case_code FROM work.repeated_sightings WHERE seen_until >= first_at;

INSERT INTO core.case_history
WITH events AS (
    SELECT r.case_code, r.source_rank, r.unit_code, r.unit_valid_from, r.procedure_code, r.channel, r.submitted_at, r.received_at, r.due_at, r.finished_at, r.returned_at, r.status_code, r.first_at, r.first_file_id, r.first_sheet, r.first_sheet_number, r.first_row_number,
           r.last_at, r.last_file_id, r.last_sheet, r.last_row_number
    FROM work.repeated_sightings AS r
    LEFT JOIN work.interleaved_cases AS i ON i.case_code = r.case_code
    WHERE i.case_code IS NULL OR r.state_id IS NULL
    UNION ALL
    SELECT r.case_code, r.source_rank, r.unit_code, r.unit_valid_from, r.procedure_code, r.channel, r.submitted_at, r.received_at, r.due_at, r.finished_at, r.returned_at, r.status_code, f.exported_at, e.file_id, e.sheet, e.sheet_number, p.row_number, f.exported_at, e.file_id, e.sheet, p.row_number
    FROM work.repeated_sightings AS r
    JOIN work.interleaved_cases AS i ON i.case_code = r.case_code
    JOIN work.places AS p ON p.state_id = r.state_id
    JOIN work.chained_exports AS e ON e.export_number = p.export_number
    JOIN work.files AS f ON f.file_id = e.file_id AND f.status = 'loaded'
),
counted AS (
    SELECT e.*
    FROM events AS e
    JOIN work.repeated_cases AS c ON c.case_code = e.case_code
    WHERE e.source_rank = 0 OR c.listed_at IS NULL OR e.first_at < c.listed_at
),
-- Only of moments with several rows of one dossier, which are few, one has to win.
contested AS (
    SELECT case_code, first_at FROM counted GROUP BY case_code, first_at HAVING count(*) > 1
),
ranked AS (
    SELECT e.*, row_number() OVER (
               PARTITION BY e.case_code, e.first_at ORDER BY e.source_rank, e.first_file_id DESC, e.first_sheet_number DESC, e.first_row_number DESC
           ) AS place
    FROM counted AS e
    JOIN contested AS x ON x.case_code = e.case_code AND x.first_at = e.first_at
),
winners AS (
    SELECT e.*, 1 AS place
    FROM counted AS e
    LEFT JOIN contested AS x ON x.case_code = e.case_code AND x.first_at = e.first_at
    WHERE x.case_code IS NULL
    UNION ALL
    SELECT * FROM ranked WHERE place = 1
),
-- `changes` names the columns that are otherwise than in the event before it.
compared AS (
    SELECT *, lead(first_at) OVER w AS next_at,
           CASE WHEN row_number() OVER w > 1 AND unit_valid_from IS NOT DISTINCT FROM lag(unit_valid_from) OVER w THEN 0 ELSE 1 END AS is_first_or_moved,
           substr(CASE WHEN unit_code IS DISTINCT FROM lag(unit_code) OVER w THEN ',unit_code' ELSE '' END
              || CASE WHEN procedure_code IS DISTINCT FROM lag(procedure_code) OVER w THEN ',procedure_code' ELSE '' END
              || CASE WHEN channel IS DISTINCT FROM lag(channel) OVER w THEN ',channel' ELSE '' END
              || CASE WHEN submitted_at IS DISTINCT FROM lag(submitted_at) OVER w THEN ',submitted_at' ELSE '' END
              || CASE WHEN received_at IS DISTINCT FROM lag(received_at) OVER w THEN ',received_at' ELSE '' END
              || CASE WHEN due_at IS DISTINCT FROM lag(due_at) OVER w THEN ',due_at' ELSE '' END
              || CASE WHEN finished_at IS DISTINCT FROM lag(finished_at) OVER w THEN ',finished_at' ELSE '' END
              || CASE WHEN returned_at IS DISTINCT FROM lag(returned_at) OVER w THEN ',returned_at' ELSE '' END
              || CASE WHEN status_code IS DISTINCT FROM lag(status_code) OVER w THEN ',status_code' ELSE '' END, 2) AS changes
    FROM winners
    WINDOW w AS (PARTITION BY case_code ORDER BY first_at)
),
begun AS (
    SELECT *, CASE WHEN is_first_or_moved = 0 AND changes = '' THEN 0 ELSE 1 END AS is_other FROM compared
),
numbered AS (
    SELECT *, CAST(sum(is_other) OVER w AS BIGINT) AS state_number, coalesce(lead(is_other) OVER w, 1) AS is_last
    FROM begun
    WINDOW w AS (PARTITION BY case_code ORDER BY first_at)
),
every_state AS (
    SELECT a.case_code, a.state_number, a.first_at AS valid_from, b.next_at AS valid_to, a.changes,
           a.unit_code, a.unit_valid_from, a.procedure_code, a.channel, a.submitted_at, a.received_at, a.due_at, a.finished_at, a.returned_at, a.status_code, a.first_file_id, a.first_sheet, a.first_row_number,
           b.last_at, b.last_file_id, b.last_sheet, b.last_row_number
    FROM numbered AS a
    JOIN numbered AS b ON b.case_code = a.case_code AND b.state_number = a.state_number AND b.is_last = 1
    WHERE a.is_other = 1
    UNION ALL
    SELECT s.case_code, CAST(1 AS BIGINT), s.first_at, CAST(NULL AS TIMESTAMP), '', s.unit_code, s.unit_valid_from, s.procedure_code, s.channel, s.submitted_at, s.received_at, s.due_at, s.finished_at, s.returned_at, s.status_code,
           s.first_file_id, s.first_sheet, s.first_row_number, s.last_at, s.last_file_id, s.last_sheet, s.last_row_number
    FROM work.sightings AS s
    LEFT JOIN work.repeated_cases AS r ON r.case_code = s.case_code
    WHERE r.case_code IS NULL
)
SELECT case_code, CAST(state_number AS INTEGER) AS state_number, valid_from, valid_to, last_at AS last_seen_at,
       CASE WHEN state_number > 1 THEN changes END AS changed_columns, unit_code, unit_valid_from, procedure_code, channel, submitted_at, received_at, due_at, finished_at, returned_at, status_code,
       first_file_id AS file_id, first_sheet AS sheet, first_row_number AS row_number,
       last_file_id, last_sheet, last_row_number
FROM every_state;

DROP VIEW work.sightings;
DROP VIEW work.latest_cases;
DROP VIEW work.newest_cases;
DROP VIEW work.good_cases;
