-- Grain: ops.freshness one row an export kind as a whole, and one a kind, unit and problem found.
-- Inputs: core.calendar, work.exports, work.export_covers, work.export_units, work.source_ages, work.unit_ages, work.unit_numbers, work.day_counts (68_coverage.sql),
-- work.deliveries, work.delivery_sizes, work.shrunk (91_deliveries.sql), work.kinds, work.watch, ops.rejects, work.files, work.moment.
-- Readers: the gate's rules, tthc status, the summaries.

-- Units that used to be in the district's lists and are in none of the newest one's files. Two systems that export by turns leave out each other's units:
-- a unit has vanished when it is missing for longer than the usual interval, in lists, at which it comes. It is due in every list where that is one.
CREATE TABLE work.vanished AS
WITH whole AS (
    SELECT delivered_on, unit_number, max(exported_at) AS exported_at, max(CASE WHEN is_level_whole THEN expected END) AS expected,
           max(CASE WHEN is_listed THEN 1 ELSE 0 END) AS listed, max(CASE WHEN is_level_whole THEN 1 ELSE 0 END) AS whole
    FROM work.export_covers
    GROUP BY delivered_on, unit_number
),
newest AS (
    SELECT w.*, row_number() OVER (PARTITION BY w.unit_number ORDER BY w.delivered_on DESC) AS place FROM whole AS w WHERE w.whole = 1 OR w.listed = 1
),
coming AS (
    SELECT unit_number, place, lead(place) OVER (PARTITION BY unit_number ORDER BY place) - place AS interval_in_lists FROM newest WHERE listed = 1
),
usual AS (
    SELECT c.unit_number, min(c.place) AS last_place,
           CAST(ceil(coalesce(median(CASE WHEN c.place <= w.deliveries THEN c.interval_in_lists END), 1)) AS BIGINT) AS interval_in_lists
    FROM coming AS c CROSS JOIN work.watch AS w
    GROUP BY c.unit_number
)
SELECT n.unit_number, n.exported_at, CAST(round(n.expected) AS BIGINT) AS expected, CASE WHEN (u.last_place - 1) % u.interval_in_lists = 0 THEN TRUE ELSE FALSE END AS is_due
FROM newest AS n
CROSS JOIN work.watch AS w
JOIN usual AS u ON u.unit_number = n.unit_number
WHERE n.place = 1 AND n.listed = 0 AND n.expected >= w.expected_least AND u.last_place > u.interval_in_lists;

