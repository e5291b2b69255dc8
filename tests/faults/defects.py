"""Ways to spoil a good night: each changes the built file before the gate looks at it, and names the check that must notice."""

from dataclasses import dataclass

_ONE_CASE = "case_code = (SELECT min(case_code) FROM core.cases)"
_ONLINE = "(SELECT min(case_code) FROM core.cases WHERE channel = 'online' AND waiting_hours IS NOT NULL)"
_ONE_RATE = (
    "(measure, period_kind, unit_code, period_start) = (SELECT (measure, period_kind, unit_code, period_start) FROM {t} "
    "WHERE measure = 'on_time' AND period_kind = 'year' AND denominator > 1 AND numerator > 0 ORDER BY unit_code, period_start LIMIT 1)"
)
_RATE, _TODAY = _ONE_RATE.format(t="mart.unit_rates"), _ONE_RATE.format(t="mart.unit_rates_today")

_FRESHNESS = (
    "INSERT INTO ops.freshness BY NAME SELECT * REPLACE ('{problem}' AS problem, 'yellow' AS light, "
    "'000.99.58.H48' AS unit_code, DATE '2003-01-01' AS unit_valid_from) FROM ops.freshness LIMIT 1"
)


@dataclass(frozen=True)
class Defect:
    """`sql` spoils the file; `trips` are checks that must find more than in the untouched night; `manifest` spoils what was listed instead."""

    name: str
    sql: str
    trips: tuple[str, ...]
    rejects_all: bool = False


def _of(name: str, sql: str, *trips: str) -> Defect:
    return Defect(name, sql, trips)


