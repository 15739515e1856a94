-- The filtered list as anybody reads it: how many rows there are, and one page of their ids. Every filter
-- stands once in each, in the contract's order; it is optional: (sqlc.narg('x') IS NULL OR …) is folded
-- away by the optimizer where x is NULL. What the filters mean, and when the index answers in place of
-- these two, is in internal/filter and internal/index; a test holds the two against one another.

-- name: CountFollows :one
-- CountFollows returns the number of live follows of an enterprise under any filters.
SELECT COUNT(*) FROM follows f FORCE INDEX (PRIMARY)
WHERE f.crop_id = sqlc.arg('crop_id') AND f.deleted_at IS NULL
  AND (sqlc.narg('customer') IS NULL OR LOCATE(sqlc.narg('customer'), f.name_folded) > 0
    OR f.external_userid = sqlc.narg('external_userid'))
  AND (sqlc.narg('member') IS NULL OR f.contact_uid = CAST(sqlc.narg('member') AS UNSIGNED))
  AND (sqlc.narg('add_way') IS NULL OR f.add_way = sqlc.narg('add_way'))
  AND (sqlc.narg('tags_any') IS NULL OR JSON_OVERLAPS(f.tags, sqlc.narg('tags_any')))
  AND (sqlc.narg('tags_all') IS NULL OR JSON_CONTAINS(f.tags, sqlc.narg('tags_all')))
  AND (sqlc.narg('tags_none') IS NULL OR JSON_OVERLAPS(f.tags, sqlc.narg('tags_none')) = 0)
  AND (sqlc.narg('employees') IS NULL OR FIND_IN_SET(f.userid, sqlc.narg('employees')) > 0)
  AND (sqlc.narg('external_type') IS NULL OR f.external_type = sqlc.narg('external_type'))
  AND (sqlc.narg('gender') IS NULL OR f.gender = sqlc.narg('gender'))
  AND (sqlc.narg('status') IS NULL OR f.status = sqlc.narg('status'))
  AND (sqlc.narg('time_from') IS NULL OR f.createtime >= sqlc.narg('time_from'))
  AND (sqlc.narg('time_to') IS NULL OR f.createtime <= sqlc.narg('time_to'))
  AND (sqlc.narg('remark') IS NULL OR LOCATE(sqlc.narg('remark'), f.remark_folded) > 0)
  AND (sqlc.narg('mobile') IS NULL OR LOCATE(sqlc.narg('mobile'), f.mobiles) > 0)
  AND (sqlc.narg('keyword') IS NULL OR LOCATE(sqlc.narg('keyword'), f.name_folded) > 0
    OR LOCATE(sqlc.narg('keyword'), f.remark_folded) > 0
    OR LOCATE(sqlc.narg('keyword'), f.notes_folded) > 0
    OR REGEXP_INSTR(f.pinyin, sqlc.narg('keyword_pinyin')) > 0
    OR LOCATE(sqlc.narg('keyword_digits'), f.mobiles) > 0
    OR f.external_userid = sqlc.narg('keyword_id') OR f.userid = sqlc.narg('keyword_userid')
    OR EXISTS (SELECT 1 FROM contacts c FORCE INDEX (contacts_unionid) WHERE c.crop_id = sqlc.arg('crop_id')
      AND c.unionid = sqlc.narg('keyword_id') AND c.external_userid = f.external_userid));

-- name: ListFollowIDs :many
-- ListFollowIDs returns one page of the ids that CountFollows counts, each with how many there are, those
-- from before_id on left out: by createtime, the newest first where by_time is 1 and the oldest where it is
-- -1, and the greatest id first where it is 0 and among equal times. The hint is for MySQL, which would
-- keep the texts of every row for the window; MariaDB does not.
SELECT /*+ NO_MERGE(l) */ l.id, CAST(COUNT(*) OVER () AS SIGNED) AS total FROM (
SELECT f.id, f.createtime FROM follows f FORCE INDEX (PRIMARY)
WHERE f.crop_id = sqlc.arg('crop_id') AND f.deleted_at IS NULL
  AND (sqlc.narg('customer') IS NULL OR LOCATE(sqlc.narg('customer'), f.name_folded) > 0
    OR f.external_userid = sqlc.narg('external_userid'))
  AND (sqlc.narg('member') IS NULL OR f.contact_uid = CAST(sqlc.narg('member') AS UNSIGNED))
  AND (sqlc.narg('add_way') IS NULL OR f.add_way = sqlc.narg('add_way'))
  AND (sqlc.narg('tags_any') IS NULL OR JSON_OVERLAPS(f.tags, sqlc.narg('tags_any')))
  AND (sqlc.narg('tags_all') IS NULL OR JSON_CONTAINS(f.tags, sqlc.narg('tags_all')))
  AND (sqlc.narg('tags_none') IS NULL OR JSON_OVERLAPS(f.tags, sqlc.narg('tags_none')) = 0)
  AND (sqlc.narg('employees') IS NULL OR FIND_IN_SET(f.userid, sqlc.narg('employees')) > 0)
  AND (sqlc.narg('external_type') IS NULL OR f.external_type = sqlc.narg('external_type'))
  AND (sqlc.narg('gender') IS NULL OR f.gender = sqlc.narg('gender'))
  AND (sqlc.narg('status') IS NULL OR f.status = sqlc.narg('status'))
  AND (sqlc.narg('time_from') IS NULL OR f.createtime >= sqlc.narg('time_from'))
  AND (sqlc.narg('time_to') IS NULL OR f.createtime <= sqlc.narg('time_to'))
  AND (sqlc.narg('remark') IS NULL OR LOCATE(sqlc.narg('remark'), f.remark_folded) > 0)
  AND (sqlc.narg('mobile') IS NULL OR LOCATE(sqlc.narg('mobile'), f.mobiles) > 0)
  AND (sqlc.narg('keyword') IS NULL OR LOCATE(sqlc.narg('keyword'), f.name_folded) > 0
    OR LOCATE(sqlc.narg('keyword'), f.remark_folded) > 0
    OR LOCATE(sqlc.narg('keyword'), f.notes_folded) > 0
    OR REGEXP_INSTR(f.pinyin, sqlc.narg('keyword_pinyin')) > 0
    OR LOCATE(sqlc.narg('keyword_digits'), f.mobiles) > 0
    OR f.external_userid = sqlc.narg('keyword_id') OR f.userid = sqlc.narg('keyword_userid')
    OR EXISTS (SELECT 1 FROM contacts c FORCE INDEX (contacts_unionid) WHERE c.crop_id = sqlc.arg('crop_id')
      AND c.unionid = sqlc.narg('keyword_id') AND c.external_userid = f.external_userid))
  AND (sqlc.narg('before_id') IS NULL OR f.id < sqlc.narg('before_id'))
) l
ORDER BY CASE WHEN CAST(sqlc.arg('by_time') AS SIGNED) = 1 THEN l.createtime END DESC,
  CASE WHEN CAST(sqlc.arg('by_time') AS SIGNED) = -1 THEN l.createtime END, l.id DESC LIMIT ? OFFSET ?;

-- name: GetFollows :many
-- GetFollows returns these rows with their contacts, newest first. An id of another enterprise finds
-- nothing.
SELECT sqlc.embed(f), sqlc.embed(c)
FROM follows f FORCE INDEX (PRIMARY)
STRAIGHT_JOIN contacts c FORCE INDEX (PRIMARY) ON c.crop_id = f.crop_id AND c.id = f.contact_id
WHERE f.crop_id = sqlc.arg('crop_id') AND f.id IN (sqlc.slice('ids'))
ORDER BY f.id DESC;
