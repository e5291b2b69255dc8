-- Grain: work.audit_of_habits one row a finding about a unit; work.audit_habit_cases its dossiers.
-- The statistics are exact tails bounded from above in closed form (Chernoff), so that they need no table and are never too small: for k of n dossiers where a
-- share p is usual, exp(-n * (x ln(x / p) + (1 - x) ln((1 - x) / (1 - p)))) with x = k / n; for k where m are usual, exp(k - m + k ln(m / k)).
-- Inputs: core.cases, core.case_history (when it was seen), core.calendar, work.audit_rules, work.thresholds, work.moment.
-- Readers: 94_audit_words.sql.

-- Receptions in the last minutes before the limit, of all in the last hour before it: each minute should hold about as many.
CREATE TABLE work.audit_limits AS
WITH waited AS (
    SELECT c.case_code, c.unit_code, c.unit_valid_from,
           CASE WHEN c.waiting_hours * 3600 > t.reception_limit_hours * 3600 - r.margin_seconds + 0.5 THEN 1 ELSE 0 END AS is_exact,
           CAST(r.margin_seconds AS DOUBLE) / (60 * r.band_minutes) AS usual, r.least_cases, r.one_in
    FROM core.cases AS c
    CROSS JOIN work.moment AS m
    CROSS JOIN work.thresholds AS t
    JOIN work.audit_rules AS r ON r.rule = 'limit_exact'
    WHERE c.received_at IS NOT NULL AND c.waiting_hours <= t.reception_limit_hours AND c.waiting_hours * 60 > t.reception_limit_hours * 60 - r.band_minutes
      AND c.submitted_at >= date_trunc('year', m.as_of) AND c.submitted_at <= m.as_of
),
counted AS (
    SELECT unit_code, unit_valid_from, count(*) AS cases, sum(is_exact) AS exact, max(usual) AS usual, max(least_cases) AS least_cases, max(one_in) AS one_in
    FROM waited
    GROUP BY unit_code, unit_valid_from
),
unusual AS (
    SELECT *, CAST(exact AS DOUBLE) / cases AS share FROM counted WHERE exact >= least_cases AND exact > usual * cases
)
SELECT w.case_code, u.unit_code, u.unit_valid_from, u.cases, u.exact, u.usual * u.cases AS expected
FROM unusual AS u
JOIN waited AS w ON w.unit_code = u.unit_code AND w.unit_valid_from = u.unit_valid_from AND w.is_exact = 1
WHERE u.cases * (u.share * ln(u.share / u.usual) + CASE WHEN u.exact < u.cases THEN (1 - u.share) * ln((1 - u.share) / (1 - u.usual)) ELSE 0 END) >= ln(u.one_in);

-- Endings of this year with a time of day: midnight stands for a date alone.
CREATE TABLE work.audit_ends AS
SELECT c.case_code, c.unit_code, c.unit_valid_from, CAST(c.ended_at AS DATE) AS day,
       CAST(extract(hour FROM c.ended_at) * 60 + extract(minute FROM c.ended_at) AS BIGINT) AS minute
FROM core.cases AS c
CROSS JOIN work.moment AS m
WHERE c.is_ended AND c.ended_at >= date_trunc('year', m.as_of) AND c.ended_at <= m.as_of AND CAST(CAST(c.ended_at AS DATE) AS TIMESTAMP) <> c.ended_at;

-- Slots begin at whole multiples of their length and again half a length later, so that no burst of half a length is cut in two.
CREATE TABLE work.audit_bursts AS
WITH minutes AS (
    SELECT unit_code, unit_valid_from, day, minute, count(*) AS cases FROM work.audit_ends GROUP BY unit_code, unit_valid_from, day, minute
),
slots AS (
    SELECT m.unit_code, m.unit_valid_from, m.day, CAST(floor(m.minute / CAST(r.slot_minutes AS DOUBLE)) AS BIGINT) * r.slot_minutes AS first_minute, 0 AS shift, sum(m.cases) AS cases
    FROM minutes AS m
    JOIN work.audit_rules AS r ON r.rule = 'burst'
    GROUP BY m.unit_code, m.unit_valid_from, m.day, CAST(floor(m.minute / CAST(r.slot_minutes AS DOUBLE)) AS BIGINT) * r.slot_minutes
    UNION ALL
    SELECT m.unit_code, m.unit_valid_from, m.day,
           CAST(floor((m.minute + floor(r.slot_minutes / 2.0)) / r.slot_minutes) AS BIGINT) * r.slot_minutes - CAST(floor(r.slot_minutes / 2.0) AS BIGINT), 1, sum(m.cases)
    FROM minutes AS m
    JOIN work.audit_rules AS r ON r.rule = 'burst'
    GROUP BY m.unit_code, m.unit_valid_from, m.day,
             CAST(floor((m.minute + floor(r.slot_minutes / 2.0)) / r.slot_minutes) AS BIGINT) * r.slot_minutes - CAST(floor(r.slot_minutes / 2.0) AS BIGINT)
),
habits AS (
    SELECT unit_code, unit_valid_from, sum(cases) AS cases, count(*) AS slots FROM slots WHERE shift = 0 GROUP BY unit_code, unit_valid_from
),
days AS (
    SELECT unit_code, unit_valid_from, day, cases, first_minute,
           row_number() OVER (PARTITION BY unit_code, unit_valid_from, day ORDER BY cases DESC, first_minute) AS place
    FROM slots
),
large AS (
    SELECT d.unit_code, d.unit_valid_from, d.day, d.cases, d.first_minute, r.slot_minutes, r.habit_days, r.one_in,
           greatest(CAST(h.cases - d.cases AS DOUBLE) / greatest(h.slots - 1, 1), 1.0) AS usual
    FROM days AS d
    JOIN habits AS h ON h.unit_code = d.unit_code AND h.unit_valid_from = d.unit_valid_from
    JOIN work.audit_rules AS r ON r.rule = 'burst'
    WHERE d.place = 1 AND d.cases >= r.least_cases
),
others AS (
    SELECT l.unit_code, l.unit_valid_from, l.day, count(d.day) AS days
    FROM large AS l
    LEFT JOIN days AS d ON d.unit_code = l.unit_code AND d.unit_valid_from = l.unit_valid_from AND d.place = 1 AND d.day <> l.day AND d.cases * 2 >= l.cases
    GROUP BY l.unit_code, l.unit_valid_from, l.day
)
SELECT l.*
FROM large AS l
JOIN others AS o ON o.unit_code = l.unit_code AND o.unit_valid_from = l.unit_valid_from AND o.day = l.day
WHERE o.days < l.habit_days AND l.cases > l.usual AND l.cases * ln(l.cases / l.usual) + l.usual - l.cases >= ln(l.one_in);