DEFECTS = [
    Defect("every export rejected", "", ("exports_readable", "files_listed"), rejects_all=True),
    _of("no dossiers", "DELETE FROM core.cases", "cases_present", "dossiers_kept"),
    _of("a file unlisted", "DELETE FROM ops.files WHERE file_name = (SELECT min(file_name) FROM ops.files)", "files_listed"),
    _of("wrong row accounting", "UPDATE ops.files SET rows_loaded = rows_loaded + 1 WHERE kind = 'cases' AND status = 'loaded'", "rows_accounted"),
    _of("rows forgotten", "UPDATE ops.files SET rows_data = rows_data - 1, rows_loaded = rows_loaded - 1 WHERE kind = 'cases' AND status = 'loaded'", "rows_staged"),
    _of("rejects forgotten", "DELETE FROM ops.rejects WHERE row_number = (SELECT min(row_number) FROM ops.rejects)", "rejects_listed"),
    _of("a dossier lost", f"DELETE FROM core.cases WHERE {_ONE_CASE}", "dossiers_kept"),
    _of("lineage lost", f"UPDATE core.cases SET row_number = 999999 WHERE {_ONE_CASE}", "lineage_known"),
    _of("lineage to an unknown file", f"UPDATE core.cases SET file_id = 'nowhere' WHERE {_ONE_CASE}", "lineage_known"),
    _of("a unit orphaned", f"UPDATE core.cases SET unit_code = '000.99.99.H99' WHERE {_ONE_CASE}", "case_unit_known"),
    _of("a unit deleted", "DELETE FROM core.units WHERE unit_code = (SELECT min(unit_code) FROM core.cases)", "case_unit_known"),
    _of("one code, two units", "INSERT INTO core.units BY NAME SELECT * REPLACE (valid_from + 1 AS valid_from) FROM core.units LIMIT 1", "units_apart"),
    _of("a day missing in the calendar", "DELETE FROM core.calendar WHERE date = (SELECT min(date) + 40 FROM core.calendar)", "calendar_complete"),
    _of("received although refused", f"UPDATE core.cases SET is_received = NOT is_received WHERE {_ONE_CASE}", "case_states_agree"),
    _of("finished without an end", f"UPDATE core.cases SET is_finished = NOT is_finished WHERE {_ONE_CASE}", "case_states_agree"),
    _of("a fee that no line explains", f"UPDATE core.cases SET fee_amount = fee_amount + 1000 WHERE {_ONE_CASE}", "fees_agree"),
    _of("paid online without a payment", f"UPDATE core.cases SET is_paid_online = NOT is_paid_online WHERE {_ONE_CASE}", "fees_agree"),
    _of("the clock stands still", f"UPDATE core.cases SET waiting_hours = NULL WHERE case_code = {_ONLINE}", "waiting_clock_complete"),
    _of("a late reception hidden", "DELETE FROM mart.late_receptions WHERE case_code = (SELECT min(case_code) FROM mart.late_receptions)", "late_receptions_complete"),
    _of("a late reception invented", f"INSERT INTO mart.late_receptions SELECT case_code || 'x', unit_code, submitted_at, received_at, 9.0, FALSE, unit_valid_from FROM core.cases WHERE case_code = {_ONLINE}", "late_receptions_complete"),
    _of("a month missing", "DELETE FROM {t} WHERE period_kind = 'month' AND period_start = DATE '2024-03-01'", "periods_contiguous"),
    _of("a period ends too late", "UPDATE {t} SET period_end = period_end + 1 WHERE period_kind = 'month' AND period_start = DATE '2024-02-01'", "periods_contiguous"),
    _of("the current month missing", "DELETE FROM {t} WHERE period_kind = 'month' AND period_start = DATE '2024-06-01'", "periods_contiguous"),
    _of("the first month missing", "DELETE FROM {t} WHERE period_kind = 'month' AND period_start = (SELECT min(period_start) FROM mart.group_rates)", "periods_from_the_first"),
    _of("a silent unit dropped", "DELETE FROM mart.unit_rates WHERE denominator = 0 AND unit_code = (SELECT min(unit_code) FROM mart.unit_rates WHERE denominator = 0)", "unit_rows_complete"),
    _of("a unit dropped today", f"DELETE FROM mart.unit_rates_today WHERE {_TODAY}", "today_rows_complete", "today_adds_up"),
    _of("the total row dropped", "DELETE FROM mart.group_rates WHERE group_kind = 'all' AND measure = 'on_time' AND period_kind = 'year'", "group_rows_complete"),
    _of("more than all", f"UPDATE mart.unit_rates SET numerator = denominator + 1 WHERE {_RATE}", "numerator_inside"),
    _of("less than none", f"UPDATE mart.unit_rates_today SET numerator = -1 WHERE {_TODAY}", "numerator_inside"),
    _of("a wrong rate", f"UPDATE mart.unit_rates SET rate = rate * 0.99 WHERE {_RATE}", "rate_is_quotient"),
    _of("100 % of nothing", "UPDATE mart.unit_rates SET rate = 1 WHERE denominator = 0", "rate_is_quotient"),
    _of("an infinite rate", f"UPDATE mart.unit_rates SET rate = CAST('inf' AS DOUBLE) WHERE {_RATE}", "finite:mart.unit_rates"),
    _of("no number as a rate", "UPDATE mart.group_rates SET rate = CAST('nan' AS DOUBLE) WHERE measure = 'on_time'", "finite:mart.group_rates"),
    _of("a miss shown as met", "UPDATE mart.unit_rates SET status = 'met' WHERE status = 'missed'", "status_agrees"),
    _of("a shortfall too small", "UPDATE mart.unit_rates SET shortfall = shortfall + 1 WHERE status = 'missed'", "status_agrees"),
    _of("a softer target", f"UPDATE mart.unit_rates SET target = 0.01 WHERE {_RATE}", "target_is_the_plans"),
    _of("a target forgotten", "UPDATE mart.unit_rates SET target = NULL, status = 'no_target', shortfall = NULL WHERE target IS NOT NULL AND denominator > 0", "target_is_the_plans"),
    _of("the total is not the sum", "UPDATE mart.group_rates SET denominator = denominator + 1 WHERE group_kind = 'all' AND measure = 'on_time'", "groups_add_up"),
    _of("a level is not the sum", "UPDATE mart.group_rates SET denominator = denominator + 1 WHERE group_code = 'commune' AND measure = 'on_time'", "groups_add_up"),
    _of("today is not the sum", f"UPDATE mart.unit_rates_today SET denominator = denominator + 1 WHERE {_TODAY}", "today_adds_up"),
    _of("more procedures than units have", "UPDATE mart.group_rates SET denominator = 9999 WHERE measure = 'payment_procedures' AND group_kind = 'all'", "distinct_in_bounds"),
    _of("dossiers counted twice", "UPDATE mart.group_rates SET denominator = denominator * 2 WHERE measure = 'digitized_input'", "received_counted_once"),
    _of("another moment", f"UPDATE mart.unit_rates SET as_of = as_of - INTERVAL 1 DAY WHERE {_RATE}", "same_moment"),
    _of("the comparison differs", "UPDATE mart.on_time_comparison SET plan_numerator = plan_numerator + 1", "comparison_agrees"),
    _of("a flag withheld", "DELETE FROM mart.flags WHERE problem = 'on_time'", "flags_agree"),
    _of("an overdue dossier not on the list", "DELETE FROM mart.worklist WHERE problem = 'overdue'", "worklist_known"),
    _of("hours left unknown", "UPDATE mart.open_cases SET working_hours_left = NULL", "deadlines_complete"),
    _of("needed below nothing", "UPDATE mart.needed SET needed = -1", "needed_consistent"),
    _of("a forecast above 100 %", "UPDATE mart.forecast SET high = 1.5", "forecast_in_bounds"),
    _of("a plan line invented", "INSERT INTO mart.plan (criterion, line_number) VALUES ('9.9', 999)", "plan_complete", "null:mart.plan.name_vi"),
    _of("a key twice", f"INSERT INTO core.cases SELECT * FROM core.cases WHERE {_ONE_CASE}", "key:core.cases"),
    _of("a rate twice", "INSERT INTO mart.unit_rates SELECT * FROM mart.unit_rates LIMIT 1", "key:mart.unit_rates"),
    _of("a code empty", f"UPDATE core.cases SET case_code = NULL WHERE {_ONE_CASE}", "null:core.cases.case_code"),
    _of("a channel empty", f"UPDATE core.cases SET channel = NULL WHERE {_ONE_CASE}", "null:core.cases.channel"),
    _of("a channel nobody knows", f"UPDATE core.cases SET channel = 'fax' WHERE {_ONE_CASE}", "allowed:core.cases.channel"),
    _of("a status nobody knows", f"UPDATE core.cases SET status_code = 11 WHERE {_ONE_CASE}", "allowed:core.cases.status_code"),
    _of("a level nobody knows", f"UPDATE core.cases SET service_level = 'half' WHERE {_ONE_CASE}", "allowed:core.cases.service_level"),
    _of("a result nobody knows", f"UPDATE mart.unit_rates SET status = 'good' WHERE {_RATE}", "allowed:mart.unit_rates.status"),
    _of("a unit without a name", "UPDATE core.units SET unit_name = NULL WHERE unit_code = (SELECT min(unit_code) FROM core.units)", "null:core.units.unit_name"),
    _of("a payment state nobody knows", "UPDATE core.payments SET payment_state = 'promised'", "allowed:core.payments.payment_state"),
    _of("a table missing", "DROP TABLE mart.flags", "shape:mart.flags", "flags_agree"),
    _of("a column missing", "ALTER TABLE core.cases DROP COLUMN has_result", "shape:core.cases", "null:core.cases.has_result"),
    _of("a column nobody described", "ALTER TABLE core.units ADD COLUMN note VARCHAR", "shape:core.units"),
    _of("a type changed", "ALTER TABLE mart.unit_rates ALTER numerator TYPE DOUBLE", "shape:mart.unit_rates"),
    _of("a question without its dossier", "DELETE FROM mart.audit_cases WHERE finding_id = (SELECT min(finding_id) FROM mart.audit_cases)", "audit_consistent"),
    _of("an effect on another rate", "UPDATE mart.audit_units SET denominator = denominator + 1", "audit_consistent"),
    _of("more left out than there is", "UPDATE mart.audit_units SET denominator_without = denominator + 1", "audit_consistent"),
    _of("a restatement of nothing", "INSERT INTO mart.restatements BY NAME SELECT published_from AS restated_on, published_from - 1 AS published_on, measure, period_kind, period_start, period_end, unit_code, unit_valid_from, 'x' AS unit_name, numerator AS numerator_before, denominator AS denominator_before, status AS status_before, numerator, denominator, status, 'unknown' AS cause, 'chưa rõ' AS reason_vi, 0 AS cases, 0 AS new_exports, 0 AS gone_exports, (SELECT max(as_of) FROM mart.unit_rates) AS as_of FROM mart.rates_published WHERE period_end < published_from LIMIT 1", "restatements_whole"),
    _of("a question nobody declared", "UPDATE mart.audit SET rule = 'gossip'", "allowed:mart.audit.rule", "audit_consistent"),
    # warnings
    _of("no unit today", "UPDATE core.units SET valid_to = DATE '2024-06-29'", "units_current"),
    _of("no target today", "UPDATE core.targets SET valid_to = DATE '2024-06-29'", "targets_current"),
    _of("no unit has a target's level", "UPDATE core.targets SET level = 'province_department'", "targets_current"),
    _of("no digitization known", "UPDATE core.cases SET digitized_input_code = NULL, is_result_digitized = NULL, is_e_result = NULL", "digitization_known"),
    _of("a row refused", "INSERT INTO ops.rejects BY NAME SELECT * REPLACE (row_number + 9000 AS row_number) FROM ops.rejects LIMIT 1", "rows_rejected"),
    _of("a file refused", "INSERT INTO ops.files BY NAME SELECT * REPLACE ('x.xlsx' AS file_name, 'rejected' AS status, 'hỏng' AS error) FROM ops.files WHERE status = 'duplicate' LIMIT 1", "files_rejected"),
    _of("an age guessed", "UPDATE ops.files SET is_age_guessed = TRUE", "age_guessed"),
    _of("finished before received", "UPDATE core.cases SET received_at = ended_at + INTERVAL 1 DAY WHERE is_finished AND NOT is_paid_online", "finished_before_received"),
    _of("a date after the moment", f"UPDATE core.cases SET returned_at = TIMESTAMP '2031-01-01 08:00:00' WHERE finished_at IS NOT NULL AND {_ONE_CASE}", "dates_after_as_of"),
    _of("a procedure unlisted", "UPDATE core.cases SET is_listed = FALSE", "procedure_unlisted"),
    _of("a level unknown", "UPDATE core.cases SET service_level = NULL", "level_unknown"),
    _of("a correction spent", "INSERT INTO ops.corrections VALUES ('c-1', 'cases', 'override', 'x', 'lý do', 0, TRUE)", "correction_spent"),
    _of("a unit out of time", "UPDATE core.units SET valid_to = DATE '2024-03-01' WHERE unit_code = (SELECT unit_code FROM core.cases GROUP BY unit_code ORDER BY count(*) DESC LIMIT 1)", "unit_out_of_time"),
    _of("a dossier in no period", f"UPDATE core.cases SET received_at = TIMESTAMP '2020-01-02 08:00:00' WHERE is_received AND case_code = {_ONLINE}", "no_period"),
    _of("plan and targets differ", "INSERT INTO mart.plan (criterion, measure, deadline, target) SELECT criterion, measure, valid_from, target / 2 FROM core.targets LIMIT 1", "plan_target_differs"),
    _of("a report nobody planned", "INSERT INTO core.plan_progress (criterion) VALUES ('9.9.9')", "plan_report_unplanned"),
    _of("a report dated last year", "INSERT INTO mart.plan (criterion, source, deadline) VALUES ('9.9.9', 'plan_progress', DATE '2024-12-31'); INSERT INTO core.plan_progress (criterion, reported_on, exported_at) VALUES ('9.9.9', DATE '2023-12-31', TIMESTAMP '2024-01-02 08:00:00')", "plan_report_of_earlier_year"),
    _of("a report dated next year", "INSERT INTO core.plan_progress (criterion, reported_on) VALUES ('9.9.9', DATE '2031-01-01')", "plan_report_after_as_of"),
    _of("a task done after the moment", "INSERT INTO core.tasks (task_no, finished_on) VALUES ('1', DATE '2031-01-01')", "task_dates_after_as_of"),
    _of("an extension undated", "INSERT INTO mart.task_status (task_no, extension_asked) VALUES ('1', 'undated')", "task_extension_undated"),
    _of("a task done undated", "INSERT INTO mart.task_status (task_no, state) VALUES ('1', 'undated')", "task_done_undated"),
    _of("a Biểu 06 that differs", "UPDATE mart.reconciliation SET theirs = theirs + 1, difference = difference + 1, is_tolerated = FALSE WHERE figure = 'total'", "reconciliation_differs"),
    _of("a difference miscalculated", "UPDATE mart.reconciliation SET difference = difference + 1 WHERE figure = 'total'", "reconciliation_consistent"),
    _of("an aggregate of before the data", "UPDATE core.cases SET received_at = received_at + INTERVAL 10 YEAR", "reconciliation_period_outside"),
    _of("a source that is down", "INSERT INTO ops.sources BY NAME SELECT 'kho' AS source, 'folder' AS kind, 'kho' AS address, 'red' AS light, 'không lấy được' AS message_vi, 1 AS failures, 0 AS files, 0 AS waiting", "sources_reached"),
    _of("stale data", _FRESHNESS.format(problem="stale"), "data_stale"),
    _of("vanished data", _FRESHNESS.format(problem="vanished"), "units_vanished"),
    _of("rows_off data", _FRESHNESS.format(problem="rows_off"), "rows_off"),
    _of("frozen data", _FRESHNESS.format(problem="frozen"), "source_frozen"),
    _of("shrunk data", _FRESHNESS.format(problem="shrunk"), "dossiers_shrunk"),
    _of("unknown_status data", _FRESHNESS.format(problem="unknown_status"), "unknown_status_words"),
    _of("unknown_unit data", _FRESHNESS.format(problem="unknown_unit"), "unknown_unit_names"),
]  # fmt: skip
# The sample's own exports hold one: a code cannot be made odd in the built file alone without losing its lineage.
TRIPPED_BY_THE_SAMPLE = ("odd_case_code",)
# What the staged files say cannot be spoiled in the built file: tests/golden/test_reconciliation.py has an aggregate without a period.
TRIPPED_BY_FILES = ("reconciliation_period_missing",)
