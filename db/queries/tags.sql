-- name: ListTags :many
-- ListTags returns the enterprise's tags that are not deleted, newest id first.
SELECT * FROM tags FORCE INDEX (tags_tag)
WHERE crop_id = ? AND deleted_at IS NULL
ORDER BY id DESC;

-- name: ListAllTags :many
-- ListAllTags returns all of the enterprise's tags, deleted ones too.
SELECT * FROM tags FORCE INDEX (tags_tag)
WHERE crop_id = ?;
