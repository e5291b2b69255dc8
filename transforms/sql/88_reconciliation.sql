-- Grain: mart.reconciliation one row an aggregated export's kind, unit, period and figure; work.differing those whose difference is not tolerated.
-- A difference is the export's figure less our own count. Ours is what is known now, so changes made after the export was made show as differences:
-- note_vi says how old both are, and how many rows of dossiers could not be counted.
-- Inputs: work.aggregates, work.stated, work.counted (rendered from reconciliation.yml), work.figures, work.tolerances, work.case_rows,
-- work.rejected, work.places, work.files, core.units, work.moment.
-- Readers: 89_reconciliation_cases.sql, rules.yml, the summaries, analysts.

INSERT INTO mart.reconciliation
WITH theirs AS (
    SELECT a.aggregate_id, s.figure, sum(s.theirs) AS theirs
    FROM work.aggregates AS a
    JOIN work.stated_rows AS r ON r.source_kind = a.source_kind AND r.file_id = a.file_id AND r.sheet_number = a.sheet_number
                              AND r.unit_code = a.unit_code AND r.unit_valid_from = a.unit_valid_from
                              AND r.period_start = a.period_start AND r.period_end = a.period_end
    JOIN work.stated AS s ON s.source_kind = r.source_kind AND s.file_id = r.file_id AND s.sheet_number = r.sheet_number AND s.row_number = r.row_number
    GROUP BY a.aggregate_id, s.figure
),
contradicting AS (  -- Biểu số 06 whose own columns do not add up: whatever we count, one of them is wrong
    SELECT aggregate_id
    FROM theirs
    GROUP BY aggregate_id
    HAVING sum(CASE figure WHEN 'total' THEN theirs WHEN 'online' THEN -theirs WHEN 'direct' THEN -theirs WHEN 'carried' THEN -theirs ELSE 0 END) <> 0
        OR sum(CASE figure WHEN 'done' THEN theirs WHEN 'early' THEN -theirs WHEN 'on_day' THEN -theirs WHEN 'late' THEN -theirs ELSE 0 END) <> 0
        OR sum(CASE figure WHEN 'open' THEN theirs WHEN 'open_in' THEN -theirs WHEN 'open_over' THEN -theirs ELSE 0 END) <> 0
        OR sum(CASE figure WHEN 'total' THEN theirs WHEN 'done' THEN -theirs WHEN 'open' THEN -theirs ELSE 0 END) <> 0
),
ours AS (
    SELECT aggregate_id, figure, sum(ours) AS ours
    FROM work.counted
    GROUP BY aggregate_id, figure
),
lists AS (
    SELECT max(f.exported_at) AS listed_at
    FROM work.files AS f
    JOIN (SELECT DISTINCT file_id FROM work.case_rows) AS r ON r.file_id = f.file_id
    WHERE f.status = 'loaded'
),
repeated AS (
    SELECT p.state_id, count(*) AS places
    FROM work.places AS p
    JOIN work.chained_exports AS e ON e.export_number = p.export_number
    JOIN work.files AS f ON f.file_id = e.file_id AND f.status = 'loaded'
    JOIN work.rejected AS j ON j.state_id = p.state_id
    GROUP BY p.state_id
),
refused AS (
    SELECT r.unit_code, r.unit_valid_from, sum(CASE WHEN j.state_id IS NULL THEN 1 ELSE t.places END) AS refused_rows
    FROM work.rejected AS j
    JOIN work.files AS f ON f.file_id = j.file_id AND f.status = 'loaded'
    JOIN work.case_rows AS r ON r.file_id = j.file_id AND r.sheet_number = j.sheet_number AND r.row_number = j.row_number
    LEFT JOIN repeated AS t ON t.state_id = j.state_id
    GROUP BY r.unit_code, r.unit_valid_from
),
compared AS (
    SELECT a.aggregate_id, a.source_kind, a.unit_code, a.unit_valid_from, u.unit_name, a.period_start, a.period_end, t.figure, g.figure_number, g.label_vi, g.rule_vi,
           g.is_certain, CAST(t.theirs AS BIGINT) AS theirs, CAST(coalesce(o.ours, 0) AS BIGINT) AS ours,
           CAST(t.theirs - coalesce(o.ours, 0) AS BIGINT) AS difference, l.absolute, l.relative, a.exported_at, a.file_id, a.sheet, a.row_number,
           b.listed_at, coalesce(x.refused_rows, 0) AS refused_rows, coalesce(y.refused_rows, 0) AS unknown_rows,
           CASE WHEN a.source_kind = 'summary06' AND e.aggregate_id IS NOT NULL THEN TRUE ELSE FALSE END AS is_contradicting, m.as_of
    FROM theirs AS t
    JOIN work.aggregates AS a ON a.aggregate_id = t.aggregate_id
    JOIN work.figures AS g ON g.source_kind = a.source_kind AND g.figure = t.figure
    JOIN work.tolerances AS l ON l.source_kind = a.source_kind
    JOIN core.units AS u ON u.unit_code = a.unit_code AND u.valid_from = a.unit_valid_from
    CROSS JOIN work.moment AS m
    CROSS JOIN lists AS b
    LEFT JOIN contradicting AS e ON e.aggregate_id = t.aggregate_id
    LEFT JOIN ours AS o ON o.aggregate_id = t.aggregate_id AND o.figure = t.figure
    LEFT JOIN refused AS x ON x.unit_code = a.unit_code AND x.unit_valid_from = a.unit_valid_from
    LEFT JOIN refused AS y ON y.unit_code IS NULL
)
SELECT source_kind, unit_code, unit_valid_from, unit_name, period_start, period_end, figure, figure_number, label_vi, rule_vi, is_certain, theirs, ours, difference,
       CASE WHEN NOT is_certain OR abs(difference) <= absolute OR abs(difference) <= relative * ours THEN TRUE ELSE FALSE END AS is_tolerated,
       CASE WHEN difference = 0 THEN NULL
            ELSE CASE WHEN exported_at < listed_at THEN 'Danh sách hồ sơ mới hơn biểu: thay đổi sau khi biểu được xuất có thể gây chênh lệch'
                      WHEN exported_at > listed_at THEN 'Biểu mới hơn danh sách hồ sơ: hãy xuất lại danh sách hồ sơ rồi đối chiếu'
                      ELSE 'Biểu và danh sách hồ sơ cùng thời điểm xuất' END
                 || CASE WHEN is_contradicting THEN '; các cột của biểu không cộng đúng với nhau: hãy kiểm tra lại biểu trước' ELSE '' END
                 || CASE WHEN period_end > CAST(as_of AS DATE) + INTERVAL 1 DAY THEN '; kỳ chưa kết thúc ở thời điểm chốt số liệu' ELSE '' END
                 || CASE WHEN refused_rows > 0 THEN '; ' || vi_count(CAST(refused_rows AS BIGINT)) || ' dòng hồ sơ của đơn vị bị từ chối, chưa được đếm' ELSE '' END
                 || CASE WHEN unknown_rows > 0 THEN '; ' || vi_count(CAST(unknown_rows AS BIGINT)) || ' dòng hồ sơ không rõ đơn vị, chưa được đếm' ELSE '' END
       END AS note_vi,
       exported_at, listed_at, file_id, sheet, row_number, as_of
FROM compared
ORDER BY source_kind, period_start, period_end, unit_code, unit_valid_from, figure_number;

CREATE TABLE work.differing AS
SELECT a.aggregate_id, r.source_kind, r.figure, CASE WHEN r.difference < 0 THEN 'less' ELSE 'more' END AS direction
FROM mart.reconciliation AS r
JOIN work.aggregates AS a ON a.source_kind = r.source_kind AND a.unit_code = r.unit_code AND a.unit_valid_from = r.unit_valid_from
                         AND a.period_start = r.period_start AND a.period_end = r.period_end
WHERE NOT r.is_tolerated;
