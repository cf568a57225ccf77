-- dmarcbox, schema 2: what is to be settled or made again later.

-- Organisations whose signing keys were seen passing: records of the span that lack
-- own-signature-broken are looked at again.
CREATE TABLE stale_evidence (
    domain   TEXT    NOT NULL PRIMARY KEY,
    first_at INTEGER NOT NULL,
    last_at  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Another number whenever the domain loses a report.
ALTER TABLE stale_totals ADD COLUMN mark INTEGER NOT NULL DEFAULT 0;

-- A selector is a name of DNS: its letters have no case.
CREATE TABLE folded AS
    SELECT domain, lower(selector) AS selector, month, min(first_at) AS first_at,
           max(last_at) AS last_at
    FROM passing_keys GROUP BY 1, 2, 3;
DELETE FROM passing_keys;
INSERT INTO passing_keys (domain, selector, month, first_at, last_at)
    SELECT domain, selector, month, first_at, last_at FROM folded;
DROP TABLE folded;

-- What earlier releases left as it was when the key came later: 90 days around each.
INSERT INTO stale_evidence (domain, first_at, last_at)
    SELECT domain, min(first_at) - 7776000, max(last_at) + 7776000 FROM passing_keys GROUP BY 1;

-- Earlier releases left subject and findings of the mails: the next prune takes them too.
UPDATE failure_reports SET pruned_at = NULL;
