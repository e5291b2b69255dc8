-- Grain: mart.restatements one row a rate of a period that was over and a later day that published it otherwise; mart.restatement_cases one row a
-- dossier behind it. Of earlier days the dossiers are those found then and kept beside the day; where the day before was published only afterwards, or
-- again with another figure, none are known (flows/history.py).
-- Inputs: work.restated, work.restated_records, work.recounted, work.compared_cases (rendered from the measures' columns), work.cases_before (flows/restating.py),
-- core.cases, core.case_history, work.every_case_row, work.unit_refs, work.every_payment_row, work.every_digitization_row, work.files, work.day_ends (94_audit_changes.sql), work.files_before, work.files_returned, work.published_days, core.units, work.moment.
-- Readers: the summaries, flows/history.py, analysts.

-- What the exports counted on the day before showed of the dossiers, also in rows refused for an unknown unit. Every row of those exports is looked at, not the
-- places that the history names: a list that comes late or counts again may be the first to show what was known all along.
CREATE TABLE work.shown_before AS
SELECT DISTINCT r.case_code, f.exported_at, u.unit_code, u.valid_from AS unit_valid_from, r.procedure_code, r.channel, r.submitted_at, r.received_at, r.due_at,
       r.finished_at, r.returned_at, r.status_code
FROM work.every_case_row AS r
JOIN work.files_before AS b ON b.file_id = r.file_id
JOIN work.files AS f ON f.file_id = r.file_id AND f.status = 'loaded'
LEFT JOIN work.unit_refs AS u ON u.unit_ref = r.unit_ref AND u.on_date = r.on_date
WHERE r.case_code IN (SELECT case_code FROM work.recounted);

-- Which of a dossier's states they showed last; none: nothing that counted showed it then.
CREATE TABLE work.known_states AS
WITH known AS (
    SELECT h.case_code, h.state_number, h.last_seen_at, row_number() OVER (PARTITION BY h.case_code ORDER BY h.state_number DESC) AS place
    FROM core.case_history AS h
    JOIN work.shown_before AS s
      ON s.case_code = h.case_code AND s.exported_at >= h.valid_from AND s.exported_at <= h.last_seen_at AND s.unit_code = h.unit_code
     AND s.unit_valid_from = h.unit_valid_from AND s.channel = h.channel AND s.status_code = h.status_code
     AND s.procedure_code IS NOT DISTINCT FROM h.procedure_code AND s.submitted_at IS NOT DISTINCT FROM h.submitted_at
     AND s.received_at IS NOT DISTINCT FROM h.received_at AND s.due_at IS NOT DISTINCT FROM h.due_at
     AND s.finished_at IS NOT DISTINCT FROM h.finished_at AND s.returned_at IS NOT DISTINCT FROM h.returned_at
),
newest AS (
    SELECT case_code, max(state_number) AS state_number FROM core.case_history WHERE case_code IN (SELECT case_code FROM known) GROUP BY case_code
)
SELECT k.case_code, k.state_number AS known, n.state_number AS newest, k.last_seen_at
FROM known AS k
JOIN newest AS n ON n.case_code = k.case_code
WHERE k.place = 1;

-- Of which of them the fees or the digitization are told otherwise than by the exports counted on the day before: the newest export with rows of the dossier is
-- compared with the newest of those, both as they are read and judged today, so that a word or a correction tells nothing.
CREATE TABLE work.told_otherwise AS
WITH lines AS (
    SELECT case_code, 'fee' AS about, file_id, collection, method, payment_state, amount, paid_at, CAST(NULL AS BIGINT) AS input_code,
           CAST(NULL AS BOOLEAN) AS is_result_digitized, CAST(NULL AS BOOLEAN) AS is_e_result
    FROM work.every_payment_row
    UNION ALL
    SELECT case_code, 'digitization', file_id, CAST(NULL AS STRING), CAST(NULL AS STRING), CAST(NULL AS STRING), CAST(NULL AS BIGINT), CAST(NULL AS TIMESTAMP),
           digitized_input_code, is_result_digitized, is_e_result
    FROM work.every_digitization_row
),
shown AS (
    SELECT l.*, f.exported_at, CASE WHEN b.file_id IS NOT NULL THEN 1 ELSE 0 END AS was_counted
    FROM lines AS l
    JOIN work.files AS f ON f.file_id = l.file_id AND f.status = 'loaded'
    LEFT JOIN work.files_before AS b ON b.file_id = l.file_id
    WHERE l.case_code IN (SELECT case_code FROM work.recounted)
),
ranked AS (
    SELECT s.*, dense_rank() OVER (PARTITION BY case_code, about ORDER BY exported_at DESC NULLS LAST, file_id DESC) AS place,
           dense_rank() OVER (PARTITION BY case_code, about, was_counted ORDER BY exported_at DESC NULLS LAST, file_id DESC) AS place_then
    FROM shown AS s
),
compared AS (
    SELECT case_code, sum(CASE WHEN place = 1 THEN 1 ELSE 0 END) - sum(CASE WHEN was_counted = 1 AND place_then = 1 THEN 1 ELSE 0 END) AS more
    FROM ranked
    GROUP BY case_code, about, collection, method, payment_state, amount, paid_at, input_code, is_result_digitized, is_e_result
)
SELECT DISTINCT case_code FROM compared WHERE more <> 0;

-- Which of them an export shows that counted on an earlier published day, was withdrawn on the last one, and counts again (`tthc forget --undo`), and whether in the state that counts.
CREATE TABLE work.shown_again AS
WITH shown AS (
    SELECT r.case_code, 0 AS is_newest
    FROM work.every_case_row AS r
    JOIN work.files_returned AS t ON t.file_id = r.file_id
    WHERE r.case_code IN (SELECT case_code FROM work.recounted)
    UNION ALL
    SELECT h.case_code, 1
    FROM core.case_history AS h
    JOIN work.files_returned AS t ON t.file_id = h.file_id OR t.file_id = h.last_file_id
    WHERE h.valid_to IS NULL AND h.case_code IN (SELECT case_code FROM work.recounted)
)
SELECT case_code, max(is_newest) AS is_newest FROM shown GROUP BY case_code;

-- Whose newest fees or digitization such an export tells.
CREATE TABLE work.told_again AS
WITH lines AS (
    SELECT DISTINCT 'fee' AS about, case_code, file_id FROM work.every_payment_row
    UNION ALL
    SELECT DISTINCT 'digitization', case_code, file_id FROM work.every_digitization_row
),
ranked AS (
    SELECT l.case_code, l.file_id, row_number() OVER (PARTITION BY l.about, l.case_code ORDER BY f.exported_at DESC NULLS LAST, l.file_id DESC) AS place
    FROM lines AS l
    JOIN work.files AS f ON f.file_id = l.file_id AND f.status = 'loaded'
    WHERE l.case_code IN (SELECT case_code FROM work.recounted)
)
SELECT DISTINCT r.case_code
FROM ranked AS r
JOIN work.files_returned AS t ON t.file_id = r.file_id
WHERE r.place = 1;

CREATE TABLE work.restated_cases AS
SELECT s.measure, s.period_kind, s.period_start, s.unit_code, s.unit_valid_from, s.case_code,
       CASE WHEN s.before_was IS NULL THEN 'none' WHEN s.before_was = 1 THEN 'numerator' ELSE 'denominator' END AS counted_before,
       CASE WHEN s.now_is IS NULL THEN 'none' WHEN s.now_is = 1 THEN 'numerator' ELSE 'denominator' END AS counted_now,
       -- what the exports still show was dropped by a correction, or is refused for a name or a word that the tables no longer have
       CASE WHEN c.case_code IS NULL THEN CASE WHEN p.case_code IS NULL AND d.gone_exports > 0 THEN 'removed' ELSE 'tables' END
            -- shown and counted nowhere: refused for its unit's name until the source mended that
            WHEN b.case_code IS NULL AND k.case_code IS NULL THEN CASE WHEN p.case_code IS NOT NULL THEN 'changed' WHEN y.case_code IS NOT NULL THEN 'restored' ELSE 'late_arrival' END
            WHEN b.case_code IS NULL THEN 'tables'
            WHEN o.is_same THEN CASE WHEN o.is_same_clock THEN 'time' ELSE 'tables' END  -- of past hours only calendar and working hours say otherwise
            WHEN y.is_newest = 1 AND k.known IS DISTINCT FROM k.newest THEN 'restored'
            WHEN d.gone_exports = 0 AND k.known = k.newest AND l.case_code IS NULL AND b.supplement_count IS NOT DISTINCT FROM c.supplement_count THEN 'tables'
            -- no export says anything new of it: one that did is gone, else it is the tables
            WHEN k.known = k.newest AND NOT (o.is_as_taken_in AND o.is_same_course) THEN CASE WHEN d.gone_exports > 0 AND NOT o.is_as_told THEN 'removed' ELSE 'tables' END
            -- nothing new is told of it, its fees and its digitization: what a withdrawn export overruled counts again
            WHEN d.gone_exports > 0 AND k.known = k.newest AND l.case_code IS NULL AND b.supplement_count IS NOT DISTINCT FROM c.supplement_count THEN 'removed'
            -- its own course is the same: of fees and digitization it is what the export that counts again tells
            WHEN g.case_code IS NOT NULL AND l.case_code IS NOT NULL AND o.is_as_taken_in AND o.is_same_course THEN 'restored'
            -- no step of a dossier takes back what counted: a fee line or a digitization is gone with its export, or says otherwise now
            WHEN o.is_as_taken_in AND o.is_same_course AND (s.now_is IS NULL OR s.now_is < s.before_was) THEN CASE WHEN d.gone_exports > 0 THEN 'removed' ELSE 'changed' END
            WHEN o.is_as_taken_in AND (o.taken_in_since IS NULL OR coalesce(r.ends_at, o.taken_in_since) >= k.last_seen_at)
                 AND (o.is_same_course OR coalesce(e.ends_at, c.ended_at) >= k.last_seen_at OR (c.ended_at IS NULL AND b.ended_at IS NULL)) THEN 'progress'
            ELSE 'changed' END AS cause,
       c.file_id, c.sheet, c.row_number
FROM work.recounted AS s
CROSS JOIN work.moment AS m
LEFT JOIN work.published_days AS d ON d.day = CAST(m.as_of AS DATE)
LEFT JOIN work.cases_before AS b ON b.case_code = s.case_code
LEFT JOIN core.cases AS c ON c.case_code = s.case_code
LEFT JOIN work.compared_cases AS o ON o.case_code = s.case_code
LEFT JOIN work.known_states AS k ON k.case_code = s.case_code
LEFT JOIN (SELECT DISTINCT case_code FROM work.shown_before) AS p ON p.case_code = s.case_code
LEFT JOIN work.told_otherwise AS l ON l.case_code = s.case_code
LEFT JOIN work.shown_again AS y ON y.case_code = s.case_code
LEFT JOIN work.told_again AS g ON g.case_code = s.case_code
LEFT JOIN work.day_ends AS e ON e.begins_at = c.ended_at  -- a date without time of day may be of any hour until the office closed
LEFT JOIN work.day_ends AS r ON r.begins_at = o.taken_in_since;

INSERT INTO mart.restatement_cases
WITH found AS (
    SELECT r.restated_on, r.measure, r.period_kind, r.period_start, r.unit_code, r.unit_valid_from, r.case_code, r.counted_before, r.counted_now, r.cause, r.file_id, r.sheet, r.row_number
    FROM work.restated_records AS r
    JOIN work.restated AS t
      ON t.restated_on = r.restated_on AND t.measure = r.measure AND t.period_kind = r.period_kind AND t.period_start = r.period_start AND t.unit_code = r.unit_code AND t.unit_valid_from = r.unit_valid_from
    UNION ALL
    SELECT CAST(m.as_of AS DATE), c.measure, c.period_kind, c.period_start, c.unit_code, c.unit_valid_from, c.case_code, c.counted_before, c.counted_now, c.cause, c.file_id, c.sheet, c.row_number
    FROM work.restated_cases AS c
    CROSS JOIN work.moment AS m
)
SELECT restated_on, measure, period_kind, period_start, unit_code, unit_valid_from, case_code, counted_before, counted_now, cause, file_id, sheet, row_number
FROM found
ORDER BY restated_on DESC, measure, period_kind, period_start, unit_code, unit_valid_from, case_code;

INSERT INTO mart.restatements
WITH causes AS (
    SELECT restated_on, measure, period_kind, period_start, unit_code, unit_valid_from, count(*) AS cases,
           count(CASE WHEN cause = 'late_arrival' THEN 1 END) AS by_late_arrival, count(CASE WHEN cause = 'changed' THEN 1 END) AS by_changed,
           count(CASE WHEN cause = 'removed' THEN 1 END) AS by_removed, count(CASE WHEN cause = 'restored' THEN 1 END) AS by_restored, count(CASE WHEN cause = 'tables' THEN 1 END) AS by_tables,
           count(CASE WHEN cause = 'progress' THEN 1 END) AS by_progress, count(CASE WHEN cause = 'time' THEN 1 END) AS by_time
    FROM mart.restatement_cases
    GROUP BY restated_on, measure, period_kind, period_start, unit_code, unit_valid_from
),
-- What dossiers cannot have done: a result that turned against the rate's own course, or a target where there was none. Targets are not kept with what was
-- published, and this says the same on every later day.
judged AS (
    SELECT r.*, CASE WHEN r.status_before IN ('met', 'missed') AND r.status = 'no_target' THEN 1
                     WHEN r.status_before = 'no_target' AND r.status IN ('met', 'missed') THEN 1
                     WHEN r.status_before = 'met' AND r.status = 'missed' AND r.numerator * r.denominator_before >= r.numerator_before * r.denominator THEN 1
                     WHEN r.status_before = 'missed' AND r.status = 'met' AND r.numerator * r.denominator_before <= r.numerator_before * r.denominator THEN 1
                     ELSE 0 END AS by_target
    FROM work.restated AS r
),
told AS (
    SELECT r.*, coalesce(c.cases, 0) AS cases, coalesce(u.unit_name, r.unit_code) AS unit_name, u.level, m.as_of,
           CASE WHEN c.by_late_arrival > 0 THEN 'late_arrival' WHEN c.by_changed > 0 THEN 'changed' WHEN c.by_removed > 0 THEN 'removed'
                WHEN c.by_restored > 0 THEN 'restored'
                WHEN c.by_tables > 0 OR (c.cases > 0 AND r.by_target = 1) THEN 'tables'
                WHEN c.by_progress > 0 THEN 'progress' WHEN c.by_time > 0 THEN 'time'
                WHEN r.numerator IS NULL OR (r.numerator = r.numerator_before AND r.denominator = r.denominator_before) THEN 'tables'
                ELSE 'unknown' END AS cause,
           CASE WHEN c.cases > 0 THEN 'do ' || substr(CASE WHEN c.by_late_arrival > 0 THEN ', ' || vi_count(c.by_late_arrival) || ' hồ sơ đến muộn' ELSE '' END
                || CASE WHEN c.by_changed > 0 THEN ', ' || vi_count(c.by_changed) || ' hồ sơ được sửa' ELSE '' END
                || CASE WHEN c.by_removed > 0 THEN ', ' || vi_count(c.by_removed) || ' hồ sơ không còn, hay không còn dữ kiện, trong các tệp' ELSE '' END
                || CASE WHEN c.by_restored > 0 THEN ', ' || vi_count(c.by_restored) || ' hồ sơ được tính lại theo tệp dùng lại' ELSE '' END
                || CASE WHEN c.by_tables > 0 THEN ', ' || vi_count(c.by_tables) || ' hồ sơ tính khác theo bảng tham chiếu hoặc đính chính' ELSE '' END
                || CASE WHEN c.by_progress > 0 THEN ', ' || vi_count(c.by_progress) || ' hồ sơ được giải quyết, cập nhật tiếp' ELSE '' END
                || CASE WHEN c.by_time > 0 THEN ', ' || vi_count(c.by_time) || ' hồ sơ đến hạn theo thời gian' ELSE '' END
                || CASE WHEN r.by_target = 1 THEN ', chỉ tiêu thay đổi' ELSE '' END, 3)
                WHEN r.numerator IS NULL THEN 'do bảng đơn vị hoặc danh mục chỉ số thay đổi, tỷ lệ này không còn được tính'
                WHEN r.numerator = r.numerator_before AND r.denominator = r.denominator_before THEN 'do chỉ tiêu thay đổi'
                WHEN r.restated_on < CAST(m.as_of AS DATE) THEN 'ngày công bố ngay trước được chạy sau ngày này, nên không rõ do hồ sơ nào'
                ELSE 'chưa rõ hồ sơ nào' END AS reason_vi
    FROM judged AS r
    CROSS JOIN work.moment AS m
    LEFT JOIN causes AS c
           ON c.restated_on = r.restated_on AND c.measure = r.measure AND c.period_kind = r.period_kind AND c.period_start = r.period_start AND c.unit_code = r.unit_code AND c.unit_valid_from = r.unit_valid_from
    LEFT JOIN core.units AS u ON u.unit_code = r.unit_code AND u.valid_from = r.unit_valid_from
)
SELECT restated_on, published_on, measure, period_kind, period_start, period_end, unit_code, unit_valid_from, unit_name, level, numerator_before, denominator_before,
       CAST(numerator_before AS DOUBLE) / nullif(CAST(denominator_before AS DOUBLE), 0) AS rate_before, status_before, numerator, denominator,
       CAST(numerator AS DOUBLE) / nullif(CAST(denominator AS DOUBLE), 0) AS rate, status, cause, reason_vi, cases, new_exports, gone_exports, exports_vi, as_of
FROM told
ORDER BY restated_on DESC, unit_code, unit_valid_from, measure, period_kind, period_start;
