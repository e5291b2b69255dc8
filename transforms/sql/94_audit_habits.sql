-- Grain: work.audit_of_habits one row a finding about a unit; work.audit_habit_cases its dossiers.
-- The statistics are exact tails bounded from above in closed form (Chernoff), so that they need no table and are never too small: for k of n dossiers where a
-- share p is usual, exp(-n * (x ln(x / p) + (1 - x) ln((1 - x) / (1 - p)))) with x = k / n; for k where m are usual, exp(k - m + k ln(m / k)).
-- Every year is looked at by itself, as its last night would: a question says what has happened, so it stays when the year is over, and December is over only then.
-- Inputs: core.cases, core.case_history (when it was seen), core.calendar, work.office_days, work.unit_numbers, work.audit_rules, work.thresholds, work.moment.
-- Readers: 94_audit_words.sql.

-- Receptions in the last minutes before the limit, of all in the last hour before it: each minute should hold about as many.
-- Only those of working hours: the clock stands still after them, so that what came one night and was received late the next evening waited exactly a day of eight hours.
CREATE TABLE work.audit_limits AS
WITH waited AS (
    SELECT c.case_code, c.unit_code, c.unit_valid_from, date_trunc('year', c.submitted_at) AS begun_at,
           CASE WHEN c.waiting_hours * 3600 > t.reception_limit_hours * 3600 - r.margin_seconds + 0.5 THEN 1 ELSE 0 END AS is_exact,
           CAST(r.margin_seconds AS DOUBLE) / (60 * r.band_minutes) AS usual, r.least_cases, r.one_in
    FROM core.cases AS c
    CROSS JOIN work.moment AS m
    CROSS JOIN work.thresholds AS t
    JOIN work.audit_rules AS r ON r.rule = 'limit_exact'
    LEFT JOIN (SELECT DISTINCT office FROM work.office_days) AS o ON o.office = c.unit_code
    JOIN work.office_days AS k ON k.office = coalesce(o.office, '') AND k.date = CAST(c.received_at AS DATE) AND k.is_working
     AND (c.received_at BETWEEN CAST(k.date AS TIMESTAMP) + k.morning_from * INTERVAL 1 SECOND AND CAST(k.date AS TIMESTAMP) + k.morning_to * INTERVAL 1 SECOND
          OR c.received_at BETWEEN CAST(k.date AS TIMESTAMP) + k.afternoon_from * INTERVAL 1 SECOND
                               AND CAST(k.date AS TIMESTAMP) + k.afternoon_to * INTERVAL 1 SECOND)
    WHERE c.received_at IS NOT NULL AND c.waiting_hours <= t.reception_limit_hours AND c.waiting_hours * 60 > t.reception_limit_hours * 60 - r.band_minutes
      AND c.submitted_at <= m.as_of
),
counted AS (
    SELECT unit_code, unit_valid_from, begun_at, count(*) AS cases, sum(is_exact) AS exact, max(usual) AS usual, max(least_cases) AS least_cases, max(one_in) AS one_in
    FROM waited
    GROUP BY unit_code, unit_valid_from, begun_at
),
unusual AS (
    SELECT *, CAST(exact AS DOUBLE) / cases AS share FROM counted WHERE exact >= least_cases AND exact > usual * cases
)
SELECT w.case_code, u.unit_code, u.unit_valid_from, CAST(u.begun_at AS TIMESTAMP) AS begun_at, u.cases, u.exact, u.usual * u.cases AS expected
FROM unusual AS u
JOIN waited AS w ON w.unit_code = u.unit_code AND w.unit_valid_from = u.unit_valid_from AND w.begun_at = u.begun_at AND w.is_exact = 1
WHERE u.cases * (u.share * ln(u.share / u.usual) + CASE WHEN u.exact < u.cases THEN (1 - u.share) * ln((1 - u.share) / (1 - u.usual)) ELSE 0 END) >= ln(u.one_in);

-- Endings with a time of day: midnight stands for a date alone. Units and minutes are numbers, because there are as many rows as dossiers.
CREATE TABLE work.audit_ends AS
SELECT c.case_code, u.unit_number, CAST(extract(day FROM CAST(CAST(c.ended_at AS DATE) AS TIMESTAMP) - TIMESTAMP '1970-01-01 00:00:00') AS BIGINT) * 1440
           + CAST(extract(hour FROM c.ended_at) * 60 + extract(minute FROM c.ended_at) AS BIGINT) AS minute, CAST(extract(year FROM c.ended_at) AS BIGINT) AS year
