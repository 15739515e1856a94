-- The filtered list. Each pair reads the same rows, CountFollows… their number and ListFollowIDs… one page of their ids, newest first; the pairs (some lists stand alone) differ in
-- where they start, which the hint in FROM fixes (without it the optimizers are seen to choose plans that take seconds). internal/listing chooses the pair.
--
-- Every filter is optional: (sqlc.narg('x') IS NULL OR column = sqlc.narg('x')) is folded away by the optimizer where x is NULL. A new filter is one such line in
-- each query; a test compares them.

-- name: ListFollowIDs :many
-- ListFollowIDs returns one page of the ids under any filters but tags, newest first: it reads the enterprise's rows from the newest until the page is full.
SELECT f.id FROM follows f FORCE INDEX (PRIMARY)
WHERE f.crop_id = sqlc.arg('crop_id') AND f.deleted_at IS NULL
  AND (sqlc.narg('status') IS NULL OR f.status = sqlc.narg('status'))
  AND (sqlc.narg('external_type') IS NULL OR f.external_type = sqlc.narg('external_type'))
  AND (sqlc.narg('add_way') IS NULL OR f.add_way = sqlc.narg('add_way'))
  AND (sqlc.narg('time_from') IS NULL OR f.createtime >= sqlc.narg('time_from'))
  AND (sqlc.narg('time_to') IS NULL OR f.createtime <= sqlc.narg('time_to'))
  AND (sqlc.narg('userid') IS NULL OR f.userid = sqlc.narg('userid'))
  AND (sqlc.narg('remark') IS NULL OR LOCATE(sqlc.narg('remark'), f.remark_folded) > 0)
  AND (sqlc.narg('customer') IS NULL OR LOCATE(sqlc.narg('customer'), f.name_folded) > 0 OR f.external_userid = sqlc.narg('external_userid'))
  AND (sqlc.narg('member') IS NULL OR f.contact_uid = sqlc.narg('member'))
  AND (sqlc.narg('before_id') IS NULL OR f.id < sqlc.narg('before_id'))
ORDER BY f.id DESC LIMIT ? OFFSET ?;

-- name: CountFollowsOfEmployee :one
-- CountFollowsOfEmployee counts the rows under an employee, and status, type, source, time and member beside it; starts from the covering index of one employee's rows.
SELECT COUNT(*) FROM follows f FORCE INDEX (follows_employee)
WHERE f.crop_id = sqlc.arg('crop_id') AND f.deleted_at IS NULL
  AND (sqlc.narg('status') IS NULL OR f.status = sqlc.narg('status'))
  AND (sqlc.narg('external_type') IS NULL OR f.external_type = sqlc.narg('external_type'))
  AND (sqlc.narg('add_way') IS NULL OR f.add_way = sqlc.narg('add_way'))
  AND (sqlc.narg('time_from') IS NULL OR f.createtime >= sqlc.narg('time_from'))
  AND (sqlc.narg('time_to') IS NULL OR f.createtime <= sqlc.narg('time_to'))
  AND (sqlc.narg('userid') IS NULL OR f.userid = sqlc.narg('userid'))
  AND (sqlc.narg('member') IS NULL OR f.contact_uid = sqlc.narg('member'));

-- name: ListFollowIDsOfEmployee :many
-- ListFollowIDsOfEmployee returns one page of the ids that CountFollowsOfEmployee counts, newest first.
SELECT f.id FROM follows f FORCE INDEX (follows_employee)
WHERE f.crop_id = sqlc.arg('crop_id') AND f.deleted_at IS NULL
  AND (sqlc.narg('status') IS NULL OR f.status = sqlc.narg('status'))
  AND (sqlc.narg('external_type') IS NULL OR f.external_type = sqlc.narg('external_type'))
  AND (sqlc.narg('add_way') IS NULL OR f.add_way = sqlc.narg('add_way'))
  AND (sqlc.narg('time_from') IS NULL OR f.createtime >= sqlc.narg('time_from'))
  AND (sqlc.narg('time_to') IS NULL OR f.createtime <= sqlc.narg('time_to'))
  AND (sqlc.narg('userid') IS NULL OR f.userid = sqlc.narg('userid'))
  AND (sqlc.narg('member') IS NULL OR f.contact_uid = sqlc.narg('member'))
  AND (sqlc.narg('before_id') IS NULL OR f.id < sqlc.narg('before_id'))
ORDER BY f.id DESC LIMIT ? OFFSET ?;

