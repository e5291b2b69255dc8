-- Grain: mart.trend one row a measure, period and unit; mart.ranking the same for the current periods; mart.needed and mart.forecast one row a
-- measure and unit for the current year; mart.forecast_backtest one row a measure, unit and past month.
-- What the rest of the year brings: open dossiers that will be counted once finished (work.pending), counted ones whose fee can still be paid online
-- (work.unpaid), and new ones, as many a working day as in the last complete months. Their success: the share in those months, with Wilson's interval. A month is complete when its last day's hours are over.
-- Inputs: mart.unit_rates, mart.measures, work.pending, work.unpaid, work.foreseen, work.workday_numbers, core.units, work.moment, work.thresholds.
-- Readers: the summaries, analysts.

CREATE TABLE work.ended_periods AS
SELECT p.period_kind, p.period_start, p.period_end,
       CASE WHEN m.as_of < CAST(k.date AS TIMESTAMP) + greatest(k.morning_to, k.afternoon_to) * INTERVAL 1 SECOND THEN TRUE ELSE FALSE END AS is_partial
FROM work.periods AS p
CROSS JOIN work.moment AS m
JOIN core.calendar AS k ON k.date = CAST(p.period_end - INTERVAL 1 DAY AS DATE);

INSERT INTO mart.trend
SELECT r.measure, r.period_kind, r.period_start, r.period_end, r.unit_code, r.unit_name, r.level, r.unit_valid_from, r.numerator, r.denominator, r.rate,
       b.numerator AS previous_numerator, b.denominator AS previous_denominator, b.rate AS previous_rate, r.rate - b.rate AS previous_change,
       y.numerator AS last_year_numerator, y.denominator AS last_year_denominator, y.rate AS last_year_rate, r.rate - y.rate AS last_year_change,
       e.is_partial, r.as_of
FROM mart.unit_rates AS r
JOIN work.ended_periods AS e ON e.period_kind = r.period_kind AND e.period_start = r.period_start
LEFT JOIN mart.unit_rates AS b
       ON b.measure = r.measure AND b.period_kind = r.period_kind AND b.period_end = r.period_start
      AND b.unit_code = r.unit_code AND b.unit_valid_from = r.unit_valid_from
LEFT JOIN mart.unit_rates AS y
       ON y.measure = r.measure AND y.period_kind = r.period_kind AND y.period_start = CAST(r.period_start - INTERVAL 1 YEAR AS DATE)
      AND y.unit_code = r.unit_code AND y.unit_valid_from = r.unit_valid_from
ORDER BY r.measure, r.period_kind, r.period_start, r.unit_code, r.unit_valid_from;

INSERT INTO mart.ranking
WITH current_rates AS (
    SELECT r.*, CASE WHEN r.rate IS NULL THEN 1 ELSE 0 END AS is_silent
    FROM mart.unit_rates AS r
    WHERE r.period_start <= CAST(r.as_of AS DATE) AND r.period_end > CAST(r.as_of AS DATE)
)
SELECT measure, period_kind, period_start, period_end, level, unit_code, unit_name, unit_valid_from,
       CASE WHEN is_silent = 0 THEN rank() OVER (PARTITION BY measure, period_kind, level ORDER BY is_silent, rate DESC NULLS LAST) END AS rank,
       count(rate) OVER (PARTITION BY measure, period_kind, level) AS of_units,
       numerator, denominator, rate, as_of
FROM current_rates
ORDER BY measure, period_kind, level, rank NULLS LAST, unit_code, unit_valid_from;

-- Months a forecast may stand on: what was counted, and what of the month is still open (volume).
CREATE TABLE work.outlook_months AS
SELECT r.measure, r.unit_code, r.unit_valid_from, r.period_start, r.period_end, r.numerator, r.denominator, e.is_partial,
       r.denominator + coalesce(p.pending, 0) AS volume
FROM mart.unit_rates AS r
JOIN work.foreseen AS f ON f.measure = r.measure
JOIN work.ended_periods AS e ON e.period_kind = r.period_kind AND e.period_start = r.period_start
LEFT JOIN work.pending AS p
       ON p.measure = r.measure AND p.unit_code = r.unit_code AND p.unit_valid_from = r.unit_valid_from AND p.month = r.period_start
WHERE r.period_kind = 'month';

CREATE TABLE work.outlook_origins AS
SELECT DISTINCT period_end AS origin FROM work.outlook_months WHERE NOT is_partial;

