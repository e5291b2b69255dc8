-- Grain: mart.audit one row a finding; mart.audit_cases its dossiers; mart.audit_units one row a unit and rule with the effect on the unit's rate of the year.
-- A finding is a question: its words come from audit.yml.
-- Inputs: work.audit_findings, work.audit_asked, work.audit_rules, work.audit_statuses, work.audit_counted (rendered from measures.yml), core.units, mart.unit_rates, mart.measures, work.moment.
-- Readers: the summaries, analysts.

INSERT INTO mart.audit_cases
SELECT finding_id, rule, unit_code, unit_valid_from, case_code
FROM work.audit_asked
ORDER BY finding_id, case_code;

INSERT INTO mart.audit_units
WITH findings AS (
    SELECT rule, unit_code, unit_valid_from, count(*) AS findings FROM work.audit_findings GROUP BY rule, unit_code, unit_valid_from
),
concerned AS (
    SELECT DISTINCT rule, unit_code, unit_valid_from, case_code FROM work.audit_asked
),
counted AS (
    SELECT x.rule, x.unit_code, x.unit_valid_from, count(*) AS cases, count(k.case_code) AS denominator, coalesce(sum(k.numerator), 0) AS numerator
    FROM concerned AS x
    JOIN work.audit_rules AS r ON r.rule = x.rule
    LEFT JOIN work.audit_counted AS k
           ON k.measure = r.measure AND k.case_code = x.case_code AND k.unit_code = x.unit_code AND k.unit_valid_from = x.unit_valid_from
    GROUP BY x.rule, x.unit_code, x.unit_valid_from
),
effects AS (
    SELECT r.number, f.rule, r.severity, r.label_vi, f.unit_code, f.unit_valid_from, u.unit_name, u.level, f.findings, c.cases, r.measure, p.period_start, p.period_end,
           coalesce(p.numerator, 0) AS numerator, coalesce(p.denominator, 0) AS denominator, p.target,
           coalesce(p.numerator, 0) - CAST(c.numerator AS BIGINT) AS numerator_without, coalesce(p.denominator, 0) - c.denominator AS denominator_without, m.as_of
    FROM findings AS f
    JOIN counted AS c ON c.rule = f.rule AND c.unit_code = f.unit_code AND c.unit_valid_from = f.unit_valid_from
    JOIN work.audit_rules AS r ON r.rule = f.rule
    JOIN core.units AS u ON u.unit_code = f.unit_code AND u.valid_from = f.unit_valid_from
    CROSS JOIN work.moment AS m
    LEFT JOIN mart.unit_rates AS p
           ON p.measure = r.measure AND p.period_kind = 'year' AND p.unit_code = f.unit_code AND p.unit_valid_from = f.unit_valid_from
          AND p.period_start = CAST(date_trunc('year', m.as_of) AS DATE)
),
shares AS (
    SELECT e.*, CAST(numerator AS DOUBLE) / nullif(denominator, 0) AS rate, CAST(numerator_without AS DOUBLE) / nullif(denominator_without, 0) AS rate_without
    FROM effects AS e
)
SELECT s.unit_code, s.unit_valid_from, s.unit_name, s.level, s.rule, s.severity, s.label_vi, s.findings, s.cases, s.measure,
       s.numerator, s.denominator, s.rate, s.numerator_without, s.denominator_without, s.rate_without,
       m.label_vi || ': '
           || CASE WHEN s.rate IS NULL THEN 'không có hồ sơ'
                   ELSE vi_share(s.numerator, s.denominator, s.target) END
           || CASE WHEN s.numerator = s.numerator_without AND s.denominator = s.denominator_without THEN '; các hồ sơ này không tính vào tỷ lệ năm nay'
                   WHEN s.rate_without IS NULL THEN ' → không còn hồ sơ nào nếu không tính các hồ sơ này'
                   ELSE ' → ' || vi_share(s.numerator_without, s.denominator_without, s.target) || ' nếu không tính các hồ sơ này' END AS effect_vi,
       s.as_of
