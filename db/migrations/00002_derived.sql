-- What is derived from the base rows so that a million of them are read as fast as a hundred. internal/writer keeps all of it in the transaction that changes the
-- base rows; it is never edited by hand. Only live follows (deleted_at IS NULL) are in it.

-- +goose Up
CREATE TABLE versions (
  crop_id      INT UNSIGNED NOT NULL COMMENT 'the enterprise',
  rows_version BIGINT UNSIGNED NOT NULL DEFAULT 0 COMMENT 'grows with every change of a follow or contact: the microsecond of the last one, or one more than before',
  dict_version BIGINT UNSIGNED NOT NULL DEFAULT 0 COMMENT 'grows with every change of a tag or employee, as rows_version',
  PRIMARY KEY (crop_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='derived: what is remembered of an enterprise holds as long as its versions stay';

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
  ADD KEY follows_mix (crop_id, deleted_at, status, external_type, add_way, id) COMMENT 'the newest of any mix of status, type and source';

-- +goose Down
ALTER TABLE follows DROP KEY follows_mix;
DROP TABLE follow_grams;
DROP TABLE follow_blocks;
DROP TABLE follow_counts;
DROP TABLE versions;
