-- Grain: one row an export (a member of an archive is an export of its own); rows_data = rows_loaded + rows_rejected in every one.
-- Inputs: work.files, work.*_rows, work.places, ops.rejects.
-- Readers: the gate, the summaries, analysts who trace a number to its file.

INSERT INTO ops.files
WITH staged AS (
    SELECT file_id, count(*) AS rows_data FROM (
        SELECT file_id FROM work.cases_rows WHERE state_id IS NULL
        UNION ALL SELECT file_id FROM work.waiting_rows WHERE state_id IS NULL
        UNION ALL SELECT file_id FROM work.payments_rows WHERE state_id IS NULL
        UNION ALL SELECT file_id FROM work.digitization_rows WHERE state_id IS NULL
        UNION ALL SELECT file_id FROM work.procedures_rows WHERE state_id IS NULL
        UNION ALL SELECT file_id FROM work.summary06_rows WHERE state_id IS NULL
        UNION ALL SELECT file_id FROM work.receptions_summary_rows WHERE state_id IS NULL
        UNION ALL SELECT file_id FROM work.payments_summary_rows WHERE state_id IS NULL
        UNION ALL SELECT file_id FROM work.digitization_summary_rows WHERE state_id IS NULL
        UNION ALL SELECT file_id FROM work.tasks_rows WHERE state_id IS NULL
        UNION ALL SELECT file_id FROM work.plan_progress_rows WHERE state_id IS NULL
        UNION ALL SELECT e.file_id FROM work.places AS p JOIN work.chained_exports AS e ON e.export_number = p.export_number
    ) AS every_row
    GROUP BY file_id
),
rejected AS (
    SELECT file_id, count(*) AS rows_rejected FROM ops.rejects GROUP BY file_id
)
SELECT f.file_id, f.file_name, f.member, f.kind, f.status, f.error, f.exported_at, f.is_age_guessed,
       CASE WHEN f.status IN ('loaded', 'later') THEN coalesce(s.rows_data, 0) ELSE 0 END AS rows_data,
       CASE WHEN f.status IN ('loaded', 'later') THEN coalesce(s.rows_data, 0) - coalesce(j.rows_rejected, 0) ELSE 0 END AS rows_loaded,
       CASE WHEN f.status IN ('loaded', 'later') THEN coalesce(j.rows_rejected, 0) ELSE 0 END AS rows_rejected
FROM work.files AS f
LEFT JOIN staged AS s ON s.file_id = f.file_id
LEFT JOIN rejected AS j ON j.file_id = f.file_id
ORDER BY f.file_name, f.member NULLS FIRST;
