-- Grain: core.case_history one row a dossier and state it was seen in, in the order in which exports showed them.
-- A state is what the lists of dossiers say of it; the list of those waiting only adds a state before a list of dossiers first shows the dossier, because it
-- tells less. Of several rows at one moment the one counts that wins in 45_latest.sql. Nothing here is corrected: it is what the source said.
-- Most dossiers have one state and need no ordering; only of those with states that interleave (shown again after another) every place is looked at, so that
-- the cost follows what changed and not how many nights showed it. Only keys are ordered: rows with all their columns would go through the disk.
-- Inputs: work.good_cases, work.repeated_codes, work.unit_refs, work.first_places, work.places, work.chained_exports, work.files.
-- Readers: 91_deliveries.sql, 94_audit_lists.sql; tthc explain --history; analysts.

CREATE TABLE work.first_seen AS
SELECT p.state_id, e.file_id, f.file_number, e.sheet, e.sheet_number, p.row_number, f.exported_at
FROM work.first_places AS p
JOIN work.chained_exports AS e ON e.export_number = p.export_number
JOIN work.files AS f ON f.file_id = e.file_id AND f.status = 'loaded';

CREATE VIEW work.sightings AS
SELECT c.case_code, c.source_rank, c.state_id, c.unit_ref, c.dated_on, c.unit_code, c.unit_valid_from, c.procedure_code, c.channel, c.submitted_at, c.received_at, c.due_at, c.finished_at, c.returned_at, c.status_code,
       coalesce(s.exported_at, c.exported_at) AS first_at, coalesce(s.file_id, c.file_id) AS first_file_id, coalesce(s.file_number, c.file_number) AS first_file,
       CASE WHEN s.file_id IS NULL THEN c.sheet ELSE s.sheet END AS first_sheet, coalesce(s.sheet_number, c.sheet_number) AS first_sheet_number,
       coalesce(s.row_number, c.row_number) AS first_row_number,
       c.exported_at AS last_at, c.file_id AS last_file_id, c.file_number AS last_file, c.sheet AS last_sheet, c.row_number AS last_row_number
FROM work.good_cases AS c
LEFT JOIN work.first_seen AS s ON s.state_id = c.state_id
WHERE c.exported_at IS NOT NULL;

CREATE TABLE work.repeated_sightings AS
SELECT s.case_code, s.source_rank, s.state_id, s.unit_ref, s.dated_on, s.unit_code, s.unit_valid_from, s.procedure_code, s.channel, s.submitted_at, s.received_at, s.due_at, s.finished_at, s.returned_at, s.status_code,
       s.first_at, s.first_file, s.first_sheet, s.first_sheet_number, s.first_row_number, s.last_at, s.last_file, s.last_sheet, s.last_row_number
FROM work.sightings AS s
JOIN work.repeated_codes AS r ON r.case_code = s.case_code;

CREATE TABLE work.listed_cases AS
SELECT case_code, min(first_at) AS listed_at FROM work.repeated_sightings WHERE source_rank = 0 GROUP BY case_code;

