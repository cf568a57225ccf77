#include "storage/verify.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "schema/content_hash.hpp"
#include "storage/originals.hpp"
#include "storage/rebuild.hpp"
#include "storage/stale_evidence.hpp"
#include "storage/verify_reports.hpp"

namespace dmarcbox::storage {

namespace {

constexpr std::size_t kMaxLines = 100;

void check_integrity(Database& database, VerifyResult& result) {
    auto check = database.prepare("PRAGMA integrity_check(100)");
    while (check.step()) {
        if (check.text(0) != "ok") {
            result.problems.push_back("integrity: " + std::string(check.text(0)));
        }
    }
}

void check_foreign_keys(Database& database, VerifyResult& result) {
    auto check = database.prepare("PRAGMA foreign_key_check");
    for (std::size_t lines = 0; check.step() && lines < kMaxLines; ++lines) {
        result.problems.push_back("foreign key: a row of " + std::string(check.text(0)) +
                                  " has no row in " + std::string(check.text(2)));
    }
}

void check_originals(Database& database, VerifyResult& result) {
    auto originals = database.prepare(
        "SELECT o.message_id, o.size, o.sha256, o.content, o.reduced = 0 AND o.sha256 <> m.sha256 "
        "FROM originals o JOIN messages m ON m.id = o.message_id");
    std::size_t lines = 0;
    while (originals.step()) {
        ++result.originals;
        const auto bytes = uncompress_original(originals.blob(3), originals.integer(1));
        const auto stored = originals.blob(2);
        std::string fault;
        if (!bytes) {
            fault = bytes.error();
        } else if (const auto digest = schema::sha256(*bytes);
                   !std::equal(digest.begin(), digest.end(), stored.begin(), stored.end())) {
            fault = "does not have its SHA-256";
        } else if (originals.integer(4) != 0) {
            fault = "is not what was received: messages.sha256 is another";
        }
        if (!fault.empty() && ++lines <= kMaxLines) {
            result.problems.push_back("original of message " +
                                      std::to_string(originals.integer(0)) + ": " + fault);
        }
    }
}

// Identical bytes are kept once, with one of the messages that brought them.
void check_missing_originals(Database& database, VerifyResult& result) {
    auto missing = database.prepare(
        "SELECT m.id FROM messages m WHERE m.pruned_at IS NULL AND m.outcome <> 'duplicate' "
        "AND NOT EXISTS (SELECT 1 FROM originals o WHERE o.message_id = m.id) "
        "AND NOT EXISTS (SELECT 1 FROM messages n LEFT JOIN originals o ON o.message_id = n.id "
        "WHERE n.sha256 = m.sha256 AND (o.message_id IS NOT NULL OR n.pruned_at IS NOT NULL)) "
        "ORDER BY m.id LIMIT ?1");
    missing.bind(1, static_cast<std::int64_t>(kMaxLines));
    while (missing.step()) {
        result.problems.push_back("original of message " + std::to_string(missing.integer(0)) +
                                  ": is missing, and retention did not remove it");
    }
}

void check_totals(Database& database, VerifyResult& result) {
    RebuiltTotals rebuilt(database, "");
    result.reports = database.integer("SELECT count(*) FROM aggregate_reports WHERE counted = 1");
    for (auto& line : rebuilt.differences()) {
        result.problems.push_back(std::move(line));
    }
    auto stale = database.prepare("SELECT domain FROM stale_totals");
    for (std::size_t lines = 0; stale.step() && lines < kMaxLines; ++lines) {
        result.problems.push_back("totals of " + std::string(stale.text(0)) +
                                  " wait to be refreshed after reprocessing: `dmarcbox verify "
                                  "--rebuild` does it now");
    }
}

}  // namespace

VerifyResult verify(Database& database, const std::function<void(const char*)>& step) {
    VerifyResult result;
    const auto next = [&](const char* what) {
        if (step) {
            step(what);
        }
    };
    const ReadTransaction moment(database);
    struct Check {
        const char* name;
        void (*run)(Database&, VerifyResult&);
    };
    constexpr std::array<Check, 7> kChecks{{{"integrity", check_integrity},
                                            {"foreign keys", check_foreign_keys},
                                            {"originals", check_originals},
                                            {"missing originals", check_missing_originals},
                                            {"reports", check_reports},
                                            {"flags", check_flags},
                                            {"totals", check_totals}}};
    for (const auto& [name, check] : kChecks) {
        next(name);
        try {
            check(database, result);
        } catch (const DatabaseError& error) {
            // A page that cannot be read ends one check, not the next.
            result.problems.push_back(std::string(name) + ": " + error.what());
        }
    }
    return result;
}

Rebuilt rebuild(Database& database) {
    Rebuilt result;
    result.flags = settle_flags(database);
    result.passing_keys = restore_passing_keys(database);
    result.evidence = settle_stale_evidence(database, [] {
        let_others_write();
        return true;
    });
    // What is wrong is found without the write lock: a domain at a time is made again under it.
    std::vector<std::string> due;
    {
        const ReadTransaction moment(database);
        due = RebuiltTotals(database, "").differing_domains();
    }
    for (const auto& domain : due) {
        Transaction transaction(database);
        RebuiltTotals totals(database, domain);
        const std::size_t lines = totals.differences().size();
        if (lines > 0) {
            totals.replace_live();
        } else {
            totals.not_stale();
        }
        transaction.commit();
        result.totals += lines;
        let_others_write();
    }
    return result;
}

}  // namespace dmarcbox::storage
