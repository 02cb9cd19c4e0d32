-- migrate:up

-- What is shown of the time before activities were counted by hour.
INSERT INTO hourly_count_changes (hour, metric, number)
SELECT date_trunc('hour', created_at, 'UTC'), counted_as(category, topic, action, result), count(*)
FROM activities
WHERE category IN ('user', 'admin')
  AND created_at >= now() - interval '8 days'
  AND number <= (SELECT last_number FROM uncounted_activities)
  AND counted_as(category, topic, action, result) IS NOT NULL
GROUP BY 1, 2;

DROP TABLE uncounted_activities;

-- migrate:down
-- Forward only.
