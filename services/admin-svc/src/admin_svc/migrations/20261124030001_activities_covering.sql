-- migrate:up

-- Topic, action and result stand in each index, so that what is filtered by them, too, is counted from
-- the index alone: from the table each activity costs a page. Writing costs some percent more.
--
-- While these are made activities are read, and those that are told wait in their queues; dropping the
-- old ones, for which readers have to wait, comes last.
CREATE INDEX activities_created_at_new_idx ON activities (category, created_at, id)
INCLUDE (topic, action, result);
CREATE INDEX activities_topic_new_idx ON activities (category, topic, created_at, id)
INCLUDE (action, result);
CREATE INDEX activities_action_new_idx ON activities (category, action, created_at, id)
INCLUDE (topic, result);
CREATE INDEX activities_uid_new_idx ON activities (category, uid, created_at, id)
INCLUDE (topic, action, result);
CREATE INDEX activities_target_uid_new_idx ON activities (category, target_uid, created_at, id)
INCLUDE (topic, action, result) WHERE target_uid IS NOT NULL;

-- What failed or was refused is little, and looked for most.
CREATE INDEX activities_result_idx ON activities (category, result, created_at, id)
INCLUDE (topic, action) WHERE result <> 'succeed';

DROP INDEX activities_created_at_idx;
DROP INDEX activities_topic_idx;
DROP INDEX activities_action_idx;
DROP INDEX activities_uid_idx;
DROP INDEX activities_target_uid_idx;

ALTER INDEX activities_created_at_new_idx RENAME TO activities_created_at_idx;
ALTER INDEX activities_topic_new_idx RENAME TO activities_topic_idx;
ALTER INDEX activities_action_new_idx RENAME TO activities_action_idx;
ALTER INDEX activities_uid_new_idx RENAME TO activities_uid_idx;
ALTER INDEX activities_target_uid_new_idx RENAME TO activities_target_uid_idx;

-- migrate:down
-- Forward only.