FROM core.cases AS c
JOIN work.unit_numbers AS u ON u.unit_code = c.unit_code AND u.valid_from = c.unit_valid_from
CROSS JOIN work.moment AS m
WHERE c.is_ended AND c.ended_at <= m.as_of AND CAST(CAST(c.ended_at AS DATE) AS TIMESTAMP) <> c.ended_at;

-- Slots begin at whole multiples of their length and again half a length later, so that no burst of half a length is cut in two.
CREATE TABLE work.audit_bursts AS
WITH slots AS (
    SELECT e.unit_number, e.year, CAST(floor(e.minute / CAST(r.slot_minutes AS DOUBLE)) AS BIGINT) AS slot, 0 AS shift, count(*) AS cases
    FROM work.audit_ends AS e
    JOIN work.audit_rules AS r ON r.rule = 'burst'
    GROUP BY e.unit_number, e.year, CAST(floor(e.minute / CAST(r.slot_minutes AS DOUBLE)) AS BIGINT)
    UNION ALL
    SELECT e.unit_number, e.year, CAST(floor(e.minute / CAST(r.slot_minutes AS DOUBLE) + 0.5) AS BIGINT), 1, count(*)
    FROM work.audit_ends AS e
    JOIN work.audit_rules AS r ON r.rule = 'burst'
    GROUP BY e.unit_number, e.year, CAST(floor(e.minute / CAST(r.slot_minutes AS DOUBLE) + 0.5) AS BIGINT)
),
habits AS (
    SELECT unit_number, year, sum(cases) AS cases, count(*) AS slots FROM slots WHERE shift = 0 GROUP BY unit_number, year
),
-- Slots with fewer than half of the least number matter to nobody.
placed AS (
    SELECT s.unit_number, s.year, s.slot * r.slot_minutes - s.shift * CAST(floor(r.slot_minutes / 2.0) AS BIGINT) AS minute, s.cases
    FROM slots AS s
    JOIN work.audit_rules AS r ON r.rule = 'burst'
    WHERE s.cases * 2 >= r.least_cases
),
days AS (
    SELECT unit_number, year, CAST(floor(minute / 1440.0) AS BIGINT) AS day, minute, cases,
           row_number() OVER (PARTITION BY unit_number, year, CAST(floor(minute / 1440.0) AS BIGINT) ORDER BY cases DESC, minute) AS place
    FROM placed
),
large AS (
    SELECT d.unit_number, d.year, d.day, d.minute, d.cases, r.slot_minutes, r.habit_days, r.one_in,
           greatest(CAST(h.cases - d.cases AS DOUBLE) / greatest(h.slots - 1, 1), 1.0) AS usual
    FROM days AS d
    JOIN habits AS h ON h.unit_number = d.unit_number AND h.year = d.year
    JOIN work.audit_rules AS r ON r.rule = 'burst'
    WHERE d.place = 1 AND d.cases >= r.least_cases
),
others AS (
    SELECT l.unit_number, l.year, l.day, count(d.day) AS days
    FROM large AS l
    LEFT JOIN days AS d ON d.unit_number = l.unit_number AND d.year = l.year AND d.place = 1 AND d.day <> l.day AND d.cases * 2 >= l.cases
    GROUP BY l.unit_number, l.year, l.day
)
SELECT u.unit_code, u.valid_from AS unit_valid_from, l.unit_number, l.minute, l.cases, l.slot_minutes, l.one_in, l.usual,
       TIMESTAMP '1970-01-01 00:00:00' + INTERVAL 1 MINUTE * l.minute AS begun_at
FROM large AS l
JOIN others AS o ON o.unit_number = l.unit_number AND o.year = l.year AND o.day = l.day
JOIN work.unit_numbers AS u ON u.unit_number = l.unit_number
WHERE o.days < l.habit_days AND l.cases > l.usual AND l.cases * ln(l.cases / l.usual) + l.usual - l.cases >= ln(l.one_in);