-- Number of rows far from what the deliveries before lead one to expect, the units that vanished (told by themselves) added back; beside the one list
-- before, only those that it still held. What is told is what the list holds, and what the other units lead one to expect. Judged: whole kinds, and units, whose newest list belongs to the newest delivery.
CREATE TABLE work.rows_off AS
WITH sizes AS (
    SELECT * FROM work.delivery_sizes WHERE kind <> 'waiting' AND worked IS NOT NULL
),
changes AS (
    SELECT a.kind, a.unit_number, a.place, ln(a.pace / b.pace) AS change
    FROM sizes AS a JOIN sizes AS b ON b.kind = a.kind AND b.unit_number = a.unit_number AND b.place = a.place + 1
    WHERE a.place >= 2
),
middle AS (
    SELECT kind, unit_number, count(*) AS changes, median(change) AS change FROM changes GROUP BY kind, unit_number
),
spread AS (
    SELECT c.kind, c.unit_number, median(abs(c.change - m.change)) AS spread
    FROM changes AS c JOIN middle AS m ON m.kind = c.kind AND m.unit_number = c.unit_number
    GROUP BY c.kind, c.unit_number
),
usual AS (
    SELECT kind, unit_number, median(pace) AS pace FROM sizes WHERE place >= 2 GROUP BY kind, unit_number
),
-- Lists that always begin on the same day and now end earlier are cut, not lists of other days.
compared AS (
    SELECT n.kind, n.unit_number, n.cases, n.worked, CASE WHEN n.kind = 'cases' AND n.unit_number = 0 THEN v.expected ELSE 0 END AS vanished,
           CASE WHEN n.kind = 'cases' AND n.unit_number = 0 THEN v.expected_since ELSE 0 END AS vanished_since,
           b.worked AS worked_before, b.pace AS pace_before,
           CASE WHEN least(n.worked_to, b.worked_to) - greatest(n.worked_from, b.worked_from) >= 0.8 * greatest(n.worked, b.worked) THEN TRUE ELSE FALSE END
               AS is_same_range,
           CASE WHEN abs(n.worked_from - b.worked_from) <= 1 + 0.03 * b.worked AND abs(b.worked_from - c.worked_from) <= 1 + 0.03 * b.worked
                 AND n.worked < b.worked AND c.worked <= b.worked THEN TRUE ELSE FALSE END AS is_cut
    FROM sizes AS n
    JOIN sizes AS b ON b.kind = n.kind AND b.unit_number = n.unit_number AND b.place = 2
    LEFT JOIN sizes AS c ON c.kind = n.kind AND c.unit_number = n.unit_number AND c.place = 3
    CROSS JOIN (
        SELECT coalesce(sum(x.expected), 0) AS expected, coalesce(sum(CASE WHEN h.unit_number IS NOT NULL THEN x.expected ELSE 0 END), 0) AS expected_since
        FROM work.vanished AS x
        JOIN work.deliveries AS d ON d.kind = 'cases' AND d.number = 1 AND x.is_due AND CAST(x.exported_at - INTERVAL 4 HOUR AS DATE) = d.delivered_on
        LEFT JOIN sizes AS w ON w.kind = 'cases' AND w.unit_number = 0 AND w.place = 2
        LEFT JOIN sizes AS h ON h.kind = 'cases' AND h.unit_number = x.unit_number AND h.number = w.number
    ) AS v
    WHERE n.place = 1 AND n.number = 1
),
judged AS (
    SELECT n.kind, n.unit_number, n.cases + CASE WHEN n.is_same_range OR n.is_cut THEN n.vanished_since ELSE n.vanished END AS cases, n.cases AS listed, m.changes, s.spread,
           CASE WHEN n.is_same_range OR n.is_cut THEN TRUE ELSE FALSE END AS is_same_range,
           CASE WHEN n.is_cut THEN n.worked_before ELSE n.worked END AS worked, n.pace_before, m.change, u.pace AS pace_usual
    FROM compared AS n
    JOIN middle AS m ON m.kind = n.kind AND m.unit_number = n.unit_number
    JOIN spread AS s ON s.kind = n.kind AND s.unit_number = n.unit_number
    JOIN usual AS u ON u.kind = n.kind AND u.unit_number = n.unit_number
),
expected AS (
    SELECT j.*, CASE WHEN is_same_range THEN pace_before * exp(change) ELSE pace_usual END * worked AS expected,
           greatest(w.spread_times * spread, -ln(1 - CASE WHEN is_same_range THEN w.same_range_share ELSE w.other_range_share END)) AS tolerance, w.chance_times
    FROM judged AS j CROSS JOIN work.watch AS w
    WHERE j.changes >= w.changes_least
)
SELECT kind, unit_number, CAST(listed AS BIGINT) AS cases, CAST(greatest(round(expected) - (cases - listed), 0) AS BIGINT) AS expected
FROM expected
WHERE abs(ln(cases / expected)) > tolerance AND abs(cases - expected) > chance_times * sqrt(expected);

