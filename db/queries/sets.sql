-- What the index (internal/index) reads: the stored sets, and where a filter's rows are found by an index
-- of the base tables' own.

-- name: GetSets :many
-- GetSets returns the stored parts of these sets, by name and part.
SELECT s.name, s.part, s.ids FROM follow_sets s FORCE INDEX (PRIMARY)
WHERE s.crop_id = sqlc.arg('crop_id') AND s.name IN (sqlc.slice('names'))
ORDER BY s.name, s.part;

-- name: GetSetsBetween :many
-- GetSetsBetween returns the stored parts of the sets with names from one to the other, both inclusive, by
-- name and part.
SELECT s.name, s.part, s.ids FROM follow_sets s FORCE INDEX (PRIMARY)
WHERE s.crop_id = sqlc.arg('crop_id') AND s.name >= sqlc.arg('first') AND s.name <= sqlc.arg('last')
ORDER BY s.name, s.part;

-- name: MatchFollows :many
-- MatchFollows returns those of these live follows that meet the texts, which sets narrow down and do not
-- settle; each condition is that of CountFollows.
SELECT f.id FROM follows f FORCE INDEX (PRIMARY)
WHERE f.crop_id = sqlc.arg('crop_id') AND f.deleted_at IS NULL AND f.id IN (sqlc.slice('ids'))
  AND (sqlc.narg('customer') IS NULL OR LOCATE(sqlc.narg('customer'), f.name_folded) > 0
    OR f.external_userid = sqlc.narg('external_userid'))
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

-- name: ListFollowTimes :many
-- ListFollowTimes returns the follows of a span of createtime, both ends inclusive, newest first, deleted
-- ones too; among equal times the greatest id first.
SELECT f.id, f.createtime FROM follows f FORCE INDEX (follows_createtime)
WHERE f.crop_id = sqlc.arg('crop_id') AND f.createtime >= sqlc.arg('time_from') AND f.createtime <= sqlc.arg('time_to')
ORDER BY f.createtime DESC, f.id DESC;

-- name: ListFollowIDsOfMember :many
-- ListFollowIDsOfMember returns the live follows of the contacts that are this mall member.
SELECT f.id FROM contacts c FORCE INDEX (contacts_uid)
STRAIGHT_JOIN follows f FORCE INDEX (follows_contact) ON f.crop_id = c.crop_id AND f.external_userid = c.external_userid
WHERE c.crop_id = sqlc.arg('crop_id') AND c.uid = sqlc.arg('uid') AND f.deleted_at IS NULL;

-- name: ListFollowIDsOfContact :many
-- ListFollowIDsOfContact returns the live follows of the contact with this very external_userid.
SELECT f.id FROM follows f FORCE INDEX (follows_contact)
WHERE f.crop_id = sqlc.arg('crop_id') AND f.external_userid = sqlc.arg('external_userid') AND f.deleted_at IS NULL;

-- name: ListFollowIDsOfUnionid :many
-- ListFollowIDsOfUnionid returns the live follows of the contacts with this very unionid.
SELECT f.id FROM contacts c FORCE INDEX (contacts_unionid)
STRAIGHT_JOIN follows f FORCE INDEX (follows_contact) ON f.crop_id = c.crop_id AND f.external_userid = c.external_userid
WHERE c.crop_id = sqlc.arg('crop_id') AND c.unionid = sqlc.arg('unionid') AND f.deleted_at IS NULL;

-- name: ListLiveFollows :many
-- ListLiveFollows returns the next live follows after an id, by id: what the sets are made from.
SELECT * FROM follows f FORCE INDEX (PRIMARY)
WHERE f.crop_id = sqlc.arg('crop_id') AND f.id > sqlc.arg('after') AND f.deleted_at IS NULL
ORDER BY f.id LIMIT ?;

-- name: GetLiveFollows :many
-- GetLiveFollows returns those of these follows that are live.
SELECT * FROM follows f FORCE INDEX (PRIMARY)
WHERE f.crop_id = sqlc.arg('crop_id') AND f.id IN (sqlc.slice('ids')) AND f.deleted_at IS NULL;

-- name: ListStoredSets :many
-- ListStoredSets returns the next stored parts after one of them, by name and part.
SELECT s.name, s.part, s.ids FROM follow_sets s FORCE INDEX (PRIMARY)
WHERE s.crop_id = sqlc.arg('crop_id')
  AND (s.name > sqlc.arg('name') OR (s.name = sqlc.arg('name') AND s.part > sqlc.arg('part')))
ORDER BY s.name, s.part LIMIT ?;

-- name: DeleteSets :execrows
-- DeleteSets deletes some of the enterprise's stored sets and returns how many rows it deleted.
DELETE FROM follow_sets WHERE crop_id = sqlc.arg('crop_id') LIMIT ?;

-- name: ListEnterprisesToIndex :many
-- ListEnterprisesToIndex returns the enterprises without a complete index of this format, by id.
SELECT b.id FROM businesses b LEFT JOIN versions v ON v.crop_id = b.id
WHERE COALESCE(v.indexed, 0) <> sqlc.arg('format')
ORDER BY b.id;

-- name: CountIndexed :one
-- CountIndexed returns how many enterprises have a complete index of this format.
SELECT COUNT(*) FROM versions v WHERE v.indexed = sqlc.arg('format');

-- name: NewestVersion :one
-- NewestVersion returns the greatest version of the rows of any enterprise: when one was last changed.
SELECT CAST(COALESCE(MAX(v.rows_version), 0) AS SIGNED) AS newest FROM versions v;

-- name: HasFollows :one
-- HasFollows says whether the enterprise has more than so many live follows.
SELECT EXISTS (SELECT 1 FROM follows f FORCE INDEX (PRIMARY)
WHERE f.crop_id = sqlc.arg('crop_id') AND f.deleted_at IS NULL
ORDER BY f.id LIMIT 1 OFFSET ?);

-- name: SetIndexed :exec
-- SetIndexed says in which format the enterprise's index is.
INSERT INTO versions (crop_id, indexed) VALUES (sqlc.arg('crop_id'), sqlc.arg('indexed'))
ON DUPLICATE KEY UPDATE indexed = sqlc.arg('indexed');

-- name: ListFollowChanges :many
-- ListFollowChanges returns the follows that were changed while the enterprise's index was being filled.
SELECT c.follow_id FROM follow_changes c WHERE c.crop_id = sqlc.arg('crop_id') ORDER BY c.follow_id;

-- name: DeleteFollowChanges :exec
-- DeleteFollowChanges forgets them.
DELETE FROM follow_changes WHERE crop_id = sqlc.arg('crop_id');
