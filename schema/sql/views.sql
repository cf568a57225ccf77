-- dmarcbox views: the questions, for any sqlite3 shell from 3.38 without extension. Each is
-- described in schema/README.md. Views and triggers hold no data: they are made again at every
-- migration, and when a file of this schema has other ones, so nothing may depend on an old one.

DROP TRIGGER IF EXISTS messages_deleted;
DROP TRIGGER IF EXISTS labels_updated;
DROP TRIGGER IF EXISTS labels_inserted;
DROP VIEW IF EXISTS receipts;
DROP VIEW IF EXISTS tls_failures_by_domain;
DROP VIEW IF EXISTS failure_samples;
DROP VIEW IF EXISTS deviations;
DROP VIEW IF EXISTS problems;
DROP VIEW IF EXISTS policies_seen;
DROP VIEW IF EXISTS reporters;
DROP VIEW IF EXISTS daily;
DROP VIEW IF EXISTS likely_forwarded;
DROP VIEW IF EXISTS failing_sources;
DROP VIEW IF EXISTS sources;
DROP VIEW IF EXISTS source_classes;
DROP VIEW IF EXISTS evidence_classes;
DROP VIEW IF EXISTS plausible_reports;

-- Counted aggregate reports with their range, which is NULL where it cannot be (before 2010, backwards,
-- in the future of its receipt): one forged date must not make a reporter look alive for years.
CREATE VIEW plausible_reports AS
SELECT a.id, a.org_name, a.domain, a.message_count, a.p, a.sp, a.np, a.adkim, a.aspf, a.pct, a.testing,
       CASE WHEN a.begin_at >= 1262304000 AND a.begin_at <= a.end_at
                 AND a.end_at <= m.received_at + 172800 AND a.end_at - a.begin_at <= 2678400 THEN a.begin_at END AS begin_at,
       CASE WHEN a.begin_at >= 1262304000 AND a.begin_at <= a.end_at
                 AND a.end_at <= m.received_at + 172800 AND a.end_at - a.begin_at <= 2678400 THEN a.end_at END AS end_at
FROM aggregate_reports a JOIN messages m ON m.id = a.message_id
WHERE a.counted = 1;

-- What each evidence token says, per domain and source (schema/evidence.md).
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

-- One row per domain and source: its class by evidence alone, before the operator's labels.
-- 98 % passing is aligned (the rest is stray); half passing without a sign of forwarding is partly
-- misconfigured; else the class of most failing messages. Temporary errors say nothing of their own.
-- The tops are `messages confidence evidence`, so that max() finds the token with most messages.
CREATE VIEW source_classes AS
WITH volumes AS MATERIALIZED (
    SELECT domain AS volume_domain, total(passed) AS aligned_messages
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
        SELECT domain, source_ip, total(messages) AS messages,
               total(messages) FILTER (WHERE class = 'aligned') AS passed,
               total(messages) FILTER (WHERE class = 'misconfigured') AS misconfigured,
               total(messages) FILTER (WHERE class = 'forwarder') AS forwarder,
               total(messages) FILTER (WHERE class = 'unauthenticated'
                                       AND evidence <> 'temperror') AS unauthenticated,
               total(messages) FILTER (WHERE evidence = 'temperror') AS temperror,
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
);

-- Who sends as my domain. The operator's word (labels) wins over the evidence: the narrowest
-- network, else the domain that the source authenticates as.
CREATE VIEW sources AS
SELECT t.domain, t.source_ip, ifnull(l.class, c.class) AS class,
       t.messages, t.passed, t.messages - t.passed AS failed, t.dkim_passed, t.spf_passed,
       t.quarantined, t.rejected, t.reporters, t.first_seen_at, t.last_seen_at,
       c.evidence, CASE WHEN l.class IS NULL THEN c.confidence ELSE 'label' END AS confidence,
       c.authenticates_as, t.source_net, t.records, l.subject AS label
FROM source_classes c
CROSS JOIN source_totals t ON t.domain = c.domain AND t.source_ip = c.source_ip
LEFT JOIN labels l ON l.id = ifnull(
    (SELECT b.id FROM labels b WHERE hex(t.source_ip_key) BETWEEN b.first_key AND b.last_key
     ORDER BY b.first_key DESC, b.last_key LIMIT 1),
    CASE WHEN c.authenticates_as IS NOT NULL THEN
    (SELECT b.id FROM labels b
     WHERE b.first_key IS NULL AND (c.authenticates_as = lower(b.subject)
           OR substr(c.authenticates_as, -length(b.subject) - 1) = '.' || lower(b.subject))
     ORDER BY length(b.subject) DESC LIMIT 1) END);

-- What fails DMARC, most messages first. The sum of `failed` is everything that failed.
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

-- Failures explained by forwarding: the failing messages with such evidence, whatever the class of
-- their source.
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

