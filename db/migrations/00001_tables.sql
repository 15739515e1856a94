-- The tables. One dialect for MariaDB 10.11 and later and MySQL 8.0 and later.
-- Every key of a customer table is led by the enterprise, so that a read of one enterprise never walks over another's rows.
-- Times named *_at are wall-clock times of China (UTC+8), as the contract prints them; all others are unix seconds.
-- Text that search folds is kept twice: as it came, and folded (internal/fold) in a binary collation, so that every server finds the same rows. Folding lengthens
-- a text at most 18 times, in characters.

-- +goose Up
CREATE TABLE businesses (
  id         INT UNSIGNED NOT NULL COMMENT 'the enterprise (企业id); crop_id and business_id of every other table',
  uniacid    INT UNSIGNED NOT NULL COMMENT 'the mall account (公众号) that the enterprise belongs to; never changes',
  name       VARCHAR(255) NOT NULL DEFAULT '' COMMENT 'the enterprise''s name',
  created_at DATETIME NOT NULL COMMENT 'first synchronised, China time',
  updated_at DATETIME NULL COMMENT 'last changed, China time',
  deleted_at DATETIME NULL COMMENT 'deleted, China time; nobody manages a deleted enterprise',
  PRIMARY KEY (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='enterprises (企业)';

CREATE TABLE managers (
  uniacid     INT UNSIGNED NOT NULL COMMENT 'the mall account (公众号)',
  uid         INT UNSIGNED NOT NULL COMMENT 'the mall member (系统会员) who manages',
  business_id INT UNSIGNED NOT NULL COMMENT 'the enterprise managed',
  created_at  DATETIME NOT NULL COMMENT 'first synchronised, China time',
  updated_at  DATETIME NULL COMMENT 'last changed, China time',
  deleted_at  DATETIME NULL COMMENT 'the right was taken back, China time',
  PRIMARY KEY (uniacid, uid, business_id),
  CONSTRAINT managers_business FOREIGN KEY (business_id) REFERENCES businesses (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='who may see an enterprise''s list';

CREATE TABLE employees (
  id              BIGINT UNSIGNED NOT NULL AUTO_INCREMENT COMMENT 'the order of the employee list',
  business_id     INT UNSIGNED NOT NULL COMMENT 'the enterprise',
  uid             INT UNSIGNED NOT NULL DEFAULT 0 COMMENT 'the employee''s mall member; 0 for none',
  user_id         VARCHAR(255) CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL COMMENT 'WeCom userid; case-insensitive',
  name            VARCHAR(255) NOT NULL DEFAULT '' COMMENT '成员名称',
  mobile          VARCHAR(255) NOT NULL DEFAULT '' COMMENT '成员手机号',
  position        VARCHAR(255) NOT NULL DEFAULT '' COMMENT '职业',
  gender          INT NOT NULL DEFAULT 0 COMMENT '0 unknown, 1 male, 2 female',
  telephone       VARCHAR(255) NOT NULL DEFAULT '' COMMENT '成员电话',
  email           VARCHAR(255) NOT NULL DEFAULT '' COMMENT '成员邮箱',
  avatar          VARCHAR(1024) NOT NULL DEFAULT '' COMMENT '成员头像',
  alias           VARCHAR(255) NOT NULL DEFAULT '' COMMENT '成员别名',
  status          INT NOT NULL DEFAULT 1 COMMENT '1 active, 2 disabled, 4 inactive, 5 left',
  qr_code         VARCHAR(1024) NOT NULL DEFAULT '' COMMENT '成员二维码',
  address         VARCHAR(255) NOT NULL DEFAULT '' COMMENT '地址',
  open_userid     VARCHAR(255) NOT NULL DEFAULT '' COMMENT 'open_userid',
  main_department VARCHAR(255) NOT NULL DEFAULT '' COMMENT '主部门, digits as text',
  created_at      DATETIME NOT NULL COMMENT 'made, China time',
  updated_at      DATETIME NULL COMMENT 'last changed, China time',
  deleted_at      DATETIME NULL COMMENT 'deleted, China time',
  right_type      INT NOT NULL DEFAULT 0 COMMENT 'the kind of right in the mall',
  disabled        INT NOT NULL DEFAULT 0 COMMENT '0 no, 1 yes',
  PRIMARY KEY (id),
  UNIQUE KEY employees_userid (business_id, user_id),
  KEY employees_list (business_id, deleted_at, id, user_id, name) COMMENT 'covers the employee list of an answer',
  CONSTRAINT employees_business FOREIGN KEY (business_id) REFERENCES businesses (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='employees (has_one_employee)';

CREATE TABLE contacts (
  id               BIGINT UNSIGNED NOT NULL AUTO_INCREMENT COMMENT 'the contact''s id in the mall',
  crop_id          INT UNSIGNED NOT NULL COMMENT 'the enterprise',
  uid              INT UNSIGNED NOT NULL DEFAULT 0 COMMENT 'the contact''s mall member (search[member]); 0 for none',
  external_userid  VARCHAR(100) NOT NULL COMMENT 'WeCom external_userid; compares exactly',
  name             VARCHAR(255) NOT NULL DEFAULT '' COMMENT '外部联系人名称',
  avatar           VARCHAR(1024) NOT NULL DEFAULT '' COMMENT '外部联系人头像',
  external_type    INT NOT NULL DEFAULT 1 COMMENT '1 WeChat user, 2 WeCom user',
  gender           INT NOT NULL DEFAULT 0 COMMENT '0 unknown, 1 male, 2 female',
  unionid          VARCHAR(255) NOT NULL DEFAULT '' COMMENT 'unionid',
  position         VARCHAR(255) NOT NULL DEFAULT '' COMMENT '职业',
  corp_name        VARCHAR(255) NOT NULL DEFAULT '' COMMENT '公司名',
  corp_full_name   VARCHAR(255) NOT NULL DEFAULT '' COMMENT '公司全称',
  external_profile MEDIUMTEXT NOT NULL COMMENT '自定义信息, JSON as text; the text null for none',
  is_member        INT NOT NULL DEFAULT 0 COMMENT '0 no, 1 yes',
  created_at       DATETIME NOT NULL COMMENT 'first synchronised, China time',
  updated_at       DATETIME NULL COMMENT 'last changed, China time',
  deleted_at       DATETIME NULL COMMENT 'deleted, China time; still shown in has_one_customer',
  PRIMARY KEY (crop_id, external_userid),
  UNIQUE KEY contacts_id (id),
  KEY contacts_uid (crop_id, uid),
  CONSTRAINT contacts_business FOREIGN KEY (crop_id) REFERENCES businesses (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='external contacts (has_one_customer)';

CREATE TABLE tags (
  id          BIGINT UNSIGNED NOT NULL AUTO_INCREMENT COMMENT 'the order of the tag list, newest first',
  crop_id     INT UNSIGNED NOT NULL COMMENT 'the enterprise',
  tag_id      VARCHAR(100) NOT NULL COMMENT 'WeCom tag id; compares exactly',
  name        VARCHAR(255) NOT NULL DEFAULT '' COMMENT '标签名称',
  create_time BIGINT NOT NULL DEFAULT 0 COMMENT '创建时间, unix seconds',
  `order`     BIGINT NOT NULL DEFAULT 0 COMMENT '排序',
  created_at  DATETIME NOT NULL COMMENT 'first synchronised, China time',
  updated_at  DATETIME NULL COMMENT 'last changed, China time',
  deleted_at  DATETIME NULL COMMENT 'deleted, China time',
  group_id    VARCHAR(100) NOT NULL DEFAULT '' COMMENT 'WeCom group id',
  group_name  VARCHAR(255) NOT NULL DEFAULT '' COMMENT '分组名称',
  PRIMARY KEY (id),
  UNIQUE KEY tags_tag (crop_id, tag_id),
  CONSTRAINT tags_business FOREIGN KEY (crop_id) REFERENCES businesses (id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='the enterprise''s tags (tag[])';

CREATE TABLE follows (
  id                   BIGINT UNSIGNED NOT NULL AUTO_INCREMENT COMMENT 'the order of the list, newest first',
  crop_id              INT UNSIGNED NOT NULL COMMENT 'the enterprise',
  uid                  INT UNSIGNED NOT NULL DEFAULT 0 COMMENT 'the mall member as the follow has it',
  userid               VARCHAR(100) CHARACTER SET ascii COLLATE ascii_general_ci NOT NULL COMMENT 'the employee''s WeCom userid; case-insensitive; need not be known',
  external_userid      VARCHAR(100) NOT NULL COMMENT 'the contact''s external_userid',
  remark               VARCHAR(255) NOT NULL DEFAULT '' COMMENT '备注',
  description          VARCHAR(1000) NOT NULL DEFAULT '' COMMENT '描述',
  customer_create_time BIGINT NOT NULL DEFAULT 0 COMMENT '成员客户时间, unix seconds',
  remark_corp_name     VARCHAR(255) NOT NULL DEFAULT '' COMMENT '备注公司名称',
  remark_mobiles       VARCHAR(1000) NOT NULL DEFAULT '[]' COMMENT '备注手机号, a JSON array as text',
  oper_userid          VARCHAR(255) NOT NULL DEFAULT '' COMMENT '添加者的 userid',
  tag_id               TEXT NOT NULL COMMENT '标签 ids, comma-separated, as they came',
  createtime           BIGINT NOT NULL DEFAULT 0 COMMENT '添加时间, unix seconds (search[time])',
  add_way              INT UNSIGNED NOT NULL DEFAULT 0 COMMENT '来源',
  state                VARCHAR(255) NOT NULL DEFAULT '' COMMENT '渠道',
  status               INT NOT NULL DEFAULT 1 COMMENT '1 following, -1 lost',
  created_at           DATETIME NOT NULL COMMENT '同步系统时间, China time',
  updated_at           DATETIME NULL COMMENT 'last changed, China time',
  deleted_at           DATETIME NULL COMMENT 'deleted, China time: the row is in no list and in no total',
  remark_folded        VARCHAR(4590) NOT NULL DEFAULT '' COMMENT 'derived: remark, folded for search',
  external_type        INT NOT NULL DEFAULT 1 COMMENT 'derived: the contact''s external_type',
  name_folded          VARCHAR(4590) NOT NULL DEFAULT '' COMMENT 'derived: the contact''s name, folded for search',
  contact_uid          INT UNSIGNED NOT NULL DEFAULT 0 COMMENT 'derived: the contact''s uid',
  PRIMARY KEY (crop_id, id),
  UNIQUE KEY follows_id (id),
  UNIQUE KEY follows_contact (crop_id, external_userid, userid),
  KEY follows_employee (crop_id, deleted_at, userid, id, status, external_type, add_way, createtime, contact_uid) COMMENT 'covers an employee''s list',
  KEY follows_time (crop_id, deleted_at, createtime, id, status, external_type, add_way, userid, contact_uid) COMMENT 'covers the list of a time range',
  CONSTRAINT follows_has_contact FOREIGN KEY (crop_id, external_userid) REFERENCES contacts (crop_id, external_userid)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='follows: an employee''s relation to a contact (a row of data[])';

CREATE TABLE follow_tags (
  crop_id   INT UNSIGNED NOT NULL COMMENT 'the enterprise',
  tag_id    VARCHAR(100) NOT NULL COMMENT 'a tag id of the follow''s tag_id; need not be in tags',
  follow_id BIGINT UNSIGNED NOT NULL COMMENT 'the follow; only those that are not deleted',
  PRIMARY KEY (crop_id, tag_id, follow_id)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='derived: the tags of each live follow';

-- +goose Down
DROP TABLE follow_tags;
DROP TABLE follows;
DROP TABLE tags;
DROP TABLE contacts;
DROP TABLE employees;
DROP TABLE managers;
DROP TABLE businesses;