-- name: CountFollowsInTime :one
-- CountFollowsInTime counts the rows under a time range, and status, type, source, employee and member beside it; starts from the covering index of a time range. Without a range it
-- reads that index from end to end, which is a fraction of the rows.
SELECT COUNT(*) FROM follows f FORCE INDEX (follows_time)
WHERE f.crop_id = sqlc.arg('crop_id') AND f.deleted_at IS NULL
  AND (sqlc.narg('status') IS NULL OR f.status = sqlc.narg('status'))
  AND (sqlc.narg('external_type') IS NULL OR f.external_type = sqlc.narg('external_type'))
  AND (sqlc.narg('add_way') IS NULL OR f.add_way = sqlc.narg('add_way'))
  AND (sqlc.narg('time_from') IS NULL OR f.createtime >= sqlc.narg('time_from'))
  AND (sqlc.narg('time_to') IS NULL OR f.createtime <= sqlc.narg('time_to'))
  AND (sqlc.narg('userid') IS NULL OR f.userid = sqlc.narg('userid'))
  AND (sqlc.narg('member') IS NULL OR f.contact_uid = sqlc.narg('member'));

-- name: ListFollowIDsInTime :many
-- ListFollowIDsInTime returns one page of the ids that CountFollowsInTime counts, newest first.
SELECT f.id FROM follows f FORCE INDEX (follows_time)
WHERE f.crop_id = sqlc.arg('crop_id') AND f.deleted_at IS NULL
  AND (sqlc.narg('status') IS NULL OR f.status = sqlc.narg('status'))
  AND (sqlc.narg('external_type') IS NULL OR f.external_type = sqlc.narg('external_type'))
  AND (sqlc.narg('add_way') IS NULL OR f.add_way = sqlc.narg('add_way'))
  AND (sqlc.narg('time_from') IS NULL OR f.createtime >= sqlc.narg('time_from'))
  AND (sqlc.narg('time_to') IS NULL OR f.createtime <= sqlc.narg('time_to'))
  AND (sqlc.narg('userid') IS NULL OR f.userid = sqlc.narg('userid'))
  AND (sqlc.narg('member') IS NULL OR f.contact_uid = sqlc.narg('member'))
  AND (sqlc.narg('before_id') IS NULL OR f.id < sqlc.narg('before_id'))
ORDER BY f.id DESC LIMIT ? OFFSET ?;

-- name: CountFollowsOfMember :one
-- CountFollowsOfMember counts the rows under a member, and any other filter but tags beside it; starts from the contacts of one mall member, then their follows.
SELECT COUNT(*) FROM contacts c FORCE INDEX (contacts_uid)
STRAIGHT_JOIN follows f FORCE INDEX (follows_contact) ON f.crop_id = c.crop_id AND f.external_userid = c.external_userid
WHERE c.crop_id = sqlc.arg('crop_id') AND f.deleted_at IS NULL
  AND (sqlc.narg('status') IS NULL OR f.status = sqlc.narg('status'))
  AND (sqlc.narg('external_type') IS NULL OR f.external_type = sqlc.narg('external_type'))
  AND (sqlc.narg('add_way') IS NULL OR f.add_way = sqlc.narg('add_way'))
  AND (sqlc.narg('time_from') IS NULL OR f.createtime >= sqlc.narg('time_from'))
  AND (sqlc.narg('time_to') IS NULL OR f.createtime <= sqlc.narg('time_to'))
  AND (sqlc.narg('userid') IS NULL OR f.userid = sqlc.narg('userid'))
  AND (sqlc.narg('remark') IS NULL OR LOCATE(sqlc.narg('remark'), f.remark_folded) > 0)
  AND (sqlc.narg('customer') IS NULL OR LOCATE(sqlc.narg('customer'), f.name_folded) > 0 OR f.external_userid = sqlc.narg('external_userid'))
  AND (sqlc.narg('member') IS NULL OR c.uid = sqlc.narg('member'));