-- The same content under another time: for long enough that something should have happened, and of a list that was up to date when it was first made.
-- A day counts once its work has ended: an office that exports before work shows on Monday morning what it showed on Saturday.
CREATE TABLE work.frozen AS
WITH named AS (
    SELECT e.kind, e.exported_at AS since_at, max(regexp_extract(coalesce(f.member, f.file_name), '(20[0-9]{12})', 1)) AS stamp
    FROM work.files AS f
    JOIN work.exports AS e ON e.file_id = f.file_id
    JOIN work.deliveries AS d ON d.kind = e.kind AND d.delivered_on = e.delivered_on AND d.number = 1
    WHERE f.status = 'duplicate'
    GROUP BY e.kind, e.exported_at
),
copied AS (
    SELECT kind, since_at, try_cast(substr(stamp, 1, 4) || '-' || substr(stamp, 5, 2) || '-' || substr(stamp, 7, 2) || ' ' || substr(stamp, 9, 2) || ':'
                                    || substr(stamp, 11, 2) || ':' || substr(stamp, 13, 2) AS TIMESTAMP) AS until_at
    FROM named
    WHERE length(stamp) = 14
),
differing AS (
    SELECT n.kind, min(CASE WHEN o.content <> n.content OR o.cases <> n.cases THEN o.place END) AS place
    FROM work.delivery_sizes AS n
    JOIN work.delivery_sizes AS o ON o.kind = n.kind AND o.unit_number = 0
    WHERE n.unit_number = 0 AND n.number = 1
    GROUP BY n.kind
),
same AS (
    SELECT s.kind, min(d.exported_at) AS since_at, max(d.exported_at) AS until_at
    FROM work.delivery_sizes AS s
    JOIN differing AS f ON f.kind = s.kind AND (f.place IS NULL OR s.place < f.place)
    JOIN work.deliveries AS d ON d.kind = s.kind AND d.number = s.number
    WHERE s.unit_number = 0
    GROUP BY s.kind
),
spans AS (
    SELECT kind, since_at, until_at FROM same
    UNION ALL
    SELECT c.kind, c.since_at, least(c.until_at, m.as_of) FROM copied AS c CROSS JOIN work.moment AS m WHERE c.until_at IS NOT NULL
),
worked AS (
    SELECT p.kind, CAST(p.since_at AS DATE) AS since_on, CAST(p.until_at AS DATE) AS until_on,
           a.worked - CASE WHEN x.is_working AND p.since_at < CAST(x.date AS TIMESTAMP) + INTERVAL 1 SECOND * x.afternoon_to THEN 1 ELSE 0 END AS worked_since,
           b.worked - CASE WHEN y.is_working AND p.until_at < CAST(y.date AS TIMESTAMP) + INTERVAL 1 SECOND * y.afternoon_to THEN 1 ELSE 0 END AS worked_until
    FROM spans AS p
    JOIN work.day_counts AS a ON a.date = CAST(p.since_at AS DATE)
    JOIN work.day_counts AS b ON b.date = CAST(p.until_at AS DATE)
    JOIN core.calendar AS x ON x.date = a.date
    JOIN core.calendar AS y ON y.date = b.date
),
judged AS (
    SELECT p.kind, p.since_on, p.until_on, p.worked_until - p.worked_since AS days, s.cases, s.pace, p.worked_since - s.worked_to AS behind
    FROM worked AS p
    JOIN work.delivery_sizes AS s ON s.kind = p.kind AND s.unit_number = 0 AND s.number = 1
)
SELECT j.kind, min(j.since_on) AS since_on, max(j.until_on) AS until_on
FROM judged AS j CROSS JOIN work.watch AS w
WHERE j.days > 0
  AND CASE WHEN j.kind = 'waiting' THEN CASE WHEN j.cases >= w.expected_least AND j.days >= w.frozen_waiting_days THEN TRUE ELSE FALSE END
           WHEN j.pace * j.days >= w.expected_least AND j.behind <= 3 THEN TRUE ELSE FALSE END
GROUP BY j.kind;

-- Words of rejected rows, of the deliveries looked back on.
CREATE TABLE work.unknown_words AS
SELECT e.kind, j.reason, count(DISTINCT coalesce(j.masked_value, '')) AS words, count(*) AS cases, min(CASE WHEN j.masked_value NOT LIKE '%…%' THEN j.masked_value END) AS example
FROM ops.rejects AS j
JOIN work.exports AS e ON e.file_id = j.file_id
JOIN work.deliveries AS d ON d.kind = e.kind AND d.delivered_on = e.delivered_on
WHERE j.reason IN ('unknown_status', 'unknown_unit')
GROUP BY e.kind, j.reason;

