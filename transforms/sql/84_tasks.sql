-- Grain: core.tasks one row a task, that is its number, its unit, the day it was given, what is to be done and its first deadline; mart.task_status the same,
-- judged as of the date.
-- One document may give tasks to several units under one number, and several to one unit, so of the exports that hold a number (of one year) the newest wins
-- whole, and only rows alike in all of these are one task.
-- Days, not hours: finished on the last day is on time, and an extension asked on the last day was asked in time.
-- The deadline in force is the extended one only where the extension was asked on or before the old deadline; an extension whose request
-- bears no date proves nothing and changes nothing; an extension never shortens a deadline.
-- Inputs: work.tasks_rows, work.files, work.unit_refs, ops.rejects, core.units, core.calendar, work.thresholds, work.moment.
-- Readers: 86_plan.sql (criterion 1.7), the summaries, analysts.

INSERT INTO core.tasks
WITH lines AS (
    SELECT r.task_no, r.content_vi, u.unit_code, u.valid_from AS unit_valid_from, CAST(r.assigned_at AS DATE) AS assigned_on, CAST(r.due_at AS DATE) AS due_on,
           CAST(r.extended_at AS DATE) AS extended_to, CAST(r.asked_at AS DATE) AS extension_asked_on, CAST(r.finished_at AS DATE) AS finished_on,
           coalesce(r.state, CASE WHEN r.finished_at IS NULL THEN 'in_progress' ELSE 'done' END) AS state,
           extract(year FROM coalesce(r.assigned_at, r.due_at, f.exported_at)) AS task_year, f.exported_at, r.file_id, r.sheet, r.sheet_number, r.row_number
    FROM work.tasks_rows AS r
    JOIN work.files AS f ON f.file_id = r.file_id AND f.status = 'loaded'
    JOIN work.unit_refs AS u ON u.unit_ref = r.unit_ref AND u.on_date = CAST(coalesce(r.assigned_at, f.exported_at) AS DATE)
    LEFT JOIN ops.rejects AS j ON j.file_id = r.file_id AND j.sheet_number = r.sheet_number AND j.row_number = r.row_number
    WHERE j.file_id IS NULL
),
newest AS (
    SELECT task_no, task_year, file_id,
           row_number() OVER (PARTITION BY task_no, task_year ORDER BY exported_at DESC NULLS LAST, file_id DESC) AS place
    FROM (SELECT DISTINCT task_no, task_year, file_id, exported_at FROM lines) AS holding
),
ranked AS (
    SELECT l.*,
           row_number() OVER (
               PARTITION BY l.task_no, l.task_year, l.unit_code, l.unit_valid_from, l.assigned_on, l.content_vi, l.due_on
               ORDER BY l.sheet_number DESC, l.row_number DESC
           ) AS place
    FROM lines AS l
    JOIN newest AS n ON n.task_no = l.task_no AND n.task_year = l.task_year AND n.file_id = l.file_id AND n.place = 1
)
SELECT task_no, content_vi, unit_code, unit_valid_from, assigned_on, due_on, extended_to, extension_asked_on, finished_on, state, file_id, sheet,
       sheet_number, row_number
FROM ranked
WHERE place = 1
ORDER BY task_no, assigned_on NULLS LAST, unit_code, file_id, sheet_number, row_number;