-- name: ListFollowIDsOfMember :many
-- ListFollowIDsOfMember returns one page of the ids that CountFollowsOfMember counts, newest first.
SELECT f.id FROM contacts c FORCE INDEX (contacts_uid)
STRAIGHT_JOIN follows f FORCE INDEX (follows_contact) ON f.crop_id = c.crop_id AND f.external_userid = c.external_userid
WHERE c.crop_id = sqlc.arg('crop_id') AND f.deleted_at IS NULL
  AND (sqlc.narg('status') IS NULL OR f.status = sqlc.narg('status'))
  AND (sqlc.narg('external_type') IS NULL OR f.external_type = sqlc.narg('external_type'))
  AND (sqlc.narg('add_way') IS NULL OR f.add_way = sqlc.narg('add_way'))
  AND (sqlc.narg('time_from') IS NULL OR f.createtime >= sqlc.narg('time_from'))
  AND (sqlc.narg('time_to') IS NULL OR f.createtime <= sqlc.narg('time_to'))
  AND (sqlc.narg('userid') IS NULL OR f.userid = sqlc.narg('userid'))
  AND (sqlc.narg('remark') IS NULL OR LOCATE(sqlc.narg('remark'), f.remark_folded) > 0)
  AND (sqlc.narg('customer') IS NULL OR LOCATE(sqlc.narg('customer'), f.name_folded) > 0 OR f.external_userid = sqlc.narg('external_userid'))
  AND (sqlc.narg('member') IS NULL OR c.uid = sqlc.narg('member'))
  AND (sqlc.narg('before_id') IS NULL OR f.id < sqlc.narg('before_id'))
ORDER BY f.id DESC LIMIT ? OFFSET ?;

-- name: CountFollowsTagged :one
-- CountFollowsTagged counts the rows under one tag or several, and any other filter beside it; a follow counts once; starts from the tag links, then their follows.
SELECT COUNT(DISTINCT t.follow_id) FROM follow_tags t FORCE INDEX (PRIMARY)
STRAIGHT_JOIN follows f FORCE INDEX (PRIMARY) ON f.crop_id = t.crop_id AND f.id = t.follow_id
WHERE t.crop_id = sqlc.arg('crop_id') AND f.deleted_at IS NULL
  AND (sqlc.narg('status') IS NULL OR f.status = sqlc.narg('status'))
  AND (sqlc.narg('external_type') IS NULL OR f.external_type = sqlc.narg('external_type'))
  AND (sqlc.narg('add_way') IS NULL OR f.add_way = sqlc.narg('add_way'))
  AND (sqlc.narg('time_from') IS NULL OR f.createtime >= sqlc.narg('time_from'))
  AND (sqlc.narg('time_to') IS NULL OR f.createtime <= sqlc.narg('time_to'))
  AND (sqlc.narg('userid') IS NULL OR f.userid = sqlc.narg('userid'))
  AND (sqlc.narg('remark') IS NULL OR LOCATE(sqlc.narg('remark'), f.remark_folded) > 0)
  AND (sqlc.narg('customer') IS NULL OR LOCATE(sqlc.narg('customer'), f.name_folded) > 0 OR f.external_userid = sqlc.narg('external_userid'))
  AND (sqlc.narg('member') IS NULL OR f.contact_uid = sqlc.narg('member'))
  AND t.tag_id IN (sqlc.slice('tag_ids'));

-- name: ListFollowIDsTagged :many
-- ListFollowIDsTagged returns one page of the ids that CountFollowsTagged counts, newest first.
SELECT DISTINCT t.follow_id FROM follow_tags t FORCE INDEX (PRIMARY)
STRAIGHT_JOIN follows f FORCE INDEX (PRIMARY) ON f.crop_id = t.crop_id AND f.id = t.follow_id
WHERE t.crop_id = sqlc.arg('crop_id') AND f.deleted_at IS NULL
  AND (sqlc.narg('status') IS NULL OR f.status = sqlc.narg('status'))
  AND (sqlc.narg('external_type') IS NULL OR f.external_type = sqlc.narg('external_type'))
  AND (sqlc.narg('add_way') IS NULL OR f.add_way = sqlc.narg('add_way'))
  AND (sqlc.narg('time_from') IS NULL OR f.createtime >= sqlc.narg('time_from'))
  AND (sqlc.narg('time_to') IS NULL OR f.createtime <= sqlc.narg('time_to'))
  AND (sqlc.narg('userid') IS NULL OR f.userid = sqlc.narg('userid'))
  AND (sqlc.narg('remark') IS NULL OR LOCATE(sqlc.narg('remark'), f.remark_folded) > 0)
  AND (sqlc.narg('customer') IS NULL OR LOCATE(sqlc.narg('customer'), f.name_folded) > 0 OR f.external_userid = sqlc.narg('external_userid'))
  AND (sqlc.narg('member') IS NULL OR f.contact_uid = sqlc.narg('member'))
  AND t.tag_id IN (sqlc.slice('tag_ids'))
  AND (sqlc.narg('before_id') IS NULL OR f.id < sqlc.narg('before_id'))