-- The last working hour of a month that is over, and what is stamped after it on that day, against the last hours of the unit's other working days.
CREATE TABLE work.audit_month_ends AS
WITH closings AS (
    SELECT c.date AS day, CAST(date_trunc('month', c.date) AS DATE) AS month, count(*) OVER (PARTITION BY CAST(date_trunc('month', c.date) AS DATE)) AS days,
           row_number() OVER (PARTITION BY CAST(date_trunc('month', c.date) AS DATE) ORDER BY c.date DESC) AS from_end,
           CAST(c.afternoon_to AS BIGINT) - r.hours * 3600 AS last_second
    FROM core.calendar AS c
    CROSS JOIN work.moment AS m
    JOIN work.audit_rules AS r ON r.rule = 'month_end'
    WHERE c.is_working AND c.date >= CAST(date_trunc('year', m.as_of) AS DATE) AND c.date < CAST(date_trunc('month', m.as_of) AS DATE) + INTERVAL 1 MONTH
),
placed AS (
    SELECT e.unit_code, e.unit_valid_from, CAST(date_trunc('month', e.day) AS DATE) AS month, k.days, k.day, k.from_end,
           CASE WHEN e.minute * 60 >= k.last_second THEN 1 ELSE 0 END AS is_last
    FROM work.audit_ends AS e
    JOIN closings AS k ON k.day = e.day
),
habits AS (
    SELECT unit_code, unit_valid_from, CAST(sum(CASE WHEN from_end > 1 THEN is_last ELSE 0 END) + 1 AS DOUBLE) / (sum(CASE WHEN from_end > 1 THEN 1 ELSE 0 END) + 2) AS share
    FROM placed
    GROUP BY unit_code, unit_valid_from
),
months AS (
    SELECT unit_code, unit_valid_from, month, max(days) AS days, max(CASE WHEN from_end = 1 THEN day END) AS day, count(*) AS ended, sum(CASE WHEN from_end = 1 THEN is_last ELSE 0 END) AS cases
    FROM placed
    GROUP BY unit_code, unit_valid_from, month
),
judged AS (
    SELECT m.unit_code, m.unit_valid_from, m.month, m.day, m.ended, m.cases, r.hours, r.one_in, CAST(m.cases AS DOUBLE) / m.ended AS share, h.share / m.days AS usual
    FROM months AS m
    JOIN habits AS h ON h.unit_code = m.unit_code AND h.unit_valid_from = m.unit_valid_from
    JOIN work.audit_rules AS r ON r.rule = 'month_end'
    CROSS JOIN work.moment AS a
    WHERE m.cases >= r.least_cases AND m.month + INTERVAL 1 MONTH <= a.as_of
)
SELECT j.unit_code, j.unit_valid_from, j.month, j.day, j.ended, j.cases, j.usual * j.ended AS expected, k.last_second
FROM judged AS j
JOIN closings AS k ON k.day = j.day
WHERE j.share > j.usual
  AND j.ended * (j.share * ln(j.share / j.usual) + CASE WHEN j.cases < j.ended THEN (1 - j.share) * ln((1 - j.share) / (1 - j.usual)) ELSE 0 END) >= ln(j.one_in);

