-- Grain: mart.late_receptions one row a dossier over the limit; mart.flags one row a unit and problem, worst first.
-- Problems: dossiers still waiting beyond 8 working hours (something can be done today), then measures that miss their target in the year
-- that holds as_of, most dossiers short first; last the units whose data are old, because nothing better is known of them.
-- A dossier that was withdrawn, stopped or finished without a reception is a breach and waits no more: nobody can take it in.
-- Inputs: core.cases, mart.unit_rates, mart.measures, core.units, work.moment.
-- Readers: the summaries, the mail, analysts.

INSERT INTO mart.late_receptions
SELECT case_code, unit_code, submitted_at, received_at, waiting_hours, CASE WHEN received_at IS NULL AND status_code IN (1, 2, 4, 5, 6) THEN TRUE ELSE FALSE END AS is_waiting,
       unit_valid_from
FROM core.cases
WHERE waiting_hours > 8.0
ORDER BY waiting_hours DESC, case_code;

INSERT INTO mart.flags
WITH this_year AS (
    SELECT p.period_start, p.period_end, m.as_of
    FROM work.periods AS p
    JOIN work.moment AS m ON p.period_kind = 'year' AND CAST(m.as_of AS DATE) >= p.period_start AND CAST(m.as_of AS DATE) < p.period_end
),
waiting AS (
    SELECT unit_code, unit_valid_from, count(*) AS cases, max(waiting_hours) AS hours
    FROM mart.late_receptions
    WHERE is_waiting
    GROUP BY unit_code, unit_valid_from
),
problems AS (
    SELECT 0 AS severity, w.unit_code, w.unit_valid_from, u.unit_name, u.level, 'waiting_over_8h' AS problem, y.period_start, y.period_end, w.cases,
           CAST(NULL AS DOUBLE) AS rate, CAST(NULL AS DOUBLE) AS target,
           vi_count(w.cases) || ' hồ sơ trực tuyến đang chờ tiếp nhận quá 8 giờ làm việc; lâu nhất '
               || vi_tenths(ceil(w.hours * 10) / 10) || ' giờ' AS message_vi,
           y.as_of
    FROM waiting AS w
    JOIN core.units AS u ON u.unit_code = w.unit_code AND u.valid_from = w.unit_valid_from
    CROSS JOIN this_year AS y
    UNION ALL
    SELECT 1, r.unit_code, r.unit_valid_from, r.unit_name, r.level, r.measure, r.period_start, r.period_end, r.shortfall, r.rate, r.target,
           m.label_vi || ': ' || vi_share(r.numerator, r.denominator, r.target) || ', chỉ tiêu ' || vi_percent(r.target) || ', còn thiếu ' || vi_count(r.shortfall)
               || CASE WHEN m.distinct_key IS NULL THEN ' hồ sơ' ELSE ' thủ tục' END,
           y.as_of
    FROM mart.unit_rates AS r
    JOIN mart.measures AS m ON m.measure = r.measure
    JOIN this_year AS y ON r.period_kind = 'year' AND r.period_start = y.period_start
    WHERE r.status = 'missed'
    UNION ALL
    SELECT DISTINCT 2, r.unit_code, r.unit_valid_from, r.unit_name, r.level, 'data_stale', r.period_start, r.period_end, 0, CAST(NULL AS DOUBLE), CAST(NULL AS DOUBLE),
           'Dữ liệu cũ: ' || CASE WHEN r.data_as_of IS NULL THEN 'chưa có danh sách hồ sơ nào của đơn vị'
                                  ELSE 'danh sách hồ sơ mới nhất xuất ngày ' || vi_day(r.data_as_of) END
               || '; số liệu chưa đủ để kết luận, hãy xuất lại',
           y.as_of
    FROM mart.unit_rates AS r
    JOIN this_year AS y ON r.period_kind = 'year' AND r.period_start = y.period_start
    WHERE r.is_stale
)
SELECT row_number() OVER (ORDER BY severity, cases DESC, rate NULLS LAST, unit_code, unit_valid_from, problem, message_vi) AS rank,
       unit_code, unit_valid_from, unit_name, level, problem, period_start, period_end, cases, rate, target, message_vi, as_of
FROM problems
ORDER BY rank;
