-- Grain: one row a unit and validity, a target, a day.
-- Inputs: work.units, work.targets, work.calendar (from data/reference and the holiday library).
-- Readers: every later step; analysts.

INSERT INTO core.units
SELECT unit_code, unit_name, level, parent_code, gso_code, valid_from, valid_to, successor_code, email
FROM work.units;

INSERT INTO core.targets
SELECT criterion, measure, level, target, valid_from, valid_to
FROM work.targets;

INSERT INTO core.calendar
SELECT date, is_working, note, morning_from, morning_to, afternoon_from, afternoon_to, worked_before
FROM work.calendar;
