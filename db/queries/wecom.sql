-- What internal/wecom keeps: who works on an enterprise, how far its sync is, and the events of WeCom.
-- The rows themselves are internal/writer's.

-- name: AddWecomSync :exec
-- AddWecomSync makes the enterprise's row, where it has none.
INSERT INTO wecom_syncs (crop_id) VALUES (?) ON DUPLICATE KEY UPDATE crop_id = crop_id;

-- name: TakeLease :execrows
-- TakeLease gives the enterprise to a holder for so many milliseconds, where it is nobody else's, and
-- keeps it the holder's where it is; the number of rows is 0 where another one has it.
UPDATE wecom_syncs SET holder = sqlc.arg('holder'),
  held_until = CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) + CAST(sqlc.arg('milliseconds') AS SIGNED)
WHERE crop_id = sqlc.arg('crop_id') AND (holder = sqlc.arg('holder') OR held_until < CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED));

-- name: EndLease :exec
-- EndLease gives the enterprise back.
UPDATE wecom_syncs SET held_until = 0 WHERE crop_id = sqlc.arg('crop_id') AND holder = sqlc.arg('holder');

-- name: GetWecomSync :one
-- GetWecomSync returns how far the enterprise's sync is, the database's clock, and for how many more
-- milliseconds somebody works on it.
SELECT sqlc.embed(s), CAST(UNIX_TIMESTAMP() AS SIGNED) AS now,
  CAST(GREATEST(s.held_until - CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED), 0) AS SIGNED) AS held FROM wecom_syncs s
WHERE s.crop_id = ?;

-- name: BeginWecomSync :exec
-- BeginWecomSync notes that a sync begins.
UPDATE wecom_syncs SET started_at = sqlc.arg('started_at'), finished_at = 0, members = 0, read_rows = 0, new_rows = 0, changed_rows = 0, lost_rows = 0,
  refused_rows = 0, error = '', warning = ''
WHERE crop_id = sqlc.arg('crop_id');

-- name: AddToWecomSync :exec
-- AddToWecomSync adds to what the sync has done.
UPDATE wecom_syncs SET read_rows = read_rows + sqlc.arg('read_rows'), new_rows = new_rows + sqlc.arg('new_rows'),
  changed_rows = changed_rows + sqlc.arg('changed_rows'), lost_rows = lost_rows + sqlc.arg('lost_rows'), refused_rows = refused_rows + sqlc.arg('refused_rows')
WHERE crop_id = sqlc.arg('crop_id');

-- name: SetWecomMembers :exec
-- SetWecomMembers notes whose customers the sync reads, and what it goes without.
UPDATE wecom_syncs SET members = ?, warning = ? WHERE crop_id = ?;

-- name: EndWecomSync :exec
-- EndWecomSync notes that the sync is complete.
UPDATE wecom_syncs SET finished_at = UNIX_TIMESTAMP(), succeeded_at = UNIX_TIMESTAMP(), due_at = sqlc.arg('due_at'), failures = 0, error = ''
WHERE crop_id = sqlc.arg('crop_id');

-- name: FailWecomSync :exec
-- FailWecomSync notes that the sync is not complete, why, and when it is to go on.
UPDATE wecom_syncs SET failures = failures + 1, error = sqlc.arg('error'), due_at = UNIX_TIMESTAMP() + CAST(sqlc.arg('seconds') AS SIGNED)
WHERE crop_id = sqlc.arg('crop_id');

-- name: ListWecomMembers :many
-- ListWecomMembers returns the members that syncs have read.
SELECT userid, run_at, problem FROM wecom_members WHERE crop_id = ? ORDER BY userid;

-- name: SetWecomMember :exec
-- SetWecomMember notes that a sync is done with a member.
INSERT INTO wecom_members (crop_id, userid, run_at, problem) VALUES (?, ?, ?, ?)
ON DUPLICATE KEY UPDATE run_at = VALUES(run_at), problem = VALUES(problem);

-- name: ListWecomProblems :many
-- ListWecomProblems returns the members whose customers were not read, and why.
SELECT userid, problem FROM wecom_members WHERE crop_id = ? AND problem <> '' ORDER BY userid;

-- name: CountWecomMembers :one
-- CountWecomMembers returns how many members the sync that began then is done with.
SELECT COUNT(*) FROM wecom_members WHERE crop_id = ? AND run_at = ?;

-- name: ListCurrentPairs :many
-- ListCurrentPairs returns the next follows after an id, by id, that are live and not lost.
SELECT f.id, f.userid FROM follows f FORCE INDEX (PRIMARY)
WHERE f.crop_id = sqlc.arg('crop_id') AND f.id > sqlc.arg('after') AND f.deleted_at IS NULL AND f.status = 1
ORDER BY f.id LIMIT ?;

-- name: GetCurrentPairs :many
-- GetCurrentPairs returns those of these follows that are live and not lost.
SELECT f.id, f.userid, f.external_userid FROM follows f FORCE INDEX (PRIMARY)
WHERE f.crop_id = sqlc.arg('crop_id') AND f.id IN (sqlc.slice('ids')) AND f.deleted_at IS NULL AND f.status = 1;

-- name: HasBusiness :one
-- HasBusiness says whether the enterprise is known, and not deleted.
SELECT EXISTS (SELECT 1 FROM businesses b WHERE b.id = ? AND b.deleted_at IS NULL);

-- name: HasPair :one
-- HasPair says whether there is a row of this member and contact.
SELECT EXISTS (SELECT 1 FROM follows f FORCE INDEX (follows_contact)
WHERE f.crop_id = ? AND f.external_userid = ? AND f.userid = ?);

