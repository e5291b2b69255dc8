-- Grain: core.plan_progress one row a criterion and reporting unit, its newest report (one of the plan's year before any that is older than it); mart.plan one row a line of the year plan (plan.csv).
-- Which year: that of the line's deadline, so that after New Year the plan is still judged by its own year.
-- Lines measured from exports: the year's rate of the levels (mart.group_rates) or the unit (mart.unit_rates) the line is led by; several levels
-- are added up, sum over sum; a unit named beside its own level counts once. Criterion 1.7: tasks given in the year (84_tasks.sql). Until the deadline's day has ended: on_track at the target or
-- above, at_risk below; after it: done, or missed; without denominator: no_report. Units whose data of that year are old are told in note_vi.
-- A unit is its code and the day it began: who bears the code before or after it neither reports nor is counted for it.
-- Criteria keep their codes from year to year, so a report for another year's deadline, or where it names none, dated before the line's year, says nothing about the line.
-- Reported lines led by one office: its newest report, or one without unit, says it; partners' reports do not, also where units.csv does not know the
-- office, whose reports can then name no unit. Led by a group ("UBND cấp xã"): every unit of it reports for itself and the line is done when all have. In this order: no report: no_report, whatever the date; reported done:
-- done; deadline passed: overdue; due soon with too little done, or newest report too old (thresholds.yml): at_risk; else on_track.
-- Inputs: work.plan, work.plan_leads, work.plan_progress_rows, work.unit_refs, ops.rejects, mart.group_rates, mart.unit_rates, mart.task_status,
-- work.period_targets, core.units, mart.measures, work.files, work.thresholds, work.moment.
-- Readers: the summaries, analysts.

INSERT INTO core.plan_progress
WITH lines AS (
    SELECT r.criterion, u.unit_code, u.valid_from AS unit_valid_from, CAST(coalesce(r.reported_at, f.exported_at) AS DATE) AS reported_on, r.result_vi,
           r.progress_rate, coalesce(r.state, 'in_progress') AS state, CAST(r.plan_year AS INTEGER) AS plan_year, f.exported_at, r.file_id, r.sheet, r.sheet_number, r.row_number
    FROM work.plan_progress_rows AS r
    JOIN work.files AS f ON f.file_id = r.file_id AND f.status = 'loaded'
    LEFT JOIN work.unit_refs AS u ON u.unit_ref = r.unit_ref AND u.on_date = CAST(coalesce(r.reported_at, f.exported_at) AS DATE)
    LEFT JOIN ops.rejects AS j ON j.file_id = r.file_id AND j.sheet_number = r.sheet_number AND j.row_number = r.row_number
    -- a line of the form that nobody has filled is no report
    WHERE j.file_id IS NULL AND (r.state IS NOT NULL OR r.reported_at IS NOT NULL OR r.result_vi IS NOT NULL OR r.progress_rate IS NOT NULL)
),
ranked AS (
    SELECT l.*,
           row_number() OVER (
               PARTITION BY l.criterion, l.unit_code, l.unit_valid_from
               -- a form of another year does not take the place of this year's
               ORDER BY CASE WHEN l.plan_year <> CAST(extract(year FROM p.deadline) AS INTEGER) THEN 1
                             WHEN l.plan_year IS NULL AND l.reported_on < CAST(date_trunc('year', p.deadline) AS DATE) THEN 1 ELSE 0 END,
                        l.exported_at DESC NULLS LAST, l.reported_on DESC NULLS LAST, l.file_id DESC, l.sheet_number DESC, l.row_number DESC
           ) AS place
    FROM lines AS l
    LEFT JOIN work.plan AS p ON p.criterion = l.criterion
)
SELECT criterion, unit_code, unit_valid_from, plan_year, reported_on, result_vi, progress_rate, state, exported_at, file_id, sheet, sheet_number, row_number
FROM ranked
WHERE place = 1
ORDER BY criterion, unit_code NULLS FIRST, unit_valid_from NULLS FIRST;

-- Lines with a rate: what was counted, over the whole line and unit by unit.
CREATE TABLE work.plan_counts AS
WITH year_lines AS (
    SELECT p.criterion, p.source, p.measure, p.target, CAST(date_trunc('year', p.deadline) AS DATE) AS year_start,
           CAST(extract(year FROM p.deadline) AS INTEGER) AS plan_year
    FROM work.plan AS p
    WHERE p.measure IS NOT NULL
),
counted AS (
    SELECT y.criterion, g.numerator, g.denominator
    FROM year_lines AS y
    JOIN work.plan_leads AS l ON l.criterion = y.criterion
    JOIN mart.group_rates AS g
      ON g.measure = y.measure AND g.group_kind = 'level' AND g.group_code = l.level AND g.period_kind = 'year' AND g.period_start = y.year_start
    WHERE y.source = 'exports'
    UNION ALL
    SELECT y.criterion, r.numerator, r.denominator
    FROM year_lines AS y
    JOIN work.plan_leads AS l ON l.criterion = y.criterion
    JOIN mart.unit_rates AS r
      ON r.measure = y.measure AND r.unit_code = l.unit_code AND r.unit_valid_from = l.unit_valid_from AND r.period_kind = 'year'
     AND r.period_start = y.year_start
    LEFT JOIN work.plan_leads AS g ON g.criterion = y.criterion AND g.level = r.level  -- named beside its own level, it is in the level's figures
    WHERE y.source = 'exports' AND g.criterion IS NULL
    UNION ALL
    SELECT y.criterion, CASE WHEN t.is_on_time THEN 1 ELSE 0 END, CASE WHEN t.is_counted THEN 1 ELSE 0 END
    FROM year_lines AS y
    JOIN mart.task_status AS t ON t.task_year = y.plan_year
    WHERE y.source = 'tasks'
),
unit_counts AS (
    SELECT DISTINCT y.criterion, y.target, r.unit_code, r.unit_valid_from, r.unit_name, r.numerator, r.denominator, CASE WHEN r.is_stale THEN 1 ELSE 0 END AS stale
    FROM year_lines AS y
    JOIN work.plan_leads AS l ON l.criterion = y.criterion
    JOIN mart.unit_rates AS r
      ON r.measure = y.measure AND (r.level = l.level OR (r.unit_code = l.unit_code AND r.unit_valid_from = l.unit_valid_from))
     AND r.period_kind = 'year' AND r.period_start = y.year_start
    WHERE y.source = 'exports'
    UNION ALL
    SELECT y.criterion, y.target, t.unit_code, CAST(NULL AS DATE), t.unit_name, sum(CASE WHEN t.is_on_time THEN 1 ELSE 0 END),
           sum(CASE WHEN t.is_counted THEN 1 ELSE 0 END), 0
    FROM year_lines AS y
    JOIN mart.task_status AS t ON t.task_year = y.plan_year
    WHERE y.source = 'tasks'
    GROUP BY y.criterion, y.target, t.unit_code, t.unit_name
),
called AS (  -- as every list without a column of codes calls units: with code and first day where another of the line has the name
    SELECT u.*, count(*) OVER (PARTITION BY u.criterion, u.unit_name) AS same_name,
           count(*) OVER (PARTITION BY u.criterion, u.unit_name, u.unit_code) AS same_code
    FROM unit_counts AS u
),
worst AS (
    SELECT u.*,
           row_number() OVER (
               PARTITION BY u.criterion
               ORDER BY CAST(u.numerator AS DOUBLE) / nullif(CAST(u.denominator AS DOUBLE), 0) NULLS LAST, u.denominator DESC, u.unit_code, u.unit_valid_from NULLS FIRST
           ) AS place,
           u.unit_name || CASE WHEN u.same_name = 1 THEN ''
                               ELSE ' (mã ' || u.unit_code
                                   || CASE WHEN u.same_code = 1 THEN '' ELSE ', từ ngày ' || vi_day(u.unit_valid_from) END || ')' END AS called
    FROM called AS u
    WHERE u.denominator > 0
),
units AS (
    SELECT criterion, count(*) AS units_measured,
           sum(CASE WHEN numerator < CAST(target AS DECIMAL(9, 6)) * denominator THEN 1 ELSE 0 END) AS units_missed,
           max(CASE WHEN place = 1 AND numerator < CAST(target AS DECIMAL(9, 6)) * denominator THEN called END) AS worst_unit_name
    FROM worst
    GROUP BY criterion
),
stale AS (
    SELECT criterion, CAST(sum(stale) AS BIGINT) AS units_stale FROM unit_counts GROUP BY criterion
),
totals AS (
    SELECT criterion, CAST(sum(numerator) AS BIGINT) AS numerator, CAST(sum(denominator) AS BIGINT) AS denominator
    FROM counted
    GROUP BY criterion
)
SELECT y.criterion, coalesce(t.numerator, 0) AS numerator, coalesce(t.denominator, 0) AS denominator, coalesce(u.units_measured, 0) AS units_measured,
       coalesce(u.units_missed, 0) AS units_missed, u.worst_unit_name, coalesce(s.units_stale, 0) AS units_stale
FROM year_lines AS y
LEFT JOIN totals AS t ON t.criterion = y.criterion
LEFT JOIN stale AS s ON s.criterion = y.criterion
LEFT JOIN units AS u ON u.criterion = y.criterion;

-- Reported lines: who is to report, and what was reported.
CREATE TABLE work.plan_reports AS
WITH reported_lines AS (
    SELECT p.criterion, p.deadline, CAST(m.as_of AS DATE) AS today FROM work.plan AS p CROSS JOIN work.moment AS m WHERE p.source = 'plan_progress'
),
answers AS (
    SELECT r.*
    FROM core.plan_progress AS r
    JOIN reported_lines AS p
      ON p.criterion = r.criterion
     AND CASE WHEN r.plan_year IS NULL THEN r.reported_on >= CAST(date_trunc('year', p.deadline) AS DATE)
              ELSE r.plan_year = CAST(extract(year FROM p.deadline) AS INTEGER) END
),
group_lines AS (
    SELECT criterion FROM work.plan_leads GROUP BY criterion HAVING count(level) > 0 OR count(*) > 1
),
-- units of the led levels on the day that counts: today, or the deadline once it has passed
expected AS (
    SELECT p.criterion, u.unit_code, u.valid_from AS unit_valid_from
    FROM reported_lines AS p
    JOIN work.plan_leads AS l ON l.criterion = p.criterion
    JOIN core.units AS u ON u.level = l.level AND u.valid_from <= least(p.deadline, p.today) AND u.valid_to >= least(p.deadline, p.today)
    UNION
    SELECT l.criterion, l.unit_code, l.unit_valid_from
    FROM work.plan_leads AS l
    JOIN group_lines AS g ON g.criterion = l.criterion
    WHERE l.unit_code IS NOT NULL
),
single_leads AS (
    SELECT criterion, unit_code, unit_valid_from FROM work.plan_leads WHERE level IS NULL
),
by_group AS (
    SELECT e.criterion, count(*) AS units_expected, sum(CASE WHEN r.criterion IS NOT NULL THEN 1 ELSE 0 END) AS units_reported,
           sum(CASE WHEN r.state = 'done' THEN 1 ELSE 0 END) AS units_done, max(r.reported_on) AS last_report_on
    FROM expected AS e
    LEFT JOIN answers AS r ON r.criterion = e.criterion AND r.unit_code = e.unit_code AND r.unit_valid_from = e.unit_valid_from
    GROUP BY e.criterion
),
by_lead AS (
    SELECT p.criterion, r.reported_on, r.result_vi, r.progress_rate, r.state,
           row_number() OVER (
               PARTITION BY p.criterion
               ORDER BY r.exported_at DESC NULLS LAST, r.reported_on DESC NULLS LAST, r.unit_code NULLS LAST, r.file_id DESC, r.row_number DESC
           ) AS place
    FROM reported_lines AS p
    JOIN answers AS r ON r.criterion = p.criterion
    LEFT JOIN group_lines AS g ON g.criterion = p.criterion
    LEFT JOIN single_leads AS s ON s.criterion = p.criterion
    WHERE g.criterion IS NULL AND (r.unit_code IS NULL OR (r.unit_code = s.unit_code AND r.unit_valid_from = s.unit_valid_from))
)
SELECT p.criterion,
       CASE WHEN g.criterion IS NOT NULL THEN CASE WHEN g.units_reported > 0 THEN TRUE ELSE FALSE END
            WHEN l.criterion IS NOT NULL THEN TRUE ELSE FALSE END AS is_reported,
       CASE WHEN g.criterion IS NOT NULL THEN CASE WHEN g.units_done = g.units_expected THEN TRUE ELSE FALSE END
            WHEN l.state = 'done' THEN TRUE ELSE FALSE END AS is_done,
       CASE WHEN g.criterion IS NOT NULL THEN CAST(g.units_done AS DOUBLE) / nullif(CAST(g.units_expected AS DOUBLE), 0)
            ELSE l.progress_rate END AS progress_rate,
       CASE WHEN g.criterion IS NOT NULL AND g.units_reported > 0
            THEN vi_count(g.units_done) || ' trên ' || vi_count(g.units_expected) || ' đơn vị báo cáo đã hoàn thành'
            WHEN l.criterion IS NOT NULL
            THEN coalesce(l.result_vi,
                          CASE l.state WHEN 'done' THEN 'Đã hoàn thành' WHEN 'in_progress' THEN 'Đang thực hiện' WHEN 'cancelled' THEN 'Hủy'
                                       ELSE 'Chưa thực hiện' END) END AS actual,
       g.units_done, g.units_expected, g.units_reported, coalesce(g.last_report_on, l.reported_on) AS last_report_on
FROM reported_lines AS p
LEFT JOIN by_group AS g ON g.criterion = p.criterion
LEFT JOIN by_lead AS l ON l.criterion = p.criterion AND l.place = 1;

INSERT INTO mart.plan
WITH figures AS (
    SELECT p.*, CAST(m.as_of AS DATE) AS today, m.as_of, c.numerator, c.denominator, c.units_measured, c.units_missed, c.worst_unit_name, c.units_stale,
           CAST(c.numerator AS DOUBLE) / nullif(CAST(c.denominator AS DOUBLE), 0) AS rate
    FROM work.plan AS p
    CROSS JOIN work.moment AS m
    LEFT JOIN work.plan_counts AS c ON c.criterion = p.criterion
),
sisters AS (
    -- other measures with a target under the same criterion: they are not the line's own figure, but belong to it (8 hours under 7.3.5). A target is that of
    -- its level, the one the year's rates are judged by; levels with the same target are added up.
    SELECT p.criterion, l.level, g.measure, x.label_vi, g.target, g.period_start
    FROM work.plan AS p
    JOIN work.plan_leads AS l ON l.criterion = p.criterion
    JOIN work.period_targets AS g
      ON g.criterion = p.criterion AND g.measure <> p.measure AND g.level = l.level AND g.period_kind = 'year'
     AND g.period_start = CAST(date_trunc('year', p.deadline) AS DATE)
    JOIN mart.measures AS x ON x.measure = g.measure
    WHERE p.source = 'exports'
),
sister_counts AS (
    SELECT s.criterion, s.measure, s.label_vi, s.target, sum(g.numerator) AS numerator, sum(g.denominator) AS denominator
    FROM sisters AS s
    JOIN mart.group_rates AS g
      ON g.measure = s.measure AND g.group_kind = 'level' AND g.group_code = s.level AND g.period_kind = 'year' AND g.period_start = s.period_start
    GROUP BY s.criterion, s.measure, s.label_vi, s.target
),
notes AS (
    SELECT criterion,
           label_vi || ': ' || vi_count(numerator) || ' trên ' || vi_count(denominator)
               || CASE WHEN numerator < CAST(target AS DECIMAL(9, 6)) * denominator THEN ', chưa đạt chỉ tiêu ' ELSE ', đạt chỉ tiêu ' END
               || vi_percent(target) AS note_vi,
           row_number() OVER (
               PARTITION BY criterion
               ORDER BY CASE WHEN numerator < CAST(target AS DECIMAL(9, 6)) * denominator THEN 0 ELSE 1 END,
                        CAST(numerator AS DOUBLE) / CAST(denominator AS DOUBLE), measure, target
           ) AS place
    FROM sister_counts
    WHERE denominator > 0
),
vacant AS (
    -- lines led by levels that no unit had when it counts, the deadline's year for what is measured, today or the deadline for what is reported: nobody is
    -- measured or reports, which is no silence of anybody's
    SELECT l.criterion
    FROM work.plan_leads AS l
    JOIN work.plan AS p ON p.criterion = l.criterion
    CROSS JOIN work.moment AS m
    LEFT JOIN core.units AS u
           ON u.level = l.level AND u.valid_from <= CASE WHEN p.source = 'plan_progress' THEN least(p.deadline, CAST(m.as_of AS DATE)) ELSE p.deadline END
          AND u.valid_to >= CASE WHEN p.source = 'plan_progress' THEN least(p.deadline, CAST(m.as_of AS DATE)) ELSE CAST(date_trunc('year', p.deadline) AS DATE) END
    GROUP BY l.criterion
    HAVING count(u.unit_code) = 0 AND count(l.unit_code) = 0
),
joined AS (
    SELECT s.*, v.criterion AS vacant_criterion, r.is_reported, r.is_done, r.progress_rate, r.actual AS reported_actual, r.units_done, r.units_expected, r.units_reported,
           r.last_report_on, n.note_vi
    FROM figures AS s
    LEFT JOIN work.plan_reports AS r ON r.criterion = s.criterion
    LEFT JOIN notes AS n ON n.criterion = s.criterion AND n.place = 1
    LEFT JOIN vacant AS v ON v.criterion = s.criterion
),
judged AS (
    SELECT j.*,
           CASE WHEN j.source = 'plan_progress' THEN
                    CASE WHEN NOT j.is_reported THEN 'no_report'
                         WHEN j.is_done THEN 'done'
                         WHEN j.deadline < j.today THEN 'overdue'
                         WHEN extract(day FROM CAST(j.deadline AS TIMESTAMP) - CAST(j.today AS TIMESTAMP)) <= t.plan_due_soon_days
                             AND coalesce(j.progress_rate, 0) < t.plan_due_soon_share THEN 'at_risk'
                         WHEN extract(day FROM CAST(j.today AS TIMESTAMP) - CAST(j.last_report_on AS TIMESTAMP)) > t.plan_report_days THEN 'at_risk'
                         ELSE 'on_track' END
                WHEN coalesce(j.denominator, 0) = 0 THEN 'no_report'
                WHEN j.numerator >= CAST(j.target AS DECIMAL(9, 6)) * j.denominator THEN CASE WHEN j.deadline < j.today THEN 'done' ELSE 'on_track' END
                WHEN j.deadline < j.today THEN 'missed'
                ELSE 'at_risk' END AS status
    FROM joined AS j
    CROSS JOIN work.thresholds AS t
)
SELECT j.line_number, j.criterion, j.name_vi, j.lead_unit, j.partner_units, j.deadline, j.target_text, j.target, j.source, j.measure,
       CASE WHEN j.source = 'plan_progress' THEN CAST(j.units_done AS BIGINT) ELSE j.numerator END AS numerator,
       CASE WHEN j.source = 'plan_progress' THEN CAST(j.units_expected AS BIGINT) ELSE j.denominator END AS denominator,
       CASE WHEN j.source = 'plan_progress' THEN j.reported_actual
            WHEN j.denominator > 0 THEN vi_share(j.numerator, j.denominator, j.target) END AS actual,
       CASE WHEN j.source = 'plan_progress' THEN CASE WHEN j.is_reported THEN j.progress_rate END ELSE j.rate END AS actual_rate,
       CASE WHEN j.source = 'plan_progress' THEN CAST(j.units_reported AS BIGINT) ELSE CAST(j.units_measured AS BIGINT) END AS units_measured,
       CASE WHEN j.source = 'plan_progress' THEN CAST(j.units_expected - j.units_done AS BIGINT) ELSE CAST(j.units_missed AS BIGINT) END AS units_missed,
       j.worst_unit_name,
       CASE WHEN j.vacant_criterion IS NOT NULL
            THEN 'Không đơn vị nào trong units.csv thuộc cấp chủ trì ' || CASE WHEN j.source = 'plan_progress' THEN 'vào ngày ' || vi_day(least(j.deadline, j.today)) ELSE 'trong năm của thời hạn' END
                || '; hãy xem lại cơ quan chủ trì (plan.csv) hoặc cấp (units.csv)'
            WHEN j.units_stale > 0
            THEN 'Số liệu của ' || vi_count(j.units_stale) || ' đơn vị đã cũ, chưa đủ để kết luận' || CASE WHEN j.note_vi IS NULL THEN '' ELSE '; ' || j.note_vi END
            ELSE j.note_vi END AS note_vi,
       j.status,
       CASE j.status WHEN 'done' THEN 'Hoàn thành'
                     WHEN 'on_track' THEN 'Đúng tiến độ'
                     WHEN 'at_risk' THEN 'Có nguy cơ'
                     WHEN 'overdue' THEN 'Quá hạn'
                     WHEN 'missed' THEN 'Không đạt'
                     ELSE CASE WHEN j.source = 'plan_progress' THEN 'Chưa có báo cáo' ELSE 'Chưa phát sinh số liệu' END END AS status_vi,
       j.last_report_on, j.as_of
FROM judged AS j
ORDER BY j.line_number;