-- For each past month end (origin): the complete months before it, added up, and the share of successes.
CREATE TABLE work.basis AS
WITH added AS (
    SELECT m.measure, m.unit_code, m.unit_valid_from, o.origin, count(*) AS basis_months, greatest(min(m.period_start), m.unit_valid_from) AS basis_from,
           CAST(sum(m.numerator) AS BIGINT) AS basis_numerator, CAST(sum(m.denominator) AS BIGINT) AS basis_denominator,
           CAST(sum(m.volume) AS BIGINT) AS basis_volume
    FROM work.outlook_origins AS o
    CROSS JOIN work.thresholds AS t
    JOIN work.outlook_months AS m
      ON NOT m.is_partial AND m.period_end <= o.origin AND m.period_start >= CAST(o.origin - t.forecast_basis_months * INTERVAL 1 MONTH AS DATE)
    GROUP BY m.measure, m.unit_code, m.unit_valid_from, o.origin
),
shares AS (
    SELECT a.*, CAST(a.basis_numerator AS DOUBLE) / nullif(CAST(a.basis_denominator AS DOUBLE), 0) AS share,
           t.forecast_basis_months, t.forecast_min_cases
    FROM added AS a
    CROSS JOIN work.thresholds AS t
)
SELECT w.measure, w.unit_code, w.unit_valid_from, w.origin, w.basis_months, w.basis_numerator, w.basis_denominator, w.basis_volume, w.share,
       CASE WHEN w.basis_months = w.forecast_basis_months AND w.basis_denominator >= w.forecast_min_cases THEN TRUE ELSE FALSE END AS is_reliable,
       greatest(b.workdays_through - a.workdays_through + CASE WHEN a.is_working THEN 1 ELSE 0 END, 0) AS basis_days
FROM shares AS w
JOIN work.workday_numbers AS a ON a.office = '' AND a.date = w.basis_from
JOIN work.workday_numbers AS b ON b.office = '' AND b.date = CAST(w.origin - INTERVAL 1 DAY AS DATE);

-- The year as it stands, and what is still to come: until its end, or until the unit's. Of today what its hours have yet to bring: a night that is run before
-- the office opens has the whole day ahead of it.
CREATE TABLE work.outlook AS
WITH last_origin AS (
    SELECT max(origin) AS origin FROM work.outlook_origins
),
this_year AS (
    SELECT r.measure, r.criterion, r.unit_code, r.unit_name, r.level, r.unit_valid_from, r.period_start, r.period_end, r.numerator, r.denominator, r.target,
           r.as_of, CASE WHEN u.valid_to < r.period_end THEN u.valid_to ELSE CAST(r.period_end - INTERVAL 1 DAY AS DATE) END AS last_day,
           CASE WHEN f.measure IS NULL THEN FALSE ELSE TRUE END AS is_foreseen
    FROM mart.unit_rates AS r
    JOIN core.units AS u ON u.unit_code = r.unit_code AND u.valid_from = r.unit_valid_from
    LEFT JOIN work.foreseen AS f ON f.measure = r.measure
    WHERE r.period_kind = 'year' AND r.period_start <= CAST(r.as_of AS DATE) AND r.period_end > CAST(r.as_of AS DATE)
),
pending AS (
    SELECT y.measure, y.unit_code, y.unit_valid_from, CAST(sum(p.pending) AS BIGINT) AS pending, CAST(sum(p.unpaid) AS BIGINT) AS unpaid
    FROM this_year AS y
    JOIN (
        SELECT measure, unit_code, unit_valid_from, month, pending, 0 AS unpaid FROM work.pending
        UNION ALL
        SELECT measure, unit_code, unit_valid_from, month, 0, unpaid FROM work.unpaid
    ) AS p
      ON p.measure = y.measure AND p.unit_code = y.unit_code AND p.unit_valid_from = y.unit_valid_from
     AND p.month >= y.period_start AND p.month < y.period_end
    GROUP BY y.measure, y.unit_code, y.unit_valid_from
),
coming AS (
    SELECT y.*, CASE WHEN y.is_foreseen THEN coalesce(p.pending, 0) END AS pending, CASE WHEN y.is_foreseen THEN coalesce(p.unpaid, 0) END AS unpaid,
           greatest(k.workdays_through - n.workdays_through + n.share_of_today_left, 0.0) AS remaining_days,
           coalesce(b.basis_months, 0) AS basis_months, b.basis_numerator, b.basis_denominator, b.basis_volume, b.basis_days, b.share,
           coalesce(b.is_reliable, FALSE) AS is_reliable
    FROM this_year AS y
    JOIN work.now_reading AS n ON n.office = ''
    CROSS JOIN last_origin AS o
    LEFT JOIN work.workday_numbers AS k ON k.office = '' AND k.date = y.last_day
    LEFT JOIN pending AS p ON p.measure = y.measure AND p.unit_code = y.unit_code AND p.unit_valid_from = y.unit_valid_from
    LEFT JOIN work.basis AS b
           ON b.measure = y.measure AND b.unit_code = y.unit_code AND b.unit_valid_from = y.unit_valid_from AND b.origin = o.origin
),
counted AS (
    SELECT c.*, CASE WHEN NOT c.is_foreseen THEN NULL
                     WHEN coalesce(c.remaining_days, 0) = 0 THEN CAST(0 AS BIGINT)
                     ELSE CAST(round(CAST(c.basis_volume AS DOUBLE) * c.remaining_days / nullif(CAST(c.basis_days AS DOUBLE), 0)) AS BIGINT) END AS arrivals
    FROM coming AS c
),
remaining AS (
    SELECT c.*, c.pending + c.unpaid + c.arrivals AS remaining, c.denominator + c.pending + c.arrivals AS expected_denominator FROM counted AS c
),
-- The share is known from as many dossiers as it stands on, and of those that remain as many fall to chance: together they weigh as n.
weighed AS (
    SELECT r.*, t.forecast_z AS z,
           CAST(r.basis_denominator AS DOUBLE) * r.remaining / nullif(CAST(r.basis_denominator + r.remaining AS DOUBLE), 0) AS n
    FROM remaining AS r
    CROSS JOIN work.thresholds AS t
),
wilson AS (
    SELECT w.*, (w.share + w.z * w.z / (2 * nullif(w.n, 0))) / (1 + w.z * w.z / nullif(w.n, 0)) AS centre,
           w.z * sqrt(w.share * (1 - w.share) / nullif(w.n, 0) + w.z * w.z / (4 * nullif(w.n, 0) * nullif(w.n, 0))) / (1 + w.z * w.z / nullif(w.n, 0)) AS margin
    FROM weighed AS w
)
SELECT w.*, CASE WHEN w.share IS NOT NULL THEN least(greatest(w.centre - w.margin, 0.0), w.share) END AS share_low,
       CASE WHEN w.share IS NOT NULL THEN greatest(least(w.centre + w.margin, 1.0), w.share) END AS share_high
