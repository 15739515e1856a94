-- name: ListEmployees :many
-- ListEmployees returns the userid and name of the enterprise's employees that are not deleted, by id; served by employees_list alone.
SELECT user_id, name FROM employees FORCE INDEX (employees_list)
WHERE business_id = ? AND deleted_at IS NULL
ORDER BY id;

-- name: GetEmployees :many
-- GetEmployees returns the live employees with these userids.
SELECT * FROM employees FORCE INDEX (employees_userid)
WHERE business_id = sqlc.arg('business_id') AND user_id IN (sqlc.slice('user_ids')) AND deleted_at IS NULL;

-- name: ListEmployeeNames :many
-- ListEmployeeNames returns the userid and name of all of the enterprise's employees, deleted ones too.
SELECT user_id, name, deleted_at FROM employees FORCE INDEX (employees_list)
WHERE business_id = ?;