FROM shares AS s
JOIN mart.measures AS m ON m.measure = s.measure
ORDER BY s.number, s.unit_code, s.unit_valid_from;

-- Both states as text, of each the columns that the rule is about.
CREATE TABLE work.audit_texts AS
WITH sides AS (
    SELECT finding_id, rule, 'before' AS side, received_before AS received_at, due_before AS due_at, finished_before AS finished_at, returned_before AS returned_at, status_before AS status_code
    FROM work.audit_findings WHERE status_before IS NOT NULL
    UNION ALL
    SELECT finding_id, rule, 'after', received_at, due_at, finished_at, returned_at, status_code
    FROM work.audit_findings WHERE status_code IS NOT NULL
),
moments AS (
    SELECT s.finding_id, s.side, r.shown, a.label_vi,
           vi_day(received_at) || ' ' || vi_hour(received_at) AS received_vi,
           vi_day(due_at) || ' ' || vi_hour(due_at) AS due_vi,
           vi_day(finished_at) || ' ' || vi_hour(finished_at) AS finished_vi,
           vi_day(returned_at) || ' ' || vi_hour(returned_at) AS returned_vi
    FROM sides AS s
    JOIN work.audit_rules AS r ON r.rule = s.rule
    JOIN work.audit_statuses AS a ON a.status_code = s.status_code
)
SELECT finding_id, side,
       substr(CASE WHEN shown LIKE '%,received_at,%' THEN '; tiếp nhận ' || coalesce(received_vi, '(trống)') ELSE '' END
           || CASE WHEN shown LIKE '%,due_at,%' THEN '; hẹn trả ' || coalesce(due_vi, '(trống)') ELSE '' END
           || CASE WHEN shown LIKE '%,finished_at,%' THEN '; kết thúc ' || coalesce(finished_vi, '(trống)') ELSE '' END
           || CASE WHEN shown LIKE '%,returned_at,%' THEN '; trả kết quả ' || coalesce(returned_vi, '(trống)') ELSE '' END
           || CASE WHEN shown LIKE '%,status_code,%' THEN '; trạng thái ' || label_vi ELSE '' END, 3) AS text_vi
FROM moments;

INSERT INTO mart.audit
SELECT f.finding_id, f.rule, r.severity, r.label_vi, f.unit_code, f.unit_valid_from, u.unit_name, f.case_code, f.found_at,
       replace(replace(replace(replace(replace(replace(replace(r.question_vi, '{unit}', u.unit_name), '{case}', coalesce(f.case_code, '')), '{before}', coalesce(b.text_vi, '')),
           '{after}', coalesce(a.text_vi, '')), '{other}', coalesce(f.other_code, o.unit_name, '')), '{statistic}', coalesce(f.statistic_vi, '')),
           '{found}', vi_hour(f.found_at) || ' ngày ' || vi_day(f.found_at))
           AS question_vi,
       f.cases, b.text_vi AS before_vi, a.text_vi AS after_vi, f.before_file_id, f.before_sheet, f.before_row_number, f.file_id, f.sheet, f.row_number,
       f.other_code AS other_case_code, f.other_unit_code, f.statistic_vi, e.measure, e.rate, e.rate_without, e.effect_vi, e.as_of
FROM work.audit_findings AS f
JOIN work.audit_rules AS r ON r.rule = f.rule
JOIN core.units AS u ON u.unit_code = f.unit_code AND u.valid_from = f.unit_valid_from
LEFT JOIN core.units AS o ON o.unit_code = f.other_unit_code AND o.valid_from = f.other_unit_valid_from
JOIN mart.audit_units AS e ON e.rule = f.rule AND e.unit_code = f.unit_code AND e.unit_valid_from = f.unit_valid_from
LEFT JOIN work.audit_texts AS b ON b.finding_id = f.finding_id AND b.side = 'before'
LEFT JOIN work.audit_texts AS a ON a.finding_id = f.finding_id AND a.side = 'after'
ORDER BY r.number, f.unit_code, f.unit_valid_from, f.found_at, f.finding_id;