-- Who reports to me, how regularly. The typical gap is the median between the begins of successive
-- reports, found by counting equal gaps: most reporters have few different ones. total() does not
-- overflow, whatever reporters claim, and is exact up to 2^53.
CREATE VIEW reporters AS
WITH counted AS (
    SELECT org_name, domain, message_count, begin_at, end_at,
           begin_at - lag(begin_at) OVER (PARTITION BY org_name, domain ORDER BY begin_at) AS gap
    FROM plausible_reports
), by_gap AS MATERIALIZED (
    SELECT org_name, domain, iif(gap > 0, gap, NULL) AS gap, count(*) AS reports,
           total(message_count) AS messages,
           min(begin_at) AS first_report_at, max(end_at) AS last_report_at
    FROM counted GROUP BY org_name, domain, iif(gap > 0, gap, NULL)
), typical AS (
    SELECT org_name, domain, min(gap) AS gap
    FROM (
        SELECT org_name, domain, gap,
               sum(reports) OVER (PARTITION BY org_name, domain ORDER BY gap) AS place,
               sum(reports) OVER (PARTITION BY org_name, domain) AS gaps
        FROM by_gap WHERE gap IS NOT NULL
    ) WHERE place >= (gaps + 1) / 2 GROUP BY org_name, domain
)
SELECT r.org_name, r.domain, r.reports, r.messages, r.first_report_at, r.last_report_at,
       t.gap AS typical_gap_seconds,
       max(0, unixepoch() - r.last_report_at) AS silent_seconds
FROM (
    SELECT org_name, domain, sum(reports) AS reports,
           CAST(min(total(messages), 1e15) AS INTEGER) AS messages,
           min(first_report_at) AS first_report_at, max(last_report_at) AS last_report_at
    FROM by_gap GROUP BY org_name, domain
) r
LEFT JOIN typical t ON t.org_name IS r.org_name AND t.domain IS r.domain
ORDER BY r.messages DESC, r.org_name, r.domain;

CREATE VIEW policies_seen AS
SELECT domain, org_name, p, sp, np, adkim, aspf, pct, testing,
       min(begin_at) AS first_seen_at, max(end_at) AS last_seen_at, count(*) AS reports
FROM plausible_reports
GROUP BY domain, org_name, p, sp, np, adkim, aspf, pct, testing
ORDER BY domain, first_seen_at, org_name;

-- Messages not understood, faults beside a stored report, and conflicts, newest first.
CREATE VIEW problems AS
SELECT m.id AS message_id, m.received_at, m.header_from, m.subject, m.outcome,
       p.stage, p.code, p.detail
