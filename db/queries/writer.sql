-- What internal/writer reads before it writes. Its statements over many rows are built in its own statements.go, which sqlc cannot express.

-- name: LockBusinesses :many
-- LockBusinesses returns these enterprises, with the version of their rows and the format of their index,
-- and makes every other writer to one of them wait until this transaction ends; in the order of ids, so
-- that two writers to several never wait for each other.
SELECT b.id, b.uniacid, CAST(COALESCE(v.indexed, 0) AS SIGNED) AS indexed,
  CAST(COALESCE(v.rows_version, 0) AS UNSIGNED) AS rows_version
FROM businesses b FORCE INDEX (PRIMARY)
LEFT JOIN versions v FORCE INDEX (PRIMARY) ON v.crop_id = b.id
WHERE b.id IN (sqlc.slice('ids'))
ORDER BY b.id
FOR UPDATE;
