-- The reads of derived data that need no row of follows: totals, places and ids from narrow tables alone. internal/listing chooses them.

-- name: SumFollowCounts :one
-- SumFollowCounts returns the exact number of live follows under any mix of status, type and source.
SELECT CAST(COALESCE(SUM(s.n), 0) AS SIGNED) AS total FROM follow_counts s
WHERE s.crop_id = sqlc.arg('crop_id')
  AND (sqlc.narg('status') IS NULL OR s.status = sqlc.narg('status'))
  AND (sqlc.narg('external_type') IS NULL OR s.external_type = sqlc.narg('external_type'))
  AND (sqlc.narg('add_way') IS NULL OR s.add_way = sqlc.narg('add_way'));

-- name: ListFollowMixes :many
-- ListFollowMixes returns the combinations that SumFollowCounts sums, of which there are live follows.
SELECT s.status, s.external_type, s.add_way FROM follow_counts s
WHERE s.crop_id = sqlc.arg('crop_id') AND s.n > 0
  AND (sqlc.narg('status') IS NULL OR s.status = sqlc.narg('status'))
  AND (sqlc.narg('external_type') IS NULL OR s.external_type = sqlc.narg('external_type'))
  AND (sqlc.narg('add_way') IS NULL OR s.add_way = sqlc.narg('add_way'));

-- name: ListFollowIDsOfMix :many
-- ListFollowIDsOfMix returns the newest ids of one combination; ordered by follows_mix.
SELECT f.id FROM follows f FORCE INDEX (follows_mix)
WHERE f.crop_id = sqlc.arg('crop_id') AND f.deleted_at IS NULL
  AND f.status = sqlc.arg('status') AND f.external_type = sqlc.arg('external_type') AND f.add_way = sqlc.arg('add_way')
  AND (sqlc.narg('before_id') IS NULL OR f.id < sqlc.narg('before_id'))
ORDER BY f.id DESC LIMIT ?;

-- name: ListFollowIDsAmongNewest :many
-- ListFollowIDsAmongNewest returns the ids under status, type, source and time that are among the enterprise's newest 512 rows, newest first: never more is read.
SELECT n.id FROM (
  SELECT f.id, f.status, f.external_type, f.add_way, f.createtime FROM follows f FORCE INDEX (PRIMARY)
  WHERE f.crop_id = sqlc.arg('crop_id') AND f.deleted_at IS NULL
    AND (sqlc.narg('before_id') IS NULL OR f.id < sqlc.narg('before_id'))
  ORDER BY f.id DESC LIMIT 512) n
WHERE (sqlc.narg('status') IS NULL OR n.status = CAST(sqlc.narg('status') AS SIGNED))
  AND (sqlc.narg('external_type') IS NULL OR n.external_type = CAST(sqlc.narg('external_type') AS SIGNED))
  AND (sqlc.narg('add_way') IS NULL OR n.add_way = CAST(sqlc.narg('add_way') AS SIGNED))
  AND (sqlc.narg('time_from') IS NULL OR n.createtime >= CAST(sqlc.narg('time_from') AS SIGNED))
  AND (sqlc.narg('time_to') IS NULL OR n.createtime <= CAST(sqlc.narg('time_to') AS SIGNED))
ORDER BY n.id DESC LIMIT ? OFFSET ?;

-- name: ListFollowIDsFromOldest :many
-- ListFollowIDsFromOldest returns ids from the list's far end, oldest first, for its last pages.
SELECT f.id FROM follows f FORCE INDEX (PRIMARY)
WHERE f.crop_id = sqlc.arg('crop_id') AND f.deleted_at IS NULL
ORDER BY f.id LIMIT ? OFFSET ?;

-- name: ListFollowBlocks :many
-- ListFollowBlocks returns the blocks of 4096 ids that hold live follows, newest first.
SELECT b.block, b.n FROM follow_blocks b
WHERE b.crop_id = sqlc.arg('crop_id') AND b.n > 0
ORDER BY b.block DESC;

-- name: CountTagLinks :one
-- CountTagLinks counts the live follows that carry any of these tags; a follow counts once.
SELECT COUNT(DISTINCT t.follow_id) FROM follow_tags t
WHERE t.crop_id = sqlc.arg('crop_id') AND t.tag_id IN (sqlc.slice('tag_ids'));

-- name: CountTagLinksOfOne :one
-- CountTagLinksOfOne counts the live follows that carry this tag.
SELECT COUNT(*) FROM follow_tags t
WHERE t.crop_id = sqlc.arg('crop_id') AND t.tag_id = sqlc.arg('tag_id');

-- name: ListTagLinks :many
-- ListTagLinks returns the newest ids of the live follows that carry this tag.
SELECT t.follow_id FROM follow_tags t
WHERE t.crop_id = sqlc.arg('crop_id') AND t.tag_id = sqlc.arg('tag_id')
  AND (sqlc.narg('before_id') IS NULL OR t.follow_id < sqlc.narg('before_id'))
ORDER BY t.follow_id DESC LIMIT ? OFFSET ?;

-- name: CountGram :one
-- CountGram counts the live follows in whose fields (bits: 1 name, 2 remark) this gram of two or three letters stands.
SELECT COUNT(*) FROM follow_grams g
WHERE g.crop_id = sqlc.arg('crop_id') AND g.gram = sqlc.arg('gram') AND g.fields & sqlc.arg('fields') <> 0;

-- name: ListGram :many
-- ListGram returns the newest ids that CountGram counts.
SELECT g.follow_id FROM follow_grams g
WHERE g.crop_id = sqlc.arg('crop_id') AND g.gram = sqlc.arg('gram') AND g.fields & sqlc.arg('fields') <> 0
  AND (sqlc.narg('before_id') IS NULL OR g.follow_id < sqlc.narg('before_id'))
ORDER BY g.follow_id DESC LIMIT ? OFFSET ?;

-- name: CountLetter :one
-- CountLetter counts the live follows in whose fields one letter stands: any pair that begins with it.
SELECT COUNT(DISTINCT g.follow_id) FROM follow_grams g
WHERE g.crop_id = sqlc.arg('crop_id') AND g.gram >= sqlc.arg('gram') AND g.gram <= sqlc.arg('gram_to') AND g.fields & sqlc.arg('fields') <> 0;

-- name: ListLetter :many
-- ListLetter returns the newest ids that CountLetter counts.
SELECT DISTINCT g.follow_id FROM follow_grams g
WHERE g.crop_id = sqlc.arg('crop_id') AND g.gram >= sqlc.arg('gram') AND g.gram <= sqlc.arg('gram_to') AND g.fields & sqlc.arg('fields') <> 0
  AND (sqlc.narg('before_id') IS NULL OR g.follow_id < sqlc.narg('before_id'))
ORDER BY g.follow_id DESC LIMIT ? OFFSET ?;