FROM (
    SELECT message_id, stage, code, detail FROM findings WHERE fault = 1
    UNION ALL
    SELECT u.id, NULL, NULL, u.detail FROM messages u
    -- The first term is that of the index, which is not used without.
    WHERE u.outcome IN ('unreadable', 'other') AND u.outcome = 'unreadable'
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

-- Which reporters break the standards, and how.
CREATE VIEW deviations AS
SELECT org_name, code, count(DISTINCT report) AS reports, max(last_at) AS last_seen_at,
       max(message_id) AS example_message_id
FROM (
    SELECT a.org_name, f.code, a.id * 4 AS report, min(ifnull(a.end_at, m.received_at), m.received_at) AS last_at,
           f.message_id
    FROM findings f
    JOIN aggregate_reports a ON a.id = f.aggregate_report_id
    JOIN messages m ON m.id = f.message_id
    WHERE f.aggregate_report_id IS NOT NULL
    UNION ALL
    SELECT t.org_name, f.code, t.id * 4 + 1, min(ifnull(t.end_at, m.received_at), m.received_at), f.message_id
    FROM findings f
    JOIN tls_reports t ON t.id = f.tls_report_id
    JOIN messages m ON m.id = f.message_id
    WHERE f.tls_report_id IS NOT NULL
    UNION ALL
    SELECT ifnull(r.reporting_mta, m.header_from), f.code, r.id * 4 + 2,
           min(ifnull(r.arrived_at, m.received_at), m.received_at), f.message_id
    FROM findings f
    JOIN failure_reports r ON r.id = f.failure_report_id
    JOIN messages m ON m.id = f.message_id
    WHERE f.failure_report_id IS NOT NULL
)
GROUP BY org_name, code
ORDER BY reports DESC, org_name, code;

-- Failure reports beside the aggregate rows of the same source and domain, or of the nearest parent
-- domain that has the source: a policy covers the subdomains.
CREATE VIEW failure_samples AS
-- Each step MATERIALIZED: else the planner goes through all sources for each report.
WITH asked AS MATERIALIZED (
    SELECT DISTINCT reported_domain, source_ip FROM failure_reports
    WHERE reported_domain IS NOT NULL AND source_ip IS NOT NULL
), parents AS (
    SELECT reported_domain, source_ip, reported_domain AS domain FROM asked
    UNION ALL
    SELECT reported_domain, source_ip, substr(domain, instr(domain, '.') + 1) FROM parents
    WHERE instr(domain, '.') > 0
), nearest AS MATERIALIZED (
    SELECT p.reported_domain, p.source_ip, t.domain, max(length(t.domain))
    FROM parents p CROSS JOIN source_totals t ON t.domain = p.domain AND t.source_ip = p.source_ip
    GROUP BY p.reported_domain, p.source_ip
), s AS MATERIALIZED (
    SELECT domain, source_ip, class, messages FROM sources
    WHERE (domain, source_ip) IN (SELECT domain, source_ip FROM nearest)
), known AS MATERIALIZED (
    SELECT n.reported_domain, n.source_ip, s.class, s.messages
    FROM nearest n JOIN s ON s.domain = n.domain AND s.source_ip = n.source_ip
), joined AS MATERIALIZED (
    SELECT f.id AS failure_report_id, f.arrived_at, f.reported_domain, f.source_ip, k.class,
           f.sample_from, f.sample_subject, f.sample_date_at, f.auth_failure, f.delivery_result,
           k.messages AS aggregate_messages, f.incidents, f.message_id
    FROM failure_reports f
    LEFT JOIN known k ON k.reported_domain = f.reported_domain AND k.source_ip = f.source_ip
)
SELECT failure_report_id, arrived_at, reported_domain, source_ip, class, sample_from,
       sample_subject, sample_date_at, auth_failure, delivery_result, aggregate_messages,
       incidents, message_id
FROM joined ORDER BY arrived_at DESC, failure_report_id DESC;

-- Failed TLS sessions. What a reporter counts as failed without giving details is '(no details)'.
CREATE VIEW tls_failures_by_domain AS
-- A range that cannot be is NULL, as in plausible_reports.
WITH r AS (
    SELECT t.id, t.org_name,
           CASE WHEN t.begin_at >= 1262304000 AND t.begin_at <= t.end_at
                     AND t.end_at <= m.received_at + 172800 AND t.end_at - t.begin_at <= 2678400 THEN t.begin_at END AS begin_at,
           CASE WHEN t.begin_at >= 1262304000 AND t.begin_at <= t.end_at
                     AND t.end_at <= m.received_at + 172800 AND t.end_at - t.begin_at <= 2678400 THEN t.end_at END AS end_at
    FROM tls_reports t JOIN messages m ON m.id = t.message_id
    WHERE t.counted = 1
)
SELECT policy_domain, policy_type, result_type,
       CAST(min(total(sessions), 1e15) AS INTEGER) AS sessions,
       count(DISTINCT org_name) AS reporters,
       min(first_seen_at) AS first_seen_at, max(last_seen_at) AS last_seen_at
FROM (
    SELECT p.policy_domain, p.policy_type, f.result_type, f.failed_session_count AS sessions,
           r.org_name, r.begin_at AS first_seen_at, r.end_at AS last_seen_at
    FROM r
    JOIN tls_policies p ON p.tls_report_id = r.id
    JOIN tls_failures f ON f.tls_policy_id = p.id
    UNION ALL
    SELECT p.policy_domain, p.policy_type, '(no details)',
           p.failure_count
           - (SELECT CAST(min(total(f.failed_session_count), 1e15) AS INTEGER)
              FROM tls_failures f WHERE f.tls_policy_id = p.id) AS missing,
           r.org_name, r.begin_at, r.end_at
    FROM r
    JOIN tls_policies p ON p.tls_report_id = r.id
    WHERE missing > 0
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

-- Fills the bounds of a labelled network as 32 hexadecimal digits (IPv4 as ::ffff:a.b.c.d), so that
-- a label can be written in the plain shell. A subject that looks like no address is a domain.
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
                    WHERE NEW.subject NOT GLOB '*/*[^0-9]*' AND NEW.subject NOT GLOB '*/'
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
                               WHEN 1 THEN printf('%02x', -- above 255 it is too long, and no address
                                   CAST(substr(rest, 1, instr(rest, '.') - 1) AS INTEGER))
                               ELSE substr('0000' || substr(rest, 1, instr(rest, ':') - 1), -4) END,
                           prefix, v4
                    FROM split WHERE rest <> '' AND length(hex) < 32
                )
                SELECT hex, prefix AS bits FROM split
                WHERE rest = '' AND length(hex) = 32 AND prefix BETWEEN 0 AND 128
            )
        )
    ) WHERE id = NEW.id;
    SELECT RAISE(ABORT, 'labels.subject is no address, network or domain')
    FROM labels WHERE id = NEW.id AND first_key IS NULL
    AND (subject GLOB '*[/: ]*' OR subject NOT GLOB '*[^0-9.]*');
END;
CREATE TRIGGER labels_updated AFTER UPDATE OF subject ON labels BEGIN
    DELETE FROM labels WHERE id = NEW.id;
    INSERT INTO labels (id, subject, class, note, set_at)
    VALUES (NEW.id, NEW.subject, NEW.class, NEW.note, NEW.set_at);
END;

-- Messages of the same bytes share one original: it goes with the last of them. A copy that
-- retention has marked has given its bytes up.
CREATE TRIGGER messages_deleted BEFORE DELETE ON messages
WHEN EXISTS (SELECT 1 FROM originals WHERE message_id = old.id) BEGIN
    UPDATE originals SET message_id = n.id
    FROM (SELECT max(id) AS id FROM messages
          WHERE sha256 = old.sha256 AND id <> old.id AND pruned_at IS NULL) n
    WHERE message_id = old.id AND n.id IS NOT NULL;
END;
