-- name: GetAccess :one
-- GetAccess returns the enterprise's id and its versions where this member manages it under this mall account and neither the right nor the enterprise is deleted; sql.ErrNoRows
-- otherwise, whether it exists or not.
SELECT b.id, CAST(COALESCE(v.rows_version, 0) AS UNSIGNED) AS rows_version, CAST(COALESCE(v.dict_version, 0) AS UNSIGNED) AS dict_version FROM managers m
STRAIGHT_JOIN businesses b FORCE INDEX (PRIMARY) ON b.id = m.business_id AND b.uniacid = m.uniacid
LEFT JOIN versions v ON v.crop_id = b.id
WHERE m.uniacid = sqlc.arg('uniacid') AND m.uid = sqlc.arg('uid') AND m.business_id = sqlc.arg('business_id')
  AND m.deleted_at IS NULL AND b.deleted_at IS NULL;

-- name: ListBusinesses :many
-- ListBusinesses returns the enterprises that this member manages under this mall account, by id, with their versions.
SELECT b.id, b.name, CAST(COALESCE(v.rows_version, 0) AS UNSIGNED) AS rows_version, CAST(COALESCE(v.dict_version, 0) AS UNSIGNED) AS dict_version FROM managers m
STRAIGHT_JOIN businesses b FORCE INDEX (PRIMARY) ON b.id = m.business_id AND b.uniacid = m.uniacid
LEFT JOIN versions v ON v.crop_id = b.id
WHERE m.uniacid = sqlc.arg('uniacid') AND m.uid = sqlc.arg('uid') AND m.deleted_at IS NULL AND b.deleted_at IS NULL
ORDER BY b.id;

-- name: FirstManager :one
-- FirstManager returns the first manager's right that counts, for a line to try; sql.ErrNoRows in an empty database.
SELECT m.uniacid, m.uid, m.business_id FROM managers m
STRAIGHT_JOIN businesses b FORCE INDEX (PRIMARY) ON b.id = m.business_id AND b.uniacid = m.uniacid
WHERE m.deleted_at IS NULL AND b.deleted_at IS NULL
ORDER BY m.uniacid, m.uid, m.business_id LIMIT 1;

-- name: HasBusinesses :one
-- HasBusinesses says whether there is any enterprise beside those of these ids and names, deleted ones included. Neither list may be empty.
SELECT EXISTS (SELECT 1 FROM businesses b WHERE b.id NOT IN (sqlc.slice('ids')) OR b.name NOT IN (sqlc.slice('names')));

-- name: GetVersions :one
-- GetVersions returns the enterprise's versions and the format of its index as a snapshot sees them; zero
-- where nothing was ever written.
SELECT CAST(COALESCE(MAX(v.rows_version), 0) AS UNSIGNED) AS rows_version, CAST(COALESCE(MAX(v.dict_version), 0) AS UNSIGNED) AS dict_version,
  CAST(COALESCE(MAX(v.indexed), 0) AS SIGNED) AS indexed FROM versions v
WHERE v.crop_id = sqlc.arg('crop_id');
