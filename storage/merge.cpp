#include "storage/merge.hpp"

#include <algorithm>
#include <mutex>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "schema/evidence.hpp"
#include "storage/finding_codes.hpp"
#include "storage/message_rows.hpp"
#include "storage/originals.hpp"

namespace dmarcbox::storage {

namespace {

// Codes and stages are a closed list of this program; another file can hold others.
constexpr std::size_t kMaxWords = 1000;

// FindingCode points to text that lives as long as the program.
std::string_view lasting(std::string_view word) {
    static std::mutex mutex;
    static std::set<std::string, std::less<>> words;
    const std::lock_guard lock(mutex);
    if (const auto found = words.find(word); found != words.end()) {
        return *found;
    }
    if (words.size() >= kMaxWords) {
        return "unknown";
    }
    return *words.emplace(word).first;
}

enum class Kind { aggregate, failure, tls };

struct StoredReport {
    std::int64_t position;
    Kind kind;
    std::int64_t id;
    bool pruned;
};

std::vector<StoredReport> reports_of(Database& database, std::int64_t message_id) {
    std::vector<StoredReport> found;
    for (const auto& [kind, table] :
         {std::pair{Kind::aggregate, "aggregate_reports"},
          std::pair{Kind::failure, "failure_reports"}, std::pair{Kind::tls, "tls_reports"}}) {
        auto reports = database.prepare(std::string("SELECT position, id, pruned_at FROM ") +
                                        table + " WHERE message_id = ?1");
        for (reports.bind(1, message_id); reports.step();) {
            found.push_back({reports.integer(0), kind, reports.integer(1), !reports.is_null(2)});
        }
    }
    std::sort(found.begin(), found.end(),
              [](const StoredReport& a, const StoredReport& b) { return a.position < b.position; });
    return found;
}

}  // namespace

MergeSource::MergeSource(const std::filesystem::path& path)
    : database_(path, Database::Mode::read_only), loader_(database_) {}

std::int64_t MergeSource::messages() {
    return database_.integer("SELECT count(*) FROM messages");
}

std::optional<MergeSource::Message> MergeSource::next() {
    for (;;) {
        auto find = database_.prepare("SELECT id FROM messages WHERE id > ?1 ORDER BY id LIMIT 1");
        find.bind(1, last_id_);
        if (!find.step()) {
            return std::nullopt;
        }
        last_id_ = find.integer(0);
        if (auto message = load(last_id_)) {
            return message;
        }
    }
}

std::optional<MergeSource::Message> MergeSource::load(std::int64_t id) {
    auto find = database_.prepare(
        "SELECT m.outcome, m.detail, m.duplicate_of, m.pruned_at, o.size, o.sha256, o.reduced, "
        "o.content FROM messages m LEFT JOIN originals o ON o.message_id = (SELECT same.id "
        "FROM messages same JOIN originals k ON k.message_id = same.id "
        "WHERE same.sha256 = m.sha256 LIMIT 1) WHERE m.id = ?1");
    find.bind(1, id);
    if (!find.step()) {
        return std::nullopt;
    }
    std::optional<Message> message(std::in_place);
    Submission& submission = message->submission;
    (void)load_receipt(database_, id, submission.receipt);
    submission.outcome = parse_outcome(find.text(0));
    submission.detail = find.text(1);
    submission.skip_known_bytes = true;
    if (!find.is_null(5)) {
        auto& original = submission.original;
        original.size = find.integer(4);
        const auto digest = find.blob(5);
        std::copy_n(digest.begin(), std::min(digest.size(), original.sha256.size()),
                    original.sha256.begin());
        original.reduced = find.integer(6) != 0;
        const auto content = find.blob(7);
        original.content.assign(reinterpret_cast<const char*>(content.data()), content.size());
    } else {
        submission.original_missing = true;
        if (!find.is_null(3)) {
            submission.original_pruned_at = find.integer(3);
        }
    }
    // What a re-send repeated is stored with the earlier message.
    const bool resent = submission.outcome == Outcome::duplicate && !find.is_null(2);
    const std::int64_t holder = resent ? find.integer(2) : id;
    const auto stored = reports_of(database_, holder);
    const auto pruned = std::count_if(stored.begin(), stored.end(),
                                      [](const StoredReport& report) { return report.pruned; });
    if (pruned > 0) {
        load_original_again(*message, id, holder);
        if (!message->bytes) {
            pruned_reports_ += resent ? 0 : pruned;
            return std::nullopt;
        }
        return message;
    }
    load_reports(id, submission);
    if (resent) {
        load_reports(holder, submission);
    }
    load_findings(id, submission);
    return message;
}

void MergeSource::load_original_again(Message& message, std::int64_t id, std::int64_t holder) {
    auto original = load_original(database_, id);
    if (!original) {
        return;
    }
    message.bytes = std::move(original->bytes);
    if (!original->reduced) {
        return;
    }
    auto find = database_.prepare(
        "SELECT content_sha256 FROM failure_reports WHERE message_id = ?1 ORDER BY position");
    for (find.bind(1, holder); find.step();) {
        const auto digest = find.blob(0);
        auto& hash = message.failure_hashes.emplace_back();
        std::copy_n(digest.begin(), std::min(digest.size(), hash.size()), hash.begin());
    }
}

void MergeSource::load_reports(std::int64_t message_id, Submission& submission) {
    for (const auto& stored : reports_of(database_, message_id)) {
        switch (stored.kind) {
            case Kind::aggregate:
                if (auto report = loader_.aggregate(stored.id)) {
                    schema::classify_records(*report);
                    submission.reports.emplace_back(std::move(*report));
                }
                break;
            case Kind::tls:
                if (auto report = loader_.tls(stored.id)) {
                    submission.reports.emplace_back(std::move(*report));
                }
                break;
            case Kind::failure:
                if (auto report = loader_.failure(stored.id)) {
                    submission.reports.emplace_back(std::move(*report));
                }
                break;
        }
    }
}

// With one report they become its findings again, as the store links them.
void MergeSource::load_findings(std::int64_t message_id, Submission& submission) {
    auto find = database_.prepare(
        "SELECT part, stage, code, fault, detail FROM findings WHERE message_id = ?1 "
        "ORDER BY position");
    for (find.bind(1, message_id); find.step();) {
        if (find.text(1) == finding::kOddRange.stage && find.text(2) == finding::kOddRange.code) {
            continue;  // the store notes it again
        }
        submission.findings.push_back(
            {{lasting(find.text(2)), lasting(find.text(1)), find.integer(3) != 0},
             std::string(find.text(0)),
             std::string(find.text(4))});
    }
}

}  // namespace dmarcbox::storage