ORDER BY t.follow_id DESC LIMIT ? OFFSET ?;

-- name: CountFollowsMatching :one
-- CountFollowsMatching counts the rows under a text, and any other filter but tags beside it; starts from the grams of the text (equal bounds; one letter: a range), then their follows.
SELECT COUNT(DISTINCT g.follow_id) FROM follow_grams g FORCE INDEX (PRIMARY)
STRAIGHT_JOIN follows f FORCE INDEX (PRIMARY) ON f.crop_id = g.crop_id AND f.id = g.follow_id
WHERE g.crop_id = sqlc.arg('crop_id') AND f.deleted_at IS NULL
  AND (sqlc.narg('status') IS NULL OR f.status = sqlc.narg('status'))
  AND (sqlc.narg('external_type') IS NULL OR f.external_type = sqlc.narg('external_type'))
  AND (sqlc.narg('add_way') IS NULL OR f.add_way = sqlc.narg('add_way'))
  AND (sqlc.narg('time_from') IS NULL OR f.createtime >= sqlc.narg('time_from'))
  AND (sqlc.narg('time_to') IS NULL OR f.createtime <= sqlc.narg('time_to'))
  AND (sqlc.narg('userid') IS NULL OR f.userid = sqlc.narg('userid'))
  AND (sqlc.narg('remark') IS NULL OR LOCATE(sqlc.narg('remark'), f.remark_folded) > 0)
  AND (sqlc.narg('customer') IS NULL OR LOCATE(sqlc.narg('customer'), f.name_folded) > 0 OR f.external_userid = sqlc.narg('external_userid'))
  AND (sqlc.narg('member') IS NULL OR f.contact_uid = sqlc.narg('member'))
  AND g.gram >= sqlc.arg('gram') AND g.gram <= sqlc.arg('gram_to') AND g.fields & sqlc.arg('fields') <> 0
  AND (sqlc.narg('second') IS NULL OR EXISTS (
    SELECT 1 FROM follow_grams h FORCE INDEX (PRIMARY) WHERE h.crop_id = g.crop_id AND h.gram = sqlc.narg('second') AND h.follow_id = g.follow_id));

-- name: ListFollowIDsMatching :many
-- ListFollowIDsMatching returns one page of the ids that CountFollowsMatching counts, newest first.
SELECT DISTINCT g.follow_id FROM follow_grams g FORCE INDEX (PRIMARY)
STRAIGHT_JOIN follows f FORCE INDEX (PRIMARY) ON f.crop_id = g.crop_id AND f.id = g.follow_id
WHERE g.crop_id = sqlc.arg('crop_id') AND f.deleted_at IS NULL
  AND (sqlc.narg('status') IS NULL OR f.status = sqlc.narg('status'))
  AND (sqlc.narg('external_type') IS NULL OR f.external_type = sqlc.narg('external_type'))
  AND (sqlc.narg('add_way') IS NULL OR f.add_way = sqlc.narg('add_way'))
  AND (sqlc.narg('time_from') IS NULL OR f.createtime >= sqlc.narg('time_from'))
  AND (sqlc.narg('time_to') IS NULL OR f.createtime <= sqlc.narg('time_to'))
  AND (sqlc.narg('userid') IS NULL OR f.userid = sqlc.narg('userid'))
  AND (sqlc.narg('remark') IS NULL OR LOCATE(sqlc.narg('remark'), f.remark_folded) > 0)
  AND (sqlc.narg('customer') IS NULL OR LOCATE(sqlc.narg('customer'), f.name_folded) > 0 OR f.external_userid = sqlc.narg('external_userid'))
  AND (sqlc.narg('member') IS NULL OR f.contact_uid = sqlc.narg('member'))
  AND g.gram >= sqlc.arg('gram') AND g.gram <= sqlc.arg('gram_to') AND g.fields & sqlc.arg('fields') <> 0
  AND (sqlc.narg('second') IS NULL OR EXISTS (
    SELECT 1 FROM follow_grams h FORCE INDEX (PRIMARY) WHERE h.crop_id = g.crop_id AND h.gram = sqlc.narg('second') AND h.follow_id = g.follow_id))
  AND (sqlc.narg('before_id') IS NULL OR f.id < sqlc.narg('before_id'))