INSERT INTO mart.task_status
WITH asked AS (
    SELECT t.*,
           CASE WHEN t.extension_asked_on IS NULL AND t.extended_to IS NULL THEN 'none'
                WHEN t.extension_asked_on IS NULL THEN 'undated'
                WHEN t.due_on IS NULL OR t.extension_asked_on <= t.due_on THEN 'before'
                ELSE 'after' END AS extension_asked
    FROM core.tasks AS t
),
in_force AS (
    SELECT a.*,
           CASE WHEN a.extension_asked = 'before' AND a.extended_to IS NOT NULL AND (a.due_on IS NULL OR a.extended_to > a.due_on) THEN a.extended_to
                ELSE a.due_on END AS due_in_force_on
    FROM asked AS a
),
-- Working days from tomorrow to the deadline, both included; NULL once it has passed and beyond the calendar's last day.
left_days AS (
    SELECT d.due_in_force_on, CAST(sum(CASE WHEN k.is_working THEN 1 ELSE 0 END) AS BIGINT) AS working_days
    FROM (SELECT DISTINCT due_in_force_on FROM in_force) AS d
    CROSS JOIN work.moment AS m
    JOIN core.calendar AS k ON k.date > CAST(m.as_of AS DATE) AND k.date <= d.due_in_force_on
    WHERE d.due_in_force_on > CAST(m.as_of AS DATE) AND d.due_in_force_on <= (SELECT max(date) FROM core.calendar)
    GROUP BY d.due_in_force_on
),
judged AS (
    SELECT i.*, m.as_of,
           CASE WHEN i.due_in_force_on = CAST(m.as_of AS DATE) THEN 0 ELSE w.working_days END AS working_days_left,
           CASE WHEN i.state = 'cancelled' THEN 'cancelled'
                WHEN i.state = 'done' AND i.finished_on IS NULL THEN 'undated'
                WHEN i.state = 'done' AND (i.due_in_force_on IS NULL OR i.finished_on <= i.due_in_force_on) THEN 'on_time'
                WHEN i.state = 'done' THEN 'late'
                WHEN i.due_in_force_on < CAST(m.as_of AS DATE) THEN 'overdue'
                WHEN i.due_in_force_on = CAST(m.as_of AS DATE) OR w.working_days <= t.task_due_soon_working_days THEN 'due_soon'
                ELSE 'open' END AS task_state
    FROM in_force AS i
    CROSS JOIN work.moment AS m
    CROSS JOIN work.thresholds AS t
    LEFT JOIN left_days AS w ON w.due_in_force_on = i.due_in_force_on
)
SELECT j.task_no, j.content_vi, j.unit_code, u.unit_name, u.level, j.assigned_on, j.due_on, j.extended_to, j.extension_asked_on, j.extension_asked,
       j.due_in_force_on, j.finished_on, j.task_state AS state,
       CASE j.task_state WHEN 'on_time' THEN 'Hoàn thành đúng hạn'
                         WHEN 'late' THEN 'Hoàn thành quá hạn'
                         WHEN 'undated' THEN 'Đã hoàn thành, không ghi ngày'
                         WHEN 'overdue' THEN 'Quá hạn, chưa hoàn thành'
                         WHEN 'due_soon' THEN 'Còn không quá ' || vi_count(t.task_due_soon_working_days) || ' ngày làm việc'
                         WHEN 'open' THEN 'Trong hạn'
                         ELSE 'Đã hủy' END AS state_vi,
       CASE WHEN j.task_state IN ('open', 'due_soon') THEN j.working_days_left END AS working_days_left,
       -- tasks_on_time, denominator: not cancelled and with a deadline; numerator: finished by the deadline in force, or not yet past it
       CASE WHEN j.task_state <> 'cancelled' AND j.due_in_force_on IS NOT NULL THEN TRUE ELSE FALSE END AS is_counted,
       CASE WHEN j.task_state IN ('on_time', 'open', 'due_soon') AND j.due_in_force_on IS NOT NULL THEN TRUE ELSE FALSE END AS is_on_time,
       CAST(extract(year FROM coalesce(j.assigned_on, j.due_on, j.due_in_force_on)) AS INTEGER) AS task_year, j.file_id, j.sheet, j.sheet_number, j.row_number, j.as_of
FROM judged AS j
CROSS JOIN work.thresholds AS t
JOIN core.units AS u ON u.unit_code = j.unit_code AND u.valid_from = j.unit_valid_from
ORDER BY CASE j.task_state WHEN 'overdue' THEN 0 WHEN 'due_soon' THEN 1 WHEN 'late' THEN 2 WHEN 'undated' THEN 3 WHEN 'open' THEN 4
                           WHEN 'on_time' THEN 5 ELSE 6 END,
         j.due_in_force_on NULLS LAST, j.task_no, j.unit_code, j.assigned_on NULLS LAST, j.file_id, j.sheet_number, j.row_number;