-- The last working hour of a month that is over, and what is stamped after it on that day, against the last hours of the unit's other working days.
CREATE TABLE work.audit_month_ends AS
WITH closings AS (
    SELECT c.date AS day, CAST(extract(year FROM c.date) AS BIGINT) AS year, CAST(date_trunc('month', c.date) AS DATE) AS month, count(*) OVER (PARTITION BY CAST(date_trunc('month', c.date) AS DATE)) AS days,
           row_number() OVER (PARTITION BY CAST(date_trunc('month', c.date) AS DATE) ORDER BY c.date DESC) AS from_end,
           CAST(extract(day FROM CAST(c.date AS TIMESTAMP) - TIMESTAMP '1970-01-01 00:00:00') AS BIGINT) AS day_number,
           CAST(extract(day FROM CAST(c.date AS TIMESTAMP) - TIMESTAMP '1970-01-01 00:00:00') AS BIGINT) * 1440 + CAST(floor(c.afternoon_to / 60.0) AS BIGINT) - r.hours * 60 AS last_minute
    FROM core.calendar AS c
    CROSS JOIN work.moment AS m
    JOIN work.audit_rules AS r ON r.rule = 'month_end'
    WHERE c.is_working AND c.date < CAST(date_trunc('month', m.as_of) AS DATE) + INTERVAL 1 MONTH
),
placed AS (
    SELECT e.unit_number, k.year, k.month, k.days, k.day, k.from_end, CASE WHEN e.minute >= k.last_minute THEN 1 ELSE 0 END AS is_last
    FROM work.audit_ends AS e
    JOIN closings AS k ON k.day_number = CAST(floor(e.minute / 1440.0) AS BIGINT)
),
habits AS (
    SELECT unit_number, year, CAST(sum(CASE WHEN from_end > 1 THEN is_last ELSE 0 END) + 1 AS DOUBLE) / (sum(CASE WHEN from_end > 1 THEN 1 ELSE 0 END) + 2) AS share
    FROM placed
    GROUP BY unit_number, year
),
months AS (
    SELECT unit_number, year, month, max(days) AS days, max(CASE WHEN from_end = 1 THEN day END) AS day, count(*) AS ended, sum(CASE WHEN from_end = 1 THEN is_last ELSE 0 END) AS cases
    FROM placed
    GROUP BY unit_number, year, month
),
judged AS (
    SELECT m.unit_number, m.month, m.day, m.ended, m.cases, r.hours, r.one_in, CAST(m.cases AS DOUBLE) / m.ended AS share, h.share / m.days AS usual
    FROM months AS m
    JOIN habits AS h ON h.unit_number = m.unit_number AND h.year = m.year
    JOIN work.audit_rules AS r ON r.rule = 'month_end'
    CROSS JOIN work.moment AS a
    WHERE m.cases >= r.least_cases AND m.month + INTERVAL 1 MONTH <= a.as_of
)
SELECT u.unit_code, u.valid_from AS unit_valid_from, j.unit_number, j.month, k.day_number, k.last_minute, j.ended, j.cases, j.usual * j.ended AS expected,
       TIMESTAMP '1970-01-01 00:00:00' + INTERVAL 1 MINUTE * k.last_minute AS begun_at
FROM judged AS j
JOIN closings AS k ON k.day = j.day
JOIN work.unit_numbers AS u ON u.unit_number = j.unit_number
WHERE j.share > j.usual
  AND j.ended * (j.share * ln(j.share / j.usual) + CASE WHEN j.cases < j.ended THEN (1 - j.share) * ln((1 - j.share) / (1 - j.usual)) ELSE 0 END) >= ln(j.one_in);

CREATE TABLE work.audit_habit_cases AS
SELECT 'limit_exact' AS rule, unit_code, unit_valid_from, begun_at, case_code
FROM work.audit_limits
UNION ALL
SELECT 'burst', b.unit_code, b.unit_valid_from, b.begun_at, e.case_code
FROM work.audit_bursts AS b
JOIN work.audit_ends AS e ON e.unit_number = b.unit_number AND e.minute >= b.minute AND e.minute < b.minute + b.slot_minutes
UNION ALL
SELECT 'month_end', b.unit_code, b.unit_valid_from, b.begun_at, e.case_code
FROM work.audit_month_ends AS b
JOIN work.audit_ends AS e ON e.unit_number = b.unit_number AND CAST(floor(e.minute / 1440.0) AS BIGINT) = b.day_number AND e.minute >= b.last_minute;

