-- Grain: work.audit_of_changes one row a finding that two states of one dossier raise, or one state by itself.
-- Only dossiers that changed are looked at (and those finished before they were received), so the cost follows what changed.
-- A due date has passed when its day is over, as in the measure on_time. An export that showed a dossier open proves that it ended later; what bears a
-- date without time of day may have been until the office closed.
-- work.day_ends one row a day and its last moment of work, of a day without work the last of all.
-- Inputs: core.case_history, core.cases, core.calendar, work.audit_rules, work.audit_statuses.
-- Readers: 94_audit_words.sql, 97_restatements.sql (work.day_ends).

CREATE TABLE work.day_ends AS
SELECT CAST(date AS TIMESTAMP) AS begins_at,
       CAST(date AS TIMESTAMP) + CASE WHEN is_working THEN greatest(morning_to, afternoon_to) ELSE 86399 END * INTERVAL 1 SECOND AS ends_at
FROM core.calendar;

-- How long a status stood, how long a dossier was finished or waited for its citizen does not begin anew when something else of it changes (9 becomes 10, a channel).
CREATE TABLE work.audit_changes AS
WITH beside AS (
    SELECT h.*, lag(h.status_code) OVER (PARTITION BY h.case_code ORDER BY h.state_number) AS status_before
    FROM core.case_history AS h
    WHERE h.state_number > 1 OR h.valid_to IS NOT NULL
),
begun AS (
    SELECT b.*, CASE WHEN b.status_before = b.status_code THEN NULL ELSE b.valid_from END AS begun_at,
           CASE WHEN b.status_before IN (9, 10) THEN NULL ELSE b.valid_from END AS ended_from,
           CASE WHEN b.status_before IN (5, 6) THEN NULL ELSE b.valid_from END AS paused_from
    FROM beside AS b
),
earlier AS (
    SELECT h.case_code, h.state_number,
           max(h.begun_at) OVER w AS status_since, max(h.ended_from) OVER w AS ended_since, max(h.paused_from) OVER w AS paused_since,
           max(CASE WHEN h.finished_at IS NULL AND h.returned_at IS NULL AND h.status_code IN (1, 2, 4, 5, 6) THEN h.last_seen_at END) OVER w AS open_until,
           max(CASE WHEN h.received_at IS NULL AND h.status_code = 1 THEN h.last_seen_at END) OVER w AS waited_until
    FROM begun AS h
    WINDOW w AS (PARTITION BY h.case_code ORDER BY h.state_number ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
)
SELECT h.case_code, h.state_number, h.valid_from, h.unit_code, h.unit_valid_from, h.procedure_code, h.received_at, h.due_at, h.finished_at, h.returned_at, h.status_code,
       h.file_id, h.sheet, h.row_number, coalesce(h.finished_at, h.returned_at) AS ended_at,
       b.last_seen_at AS last_seen_before, b.unit_code AS unit_code_before, b.unit_valid_from AS unit_valid_from_before,
       b.procedure_code AS procedure_before, b.received_at AS received_before, b.due_at AS due_before, b.finished_at AS finished_before, b.returned_at AS returned_before,
       coalesce(b.finished_at, b.returned_at) AS ended_before, b.status_code AS status_before,
       b.last_file_id AS before_file_id, b.last_sheet AS before_sheet, b.last_row_number AS before_row_number, u.open_until, u.waited_until,
       u.status_since, u.ended_since, u.paused_since,
       CAST(CAST(b.due_at AS DATE) + INTERVAL 1 DAY AS TIMESTAMP) AS due_end_before,
       CAST(CAST(coalesce(h.due_at, b.due_at) AS DATE) + INTERVAL 1 DAY AS TIMESTAMP) AS due_end,
       coalesce(e.ends_at, h.finished_at, h.returned_at) AS ended_by, coalesce(r.ends_at, h.received_at) AS received_by
FROM core.case_history AS h
JOIN core.case_history AS b ON b.case_code = h.case_code AND b.state_number = h.state_number - 1
JOIN earlier AS u ON u.case_code = h.case_code AND u.state_number = h.state_number
LEFT JOIN work.day_ends AS e ON e.begins_at = coalesce(h.finished_at, h.returned_at)
LEFT JOIN work.day_ends AS r ON r.begins_at = h.received_at
WHERE h.state_number > 1;

-- Lists without a due date column say nothing of due dates.
CREATE TABLE work.audit_due_files AS
SELECT DISTINCT h.file_id
FROM core.case_history AS h
JOIN (SELECT DISTINCT file_id FROM work.audit_changes WHERE due_at IS NULL AND due_before IS NOT NULL) AS f ON f.file_id = h.file_id
WHERE h.due_at IS NOT NULL;

CREATE TABLE work.audit_moved_dues AS
SELECT c.*
FROM work.audit_changes AS c
CROSS JOIN work.audit_rules AS r
LEFT JOIN work.audit_due_files AS f ON f.file_id = c.file_id
WHERE r.rule = 'due_moved_after' AND c.due_before IS NOT NULL AND c.status_code NOT IN (3, 7, 8)
  AND CASE WHEN c.due_at IS NULL THEN f.file_id IS NOT NULL ELSE CAST(c.due_at AS DATE) >= CAST(c.due_before AS DATE) + INTERVAL 1 DAY * r.least_days END
  -- A due date before the reception is a typing error; a dossier that ended in time by the old one gains nothing by a new one.
  AND CASE WHEN CAST(c.due_before AS DATE) < CAST(c.received_before AS DATE) THEN FALSE ELSE TRUE END
  AND CASE WHEN c.ended_before < c.due_end_before THEN FALSE ELSE TRUE END;

CREATE TABLE work.audit_hits AS
SELECT 'due_moved_after' AS rule, case_code, state_number
FROM work.audit_moved_dues
WHERE last_seen_before >= due_end_before AND NOT (status_before IN (5, 6) AND paused_since < due_end_before)
UNION ALL
SELECT r.rule, c.case_code, c.state_number
FROM work.audit_moved_dues AS c
JOIN work.audit_rules AS r ON r.rule = 'due_moved_near'
WHERE c.last_seen_before < c.due_end_before AND c.valid_from >= c.due_end_before - INTERVAL 1 HOUR * r.hours
  AND c.valid_from <= c.last_seen_before + INTERVAL 1 HOUR * r.window_hours
  AND c.status_before NOT IN (5, 6) AND c.status_code NOT IN (5, 6) AND c.ended_before IS NULL
  AND c.unit_code = c.unit_code_before AND c.procedure_code IS NOT DISTINCT FROM c.procedure_before
UNION ALL
SELECT r.rule, c.case_code, c.state_number
FROM work.audit_changes AS c
JOIN work.audit_rules AS r ON r.rule = 'finish_backdated'
WHERE c.ended_at IS NOT NULL AND c.ended_at IS DISTINCT FROM c.ended_before AND c.ended_by < c.open_until - INTERVAL 1 HOUR * r.tolerance_hours
  AND CASE WHEN c.ended_by < c.open_until - INTERVAL 1 HOUR * r.late_entry_hours THEN TRUE
           WHEN c.ended_at < c.due_end AND c.valid_from >= c.due_end THEN TRUE
           ELSE FALSE END
UNION ALL
SELECT r.rule, c.case_code, c.state_number
FROM work.audit_changes AS c
JOIN work.audit_rules AS r ON r.rule = 'reception_backdated'
WHERE c.received_at IS NOT NULL AND c.status_code <> 3 AND c.received_at IS DISTINCT FROM c.received_before AND c.received_by < c.waited_until - INTERVAL 1 HOUR * r.tolerance_hours
UNION ALL
SELECT r.rule, c.case_code, c.state_number
FROM work.audit_changes AS c
JOIN work.audit_rules AS r ON r.rule = 'reopened'
WHERE c.status_before IN (9, 10) AND c.status_code IN (1, 2, 4, 5, 6) AND c.valid_from >= c.ended_since + INTERVAL 1 HOUR * r.least_hours
UNION ALL
SELECT r.rule, c.case_code, c.state_number
FROM work.audit_changes AS c
JOIN work.audit_rules AS r ON r.rule = 'status_backward'
JOIN work.audit_statuses AS b ON b.status_code = c.status_before
JOIN work.audit_statuses AS a ON a.status_code = c.status_code
WHERE a.rank < b.rank AND NOT (c.status_before IN (9, 10) AND c.status_code IN (1, 2, 4, 5, 6)) AND c.unit_code = c.unit_code_before
  AND c.valid_from >= c.status_since + INTERVAL 1 HOUR * r.least_hours
UNION ALL
-- The moment of the withdrawal is the one it names, where exports do not contradict it. A dossier that waits for its citizen may be closed at any time.
SELECT r.rule, c.case_code, c.state_number
FROM work.audit_changes AS c
JOIN work.audit_rules AS r ON r.rule = 'withdrawn_near_due'
WHERE c.status_before IN (2, 4) AND c.status_code IN (7, 8) AND coalesce(c.due_before, c.due_at) IS NOT NULL
  AND CASE WHEN c.ended_at > c.last_seen_before AND c.ended_at <= c.valid_from THEN c.ended_at ELSE c.valid_from END
      >= coalesce(c.due_end_before, c.due_end) - INTERVAL 1 HOUR * r.before_hours
  AND CASE WHEN c.ended_at > c.last_seen_before AND c.ended_at <= c.valid_from THEN c.ended_at ELSE c.valid_from END
      < coalesce(c.due_end_before, c.due_end) + INTERVAL 1 HOUR * r.after_hours;

-- A date without time of day is compared by its day.
CREATE TABLE work.audit_reversed AS
SELECT c.case_code, c.received_at, c.ended_at
FROM core.cases AS c
JOIN work.audit_rules AS r ON r.rule = 'finished_before_received'
WHERE c.ended_at < c.received_at
  AND CASE WHEN CAST(c.ended_at AS DATE) < CAST(c.received_at AS DATE) THEN TRUE
           WHEN CAST(CAST(c.ended_at AS DATE) AS TIMESTAMP) = c.ended_at THEN FALSE
           ELSE c.ended_at <= c.received_at - INTERVAL 1 MINUTE * r.least_minutes END;

CREATE TABLE work.audit_of_changes AS
SELECT x.rule, c.unit_code, c.unit_valid_from, c.case_code, c.valid_from AS found_at,
       c.received_before, c.due_before, c.finished_before, c.returned_before, c.status_before, c.before_file_id, c.before_sheet, c.before_row_number,
       c.received_at, c.due_at, c.finished_at, c.returned_at, c.status_code, c.file_id, c.sheet, c.row_number
FROM work.audit_hits AS x
JOIN work.audit_changes AS c ON c.case_code = x.case_code AND c.state_number = x.state_number
UNION ALL
SELECT 'finished_before_received', n.unit_code, n.unit_valid_from, h.case_code, h.valid_from, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
       h.received_at, h.due_at, h.finished_at, h.returned_at, h.status_code, h.file_id, h.sheet, h.row_number
FROM work.audit_reversed AS x
JOIN core.case_history AS n ON n.case_code = x.case_code AND n.valid_to IS NULL
JOIN (
    -- The first state with both dates as they stand: what became of the dossier afterwards makes no new question.
    SELECT r.case_code, coalesce(min(CASE WHEN coalesce(s.finished_at, s.returned_at) = r.ended_at AND s.received_at = r.received_at THEN s.state_number END),
                                 max(s.state_number)) AS state_number
    FROM work.audit_reversed AS r
    JOIN core.case_history AS s ON s.case_code = r.case_code
    GROUP BY r.case_code
) AS f ON f.case_code = x.case_code
JOIN core.case_history AS h ON h.case_code = f.case_code AND h.state_number = f.state_number;
