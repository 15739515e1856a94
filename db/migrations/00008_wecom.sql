-- What is kept of filling the tables from WeCom (internal/wecom) beside the rows themselves: how far
-- each enterprise's sync is, and the events that WeCom has told. Times are unix seconds, or where it
-- is said milliseconds, of the database's clock.

-- +goose Up
CREATE TABLE wecom_syncs (
  crop_id      INT UNSIGNED NOT NULL COMMENT 'the enterprise',
  holder       VARCHAR(100) NOT NULL DEFAULT '' COMMENT 'the process that works on the enterprise, or has last',
  held_until   BIGINT NOT NULL DEFAULT 0 COMMENT 'until when no other may, in milliseconds',
  due_at       BIGINT NOT NULL DEFAULT 0 COMMENT 'when the next sync is to begin, or to go on',
  started_at   BIGINT NOT NULL DEFAULT 0 COMMENT 'when the last sync began; 0 for never',
  finished_at  BIGINT NOT NULL DEFAULT 0 COMMENT 'when it was complete; 0 while it is not',
  succeeded_at BIGINT NOT NULL DEFAULT 0 COMMENT 'when the last complete one was; 0 for never',
  failures     INT NOT NULL DEFAULT 0 COMMENT 'how often in a row it was not complete',
  members      INT NOT NULL DEFAULT 0 COMMENT 'whose customers the last sync reads',
  read_rows    BIGINT NOT NULL DEFAULT 0 COMMENT 'customers of members that it has read',
  new_rows     BIGINT NOT NULL DEFAULT 0 COMMENT 'rows that it has made',
  changed_rows BIGINT NOT NULL DEFAULT 0 COMMENT 'and changed',
  lost_rows    BIGINT NOT NULL DEFAULT 0 COMMENT 'and marked as lost',
  refused_rows BIGINT NOT NULL DEFAULT 0 COMMENT 'records of WeCom that the tables do not take',
  error        VARCHAR(1000) NOT NULL DEFAULT '' COMMENT 'why it is not complete, and what to do',
  warning      VARCHAR(1000) NOT NULL DEFAULT '' COMMENT 'what it goes without',
  PRIMARY KEY (crop_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='how far the sync of each enterprise from WeCom is';

CREATE TABLE wecom_members (
  crop_id INT UNSIGNED NOT NULL COMMENT 'the enterprise',
  userid  VARCHAR(100) CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL COMMENT 'a member that may have customers',
  run_at  BIGINT NOT NULL DEFAULT 0 COMMENT 'wecom_syncs.started_at of the last sync that is done with the member',
  problem VARCHAR(255) NOT NULL DEFAULT '' COMMENT 'why its customers were not read; nothing of them was changed',
  PRIMARY KEY (crop_id, userid)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='which members a sync is done with';

CREATE TABLE wecom_inbox (
  id              BIGINT UNSIGNED NOT NULL AUTO_INCREMENT COMMENT 'the order in which the events came',
  crop_id         INT UNSIGNED NOT NULL COMMENT 'the enterprise',
  received_at     BIGINT NOT NULL COMMENT 'when it came, in milliseconds',
  event           VARCHAR(100) NOT NULL COMMENT 'Event',
  change_type     VARCHAR(100) NOT NULL COMMENT 'ChangeType',
  created         BIGINT NOT NULL COMMENT 'CreateTime: when it happened',
  userid          VARCHAR(100) NOT NULL COMMENT 'UserID in small letters',
  external_userid VARCHAR(100) NOT NULL COMMENT 'ExternalUserID',
  message         MEDIUMTEXT NOT NULL COMMENT 'the whole event, XML',
  state           TINYINT NOT NULL DEFAULT 0 COMMENT '0 waiting, 1 done, 2 failed, 3 of no concern',
  attempts        INT NOT NULL DEFAULT 0 COMMENT 'how often it has failed',
  due_at          BIGINT NOT NULL COMMENT 'when it is to be worked off or, worked off, may be forgotten, in milliseconds',
  error           VARCHAR(1000) NOT NULL DEFAULT '' COMMENT 'why it failed the last time',
  PRIMARY KEY (crop_id, id),
  KEY wecom_inbox_id (id) COMMENT 'for AUTO_INCREMENT',
  KEY wecom_inbox_due (crop_id, state, due_at) COMMENT 'what is to be worked off, what has failed, what may be forgotten',
  KEY wecom_inbox_pair (crop_id, external_userid, userid) COMMENT 'what has happened to a pair'
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='the events that WeCom has told: stored before they are acknowledged';

-- +goose Down
DROP TABLE wecom_inbox;
DROP TABLE wecom_members;
DROP TABLE wecom_syncs;
