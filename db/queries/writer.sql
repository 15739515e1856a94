-- What internal/writer reads before it writes. Its statements over many rows are built in its own statements.go, which sqlc cannot express.

-- name: LockBusinesses :many
-- LockBusinesses returns these enterprises and makes every other writer to one of them wait until this transaction ends; in the order of ids, so that two writers
-- to several never wait for each other.
SELECT id, uniacid FROM businesses FORCE INDEX (PRIMARY)
WHERE id IN (sqlc.slice('ids'))
ORDER BY id
FOR UPDATE;

-- name: GetContactsToFollow :many
-- GetContactsToFollow returns what a follow takes over from its contact.
SELECT external_userid, external_type, name, uid FROM contacts FORCE INDEX (PRIMARY)
WHERE crop_id = sqlc.arg('crop_id') AND external_userid IN (sqlc.slice('external_userids'));