CREATE TABLE work.audit_habit_cases AS
SELECT 'limit_exact' AS rule, unit_code, unit_valid_from, CAST(NULL AS TIMESTAMP) AS begun_at, case_code
FROM work.audit_limits
UNION ALL
SELECT 'burst', b.unit_code, b.unit_valid_from, CAST(b.day AS TIMESTAMP) + INTERVAL 1 MINUTE * b.first_minute, e.case_code
FROM work.audit_bursts AS b
JOIN work.audit_ends AS e ON e.unit_code = b.unit_code AND e.unit_valid_from = b.unit_valid_from AND e.day = b.day
                         AND e.minute >= b.first_minute AND e.minute < b.first_minute + b.slot_minutes
UNION ALL
SELECT 'month_end', b.unit_code, b.unit_valid_from, CAST(b.day AS TIMESTAMP) + INTERVAL 1 SECOND * b.last_second, e.case_code
FROM work.audit_month_ends AS b
JOIN work.audit_ends AS e ON e.unit_code = b.unit_code AND e.unit_valid_from = b.unit_valid_from AND e.day = b.day AND e.minute * 60 >= b.last_second;

-- A habit is seen once all its dossiers are: at the newest export that first told one of them as it stands.
CREATE TABLE work.audit_of_habits AS
WITH seen AS (
    SELECT x.rule, x.unit_code, x.unit_valid_from, x.begun_at, max(h.valid_from) AS found_at
    FROM work.audit_habit_cases AS x
    JOIN core.case_history AS h ON h.case_code = x.case_code AND h.valid_to IS NULL
    GROUP BY x.rule, x.unit_code, x.unit_valid_from, x.begun_at
)
SELECT DISTINCT s.rule, s.unit_code, s.unit_valid_from, s.begun_at, s.found_at, CAST(l.exact AS BIGINT) AS cases,
       CAST(l.exact AS VARCHAR) || ' trong ' || CAST(l.cases AS VARCHAR) || ' hồ sơ được tiếp nhận trong ' || CAST(r.band_minutes AS VARCHAR) || ' phút cuối trước mốc 8 giờ làm việc nằm trong '
           || CAST(r.margin_seconds AS VARCHAR) || ' giây cuối cùng; rải đều thì chỉ khoảng ' || replace(CAST(CAST(l.expected AS DECIMAL(12, 1)) AS VARCHAR), '.', ',')
           || ' hồ sơ (ngẫu nhiên: không quá 1 phần ' || CAST(r.one_in AS VARCHAR) || ')' AS statistic_vi
FROM seen AS s
JOIN work.audit_limits AS l ON l.unit_code = s.unit_code AND l.unit_valid_from = s.unit_valid_from
JOIN work.audit_rules AS r ON r.rule = s.rule
WHERE s.rule = 'limit_exact'
UNION ALL
SELECT s.rule, s.unit_code, s.unit_valid_from, s.begun_at, s.found_at, CAST(b.cases AS BIGINT),
       CAST(b.cases AS VARCHAR) || ' hồ sơ kết thúc trong ' || CAST(b.slot_minutes AS VARCHAR) || ' phút từ ' || substr(CAST(s.begun_at AS VARCHAR), 12, 5) || ' ngày '
           || substr(CAST(s.begun_at AS VARCHAR), 9, 2) || '/' || substr(CAST(s.begun_at AS VARCHAR), 6, 2) || '/' || substr(CAST(s.begun_at AS VARCHAR), 1, 4)
           || '; lúc có hồ sơ kết thúc, đơn vị thường chỉ có ' || replace(CAST(CAST(b.usual AS DECIMAL(12, 1)) AS VARCHAR), '.', ',')
           || ' hồ sơ trong khoảng như vậy (ngẫu nhiên: không quá 1 phần ' || CAST(b.one_in AS VARCHAR) || ')'
FROM seen AS s
JOIN work.audit_bursts AS b ON b.unit_code = s.unit_code AND b.unit_valid_from = s.unit_valid_from
                           AND CAST(b.day AS TIMESTAMP) + INTERVAL 1 MINUTE * b.first_minute = s.begun_at
WHERE s.rule = 'burst'
UNION ALL
SELECT s.rule, s.unit_code, s.unit_valid_from, s.begun_at, s.found_at, CAST(b.cases AS BIGINT),
       CAST(b.cases AS VARCHAR) || ' trong ' || CAST(b.ended AS VARCHAR) || ' hồ sơ kết thúc tháng ' || substr(CAST(b.month AS VARCHAR), 6, 2) || '/' || substr(CAST(b.month AS VARCHAR), 1, 4)
           || ' kết thúc từ ' || substr(CAST(s.begun_at AS VARCHAR), 12, 5) || ' ngày làm việc cuối tháng; theo thói quen các ngày khác thì chỉ khoảng '
           || replace(CAST(CAST(b.expected AS DECIMAL(12, 1)) AS VARCHAR), '.', ',') || ' hồ sơ (ngẫu nhiên: không quá 1 phần ' || CAST(r.one_in AS VARCHAR) || ')'
FROM seen AS s
JOIN work.audit_month_ends AS b ON b.unit_code = s.unit_code AND b.unit_valid_from = s.unit_valid_from AND CAST(b.day AS TIMESTAMP) + INTERVAL 1 SECOND * b.last_second = s.begun_at
JOIN work.audit_rules AS r ON r.rule = s.rule
WHERE s.rule = 'month_end';