-- A habit is seen once all its dossiers are: at the newest export that first told one of them with the moment it is asked about. What became of a dossier
-- afterwards (a finished one is handed out) makes no new question.
CREATE TABLE work.audit_of_habits AS
WITH told AS (
    SELECT x.rule, x.unit_code, x.unit_valid_from, x.begun_at, x.case_code,
           coalesce(min(CASE WHEN CASE WHEN x.rule = 'limit_exact' THEN h.submitted_at = c.submitted_at AND h.received_at = c.received_at
                                       ELSE coalesce(h.finished_at, h.returned_at) = c.ended_at END THEN h.valid_from END), max(h.valid_from)) AS told_at
    FROM work.audit_habit_cases AS x
    JOIN core.cases AS c ON c.case_code = x.case_code
    JOIN core.case_history AS h ON h.case_code = x.case_code
    GROUP BY x.rule, x.unit_code, x.unit_valid_from, x.begun_at, x.case_code
),
seen AS (
    SELECT rule, unit_code, unit_valid_from, begun_at, max(told_at) AS found_at FROM told GROUP BY rule, unit_code, unit_valid_from, begun_at
)
SELECT DISTINCT s.rule, s.unit_code, s.unit_valid_from, s.begun_at, s.found_at, CAST(l.exact AS BIGINT) AS cases,
       vi_count(l.exact) || ' trong ' || vi_count(l.cases) || ' hồ sơ nộp năm ' || substr(CAST(s.begun_at AS STRING), 1, 4) || ' được tiếp nhận trong ' || vi_count(r.band_minutes) || ' phút cuối trước mốc 8 giờ làm việc nằm trong '
           || vi_count(r.margin_seconds) || ' giây cuối cùng; rải đều thì chỉ khoảng ' || vi_tenths(l.expected)
           || ' hồ sơ (ngẫu nhiên: không quá 1 phần ' || vi_count(r.one_in) || ')' AS statistic_vi
FROM seen AS s
JOIN work.audit_limits AS l ON l.unit_code = s.unit_code AND l.unit_valid_from = s.unit_valid_from AND l.begun_at = s.begun_at
JOIN work.audit_rules AS r ON r.rule = s.rule
WHERE s.rule = 'limit_exact'
UNION ALL
SELECT s.rule, s.unit_code, s.unit_valid_from, s.begun_at, s.found_at, CAST(b.cases AS BIGINT),
       vi_count(b.cases) || ' hồ sơ kết thúc trong ' || vi_count(b.slot_minutes) || ' phút từ ' || vi_hour(s.begun_at) || ' ngày '
           || vi_day(s.begun_at)
           || '; lúc có hồ sơ kết thúc, đơn vị thường chỉ có ' || vi_tenths(b.usual)
           || ' hồ sơ trong khoảng như vậy (ngẫu nhiên: không quá 1 phần ' || vi_count(b.one_in) || ')'
FROM seen AS s
JOIN work.audit_bursts AS b ON b.unit_code = s.unit_code AND b.unit_valid_from = s.unit_valid_from AND b.begun_at = s.begun_at
WHERE s.rule = 'burst'
UNION ALL
SELECT s.rule, s.unit_code, s.unit_valid_from, s.begun_at, s.found_at, CAST(b.cases AS BIGINT),
       vi_count(b.cases) || ' trong ' || vi_count(b.ended) || ' hồ sơ kết thúc tháng ' || vi_month(b.month)
           || ' kết thúc từ ' || vi_hour(s.begun_at) || ' ngày làm việc cuối tháng; theo thói quen các ngày khác thì chỉ khoảng '
           || vi_tenths(b.expected) || ' hồ sơ (ngẫu nhiên: không quá 1 phần ' || vi_count(r.one_in) || ')'
FROM seen AS s
JOIN work.audit_month_ends AS b ON b.unit_code = s.unit_code AND b.unit_valid_from = s.unit_valid_from AND b.begun_at = s.begun_at
JOIN work.audit_rules AS r ON r.rule = s.rule
WHERE s.rule = 'month_end';
