#include "storage/verify.hpp"

#include <algorithm>
#include <utility>

#include "schema/content_hash.hpp"
#include "storage/originals.hpp"
#include "storage/rebuild.hpp"

namespace dmarcbox::storage {

namespace {

constexpr std::size_t kMaxLines = 100;

/// Reads of one moment, also with temporary tables beside.
class ReadTransaction {
  public:
    explicit ReadTransaction(Database& database) : database_(database) {
        database_.execute("BEGIN");
    }
    ReadTransaction(const ReadTransaction&) = delete;
    ReadTransaction& operator=(const ReadTransaction&) = delete;
    ~ReadTransaction() {
        try {
            database_.execute("ROLLBACK");
        } catch (const DatabaseError&) {
            return;  // a corrupt file can end it by itself
        }
    }

  private:
    Database& database_;
};

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
    auto originals = database.prepare("SELECT message_id, size, sha256, content FROM originals");
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
        }
        if (!fault.empty() && ++lines <= kMaxLines) {
            result.problems.push_back("original of message " +
                                      std::to_string(originals.integer(0)) + ": " + fault);
        }
    }
}

// Of the reports of one identity one counts, and all are in conflict if there are several.
void check_flags(Database& database, VerifyResult& result) {
    for (const auto& [table, columns] :
         {std::pair{"aggregate_reports", "org_name, report_id, domain, begin_at, end_at"},
          std::pair{"tls_reports", "org_name, report_id, begin_at, end_at, policy_domains"}}) {
        auto groups = database.prepare(
            std::string("SELECT min(id), count(*), sum(counted), sum(conflict) FROM ") + table +
            " WHERE report_id IS NOT NULL GROUP BY " + columns +
            " HAVING sum(counted) <> 1 OR sum(conflict) <> iif(count(*) > 1, count(*), 0)");
        for (std::size_t lines = 0; groups.step() && lines < kMaxLines; ++lines) {
            result.problems.push_back(
                std::string(table) + ": report " + std::to_string(groups.integer(0)) + " and " +
                std::to_string(groups.integer(1) - 1) + " more of its identity: counted " +
                std::to_string(groups.integer(2)) + ", in conflict " +
                std::to_string(groups.integer(3)));
        }
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
    constexpr Check kChecks[] = {{"integrity", check_integrity},
                                 {"foreign keys", check_foreign_keys},
                                 {"originals", check_originals},
                                 {"flags", check_flags},
                                 {"totals", check_totals}};
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

std::size_t rebuild_totals(Database& database) {
    Transaction transaction(database);
    std::size_t lines = 0;
    {
        RebuiltTotals rebuilt(database, "");
        lines = rebuilt.differences().size();
        rebuilt.replace_live();
    }
    transaction.commit();
    return lines;
}

}  // namespace dmarcbox::storage
