-- What follow_sets has taken the place of. A program of before this version can no longer read the
-- list; until here it could, while 00004 filled in what is derived.

-- +goose Up
DROP TABLE IF EXISTS follow_grams;
DROP TABLE IF EXISTS follow_tags;
DROP TABLE IF EXISTS follow_counts;
DROP TABLE IF EXISTS follow_blocks;
ALTER TABLE follows
  DROP KEY follows_employee,
  DROP KEY follows_time,
  DROP KEY follows_mix;

-- +goose Down
-- Empty: the reindex of the program of before fills them.
CREATE TABLE follow_tags (
  crop_id   INT UNSIGNED NOT NULL COMMENT 'the enterprise',
  tag_id    VARCHAR(100) NOT NULL COMMENT 'a tag id of the follow''s tag_id; need not be in tags',
  follow_id BIGINT UNSIGNED NOT NULL COMMENT 'the follow; only those that are not deleted',
  PRIMARY KEY (crop_id, tag_id, follow_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='derived: the tags of each live follow';
CREATE TABLE follow_counts (
  crop_id       INT UNSIGNED NOT NULL COMMENT 'the enterprise',
  status        INT NOT NULL COMMENT 'follows.status',
  external_type INT NOT NULL COMMENT 'follows.external_type',
  add_way       INT UNSIGNED NOT NULL COMMENT 'follows.add_way',
  n             BIGINT NOT NULL COMMENT 'live follows with these three',
  PRIMARY KEY (crop_id, status, external_type, add_way)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='derived: the exact total of any mix of status, type and source';
CREATE TABLE follow_blocks (
  crop_id INT UNSIGNED NOT NULL COMMENT 'the enterprise',
  block   BIGINT UNSIGNED NOT NULL COMMENT 'follows.id >> 12',
  n       BIGINT NOT NULL COMMENT 'live follows with ids in this block of 4096',
  PRIMARY KEY (crop_id, block)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='derived: where a deep page begins';
CREATE TABLE follow_grams (
  crop_id   INT UNSIGNED NOT NULL COMMENT 'the enterprise',
  gram      BIGINT UNSIGNED NOT NULL COMMENT 'two or three neighbouring code points of a folded text, 21 bits each, the first one highest; the last one << 21',
  follow_id BIGINT UNSIGNED NOT NULL COMMENT 'the follow',
  fields    TINYINT UNSIGNED NOT NULL COMMENT 'where it stands: 1 name_folded, 2 remark_folded, 3 both',
  PRIMARY KEY (crop_id, gram, follow_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='derived: the index of text search';
ALTER TABLE follows
  ADD KEY follows_employee (crop_id, deleted_at, userid, id, status, external_type, add_way, createtime, contact_uid) COMMENT 'covers an employee''s list',
  ADD KEY follows_time (crop_id, deleted_at, createtime, id, status, external_type, add_way, userid, contact_uid) COMMENT 'covers the list of a time range',
  ADD KEY follows_mix (crop_id, deleted_at, status, external_type, add_way, id) COMMENT 'the newest of any mix of status, type and source';