INSERT INTO ops.freshness
WITH newest AS (
    SELECT k.*, d.exported_at AS data_as_of, s.cases AS rows_newest, b.cases AS rows_before, g.age_days, g.allowed_days,
           extract(day FROM CAST(CAST(m.as_of AS DATE) AS TIMESTAMP) - CAST(CAST(d.exported_at AS DATE) AS TIMESTAMP)) AS days_ago, m.as_of,
           vi_day(d.exported_at) AS day_vi
    FROM work.kinds AS k
    CROSS JOIN work.moment AS m
    LEFT JOIN work.deliveries AS d ON d.kind = k.kind AND d.number = 1
    LEFT JOIN work.source_ages AS g ON g.kind = k.kind AND g.unit_number = 0
    LEFT JOIN work.delivery_sizes AS s ON s.kind = k.kind AND s.unit_number = 0 AND s.number = 1
    LEFT JOIN work.delivery_sizes AS b ON b.kind = k.kind AND b.unit_number = 0 AND b.number = 2
),
ages AS (
    SELECT a.*, n.unit_name, n.level, extract(day FROM CAST(CAST(m.as_of AS DATE) AS TIMESTAMP) - CAST(CAST(a.data_as_of AS DATE) AS TIMESTAMP)) AS days_ago,
           vi_day(a.data_as_of) AS day_vi
    FROM work.unit_ages AS a
    JOIN work.unit_numbers AS n ON n.unit_number = a.unit_number
    CROSS JOIN work.moment AS m
    WHERE CAST(m.as_of AS DATE) >= a.valid_from AND CAST(m.as_of AS DATE) <= a.valid_to
),
found AS (
    SELECT k.kind, CAST(NULL AS BIGINT) AS unit_number, k.data_as_of, k.rows_newest, k.rows_before,
           CASE WHEN k.data_as_of IS NULL THEN k.never WHEN k.age_days > 2 * k.allowed_days THEN 'red' WHEN k.age_days > k.allowed_days THEN 'yellow' ELSE 'green' END
               AS light,
           CASE WHEN k.data_as_of IS NULL THEN 'never' WHEN k.age_days > k.allowed_days THEN 'stale' END AS problem,
           CASE WHEN k.data_as_of IS NULL THEN 'chưa có tệp xuất nào; hãy xuất từ hệ thống một cửa và đặt vào thư mục tệp xuất'
                ELSE 'dữ liệu mới nhất ngày ' || k.day_vi || CASE WHEN k.days_ago <= 0 THEN ' (đúng ngày chốt)' ELSE ' (' || vi_count(k.days_ago) || ' ngày trước ngày chốt)' END
                     || CASE WHEN k.age_days > k.allowed_days THEN '; hãy xuất lại' ELSE '' END END AS message_vi
    FROM newest AS k
    WHERE k.data_as_of IS NOT NULL OR k.never <> 'none'
    UNION ALL
    SELECT 'cases', a.unit_number, a.data_as_of, NULL, NULL,
           CASE WHEN a.data_as_of IS NULL THEN 'yellow' WHEN a.age_days > 2 * a.allowed_days THEN 'red' ELSE 'yellow' END,
           CASE WHEN a.data_as_of IS NULL THEN 'never' ELSE 'stale' END,
           CASE WHEN a.data_as_of IS NULL THEN 'chưa có tệp xuất nào cho thấy đơn vị này; hãy xuất danh sách hồ sơ của đơn vị'
                ELSE 'dữ liệu mới nhất ngày ' || a.day_vi || ' (' || vi_count(a.days_ago) || ' ngày trước ngày chốt); hãy xuất lại' END
    FROM ages AS a
    JOIN newest AS k ON k.kind = 'cases' AND k.data_as_of IS NOT NULL
    LEFT JOIN work.vanished AS v ON v.unit_number = a.unit_number
    WHERE a.is_old AND v.unit_number IS NULL AND (a.data_as_of IS NULL OR CAST(a.data_as_of - INTERVAL 4 HOUR AS DATE) < CAST(k.data_as_of - INTERVAL 4 HOUR AS DATE))
      AND a.level IN (SELECT n.level FROM work.export_units AS x JOIN work.unit_numbers AS n ON n.unit_number = x.unit_number)
    UNION ALL
    SELECT 'cases', v.unit_number, a.data_as_of, 0, v.expected, 'red', 'vanished',
           'không có hồ sơ nào trong danh sách mới nhất, ở đó thường có khoảng ' || vi_count(v.expected)
               || '; hãy xem bộ lọc đơn vị khi xuất rồi xuất lại'
    FROM work.vanished AS v
    JOIN ages AS a ON a.unit_number = v.unit_number
    UNION ALL
    SELECT o.kind, CASE WHEN o.unit_number > 0 THEN o.unit_number END, coalesce(a.data_as_of, k.data_as_of), o.cases, o.expected, 'yellow', 'rows_off',
           'lần xuất mới nhất có ' || vi_count(o.cases) || ' hồ sơ, các lần trước cho thấy phải có khoảng ' || vi_count(o.expected)
               || '; hãy xem tệp có bị cắt, thiếu hoặc thừa phần nào không'
    FROM work.rows_off AS o
    JOIN newest AS k ON k.kind = o.kind
    LEFT JOIN ages AS a ON a.unit_number = o.unit_number
    LEFT JOIN work.shrunk AS h ON h.unit_number = o.unit_number
    WHERE o.unit_number = 0
       OR (a.unit_number IS NOT NULL AND h.unit_number IS NULL AND NOT EXISTS (SELECT 1 FROM work.rows_off AS w WHERE w.kind = 'cases' AND w.unit_number = 0))
    UNION ALL
    SELECT f.kind, NULL, k.data_as_of, k.rows_newest, k.rows_before, CASE WHEN f.kind = 'cases' THEN 'red' ELSE 'yellow' END, 'frozen',
           'xuất nhiều lần nhưng nội dung không đổi từ ngày ' || vi_day(f.since_on) || '; hãy xem hệ thống nguồn còn cập nhật không, có phải vẫn tải tệp cũ không'
    FROM work.frozen AS f
    JOIN newest AS k ON k.kind = f.kind
    UNION ALL
    SELECT 'cases', s.unit_number, a.data_as_of, NULL, NULL, 'yellow', 'shrunk',
           vi_count(s.cases) || ' hồ sơ có trong tệp xuất trước không còn trong danh sách mới, dù danh sách mới có các hồ sơ cùng ngày; '
               || 'hãy hỏi đơn vị vì sao, hoặc xuất lại'
    FROM work.shrunk AS s
    JOIN work.unit_ages AS a ON a.unit_number = s.unit_number
    WHERE NOT EXISTS (SELECT 1 FROM work.rows_off AS w WHERE w.kind = 'cases' AND w.unit_number = 0 AND w.cases < w.expected)
    UNION ALL
    SELECT w.kind, NULL, k.data_as_of, NULL, NULL, 'yellow', w.reason,
           CASE WHEN w.reason = 'unknown_status' THEN vi_count(w.words) || ' từ chỉ trạng thái chưa từng gặp' ELSE vi_count(w.words) || ' tên đơn vị không có trong units.csv' END
               || CASE WHEN w.example IS NOT NULL THEN ', ví dụ “' || w.example || '”' ELSE '' END || ' (' || vi_count(w.cases) || ' dòng bị từ chối, xem dong-bi-tu-choi.csv); hãy thêm vào '
               || CASE WHEN w.reason = 'unknown_status' THEN 'words.csv' ELSE 'units.csv' END || ' hoặc sửa ở nguồn'
    FROM work.unknown_words AS w
    JOIN newest AS k ON k.kind = w.kind
)
SELECT f.kind, k.kind_vi, n.unit_code, n.valid_from AS unit_valid_from, f.data_as_of, CAST(f.rows_newest AS BIGINT) AS rows_newest,
       CAST(f.rows_before AS BIGINT) AS rows_before, f.light, f.problem,
       k.kind_vi || CASE WHEN n.unit_name IS NOT NULL THEN ' của ' || n.unit_name ELSE '' END || ': ' || f.message_vi AS message_vi, k.as_of
FROM found AS f
JOIN newest AS k ON k.kind = f.kind
LEFT JOIN work.unit_numbers AS n ON n.unit_number = f.unit_number
ORDER BY k.number, n.unit_code NULLS FIRST, n.valid_from NULLS FIRST, f.problem NULLS FIRST;