FROM wilson AS w;

INSERT INTO mart.needed
WITH aimed AS (
    SELECT o.*,
           CASE WHEN o.expected_denominator IS NOT NULL
                THEN greatest(CAST(ceil(CAST(o.target AS DECIMAL(9, 6)) * o.expected_denominator) AS BIGINT) - o.numerator, 0) END AS needed,
           vi_percent(o.target) AS target_vi,
           vi_rate(o.numerator + o.remaining, o.expected_denominator, o.target) AS best_vi
    FROM work.outlook AS o
    WHERE o.target IS NOT NULL
)
SELECT a.measure, a.criterion, a.period_start, a.period_end, a.unit_code, a.unit_name, a.level, a.unit_valid_from, a.numerator, a.denominator, a.target,
       a.pending, a.arrivals, a.unpaid, a.expected_denominator, a.remaining, a.needed,
       CASE WHEN a.expected_denominator > 0 THEN CASE WHEN a.needed <= a.remaining THEN TRUE ELSE FALSE END END AS is_possible,
       CASE WHEN NOT a.is_foreseen THEN 'Chỉ số đếm các thủ tục khác nhau, số của các tháng không cộng được, nên không ước tính'
            WHEN a.expected_denominator IS NULL THEN 'Chưa có tháng trọn nào để ước tính số hồ sơ còn lại'
            WHEN a.expected_denominator = 0 THEN 'Không phát sinh và không dự kiến phát sinh hồ sơ'
            WHEN a.remaining = 0 THEN 'Không còn hồ sơ nào dự kiến đến cuối năm: giữ tỷ lệ ' || a.best_vi || CASE WHEN a.needed = 0 THEN ', đạt ' ELSE ', không đạt ' END || a.target_vi
            WHEN a.needed = 0 THEN 'Đã đủ để cuối năm đạt ' || a.target_vi || ', kể cả khi không hồ sơ nào trong khoảng ' || vi_count(a.remaining)
                || ' hồ sơ còn lại đạt'
            WHEN a.needed <= a.remaining THEN 'Cần ít nhất ' || vi_count(a.needed) || ' trong khoảng ' || vi_count(a.remaining)
                || ' hồ sơ còn lại đạt để cuối năm đạt ' || a.target_vi
            ELSE 'Không còn đạt được ' || a.target_vi || ': khoảng ' || vi_count(a.remaining)
                || ' hồ sơ còn lại đều đạt thì cuối năm cũng chỉ được ' || a.best_vi END AS message_vi,
       a.as_of
FROM aimed AS a
ORDER BY a.measure, a.unit_code, a.unit_valid_from;

