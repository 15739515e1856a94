-- What copy knows of the rows that it has brought over (internal/original): so that it goes on where
-- it was, writes no more than what changed, and sees what has vanished.

-- +goose Up
CREATE TABLE copied_ranges (
  source VARBINARY(300) NOT NULL COMMENT 'where the rows come from: address, database and prefix, or the URL of getList',
  kind   VARCHAR(10) CHARACTER SET ascii COLLATE ascii_bin NOT NULL COMMENT 'the kind of record: follow, customer and so on',
  first  BIGINT UNSIGNED NOT NULL COMMENT 'the first id of the range, a multiple of 1024',
  ids    MEDIUMBLOB NOT NULL COMMENT 'a bit for each id that the source had, from first on; of managers their keys',
  hash   VARBINARY(32) NOT NULL COMMENT 'SHA-256 of the records as they were written last; empty while they are not',
  PRIMARY KEY (source, kind, first)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='what was copied from an installation of the original';

-- +goose Down
DROP TABLE copied_ranges;
