-- Grain: work.audit_findings one row a finding, whatever raised it; work.audit_asked one row a finding and dossier.
-- Dossiers that the office has dropped (corrections.yml) are asked about no more.
-- Inputs: work.audit_of_changes, work.audit_of_lists, work.audit_of_habits, work.audit_habit_cases, core.cases.
-- Readers: 94_audit_words.sql; transforms/audit.py counts these dossiers by the measures.

CREATE TABLE work.audit_findings AS
WITH dossiers AS (
    SELECT rule, unit_code, unit_valid_from, case_code, found_at, CAST(NULL AS STRING) AS other_code, CAST(NULL AS STRING) AS other_unit_code, CAST(NULL AS DATE) AS other_unit_valid_from,
           received_before, due_before, finished_before, returned_before, status_before, before_file_id, before_sheet, before_row_number,
           received_at, due_at, finished_at, returned_at, status_code, file_id, sheet, row_number
    FROM work.audit_of_changes
    UNION ALL
    SELECT rule, unit_code, unit_valid_from, case_code, found_at, other_code, other_unit_code, other_unit_valid_from,
           received_before, due_before, finished_before, returned_before, status_before, before_file_id, before_sheet, before_row_number,
           received_at, due_at, finished_at, returned_at, status_code, file_id, sheet, row_number
    FROM work.audit_of_lists
)
SELECT d.rule || ':' || d.case_code || ':' || substr(CAST(d.found_at AS STRING), 1, 16) AS finding_id, d.rule, d.unit_code, d.unit_valid_from, d.case_code, d.found_at,
       CAST(1 AS BIGINT) AS cases, CAST(NULL AS STRING) AS statistic_vi, d.other_code, d.other_unit_code, d.other_unit_valid_from,
       d.received_before, d.due_before, d.finished_before, d.returned_before, d.status_before, d.before_file_id, d.before_sheet, d.before_row_number,
       d.received_at, d.due_at, d.finished_at, d.returned_at, d.status_code, d.file_id, d.sheet, d.row_number
FROM dossiers AS d
JOIN core.cases AS c ON c.case_code = d.case_code
UNION ALL
SELECT rule || ':' || unit_code || ':' || CAST(unit_valid_from AS STRING) || ':' || substr(CAST(coalesce(begun_at, found_at) AS STRING), 1, 16), rule, unit_code, unit_valid_from, NULL, found_at, cases, statistic_vi, NULL, NULL, NULL,
       NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
FROM work.audit_of_habits;

CREATE TABLE work.audit_asked AS
SELECT finding_id, rule, unit_code, unit_valid_from, case_code FROM work.audit_findings WHERE case_code IS NOT NULL
UNION ALL
SELECT f.finding_id, x.rule, x.unit_code, x.unit_valid_from, x.case_code
FROM work.audit_habit_cases AS x
JOIN work.audit_findings AS f ON f.rule = x.rule AND f.unit_code = x.unit_code AND f.unit_valid_from = x.unit_valid_from AND f.case_code IS NULL
                             AND f.finding_id = x.rule || ':' || x.unit_code || ':' || CAST(x.unit_valid_from AS STRING) || ':' || substr(CAST(coalesce(x.begun_at, f.found_at) AS STRING), 1, 16);