-- Standing at every past month end: the share of the months before against the month that followed. Both as they are known today.
-- Errors are added up in whole billionths of a thousandth: a sum of doubles depends on the order of its terms.
INSERT INTO mart.forecast_backtest
WITH tried AS (
    SELECT b.measure, b.unit_code, b.unit_valid_from, b.origin, b.basis_months, b.basis_numerator, b.basis_denominator, b.share, m.period_start, m.period_end,
           m.numerator, m.denominator, CAST(m.numerator AS DOUBLE) / nullif(CAST(m.denominator AS DOUBLE), 0) AS rate
    FROM work.basis AS b
    JOIN work.outlook_months AS m
      ON m.measure = b.measure AND m.unit_code = b.unit_code AND m.unit_valid_from = b.unit_valid_from AND m.period_start = b.origin AND NOT m.is_partial
)
SELECT t.measure, t.unit_code, t.unit_valid_from, CAST(t.origin - INTERVAL 1 DAY AS DATE) AS standing_on, t.period_start, t.period_end,
       t.basis_months, t.basis_numerator, t.basis_denominator, t.share AS forecast_rate, t.numerator AS actual_numerator, t.denominator AS actual_denominator,
       t.rate AS actual_rate, t.share - t.rate AS error,
       CAST(sum(CAST(round(abs(t.share - t.rate) * 1000000000000) AS BIGINT)) OVER (PARTITION BY t.measure) AS DOUBLE) / 1000000000000
           / nullif(count(t.share - t.rate) OVER (PARTITION BY t.measure), 0) AS measure_mean_absolute_error, m.as_of
FROM tried AS t
CROSS JOIN work.moment AS m
ORDER BY t.measure, t.unit_code, t.unit_valid_from, t.period_start;

INSERT INTO mart.forecast
WITH errors AS (
    SELECT measure, max(measure_mean_absolute_error) AS mean_absolute_error FROM mart.forecast_backtest GROUP BY measure
),
foreseen AS (
    SELECT o.*, e.mean_absolute_error,
           CASE WHEN o.remaining = 0 THEN CAST(o.numerator AS DOUBLE) ELSE o.numerator + o.share * o.remaining END AS forecast_numerator,
           CASE WHEN o.remaining = 0 THEN CAST(o.numerator AS DOUBLE) ELSE o.numerator + CAST(floor(o.share_low * o.remaining) AS DOUBLE) END AS low_numerator,
           CASE WHEN o.remaining = 0 THEN CAST(o.numerator AS DOUBLE) ELSE o.numerator + CAST(ceil(o.share_high * o.remaining) AS DOUBLE) END AS high_numerator,
           nullif(CAST(o.expected_denominator AS DOUBLE), 0) AS whole
    FROM work.outlook AS o
    LEFT JOIN errors AS e ON e.measure = o.measure
)
SELECT f.measure, f.period_start, f.period_end, f.unit_code, f.unit_name, f.level, f.unit_valid_from, f.numerator, f.denominator, f.pending, f.arrivals,
       f.forecast_numerator, CASE WHEN f.forecast_numerator IS NOT NULL THEN f.expected_denominator END AS forecast_denominator,
       f.forecast_numerator / f.whole AS rate, f.low_numerator / f.whole AS low, f.high_numerator / f.whole AS high, f.target,
       f.basis_months, f.basis_numerator, f.basis_denominator, f.mean_absolute_error,
       CASE WHEN f.is_reliable AND f.forecast_numerator IS NOT NULL THEN TRUE ELSE FALSE END AS is_reliable,
       CASE WHEN NOT f.is_foreseen THEN 'Không dự báo: số của các tháng không cộng được thành số của năm'
            WHEN f.expected_denominator IS NULL THEN 'Không dự báo: chưa có tháng trọn nào'
            WHEN f.expected_denominator = 0 THEN 'Không dự báo: không phát sinh hồ sơ'
            WHEN f.forecast_numerator IS NULL THEN 'Không dự báo: ' || vi_count(f.basis_months) || ' tháng trọn gần nhất chưa có hồ sơ nào được tính'
            WHEN f.remaining = 0 THEN 'Không còn hồ sơ nào dự kiến đến cuối kỳ; giữ tỷ lệ hiện tại'
            ELSE 'Giả định: ' || vi_count(f.pending) || ' hồ sơ đang mở, '
                || CASE WHEN f.unpaid > 0 THEN vi_count(f.unpaid) || ' hồ sơ chưa nộp phí, ' ELSE '' END || 'cộng ' || vi_count(f.arrivals)
                || ' hồ sơ mới theo bình quân mỗi ngày làm việc của ' || vi_count(f.basis_months) || ' tháng trọn gần nhất; đạt theo tỷ lệ các tháng đó ('
                || vi_count(f.basis_numerator) || ' trên ' || vi_count(f.basis_denominator)
                || '); khoảng Wilson 95 %, gồm cả phần ngẫu nhiên của số hồ sơ còn lại, không tính sai số của số lượng'
                || CASE WHEN f.is_reliable THEN '' ELSE '; ít dữ liệu, chỉ để tham khảo' END END AS method_vi,
       f.as_of
FROM foreseen AS f
ORDER BY f.measure, f.unit_code, f.unit_valid_from;