-- name: AddEvent :exec
-- AddEvent stores an event of WeCom; one that is of no concern has the time at which it may be forgotten.
INSERT INTO wecom_inbox (crop_id, received_at, event, change_type, created, userid, external_userid, message, state, due_at)
VALUES (sqlc.arg('crop_id'), CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED), sqlc.arg('event'), sqlc.arg('change_type'), sqlc.arg('created'), sqlc.arg('userid'),
  sqlc.arg('external_userid'), sqlc.arg('message'), sqlc.arg('state'), sqlc.arg('due_at'));

-- name: ListDueEvents :many
-- ListDueEvents returns the next events to work off: new ones in the order in which they came, then
-- those that have failed.
SELECT i.id, i.event, i.change_type, i.created, i.userid, i.external_userid, i.message, i.attempts FROM wecom_inbox i FORCE INDEX (wecom_inbox_due)
WHERE i.crop_id = sqlc.arg('crop_id') AND i.state = 0 AND i.due_at <= CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED)
ORDER BY i.due_at, i.id LIMIT ?;

-- name: HasDueEvents :one
-- HasDueEvents says whether there are events to work off.
SELECT EXISTS (SELECT 1 FROM wecom_inbox i FORCE INDEX (wecom_inbox_due)
WHERE i.crop_id = ? AND i.state = 0 AND i.due_at <= CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED));

-- name: LastEventOfPair :one
-- LastEventOfPair returns what happened to a pair last, of these changes and as far as it is known.
SELECT i.id, i.change_type, i.created, i.received_at FROM wecom_inbox i FORCE INDEX (wecom_inbox_pair)
WHERE i.crop_id = sqlc.arg('crop_id') AND i.external_userid = sqlc.arg('external_userid') AND i.userid = sqlc.arg('userid')
  AND i.change_type IN (sqlc.slice('changes'))
ORDER BY i.created DESC, i.id DESC LIMIT 1;

-- name: EndEvents :exec
-- EndEvents notes that these events are worked off, and when they may be forgotten.
UPDATE wecom_inbox SET state = 1, error = '', due_at = sqlc.arg('due_at') WHERE crop_id = sqlc.arg('crop_id') AND id IN (sqlc.slice('ids'));

-- name: PutOffEvents :exec
-- PutOffEvents notes that these events have failed, and when they are to be tried again; those that
-- have failed often enough are left at that.
UPDATE wecom_inbox SET attempts = attempts + 1, error = sqlc.arg('error'), state = IF(attempts >= CAST(sqlc.arg('most') AS SIGNED), 2, 0),
  due_at = CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) + CAST(sqlc.arg('milliseconds') AS SIGNED)
WHERE crop_id = sqlc.arg('crop_id') AND id IN (sqlc.slice('ids'));

-- name: RetryEvents :execrows
-- RetryEvents makes the enterprise's failed events wait again.
UPDATE wecom_inbox FORCE INDEX (wecom_inbox_due) SET state = 0, attempts = 0, due_at = 0 WHERE crop_id = ? AND state IN (0, 2) AND attempts > 0;

-- name: CountEvents :many
-- CountEvents returns how many events there are in each state.
SELECT i.state, COUNT(*) AS events FROM wecom_inbox i FORCE INDEX (wecom_inbox_due)
WHERE i.crop_id = ? GROUP BY i.state ORDER BY i.state;

-- name: CountOpenEvents :many
-- CountOpenEvents returns how many events wait, and how many are left failed.
SELECT i.state, COUNT(*) AS events FROM wecom_inbox i FORCE INDEX (wecom_inbox_due)
WHERE i.crop_id = ? AND i.state IN (0, 2) GROUP BY i.state ORDER BY i.state;

-- name: OldestWaiting :one
-- OldestWaiting returns for how many milliseconds the first of the events that wait has done so.
SELECT CAST(CAST(UNIX_TIMESTAMP(NOW(3)) * 1000 AS SIGNED) - i.received_at AS SIGNED) AS age FROM wecom_inbox i FORCE INDEX (wecom_inbox_due)
WHERE i.crop_id = ? AND i.state = 0 ORDER BY i.due_at, i.id LIMIT 1;

-- name: ListFailedEvents :many
-- ListFailedEvents returns those events that are left failed and did so last.
SELECT i.id, i.change_type, i.userid, i.external_userid, i.error FROM wecom_inbox i FORCE INDEX (wecom_inbox_due)
WHERE i.crop_id = ? AND i.state = 2 ORDER BY i.due_at DESC, i.id DESC LIMIT ?;

-- name: ListOldEvents :many
-- ListOldEvents returns the next events that may be forgotten at a time in milliseconds: they were worked
-- off, or are of no concern, and no event of their pair is left, which they may come after.
SELECT i.id FROM wecom_inbox i FORCE INDEX (wecom_inbox_due)
WHERE i.crop_id = sqlc.arg('crop_id') AND i.state = sqlc.arg('state') AND i.due_at < sqlc.arg('before') AND (i.external_userid = '' OR NOT EXISTS (
  SELECT 1 FROM wecom_inbox o FORCE INDEX (wecom_inbox_pair)
  WHERE o.crop_id = i.crop_id AND o.external_userid = i.external_userid AND o.userid = i.userid AND o.state IN (0, 2)))
ORDER BY i.due_at, i.id LIMIT ?;

-- name: ForgetEvents :exec
-- ForgetEvents deletes these events.
DELETE FROM wecom_inbox WHERE crop_id = sqlc.arg('crop_id') AND id IN (sqlc.slice('ids'));
