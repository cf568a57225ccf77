-- The tables, views and triggers of dmarcbox 0.1.0 with a few rows: never to be changed.
PRAGMA page_size = 8192;
PRAGMA auto_vacuum = INCREMENTAL;
PRAGMA application_id = 1145913944;
PRAGMA user_version = 1;
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE settings (
    name  TEXT NOT NULL PRIMARY KEY,
    value ANY
) STRICT, WITHOUT ROWID;
CREATE TABLE messages (
    id            INTEGER PRIMARY KEY,
    received_at   INTEGER NOT NULL,
    sent_at       INTEGER,
    source        TEXT    NOT NULL CHECK (source IN ('smtp', 'lmtp', 'import')),
    peer_ip       TEXT,
    helo          TEXT,
    tls           TEXT,
    envelope_from TEXT,
    envelope_to   TEXT,
    header_from   TEXT,
    subject       TEXT,
    message_id    TEXT,
    size          INTEGER NOT NULL,
    sha256        BLOB    NOT NULL CHECK (length(sha256) = 32),
    outcome       TEXT    NOT NULL CHECK (outcome IN ('report', 'duplicate', 'other', 'unreadable')),
    detail        TEXT,
    duplicate_of  INTEGER REFERENCES messages (id) ON DELETE SET NULL,
    pruned_at     INTEGER
) STRICT;
INSERT INTO messages VALUES(1,1795870349,NULL,'import',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,857,X'f6e684fc99c0b11c7caa5a93ae22fe096df2bfe33c37e3941a0149e90c6e2def','report',NULL,NULL,NULL);
INSERT INTO messages VALUES(2,1795870349,NULL,'import',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,584,X'b4ad1a91432d2de383b27b975df620e5bbf0216ef51666081dfc4c7b5dfa738d','report',NULL,NULL,NULL);
INSERT INTO messages VALUES(3,1795870349,NULL,'import',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,582,X'2a674c8de0e12943e879cf40d2c4716677342fdee76e0c2b009b7344abd48c4e','report',NULL,NULL,NULL);
INSERT INTO messages VALUES(4,1795870349,NULL,'import',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,455,X'59020bacaf9fbd7a54deba1d2a0c44a2484db787734d39200571537ea6b25ba7','report',NULL,NULL,NULL);
INSERT INTO messages VALUES(5,1795870349,1744078272,'import',NULL,NULL,NULL,NULL,NULL,'reports@net.example','FW: Invoice','20250408021112.fixture@net.example',1461,X'4db6160d73439914e51dcbc5d3d2410acb0c0cea480cc542d89f5070feac3307','report',NULL,NULL,NULL);
CREATE TABLE originals (
    message_id INTEGER PRIMARY KEY REFERENCES messages (id) ON DELETE CASCADE,
    size       INTEGER NOT NULL,
    sha256     BLOB    NOT NULL CHECK (length(sha256) = 32),
    reduced    INTEGER NOT NULL DEFAULT 0 CHECK (reduced IN (0, 1)),
    content    BLOB    NOT NULL
) STRICT;
INSERT INTO originals VALUES(1,857,X'f6e684fc99c0b11c7caa5a93ae22fe096df2bfe33c37e3941a0149e90c6e2def',0,X'7801cd535b6e833010bc4a9503601e4215d276939b580696c40ad8966dd2f4f65d0221a4e95f7ffab733ab1dcf8e6dd85f87feed423e686b3e765992eef6081d515babe68ce0c9591fe54051b52a2a04eb8fd2a88170ee904fe8aa06d71388b5053428dda33ad48fe64cddf5748b3e03b1a833025627e9953912424d476d307bafca3cabf23405313340a6bdd1455a96550562c220b6a377c98761677bdd7c4937d6bd0e279a8eb26ccfe0e23b61dbac3173e0d058c3bb38d67d9df4d458cf0ade7e22043bfa86a476c8269334c993bc04f160a1b1a389c836e702163dbaa87ee46d27273a381b74e4ec9773b70cb4673da05321b0bfa984e0ba054fd5ea70a3286ed6744b26ea4ef3b5229c48b5e465e7edf0bcf3b601e269468df1243d85b18fac207ec03586dfe3c8d382e3c8b222c953bee497448a3f26d2f1e3da2632e37f9188587fce37a41638fe');
INSERT INTO originals VALUES(2,584,X'b4ad1a91432d2de383b27b975df620e5bbf0216ef51666081dfc4c7b5dfa738d',0,X'78016592616e83300c46af32f5000498d084e4b9bb49148869a386244a42d7dd7ea6d042b77ff167f9e53900c7db68dfae1493f1eef35015e5e1883010e94ef5178448c1c72c47ca4aabac107c3c49a746c2a543b1a09b1a832510cf16d0a88c45f5d56dcd257af08cc6588158e95c01d34946e54e84d0d1c938ac3edaa6aedaba2c412c0990d3f7f8bd6c9ab60531d720f6a30fe4261cbc35fd8f0c53674d3ad37c95673d87ab77c1dacc583208e8bce35d0273ff4f46ea7d6442f4df08c94fb1276902b264511675513720b6147a3fb98c15eb2f275881745576e275671593824f26f3e3af17ef13d01733625029b1e07c841486b59e4f4fc51d51dcdd8c2697cd60f8bb229c49698a72887e7c5d7adf00f132a3a67c9691d2643313c49ff2f10ee2f9a3fc0207d9d40c');
INSERT INTO originals VALUES(3,582,X'2a674c8de0e12943e879cf40d2c4716677342fdee76e0c2b009b7344abd48c4e',0,X'780165926d6e83300c86af32f5008468622b92e7ee265120a644cd9792d075b75f1894d2ed9ffd5a7efcda099c6ed6bc5c2926edddc78157f5e1843010a94ef6178448c1c72c2c65a96496083e9e859396d0e791624537698321609b0e64a536283fbb477191ee30add073602bba6450d024a2746742e8e8ac1df2f7b679ad9bb7ba06b628404e2d72cbdbb60536e7c0f6ad77e4c36df046f7df224c9dd169a479942ff61caebeab62bb30160d023aefca2ea170ff7746ea7d2c84e8bf10929f624f4207e4edb16a78c5ebba3a027be8d0fbc9656c802d01ac44ba4a33957d672f3a059f742ea75f27ef1550176d7128c72c0ee7105218d67c8e368f3b22fb35a715b9ac075d5e156124a9288a217afbbcf5be00eca9474e791491d2647221b03fe9fd106cfb263faec2d2cb');
INSERT INTO originals VALUES(4,455,X'59020bacaf9fbd7a54deba1d2a0c44a2484db787734d39200571537ea6b25ba7',0,X'78017551c16ec3200cfd958a73a958d76e1da7fd437bea144d167132aa00113855b228ff3e93369748932c01f67b7e7e661421d6e0ed2f900d5e7a7028b4a86c833becc1b50d8aad28815046f035d746910822c99c233ba3f76a7f94ea20d5fb45293dc79559e8cb7f50fb577dfce0b88a692b4cf00486a4f55560696ad2e74a3e621b58d1965cbebd70e73634d6584c427f8d8fc790079bd383a4a1cd1e12a5053ac844d1fa9af1e28e31b153bd395fcef7dccc8512f506593d9a6cd6f57ae3fac5fd8ed79393d07f43cdb837753829258ae710832c8303eb59efb9ae85d0cb9f90282bae9a15ec3975ce419c87a640d0c8d4198329551d5ff9cc5f6142e7997f386dc50353816dba886b809aa662fa038a6e97c8');
INSERT INTO originals VALUES(5,1448,X'1576e0212b9a90da742f8d5b318736f48331ce2098b4b52d0fbdbe510d9971d7',1,X'78018d545d6fda30147d5ea4fc872b9e5a6d0e49d6166aca045b41e201ad02f6a155d5e4240e784d6ce4381dfcfb5d93d0a6a9aa8ea790d8f71c9f737c163ce6e281271452ad7250a5f124371edfb17c9b713869bfb80d2efbde79e005beef85e777a7aef32eda43bef334df2a6d8ac79d7f85d9c064395fdd2c412470f6eb67308055c93f80df87f15643e887e7e08734086810c27b1f7fae33451214ea59a30613d759290a57ba4c472da44faeb32ca33f3c3614a63f28cce4831231779d6b66387d1b72ce8b82ad39995de37c4bca3ff3fb7e180441e8a562674acd9b44106e3e9b4fc877ae0ba12485c043de5f94345c1ab2da6f11332f3323b64c9b6ec575509f8818fc3c4c394f2216df93e3c7489532617a3fec0c7fd7881dd7711d421effb7110cdf99ee366342da856309ac341b242062669015a44c6448bcc60586100694e49057a7f5de985f2febb6b8366868268b946b3291b14a845c53e845c2d8b1d3e3f92a312c3352f3719d6f05ee19af912a85491532321599e1ba7b10f24956d7f9aac55a489691399e8654d1b8b262c57c1495d9fd316b68c9e3d245bc45176c544a446a1937d65a3ce0bc2a197325318cbda730861f697041fd4b0c6368c3b854a58e31183768f265e861e0bd8b0bd7591c92ce1372ad723480427d593ca5d7e8c53323c8821718860233b16b5eac012439d3f1d0ea021bce12ae3d7b01872f6691696525ad7660ac79861756efebd1f6b6d8f0bbce2cb101307b32cec45ae60789257afe9f56eb34ee87a15dbc78d9094db9ab5278f6065be1a84fa3121ad7179eeac0b641af378083fc2fd5ef1fd56fb14878710f27998a59b6518581db20eca125be17dc9d0256902daa26a70136d32b10b66d0e065791ea7c16598609eec055543d8d1a2e60b86c9cda696a944eab705e01f58fa0cffaa6d71bb5892360cb31425ce71f874aca2e');
CREATE TABLE aggregate_reports (
    id                 INTEGER PRIMARY KEY,
    message_id         INTEGER NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    position           INTEGER NOT NULL,
    org_name           TEXT,
    org_email          TEXT,
    extra_contact_info TEXT,
    report_id          TEXT,
    begin_at           INTEGER,
    end_at             INTEGER,
    domain             TEXT,
    adkim              TEXT,
    aspf               TEXT,
    p                  TEXT,
    sp                 TEXT,
    np                 TEXT,
    pct                INTEGER,
    fo                 TEXT,
    testing            TEXT CHECK (testing IN ('y', 'n')),
    discovery_method   TEXT,
    version            TEXT,
    namespace          TEXT,
    generator          TEXT,
    errors             TEXT,
    record_count       INTEGER NOT NULL,
    message_count      INTEGER NOT NULL,
    content_sha256     BLOB    NOT NULL CHECK (length(content_sha256) = 32),
    conflict           INTEGER NOT NULL DEFAULT 0 CHECK (conflict IN (0, 1)),
    counted            INTEGER NOT NULL DEFAULT 1 CHECK (counted IN (0, 1)),
    pruned_at          INTEGER
) STRICT;
INSERT INTO aggregate_reports VALUES(1,1,1,'reporter.example','a@b.example',NULL,'r1',1795219200,1795305599,'example.org',NULL,NULL,'none',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,2,12,X'37143bfe237bcd1670deef5b4a28f4259b7b8dacac3f0ff61f0c8643849893e9',1,1,NULL);
INSERT INTO aggregate_reports VALUES(2,2,1,'reporter.example','a@b.example',NULL,'r1',1795219200,1795305599,'example.org',NULL,NULL,'none',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1,10,X'4baf4f05ef6b694ca491275965e2e1f6fb26dba05307ccc52acb68e566bb680b',1,0,NULL);
INSERT INTO aggregate_reports VALUES(3,3,1,'other.example','a@b.example',NULL,'o1',1795305600,1795391999,'example.org',NULL,NULL,'none',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1,5,X'0dd2faeb947775277d24876bd001c9733a1e9c2e3fa026c4f0d9795d0466c0b0',0,1,NULL);
CREATE TABLE aggregate_records (
    id                  INTEGER PRIMARY KEY,
    aggregate_report_id INTEGER NOT NULL REFERENCES aggregate_reports (id) ON DELETE CASCADE,
    source_ip           TEXT,
    count               INTEGER NOT NULL,
    disposition         TEXT,
    dkim                TEXT,
    spf                 TEXT,
    header_from         TEXT,
    envelope_from       TEXT,
    envelope_to         TEXT,
    evidence            TEXT    NOT NULL
) STRICT;
INSERT INTO aggregate_records VALUES(1,1,'192.0.2.25',9,'none','pass','pass','example.org',NULL,NULL,'dkim+spf');
INSERT INTO aggregate_records VALUES(2,1,'203.0.113.201',3,'none','fail','fail','example.org',NULL,NULL,'nothing');
INSERT INTO aggregate_records VALUES(3,2,'192.0.2.25',10,'none','pass','pass','example.org',NULL,NULL,'dkim+spf');
INSERT INTO aggregate_records VALUES(4,3,'198.51.100.8',5,'none','fail','fail','example.org',NULL,NULL,'nothing');
CREATE TABLE aggregate_reasons (
    aggregate_record_id INTEGER NOT NULL REFERENCES aggregate_records (id) ON DELETE CASCADE,
    position            INTEGER NOT NULL,
    type                TEXT,
    comment             TEXT,
    PRIMARY KEY (aggregate_record_id, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE aggregate_dkim (
    aggregate_record_id INTEGER NOT NULL REFERENCES aggregate_records (id) ON DELETE CASCADE,
    position            INTEGER NOT NULL,
    domain              TEXT,
    selector            TEXT,
    result              TEXT,
    human_result        TEXT,
    PRIMARY KEY (aggregate_record_id, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE aggregate_spf (
    aggregate_record_id INTEGER NOT NULL REFERENCES aggregate_records (id) ON DELETE CASCADE,
    position            INTEGER NOT NULL,
    domain              TEXT,
    scope               TEXT,
    result              TEXT,
    human_result        TEXT,
    PRIMARY KEY (aggregate_record_id, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE failure_reports (
    id                     INTEGER PRIMARY KEY,
    message_id             INTEGER NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    position               INTEGER NOT NULL,
    feedback_type          TEXT,
    auth_failure           TEXT,
    delivery_result        TEXT,
    identity_alignment     TEXT,
    arrived_at             INTEGER,
    source_ip              TEXT,
    source_port            INTEGER,
    reporting_mta          TEXT,
    reported_domain        TEXT,
    original_mail_from     TEXT,
    original_rcpt_to       TEXT,
    dkim_domain            TEXT,
    dkim_selector          TEXT,
    dkim_identity          TEXT,
    authentication_results TEXT,
    incidents              INTEGER NOT NULL DEFAULT 1,
    user_agent             TEXT,
    sample_from            TEXT,
    sample_to              TEXT,
    sample_subject         TEXT,
    sample_date_at         INTEGER,
    sample_message_id      TEXT,
    content_sha256         BLOB    NOT NULL CHECK (length(content_sha256) = 32),
    pruned_at              INTEGER
) STRICT;
INSERT INTO failure_reports VALUES(1,5,1,'auth-failure','dmarc','reject','none',1744060569,'192.0.2.66',NULL,NULL,'example.org','bounce@bulk.example','user@net.example',NULL,NULL,NULL,'mx.net.example; dmarc=fail header.from=example.org',1,'Example-Filter/1.0','"Billing" <billing@example.org>','user@net.example','Invoice',1744060560,'77@out.bulk.example',X'b6d0f27bb3c6d7829c0c95973322928784cf637f1719229084fb1b795a6d6424',NULL);
CREATE TABLE failure_fields (
    failure_report_id INTEGER NOT NULL REFERENCES failure_reports (id) ON DELETE CASCADE,
    position          INTEGER NOT NULL,
    name              TEXT,
    value             TEXT,
    PRIMARY KEY (failure_report_id, position)
) STRICT, WITHOUT ROWID;
INSERT INTO failure_fields VALUES(1,1,'Feedback-Type','auth-failure');
INSERT INTO failure_fields VALUES(1,2,'User-Agent','Example-Filter/1.0');
INSERT INTO failure_fields VALUES(1,3,'Version','1');
INSERT INTO failure_fields VALUES(1,4,'Original-Mail-From','<bounce@bulk.example>');
INSERT INTO failure_fields VALUES(1,5,'Original-Rcpt-To','<user@net.example>');
INSERT INTO failure_fields VALUES(1,6,'Arrival-Date','Mon, 07 Apr 2025 23:16:09 +0200');
INSERT INTO failure_fields VALUES(1,7,'Source-IP','192.0.2.66');
INSERT INTO failure_fields VALUES(1,8,'Reported-Domain','example.org');
INSERT INTO failure_fields VALUES(1,9,'Authentication-Results','mx.net.example; dmarc=fail header.from=example.org');
INSERT INTO failure_fields VALUES(1,10,'Auth-Failure','dmarc');
INSERT INTO failure_fields VALUES(1,11,'Delivery-Result','reject');
INSERT INTO failure_fields VALUES(1,12,'Identity-Alignment','none');
CREATE TABLE failure_headers (
    failure_report_id INTEGER NOT NULL REFERENCES failure_reports (id) ON DELETE CASCADE,
    position          INTEGER NOT NULL,
    name              TEXT,
    value             TEXT,
    raw               TEXT,
    PRIMARY KEY (failure_report_id, position)
) STRICT, WITHOUT ROWID;
INSERT INTO failure_headers VALUES(1,1,'Received','from out.bulk.example (out.bulk.example [192.0.2.66]) by mx.net.example with ESMTP id 77; Mon, 7 Apr 2025 23:16:08 +0200',replace(replace(' from out.bulk.example (out.bulk.example [192.0.2.66])\r\n	by mx.net.example with ESMTP id 77; Mon, 7 Apr 2025 23:16:08 +0200','\r',char(13)),'\n',char(10)));
INSERT INTO failure_headers VALUES(1,2,'Received','from desk (localhost [127.0.0.1]) by out.bulk.example; Mon, 7 Apr 2025 23:16:02 +0200',replace(replace(' from desk (localhost [127.0.0.1]) by out.bulk.example;\r\n	Mon, 7 Apr 2025 23:16:02 +0200','\r',char(13)),'\n',char(10)));
INSERT INTO failure_headers VALUES(1,3,'From','"Billing" <billing@example.org>',' "Billing" <billing@example.org>');
INSERT INTO failure_headers VALUES(1,4,'To','user@net.example',' user@net.example');
INSERT INTO failure_headers VALUES(1,5,'Subject','Invoice',' Invoice');
INSERT INTO failure_headers VALUES(1,6,'Date','Mon, 7 Apr 2025 23:16:00 +0200',' Mon, 7 Apr 2025 23:16:00 +0200');
INSERT INTO failure_headers VALUES(1,7,'Message-ID','<77@out.bulk.example>',' <77@out.bulk.example>');
CREATE TABLE tls_reports (
    id             INTEGER PRIMARY KEY,
    message_id     INTEGER NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    position       INTEGER NOT NULL,
    org_name       TEXT,
    contact_info   TEXT,
    report_id      TEXT,
    begin_at       INTEGER,
    end_at         INTEGER,
    policy_domains TEXT,
    content_sha256 BLOB    NOT NULL CHECK (length(content_sha256) = 32),
    conflict       INTEGER NOT NULL DEFAULT 0 CHECK (conflict IN (0, 1)),
    counted        INTEGER NOT NULL DEFAULT 1 CHECK (counted IN (0, 1)),
    pruned_at      INTEGER
) STRICT;
INSERT INTO tls_reports VALUES(1,4,1,'file.example','tls@file.example','j1',1743984000,1744070399,'example.org',X'857ce528711cbf7b7f841263184c63dd1ce9fb0a212859ee06adab9e1266a902',0,1,NULL);
CREATE TABLE tls_policies (
    id            INTEGER PRIMARY KEY,
    tls_report_id INTEGER NOT NULL REFERENCES tls_reports (id) ON DELETE CASCADE,
    policy_type   TEXT,
    policy_domain TEXT,
    policy_string TEXT,
    mx_host       TEXT,
    success_count INTEGER NOT NULL,
    failure_count INTEGER NOT NULL
) STRICT;
INSERT INTO tls_policies VALUES(1,1,'sts','example.org',replace('version: STSv1\nmode: enforce\nmx: mx.example.org\nmax_age: 604800','\n',char(10)),'mx.example.org',48,0);
CREATE TABLE tls_failures (
    tls_policy_id          INTEGER NOT NULL REFERENCES tls_policies (id) ON DELETE CASCADE,
    position               INTEGER NOT NULL,
    result_type            TEXT,
    sending_mta_ip         TEXT,
    receiving_mx_hostname  TEXT,
    receiving_mx_helo      TEXT,
    receiving_ip           TEXT,
    failed_session_count   INTEGER NOT NULL,
    additional_information TEXT,
    failure_reason_code    TEXT,
    PRIMARY KEY (tls_policy_id, position)
) STRICT, WITHOUT ROWID;
CREATE TABLE findings (
    message_id          INTEGER NOT NULL REFERENCES messages (id) ON DELETE CASCADE,
    position            INTEGER NOT NULL,
    part                TEXT,
    stage               TEXT    NOT NULL,
    code                TEXT    NOT NULL,
    fault               INTEGER NOT NULL CHECK (fault IN (0, 1)),
    detail              TEXT,
    aggregate_report_id INTEGER,
    failure_report_id   INTEGER,
    tls_report_id       INTEGER,
    PRIMARY KEY (message_id, position)
) STRICT, WITHOUT ROWID;
INSERT INTO findings VALUES(1,1,NULL,'aggregate','missing_element',0,'record/auth_results',1,NULL,NULL);
INSERT INTO findings VALUES(2,1,NULL,'aggregate','missing_element',0,'record/auth_results',2,NULL,NULL);
INSERT INTO findings VALUES(3,1,NULL,'aggregate','missing_element',0,'record/auth_results',3,NULL,NULL);
CREATE TABLE day_totals (
    domain      TEXT    NOT NULL,
    day         TEXT    NOT NULL,
    messages    INTEGER NOT NULL,
    passed      INTEGER NOT NULL,
    dkim_passed INTEGER NOT NULL,
    spf_passed  INTEGER NOT NULL,
    quarantined INTEGER NOT NULL,
    rejected    INTEGER NOT NULL,
    PRIMARY KEY (domain, day)
) STRICT, WITHOUT ROWID;
INSERT INTO day_totals VALUES('example.org','2026-11-21',12,9,9,9,0,0);
INSERT INTO day_totals VALUES('example.org','2026-11-22',5,0,0,0,0,0);
CREATE TABLE source_totals (
    domain        TEXT    NOT NULL,
    source_ip     TEXT    NOT NULL,
    source_net    TEXT,
    source_ip_key BLOB,
    records       INTEGER NOT NULL,
    messages      INTEGER NOT NULL,
    passed        INTEGER NOT NULL,
    dkim_passed   INTEGER NOT NULL,
    spf_passed    INTEGER NOT NULL,
    quarantined   INTEGER NOT NULL,
    rejected      INTEGER NOT NULL,
    reporters     INTEGER NOT NULL,
    first_seen_at INTEGER,
    last_seen_at  INTEGER,
    PRIMARY KEY (domain, source_ip)
) STRICT, WITHOUT ROWID;
INSERT INTO source_totals VALUES('example.org','192.0.2.25','192.0.2.0/24',X'00000000000000000000ffffc0000219',1,9,9,9,9,0,0,1,1795219200,1795305599);
INSERT INTO source_totals VALUES('example.org','198.51.100.8','198.51.100.0/24',X'00000000000000000000ffffc6336408',1,5,0,0,0,0,0,1,1795305600,1795391999);
INSERT INTO source_totals VALUES('example.org','203.0.113.201','203.0.113.0/24',X'00000000000000000000ffffcb0071c9',1,3,0,0,0,0,0,1,1795219200,1795305599);
CREATE TABLE source_evidence (
    domain    TEXT    NOT NULL,
    source_ip TEXT    NOT NULL,
    evidence  TEXT    NOT NULL,
    records   INTEGER NOT NULL,
    messages  INTEGER NOT NULL,
    PRIMARY KEY (domain, source_ip, evidence)
) STRICT, WITHOUT ROWID;
INSERT INTO source_evidence VALUES('example.org','192.0.2.25','dkim+spf',1,9);
INSERT INTO source_evidence VALUES('example.org','198.51.100.8','nothing',1,5);
INSERT INTO source_evidence VALUES('example.org','203.0.113.201','nothing',1,3);
CREATE TABLE source_reporters (
    domain    TEXT NOT NULL,
    org_name  TEXT NOT NULL,
    source_ip TEXT NOT NULL,
    PRIMARY KEY (domain, org_name, source_ip)
) STRICT, WITHOUT ROWID;
INSERT INTO source_reporters VALUES('example.org','other.example','198.51.100.8');
INSERT INTO source_reporters VALUES('example.org','reporter.example','192.0.2.25');
INSERT INTO source_reporters VALUES('example.org','reporter.example','203.0.113.201');
CREATE TABLE source_identities (
    domain    TEXT NOT NULL,
    source_ip TEXT NOT NULL,
    kind      TEXT NOT NULL CHECK (kind IN ('from', 'dkim', 'spf')),
    identity  TEXT NOT NULL,
    PRIMARY KEY (domain, source_ip, kind, identity)
) STRICT, WITHOUT ROWID;
INSERT INTO source_identities VALUES('example.org','198.51.100.8','from','example.org');
INSERT INTO source_identities VALUES('example.org','203.0.113.201','from','example.org');
CREATE TABLE passing_keys (
    domain   TEXT    NOT NULL,
    selector TEXT    NOT NULL,
    month    TEXT    NOT NULL,
    first_at INTEGER NOT NULL,
    last_at  INTEGER NOT NULL,
    PRIMARY KEY (domain, selector, month)
) STRICT, WITHOUT ROWID;
CREATE TABLE cosigners (
    domain TEXT NOT NULL,
    signer TEXT NOT NULL,
    PRIMARY KEY (domain, signer)
) STRICT, WITHOUT ROWID;
CREATE TABLE stale_totals (
    domain TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;
CREATE TABLE pruned_day_totals (
    domain      TEXT    NOT NULL,
    day         TEXT    NOT NULL,
    messages    INTEGER NOT NULL,
    passed      INTEGER NOT NULL,
    dkim_passed INTEGER NOT NULL,
    spf_passed  INTEGER NOT NULL,
    quarantined INTEGER NOT NULL,
    rejected    INTEGER NOT NULL,
    PRIMARY KEY (domain, day)
) STRICT, WITHOUT ROWID;
CREATE TABLE pruned_source_totals (
    domain        TEXT    NOT NULL,
    source_ip     TEXT    NOT NULL,
    source_net    TEXT,
    source_ip_key BLOB,
    records       INTEGER NOT NULL,
    messages      INTEGER NOT NULL,
    passed        INTEGER NOT NULL,
    dkim_passed   INTEGER NOT NULL,
    spf_passed    INTEGER NOT NULL,
    quarantined   INTEGER NOT NULL,
    rejected      INTEGER NOT NULL,
    reporters     INTEGER NOT NULL,
    first_seen_at INTEGER,
    last_seen_at  INTEGER,
    PRIMARY KEY (domain, source_ip)
) STRICT, WITHOUT ROWID;
CREATE TABLE pruned_source_evidence (
    domain    TEXT    NOT NULL,
    source_ip TEXT    NOT NULL,
    evidence  TEXT    NOT NULL,
    records   INTEGER NOT NULL,
    messages  INTEGER NOT NULL,
    PRIMARY KEY (domain, source_ip, evidence)
) STRICT, WITHOUT ROWID;
CREATE TABLE pruned_source_reporters (
    domain    TEXT NOT NULL,
    org_name  TEXT NOT NULL,
    source_ip TEXT NOT NULL,
    PRIMARY KEY (domain, org_name, source_ip)
) STRICT, WITHOUT ROWID;
CREATE TABLE pruned_source_identities (
    domain    TEXT NOT NULL,
    source_ip TEXT NOT NULL,
    kind      TEXT NOT NULL CHECK (kind IN ('from', 'dkim', 'spf')),
    identity  TEXT NOT NULL,
    PRIMARY KEY (domain, source_ip, kind, identity)
) STRICT, WITHOUT ROWID;
CREATE TABLE pruned_tls_failures (
    policy_domain TEXT    NOT NULL,
    policy_type   TEXT    NOT NULL,
    result_type   TEXT    NOT NULL,
    org_name      TEXT    NOT NULL,
    sessions      INTEGER NOT NULL,
    first_seen_at INTEGER,
    last_seen_at  INTEGER,
    PRIMARY KEY (policy_domain, policy_type, result_type, org_name)
) STRICT, WITHOUT ROWID;
CREATE TABLE labels (
    id        INTEGER PRIMARY KEY,
    subject   TEXT    NOT NULL UNIQUE,
    class     TEXT    NOT NULL
              CHECK (class IN ('aligned', 'forwarder', 'misconfigured', 'unauthenticated')),
    note      TEXT,
    set_at    INTEGER NOT NULL DEFAULT (unixepoch()),
    first_key TEXT,
    last_key  TEXT
) STRICT;
CREATE TABLE refusals (
    day    TEXT    NOT NULL,
    reason TEXT    NOT NULL,
    domain TEXT,
    count  INTEGER NOT NULL
) STRICT;
CREATE INDEX messages_by_sha256 ON messages (sha256);
CREATE INDEX messages_by_duplicate_of ON messages (duplicate_of) WHERE duplicate_of IS NOT NULL;
CREATE INDEX messages_not_understood ON messages (outcome, received_at)
    WHERE outcome IN ('unreadable', 'other');
CREATE INDEX messages_unpruned ON messages (outcome, received_at) WHERE pruned_at IS NULL;
CREATE INDEX aggregate_reports_by_identity ON aggregate_reports (begin_at, domain, report_id);
CREATE INDEX aggregate_reports_by_message ON aggregate_reports (message_id);
CREATE INDEX aggregate_reports_by_content ON aggregate_reports (content_sha256)
    WHERE report_id IS NULL;
CREATE INDEX aggregate_reports_unpruned ON aggregate_reports (end_at) WHERE pruned_at IS NULL;
CREATE INDEX aggregate_reports_in_conflict ON aggregate_reports (message_id) WHERE conflict = 1;
CREATE INDEX aggregate_records_by_report ON aggregate_records (aggregate_report_id);
CREATE INDEX failure_reports_by_content ON failure_reports (content_sha256);
CREATE INDEX failure_reports_by_message ON failure_reports (message_id);
CREATE INDEX tls_reports_by_identity ON tls_reports (begin_at, report_id);
CREATE INDEX tls_reports_by_message ON tls_reports (message_id);
CREATE INDEX tls_reports_by_content ON tls_reports (content_sha256) WHERE report_id IS NULL;
CREATE INDEX tls_reports_in_conflict ON tls_reports (message_id) WHERE conflict = 1;
CREATE INDEX tls_policies_by_report ON tls_policies (tls_report_id);
CREATE INDEX findings_faults ON findings (message_id) WHERE fault = 1;
CREATE UNIQUE INDEX refusals_by_key ON refusals (day, reason, ifnull(domain, ''));
CREATE VIEW evidence_classes AS
SELECT domain, source_ip, evidence, records, messages,
       CASE
           WHEN evidence IN ('dkim+spf', 'dkim', 'spf') THEN 'aligned'
           WHEN substr(evidence, 1, 7) IN ('nothing', 'temperr') THEN 'unauthenticated'
           WHEN substr(evidence, 1, 9) IN ('signs-as:', 'sends-as:')
                OR evidence IN ('strict', 'reporter-disagrees', 'own-key-bad') THEN 'misconfigured'
           WHEN substr(evidence, 1, 7) = 'reason-' OR evidence = 'arc-pass'
                OR substr(evidence, 1, 20) = 'own-signature-broken' THEN 'forwarder'
           ELSE 'unauthenticated'
       END AS class,
       CASE
           WHEN evidence IN ('dkim+spf', 'dkim', 'spf', 'nothing', 'strict', 'arc-pass',
                             'own-signature-broken+foreign')
                OR substr(evidence, 1, 7) = 'reason-' THEN 'high'
           WHEN substr(evidence, 1, 9) = 'signs-as:' THEN
               CASE WHEN EXISTS (SELECT 1 FROM cosigners c WHERE c.domain = source_evidence.domain
                                 AND c.signer = substr(evidence, 10)) THEN 'high' ELSE 'medium' END
           WHEN evidence IN ('own-signature-broken', 'own-key-bad')
                OR substr(evidence, 1, 7) = 'nothing' THEN 'medium'
           ELSE 'low'
       END AS confidence
FROM source_evidence;
CREATE VIEW source_classes AS
WITH volumes AS MATERIALIZED (
    SELECT domain AS volume_domain, sum(passed) AS aligned_messages
    FROM source_totals GROUP BY domain
)
SELECT domain, source_ip,
       CASE winner WHEN 'partly' THEN 'misconfigured' ELSE winner END AS class,
       CASE winner
           WHEN 'aligned' THEN substr(top_aligned, 25)
           WHEN 'partly' THEN substr(max(ifnull(top_misconfigured, ''),
                                         ifnull(top_unauthenticated, '')), 25)
           WHEN 'misconfigured' THEN substr(top_misconfigured, 25)
           WHEN 'forwarder' THEN substr(top_forwarder, 25)
           ELSE substr(ifnull(top_unauthenticated, top_temperror), 25)
       END AS evidence,
       CASE winner
           WHEN 'aligned' THEN 'high'
           WHEN 'partly' THEN 'partly'
           WHEN 'misconfigured' THEN rtrim(substr(top_misconfigured, 17, 7))
           WHEN 'forwarder' THEN
               -- A provider that breaks our signature by a footer looks like a forwarder; one that
               -- carries more than 5 % of our aligned volume is for a person to check.
               CASE WHEN substr(top_forwarder, 25, 20) = 'own-signature-broken'
                         AND messages * 20 > (SELECT aligned_messages FROM volumes
                                              WHERE volume_domain = domain)
                    THEN 'check' ELSE rtrim(substr(top_forwarder, 17, 7)) END
           ELSE rtrim(substr(ifnull(top_unauthenticated, top_temperror), 17, 7))
       END AS confidence,
       substr(top_foreign, 17) AS authenticates_as
FROM (
    SELECT *, CASE
        WHEN top_aligned IS NOT NULL AND passed * 100 >= (messages - temperror) * 98 THEN 'aligned'
        WHEN top_aligned IS NOT NULL AND top_forwarder IS NULL
             AND passed * 2 >= messages - temperror THEN 'partly'
        WHEN top_misconfigured IS NOT NULL AND misconfigured >= forwarder
             AND misconfigured >= unauthenticated THEN 'misconfigured'
        WHEN top_forwarder IS NOT NULL AND forwarder >= unauthenticated THEN 'forwarder'
        ELSE 'unauthenticated' END AS winner
    FROM (
        SELECT domain, source_ip, sum(messages) AS messages,
               ifnull(sum(messages) FILTER (WHERE class = 'aligned'), 0) AS passed,
               ifnull(sum(messages) FILTER (WHERE class = 'misconfigured'), 0) AS misconfigured,
               ifnull(sum(messages) FILTER (WHERE class = 'forwarder'), 0) AS forwarder,
               ifnull(sum(messages) FILTER (WHERE class = 'unauthenticated'
                                            AND evidence <> 'temperror'), 0) AS unauthenticated,
               ifnull(sum(messages) FILTER (WHERE evidence = 'temperror'), 0) AS temperror,
               max(printf('%016d%-7s %s', messages, confidence, evidence))
                   FILTER (WHERE class = 'aligned') AS top_aligned,
               max(printf('%016d%-7s %s', messages, confidence, evidence))
                   FILTER (WHERE class = 'misconfigured') AS top_misconfigured,
               max(printf('%016d%-7s %s', messages, confidence, evidence))
                   FILTER (WHERE class = 'forwarder') AS top_forwarder,
               max(printf('%016d%-7s %s', messages, confidence, evidence))
                   FILTER (WHERE class = 'unauthenticated' AND evidence <> 'temperror')
                   AS top_unauthenticated,
               max(printf('%016d%-7s %s', messages, confidence, evidence))
                   FILTER (WHERE evidence = 'temperror') AS top_temperror,
               max(printf('%016d%s', messages, substr(evidence, 10)))
                   FILTER (WHERE substr(evidence, 1, 9) IN ('signs-as:', 'sends-as:'))
                   AS top_foreign
        FROM evidence_classes
        GROUP BY domain, source_ip
    )
)
;
CREATE VIEW sources AS
SELECT t.domain, t.source_ip, ifnull(l.class, c.class) AS class,
       t.messages, t.passed, t.messages - t.passed AS failed, t.dkim_passed, t.spf_passed,
       t.quarantined, t.rejected, t.reporters, t.first_seen_at, t.last_seen_at,
       c.evidence, CASE WHEN l.class IS NULL THEN c.confidence ELSE 'label' END AS confidence,
       c.authenticates_as, t.source_net, t.records, l.subject AS label
FROM source_classes c
CROSS JOIN source_totals t ON t.domain = c.domain AND t.source_ip = c.source_ip
LEFT JOIN labels l ON l.id = (
    SELECT b.id FROM labels b
    WHERE hex(t.source_ip_key) BETWEEN b.first_key AND b.last_key
       OR b.first_key IS NULL AND (c.authenticates_as = lower(b.subject)
          OR substr(c.authenticates_as, -length(b.subject) - 1) = '.' || lower(b.subject))
    ORDER BY b.first_key IS NULL, b.first_key DESC, b.last_key, length(b.subject) DESC LIMIT 1);
CREATE VIEW failing_sources AS
SELECT s.domain, s.source_ip, s.class, s.failed, s.messages,
       i.header_from, i.dkim_domains, i.spf_domains, s.last_seen_at,
       s.evidence, s.confidence, s.authenticates_as
FROM sources s
LEFT JOIN (
    SELECT domain, source_ip,
           group_concat(CASE kind WHEN 'from' THEN identity END, ' ') AS header_from,
           group_concat(CASE kind WHEN 'dkim' THEN identity END, ' ') AS dkim_domains,
           group_concat(CASE kind WHEN 'spf' THEN identity END, ' ') AS spf_domains
    FROM source_identities GROUP BY domain, source_ip
) i ON i.domain = s.domain AND i.source_ip = s.source_ip
WHERE s.failed > 0
ORDER BY s.failed DESC, s.domain, s.source_ip;
CREATE VIEW likely_forwarded AS
SELECT e.domain, e.source_ip, sum(e.messages) FILTER (WHERE e.class = 'forwarder') AS messages,
       group_concat(CASE e.class WHEN 'forwarder' THEN e.evidence END, ' ') AS evidence,
       t.last_seen_at,
       CASE WHEN max(e.class = 'forwarder' AND e.confidence = 'high') THEN 'high'
            ELSE 'medium' END AS confidence,
       substr(max(printf('%016d%s', e.messages, substr(e.evidence, 10)))
              FILTER (WHERE substr(e.evidence, 1, 9) IN ('signs-as:', 'sends-as:')), 17)
              AS authenticates_as
FROM evidence_classes e
CROSS JOIN source_totals t ON t.domain = e.domain AND t.source_ip = e.source_ip
GROUP BY e.domain, e.source_ip
HAVING count(*) FILTER (WHERE e.class = 'forwarder') > 0
ORDER BY messages DESC, e.domain, e.source_ip;
CREATE VIEW daily AS
SELECT day, domain, messages, passed, messages - passed AS failed, quarantined, rejected,
       dkim_passed, spf_passed
FROM day_totals
ORDER BY day, domain;
CREATE VIEW reporters AS
WITH gaps AS (
    SELECT org_name, domain, gap,
           row_number() OVER (PARTITION BY org_name, domain ORDER BY gap) AS place,
           count(*) OVER (PARTITION BY org_name, domain) AS gaps
    FROM (
        SELECT org_name, domain,
               begin_at - lag(begin_at) OVER (PARTITION BY org_name, domain
                                              ORDER BY begin_at) AS gap
        FROM aggregate_reports WHERE counted = 1
    ) WHERE gap > 0
)
SELECT r.org_name, r.domain, r.reports, r.messages, r.first_report_at, r.last_report_at,
       g.gap AS typical_gap_seconds,
       max(0, unixepoch() - r.last_report_at) AS silent_seconds
FROM (
    SELECT org_name, domain, count(*) AS reports,
           sum(min(message_count, 1000000000000000)) AS messages,
           min(begin_at) AS first_report_at, max(end_at) AS last_report_at
    FROM aggregate_reports WHERE counted = 1 GROUP BY org_name, domain
) r
LEFT JOIN gaps g ON g.org_name IS r.org_name AND g.domain IS r.domain AND g.place = (g.gaps + 1) / 2
ORDER BY r.messages DESC, r.org_name, r.domain;
CREATE VIEW policies_seen AS
SELECT domain, org_name, p, sp, np, adkim, aspf, pct, testing,
       min(begin_at) AS first_seen_at, max(end_at) AS last_seen_at, count(*) AS reports
FROM aggregate_reports WHERE counted = 1
GROUP BY domain, org_name, p, sp, np, adkim, aspf, pct, testing
ORDER BY domain, first_seen_at, org_name;
CREATE VIEW problems AS
SELECT m.id AS message_id, m.received_at, m.header_from, m.subject, m.outcome,
       p.stage, p.code, p.detail
FROM (
    SELECT message_id, stage, code, detail FROM findings WHERE fault = 1
    UNION ALL
    SELECT u.id, NULL, NULL, u.detail FROM messages u
    WHERE u.outcome = 'unreadable'
      AND NOT EXISTS (SELECT 1 FROM findings f WHERE f.message_id = u.id AND f.fault = 1)
    UNION ALL
    SELECT a.message_id, 'store', 'conflict',
           'aggregate report ' || ifnull(a.report_id, '') || ' of ' || ifnull(a.org_name, '')
           || ' for ' || ifnull(a.domain, '')
           || CASE a.counted WHEN 1 THEN ', counted' ELSE ', not counted' END
    FROM aggregate_reports a WHERE a.conflict = 1
    UNION ALL
    SELECT t.message_id, 'store', 'conflict',
           'TLS report ' || ifnull(t.report_id, '') || ' of ' || ifnull(t.org_name, '')
           || ' for ' || ifnull(t.policy_domains, '')
           || CASE t.counted WHEN 1 THEN ', counted' ELSE ', not counted' END
    FROM tls_reports t WHERE t.conflict = 1
) p JOIN messages m ON m.id = p.message_id
ORDER BY m.received_at DESC, m.id DESC;
CREATE VIEW deviations AS
SELECT org_name, code, count(DISTINCT report) AS reports, max(last_at) AS last_seen_at,
       max(message_id) AS example_message_id
FROM (
    SELECT a.org_name, f.code, a.id * 4 AS report, ifnull(a.end_at, m.received_at) AS last_at,
           f.message_id
    FROM findings f
    JOIN aggregate_reports a ON a.id = f.aggregate_report_id
    JOIN messages m ON m.id = f.message_id
    WHERE f.aggregate_report_id IS NOT NULL
    UNION ALL
    SELECT t.org_name, f.code, t.id * 4 + 1, ifnull(t.end_at, m.received_at), f.message_id
    FROM findings f
    JOIN tls_reports t ON t.id = f.tls_report_id
    JOIN messages m ON m.id = f.message_id
    WHERE f.tls_report_id IS NOT NULL
    UNION ALL
    SELECT ifnull(r.reporting_mta, m.header_from), f.code, r.id * 4 + 2,
           ifnull(r.arrived_at, m.received_at), f.message_id
    FROM findings f
    JOIN failure_reports r ON r.id = f.failure_report_id
    JOIN messages m ON m.id = f.message_id
    WHERE f.failure_report_id IS NOT NULL
)
GROUP BY org_name, code
ORDER BY reports DESC, org_name, code;
CREATE VIEW failure_samples AS
SELECT f.id AS failure_report_id, f.arrived_at, f.reported_domain, f.source_ip, s.class,
       f.sample_from, f.sample_subject, f.sample_date_at, f.auth_failure, f.delivery_result,
       s.messages AS aggregate_messages, f.incidents, f.message_id
FROM failure_reports f
LEFT JOIN sources s ON s.domain = f.reported_domain AND s.source_ip = f.source_ip
ORDER BY f.arrived_at DESC, f.id DESC;
CREATE VIEW tls_failures_by_domain AS
SELECT policy_domain, policy_type, result_type, sum(sessions) AS sessions,
       count(DISTINCT org_name) AS reporters,
       min(first_seen_at) AS first_seen_at, max(last_seen_at) AS last_seen_at
FROM (
    SELECT p.policy_domain, p.policy_type, f.result_type, f.failed_session_count AS sessions,
           r.org_name, r.begin_at AS first_seen_at, r.end_at AS last_seen_at
    FROM tls_reports r
    JOIN tls_policies p ON p.tls_report_id = r.id
    JOIN tls_failures f ON f.tls_policy_id = p.id
    WHERE r.counted = 1
    UNION ALL
    SELECT p.policy_domain, p.policy_type, '(no details)',
           p.failure_count - ifnull((SELECT sum(f.failed_session_count) FROM tls_failures f
                                     WHERE f.tls_policy_id = p.id), 0) AS missing,
           r.org_name, r.begin_at, r.end_at
    FROM tls_reports r
    JOIN tls_policies p ON p.tls_report_id = r.id
    WHERE r.counted = 1 AND missing > 0
    UNION ALL
    SELECT nullif(policy_domain, '(none)'), nullif(policy_type, '(none)'),
           nullif(result_type, '(none)'), sessions, nullif(org_name, '(none)'),
           first_seen_at, last_seen_at
    FROM pruned_tls_failures
)
GROUP BY policy_domain, policy_type, result_type
ORDER BY sessions DESC, policy_domain, policy_type, result_type;
CREATE VIEW receipts AS
SELECT id AS message_id, received_at, source, peer_ip, tls, envelope_from, envelope_to, size,
       outcome, detail,
       (SELECT count(*) FROM aggregate_reports a WHERE a.message_id = messages.id)
       + (SELECT count(*) FROM failure_reports f WHERE f.message_id = messages.id)
       + (SELECT count(*) FROM tls_reports t WHERE t.message_id = messages.id) AS reports,
       header_from, subject, duplicate_of
FROM messages
ORDER BY id;
CREATE TRIGGER labels_inserted AFTER INSERT ON labels BEGIN
    UPDATE labels SET (first_key, last_key) = (
        SELECT upper(substr(hex, 1, bits / 4)
                     || CASE WHEN bits % 4 = 0 THEN '' ELSE printf('%x',
                            (nibble >> (4 - bits % 4)) << (4 - bits % 4)) END
                     || substr('00000000000000000000000000000000', (bits + 3) / 4 + 1)),
               upper(substr(hex, 1, bits / 4)
                     || CASE WHEN bits % 4 = 0 THEN '' ELSE printf('%x',
                            nibble | (15 >> (bits % 4))) END
                     || substr('ffffffffffffffffffffffffffffffff', (bits + 3) / 4 + 1))
        FROM (
            SELECT hex, bits,
                   instr('0123456789abcdef', substr(hex, bits / 4 + 1, 1)) - 1 AS nibble
            FROM (
                WITH RECURSIVE
                given (address, prefix) AS (
                    SELECT CASE instr(NEW.subject, '/') WHEN 0 THEN lower(NEW.subject)
                           ELSE lower(substr(NEW.subject, 1, instr(NEW.subject, '/') - 1)) END,
                           CASE instr(NEW.subject, '/') WHEN 0 THEN NULL
                           ELSE CAST(substr(NEW.subject, instr(NEW.subject, '/') + 1) AS INTEGER) END
                ),
                expanded (rest, prefix, v4) AS (
                    SELECT address || '.', 96 + ifnull(prefix, 32), 1 FROM given
                    WHERE address GLOB '[0-9]*.*.*.*[0-9]' AND address NOT GLOB '*[^0-9.]*'
                    UNION ALL
                    SELECT CASE instr(address, '::') WHEN 0 THEN address || ':'
                           ELSE CASE WHEN address GLOB '::*' THEN ''
                                     ELSE substr(address, 1, instr(address, '::')) END
                                || substr('0:0:0:0:0:0:0:0:', 1, 2 * (8
                                    - (length(address) - length(replace(address, ':', '')) + 1)
                                    + 1 + (address GLOB '::*') + (address GLOB '*::')))
                                || CASE WHEN address GLOB '*::' THEN ''
                                   ELSE substr(address, instr(address, '::') + 2) || ':' END
                           END, ifnull(prefix, 128), 0
                    FROM given
                    WHERE address GLOB '*:*:*' AND address NOT GLOB '*[^0-9a-f:]*'
                ),
                split (rest, hex, prefix, v4) AS (
                    SELECT rest, CASE v4 WHEN 1 THEN '00000000000000000000ffff' ELSE '' END,
                           prefix, v4 FROM expanded
                    UNION ALL
                    SELECT substr(rest, instr(rest, CASE v4 WHEN 1 THEN '.' ELSE ':' END) + 1),
                           hex || CASE v4
                               WHEN 1 THEN printf('%02x',
                                   CAST(substr(rest, 1, instr(rest, '.') - 1) AS INTEGER) & 255)
                               ELSE substr('0000' || substr(rest, 1, instr(rest, ':') - 1), -4) END,
                           prefix, v4
                    FROM split WHERE rest <> '' AND length(hex) < 32
                )
                SELECT hex, prefix AS bits FROM split
                WHERE rest = '' AND length(hex) = 32 AND prefix BETWEEN 0 AND 128
            )
        )
    ) WHERE id = NEW.id;
END;
CREATE TRIGGER labels_updated AFTER UPDATE OF subject ON labels BEGIN
    DELETE FROM labels WHERE id = NEW.id;
    INSERT INTO labels (id, subject, class, note, set_at)
    VALUES (NEW.id, NEW.subject, NEW.class, NEW.note, NEW.set_at);
END;
COMMIT;
