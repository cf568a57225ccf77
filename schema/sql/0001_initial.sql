-- dmarcbox, schema 1. Every table and column is described in schema/README.md.
-- Times are Unix seconds UTC, named *_at. Absent is NULL, never ''. Enumerations keep the RFC token.

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
CREATE INDEX messages_by_sha256 ON messages (sha256);
CREATE INDEX messages_by_duplicate_of ON messages (duplicate_of) WHERE duplicate_of IS NOT NULL;
-- What an operator looks for among very many messages is rare: unreadable and other.
CREATE INDEX messages_not_understood ON messages (outcome, received_at)
    WHERE outcome IN ('unreadable', 'other');

-- Retention finds what is due without reading what it has pruned already.
CREATE INDEX messages_unpruned ON messages (outcome, received_at) WHERE pruned_at IS NULL;

CREATE TABLE originals (
    message_id INTEGER PRIMARY KEY REFERENCES messages (id) ON DELETE CASCADE,
    size       INTEGER NOT NULL,
    sha256     BLOB    NOT NULL CHECK (length(sha256) = 32),
    reduced    INTEGER NOT NULL DEFAULT 0 CHECK (reduced IN (0, 1)),
    content    BLOB    NOT NULL
) STRICT;

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
CREATE INDEX aggregate_reports_by_identity ON aggregate_reports (begin_at, domain, report_id);
CREATE INDEX aggregate_reports_by_message ON aggregate_reports (message_id);
-- A report without report id is known by its content alone.
CREATE INDEX aggregate_reports_by_content ON aggregate_reports (content_sha256)
    WHERE report_id IS NULL;
CREATE INDEX aggregate_reports_unpruned ON aggregate_reports (end_at) WHERE pruned_at IS NULL;
CREATE INDEX aggregate_reports_in_conflict ON aggregate_reports (message_id) WHERE conflict = 1;

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
CREATE INDEX aggregate_records_by_report ON aggregate_records (aggregate_report_id);

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
CREATE INDEX failure_reports_by_content ON failure_reports (content_sha256);
CREATE INDEX failure_reports_by_message ON failure_reports (message_id);

CREATE TABLE failure_fields (
    failure_report_id INTEGER NOT NULL REFERENCES failure_reports (id) ON DELETE CASCADE,
    position          INTEGER NOT NULL,
    name              TEXT,
    value             TEXT,
    PRIMARY KEY (failure_report_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE failure_headers (
    failure_report_id INTEGER NOT NULL REFERENCES failure_reports (id) ON DELETE CASCADE,
    position          INTEGER NOT NULL,
    name              TEXT,
    value             TEXT,
    raw               TEXT,
    PRIMARY KEY (failure_report_id, position)
) STRICT, WITHOUT ROWID;

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
CREATE INDEX tls_reports_by_identity ON tls_reports (begin_at, report_id);
CREATE INDEX tls_reports_by_message ON tls_reports (message_id);
CREATE INDEX tls_reports_by_content ON tls_reports (content_sha256) WHERE report_id IS NULL;
CREATE INDEX tls_reports_in_conflict ON tls_reports (message_id) WHERE conflict = 1;

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
CREATE INDEX tls_policies_by_report ON tls_policies (tls_report_id);

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
CREATE INDEX findings_faults ON findings (message_id) WHERE fault = 1;

-- Totals: sums of `count` over counted aggregate reports, kept in the transaction that writes the
-- records. Keys use '(none)' where a report gives no domain, no source, no reporter.

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

CREATE TABLE source_evidence (
    domain    TEXT    NOT NULL,
    source_ip TEXT    NOT NULL,
    evidence  TEXT    NOT NULL,
    records   INTEGER NOT NULL,
    messages  INTEGER NOT NULL,
    PRIMARY KEY (domain, source_ip, evidence)
) STRICT, WITHOUT ROWID;

CREATE TABLE source_reporters (
    domain    TEXT NOT NULL,
    org_name  TEXT NOT NULL,
    source_ip TEXT NOT NULL,
    PRIMARY KEY (domain, org_name, source_ip)
) STRICT, WITHOUT ROWID;

CREATE TABLE source_identities (
    domain    TEXT NOT NULL,
    source_ip TEXT NOT NULL,
    kind      TEXT NOT NULL CHECK (kind IN ('from', 'dkim', 'spf')),
    identity  TEXT NOT NULL,
    PRIMARY KEY (domain, source_ip, kind, identity)
) STRICT, WITHOUT ROWID;

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

-- Domains that lost a counted report to reprocessing: lists, reporters and dates of their sources
-- are made again from the records.
CREATE TABLE stale_totals (
    domain TEXT NOT NULL PRIMARY KEY
) STRICT, WITHOUT ROWID;

-- What retention has removed, kept apart: records that are there + pruned_* = totals.

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
CREATE UNIQUE INDEX refusals_by_key ON refusals (day, reason, ifnull(domain, ''));