CREATE TABLE work.interleaved_cases AS
WITH ordered AS (
    SELECT s.case_code, s.first_at,
           max(s.last_at) OVER (PARTITION BY s.case_code ORDER BY s.first_at, s.last_at ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS seen_until
    FROM work.repeated_sightings AS s
    LEFT JOIN work.listed_cases AS l ON l.case_code = s.case_code
    WHERE s.source_rank = 0 OR l.case_code IS NULL OR s.first_at < l.listed_at
)
SELECT case_code FROM ordered WHERE seen_until >= first_at
UNION
SELECT case_code FROM work.repeated_sightings WHERE state_id IS NOT NULL AND dated_on IS NULL;

-- Every place of the dossiers whose states interleave, or whose unit is that of the day of each list because they bear no date.
CREATE TABLE work.interleaved_sightings AS
SELECT s.case_code, s.source_rank, s.unit_code, s.unit_valid_from, s.procedure_code, s.channel, s.submitted_at, s.received_at, s.due_at, s.finished_at, s.returned_at, s.status_code,
       s.first_at, s.first_file, s.first_sheet, s.first_sheet_number, s.first_row_number, s.last_at, s.last_file, s.last_sheet, s.last_row_number
FROM work.repeated_sightings AS s
JOIN work.interleaved_cases AS i ON i.case_code = s.case_code
WHERE s.state_id IS NULL
UNION ALL
SELECT s.case_code, s.source_rank, CASE WHEN s.dated_on IS NULL THEN u.unit_code ELSE s.unit_code END, CASE WHEN s.dated_on IS NULL THEN u.valid_from ELSE s.unit_valid_from END,
       s.procedure_code, s.channel, s.submitted_at, s.received_at, s.due_at, s.finished_at, s.returned_at, s.status_code,
       f.exported_at, f.file_number, e.sheet, e.sheet_number, p.row_number, f.exported_at, f.file_number, e.sheet, p.row_number
FROM work.repeated_sightings AS s
JOIN work.interleaved_cases AS i ON i.case_code = s.case_code
JOIN work.places AS p ON p.state_id = s.state_id
JOIN work.chained_exports AS e ON e.export_number = p.export_number
JOIN work.files AS f ON f.file_id = e.file_id AND f.status = 'loaded'
LEFT JOIN work.unit_refs AS u ON s.dated_on IS NULL AND u.unit_ref = s.unit_ref AND u.on_date = CAST(f.exported_at AS DATE);

CREATE VIEW work.events AS
WITH every_event AS (
    SELECT s.case_code, s.source_rank, s.unit_code, s.unit_valid_from, s.procedure_code, s.channel, s.submitted_at, s.received_at, s.due_at, s.finished_at, s.returned_at, s.status_code,
           s.first_at, s.first_file, s.first_sheet, s.first_sheet_number, s.first_row_number, s.last_at, s.last_file, s.last_sheet, s.last_row_number
    FROM work.repeated_sightings AS s
    LEFT JOIN work.interleaved_cases AS i ON i.case_code = s.case_code
    WHERE i.case_code IS NULL
    UNION ALL
    SELECT * FROM work.interleaved_sightings
)
SELECT e.*
FROM every_event AS e
LEFT JOIN work.listed_cases AS l ON l.case_code = e.case_code
WHERE e.source_rank = 0 OR l.case_code IS NULL OR e.first_at < l.listed_at;

-- place: the number of the moment; of several rows at one moment the one counts whose choice is 1.
CREATE TABLE work.told AS
WITH ordered AS (
    SELECT case_code, first_at, first_file, first_sheet_number, first_row_number,
           dense_rank() OVER (PARTITION BY case_code ORDER BY first_at) AS place,
           row_number() OVER (PARTITION BY case_code, first_at ORDER BY source_rank, first_file DESC, first_sheet_number DESC, first_row_number DESC) AS choice
    FROM work.events
)
SELECT e.*, o.place
FROM work.events AS e
JOIN ordered AS o ON o.case_code = e.case_code AND o.first_file = e.first_file AND o.first_sheet_number = e.first_sheet_number AND o.first_row_number = e.first_row_number
WHERE o.choice = 1;

DROP VIEW work.events;
DROP TABLE work.repeated_sightings;

-- `changes` names the columns that are otherwise than at the moment before.
CREATE TABLE work.compared AS
SELECT a.case_code, a.place, a.first_at, a.last_at, a.last_file, a.last_sheet, a.last_row_number,
       CASE WHEN b.case_code IS NOT NULL AND a.unit_valid_from IS NOT DISTINCT FROM b.unit_valid_from THEN 0 ELSE 1 END AS is_first_or_moved,
       substr(CASE WHEN a.unit_code IS DISTINCT FROM b.unit_code THEN ',unit_code' ELSE '' END
          || CASE WHEN a.procedure_code IS DISTINCT FROM b.procedure_code THEN ',procedure_code' ELSE '' END
          || CASE WHEN a.channel IS DISTINCT FROM b.channel THEN ',channel' ELSE '' END
          || CASE WHEN a.submitted_at IS DISTINCT FROM b.submitted_at THEN ',submitted_at' ELSE '' END
          || CASE WHEN a.received_at IS DISTINCT FROM b.received_at THEN ',received_at' ELSE '' END
          || CASE WHEN a.due_at IS DISTINCT FROM b.due_at THEN ',due_at' ELSE '' END
          || CASE WHEN a.finished_at IS DISTINCT FROM b.finished_at THEN ',finished_at' ELSE '' END
          || CASE WHEN a.returned_at IS DISTINCT FROM b.returned_at THEN ',returned_at' ELSE '' END
          || CASE WHEN a.status_code IS DISTINCT FROM b.status_code THEN ',status_code' ELSE '' END, 2) AS changes
FROM work.told AS a
LEFT JOIN work.told AS b ON b.case_code = a.case_code AND b.place = a.place - 1;

CREATE TABLE work.numbered AS
WITH begun AS (
    SELECT *, CASE WHEN is_first_or_moved = 0 AND changes = '' THEN 0 ELSE 1 END AS is_other FROM work.compared
)
SELECT case_code, place, last_at, last_file, last_sheet, last_row_number, changes, is_other, CAST(sum(is_other) OVER w AS BIGINT) AS state_number,
       coalesce(lead(is_other) OVER w, 1) AS is_last, lead(first_at) OVER w AS next_at
FROM begun
WINDOW w AS (PARTITION BY case_code ORDER BY place);

DROP TABLE work.compared;

INSERT INTO core.case_history
WITH every_state AS (
    SELECT n.case_code, n.state_number, t.first_at AS valid_from, m.next_at AS valid_to, m.last_at, n.changes,
           t.unit_code, t.unit_valid_from, t.procedure_code, t.channel, t.submitted_at, t.received_at, t.due_at, t.finished_at, t.returned_at, t.status_code,
           f.file_id AS first_file_id, t.first_sheet, t.first_row_number, l.file_id AS last_file_id, m.last_sheet, m.last_row_number
    FROM work.numbered AS n
    JOIN work.numbered AS m ON m.case_code = n.case_code AND m.state_number = n.state_number AND m.is_last = 1
    JOIN work.told AS t ON t.case_code = n.case_code AND t.place = n.place
    JOIN work.files AS f ON f.file_number = t.first_file AND f.status = 'loaded'
    JOIN work.files AS l ON l.file_number = m.last_file AND l.status = 'loaded'
    WHERE n.is_other = 1
    UNION ALL
    SELECT s.case_code, CAST(1 AS BIGINT), s.first_at, CAST(NULL AS TIMESTAMP), s.last_at, '',
           s.unit_code, s.unit_valid_from, s.procedure_code, s.channel, s.submitted_at, s.received_at, s.due_at, s.finished_at, s.returned_at, s.status_code,
           s.first_file_id, s.first_sheet, s.first_row_number, s.last_file_id, s.last_sheet, s.last_row_number
    FROM work.sightings AS s
    LEFT JOIN work.repeated_codes AS r ON r.case_code = s.case_code
    WHERE r.case_code IS NULL
)
SELECT case_code, CAST(state_number AS INTEGER) AS state_number, valid_from, valid_to, last_at AS last_seen_at,
       CASE WHEN state_number > 1 THEN changes END AS changed_columns, unit_code, unit_valid_from, procedure_code, channel, submitted_at, received_at, due_at, finished_at, returned_at, status_code,
       first_file_id AS file_id, first_sheet AS sheet, first_row_number AS row_number,
       last_file_id, last_sheet, last_row_number
FROM every_state;

DROP TABLE work.told;
DROP TABLE work.numbered;
DROP VIEW work.sightings;
DROP VIEW work.latest_cases;
DROP VIEW work.newest_cases;
DROP VIEW work.good_cases;