ORDER BY g.follow_id DESC LIMIT ? OFFSET ?;

-- name: ListFollowIDsOfGram :many
-- ListFollowIDsOfGram is ListFollowIDsMatching for one gram, whose rows are in the order of ids: it reads no further than the page.
SELECT g.follow_id FROM follow_grams g FORCE INDEX (PRIMARY)
STRAIGHT_JOIN follows f FORCE INDEX (PRIMARY) ON f.crop_id = g.crop_id AND f.id = g.follow_id
WHERE g.crop_id = sqlc.arg('crop_id') AND f.deleted_at IS NULL
  AND (sqlc.narg('status') IS NULL OR f.status = sqlc.narg('status'))
  AND (sqlc.narg('external_type') IS NULL OR f.external_type = sqlc.narg('external_type'))
  AND (sqlc.narg('add_way') IS NULL OR f.add_way = sqlc.narg('add_way'))
  AND (sqlc.narg('time_from') IS NULL OR f.createtime >= sqlc.narg('time_from'))
  AND (sqlc.narg('time_to') IS NULL OR f.createtime <= sqlc.narg('time_to'))
  AND (sqlc.narg('userid') IS NULL OR f.userid = sqlc.narg('userid'))
  AND (sqlc.narg('remark') IS NULL OR LOCATE(sqlc.narg('remark'), f.remark_folded) > 0)
  AND (sqlc.narg('customer') IS NULL OR LOCATE(sqlc.narg('customer'), f.name_folded) > 0 OR f.external_userid = sqlc.narg('external_userid'))
  AND (sqlc.narg('member') IS NULL OR f.contact_uid = sqlc.narg('member'))
  AND g.gram = sqlc.arg('gram') AND g.fields & sqlc.arg('fields') <> 0
  AND (sqlc.narg('second') IS NULL OR EXISTS (
    SELECT 1 FROM follow_grams h FORCE INDEX (PRIMARY) WHERE h.crop_id = g.crop_id AND h.gram = sqlc.narg('second') AND h.follow_id = g.follow_id))
  AND (sqlc.narg('before_id') IS NULL OR f.id < sqlc.narg('before_id'))
ORDER BY g.follow_id DESC LIMIT ? OFFSET ?;

-- name: ListFollowIDsOfContact :many
-- ListFollowIDsOfContact returns the ids of the rows whose contact has this very external_userid, under any other filter but tags, newest first.
SELECT f.id FROM follows f FORCE INDEX (follows_contact)
WHERE f.crop_id = sqlc.arg('crop_id') AND f.deleted_at IS NULL
  AND (sqlc.narg('status') IS NULL OR f.status = sqlc.narg('status'))
  AND (sqlc.narg('external_type') IS NULL OR f.external_type = sqlc.narg('external_type'))
  AND (sqlc.narg('add_way') IS NULL OR f.add_way = sqlc.narg('add_way'))
  AND (sqlc.narg('time_from') IS NULL OR f.createtime >= sqlc.narg('time_from'))
  AND (sqlc.narg('time_to') IS NULL OR f.createtime <= sqlc.narg('time_to'))
  AND (sqlc.narg('userid') IS NULL OR f.userid = sqlc.narg('userid'))
  AND (sqlc.narg('remark') IS NULL OR LOCATE(sqlc.narg('remark'), f.remark_folded) > 0)
  AND (sqlc.narg('customer') IS NULL OR LOCATE(sqlc.narg('customer'), f.name_folded) > 0 OR f.external_userid = sqlc.narg('external_userid'))
  AND (sqlc.narg('member') IS NULL OR f.contact_uid = sqlc.narg('member'))
  AND f.external_userid = sqlc.narg('external_userid')
  AND (sqlc.narg('before_id') IS NULL OR f.id < sqlc.narg('before_id'))
ORDER BY f.id DESC LIMIT ? OFFSET ?;

-- name: GetFollows :many
-- GetFollows returns these rows with their contacts, newest first. An id of another enterprise finds nothing.
SELECT sqlc.embed(f), sqlc.embed(c)
FROM follows f FORCE INDEX (PRIMARY)
STRAIGHT_JOIN contacts c FORCE INDEX (PRIMARY) ON c.crop_id = f.crop_id AND c.external_userid = f.external_userid
WHERE f.crop_id = sqlc.arg('crop_id') AND f.id IN (sqlc.slice('ids'))
ORDER BY f.id DESC;
