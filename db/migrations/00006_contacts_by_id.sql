-- Contacts lie in the order of their ids, as follows do, which carry them: the pages of the table are
-- filled one after another, and the other keys end in an id of 8 bytes rather than an
-- external_userid of 32.

-- +goose Up
ALTER TABLE contacts ADD UNIQUE KEY contacts_external (crop_id, external_userid);
ALTER TABLE contacts
  DROP PRIMARY KEY,
  ADD PRIMARY KEY (crop_id, id);

-- +goose Down
ALTER TABLE contacts
  DROP PRIMARY KEY,
  ADD PRIMARY KEY (crop_id, external_userid);
