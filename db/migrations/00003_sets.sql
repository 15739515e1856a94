-- Every value of every filter as a set of follow ids (internal/index), and what the plain queries and
-- those sets read of a follow beside its own columns. What is derived is filled by 00004, in Go.

-- +goose Up
ALTER TABLE follows
  ADD COLUMN gender       INT NOT NULL DEFAULT 0 COMMENT 'derived: the contact''s gender',
  ADD COLUMN contact_id   BIGINT UNSIGNED NOT NULL DEFAULT 0 COMMENT 'derived: the contact''s id',
  ADD COLUMN notes_folded MEDIUMTEXT NOT NULL COMMENT 'derived: description, remark_corp_name and the contact''s corp_name and corp_full_name, folded for search, each behind a NUL',
  ADD COLUMN pinyin       MEDIUMTEXT CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'derived: the readings in pinyin of the characters of name and of remark (internal/pinyin)',
  ADD COLUMN mobiles      TEXT NOT NULL COMMENT 'derived: the digits of each of remark_mobiles, comma-separated',
  ADD COLUMN tags         MEDIUMTEXT NOT NULL COMMENT 'derived: the ids of tag_id as a JSON array; where there are any, * comes first',
  ADD KEY follows_createtime (crop_id, createtime) COMMENT 'the order by createtime, and the days that a time range begins and ends in';

ALTER TABLE contacts
  ADD KEY contacts_unionid (crop_id, unionid) COMMENT 'search[keyword] by unionid';

-- By this key 00004 finds contacts; 00006 makes it where this file was run before it had it.
ALTER TABLE contacts ADD UNIQUE KEY contacts_external (crop_id, external_userid);

CREATE TABLE follow_sets (
  crop_id INT UNSIGNED NOT NULL COMMENT 'the enterprise',
  name    VARBINARY(401) NOT NULL COMMENT 'which value of which filter: a letter for the kind, then the value (internal/filter), at most a tag id of 100 characters',
  part    BIGINT UNSIGNED NOT NULL COMMENT '0: all ids of a small set, empty where the set is in parts; n + 1: the ids with id >> 16 = n',
  ids     MEDIUMBLOB NOT NULL COMMENT 'the ids of the live follows that have the value, compressed',
  PRIMARY KEY (crop_id, name, part)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='derived: the index of the list, a set of follow ids for each value of each filter';

CREATE TABLE follow_changes (
  crop_id   INT UNSIGNED NOT NULL COMMENT 'the enterprise',
  follow_id BIGINT UNSIGNED NOT NULL COMMENT 'a follow that was changed while the enterprise''s index was being filled',
  PRIMARY KEY (crop_id, follow_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='derived: what the filling of an index has still to look at';

ALTER TABLE versions
  ADD COLUMN indexed INT NOT NULL DEFAULT 0 COMMENT 'the format of the enterprise''s complete index in follow_sets; negative: being filled; 0: none';

-- +goose Down
ALTER TABLE versions DROP COLUMN indexed;
DROP TABLE follow_changes;
DROP TABLE follow_sets;
ALTER TABLE contacts DROP KEY contacts_external;
ALTER TABLE contacts DROP KEY contacts_unionid;
ALTER TABLE follows
  DROP KEY follows_createtime,
  DROP COLUMN tags,
  DROP COLUMN mobiles,
  DROP COLUMN pinyin,
  DROP COLUMN notes_folded,
  DROP COLUMN contact_id,
  DROP COLUMN gender;
