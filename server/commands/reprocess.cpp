#include "server/commands/reprocess.hpp"

#include <algorithm>
#include <deque>
#include <iterator>
#include <ostream>
#include <set>
#include <utility>
#include <variant>
#include <vector>

#include "server/commands/open_database.hpp"
#include "server/ingest_settings.hpp"
#include "server/terminal.hpp"
#include "storage/message_store.hpp"
#include "storage/originals.hpp"
#include "storage/rebuild.hpp"
#include "storage/retention.hpp"
#include "storage/stale_evidence.hpp"

namespace dmarcbox {
namespace {

// Messages of the same bytes share one original.
constexpr std::string_view kFailed =
    "SELECT id FROM messages m WHERE outcome IN ('unreadable', 'other')"
    " AND (outcome = 'unreadable' OR EXISTS (SELECT 1 FROM findings WHERE message_id = m.id))"
    " AND EXISTS (SELECT 1 FROM messages same JOIN originals o ON o.message_id = same.id"
    " WHERE same.sha256 = m.sha256) ORDER BY id";
constexpr std::string_view kAll =
    "SELECT id FROM messages WHERE sha256 IN"
    " (SELECT m.sha256 FROM originals o JOIN messages m ON m.id = o.message_id) ORDER BY id";

class Reprocessing {
  public:
    Reprocessing(const Config& config, std::ostream& out, std::ostream& err)
        : database_(open_database(config, storage::Database::Mode::read_write)),
          store_(database_),
          settings_(make_ingest_settings(config)),
          out_(out),
          err_(err) {}

    void run(bool all) {
        std::deque<std::int64_t> queue = select(all ? kAll : kFailed);
        std::set<std::int64_t> orphans;  // each once: a message can lose its first copy once only
        while (!queue.empty()) {
            const std::int64_t id = queue.front();
            queue.pop_front();
            for (const std::int64_t orphan : read_again(id)) {
                if (orphans.insert(orphan).second) {
                    queue.push_back(orphan);
                }
            }
        }
        storage::settle_stale_evidence(database_, [] {
            storage::let_others_write();
            return true;
        });
        storage::refresh_stale_totals(database_);
        out_ << with_commas(read_) << (read_ == 1 ? " message" : " messages") << " read again, "
             << with_commas(changed_) << " changed";
        if (broken_ > 0) {
            out_ << ", " << with_commas(broken_) << " could not be read back";
        }
        out_ << '\n';
    }

    [[nodiscard]] bool clean() const { return broken_ == 0; }

  private:
    std::deque<std::int64_t> select(std::string_view sql) {
        auto statement = database_.prepare(sql);
        std::deque<std::int64_t> ids;
        while (statement.step()) {
            ids.push_back(statement.integer(0));
        }
        return ids;
    }

    /// Messages to read again because of what this one lost.
    std::vector<std::int64_t> read_again(std::int64_t id) {
        storage::Receipt receipt;
        if (!storage::load_receipt(database_, id, receipt)) {
            return {};  // pruned meanwhile
        }
        const auto original = storage::load_original(database_, id);
        if (!original) {
            if (original.error().code == storage::OriginalError::Code::corrupt) {
                ++broken_;
                err_ << "dmarcbox: message " << id << ": "
                     << escape_for_terminal(original.error().detail) << '\n';
            }
            return {};
        }
        Message message;
        message.bytes = original->bytes;
        message.source = receipt.source;
        message.received_at = receipt.received_at;
        storage::Submission submission = ingest(message, settings_);
        // What session and import said stays; what the header says is read again, unless tokens
        // stand in it already.
        if (original->reduced) {
            submission.receipt = receipt;
            keep_hashes(id, submission);
        } else {
            submission.receipt = with_header(receipt, std::move(submission.receipt));
        }
        if (storage::sample_forgotten(database_, id)) {
            submission.receipt.subject = receipt.subject;
        }
        return replace(id, submission, !is_same_header(receipt, submission.receipt));
    }

    static storage::Receipt with_header(storage::Receipt receipt, storage::Receipt read) {
        receipt.sent_at = read.sent_at;
        receipt.header_from = std::move(read.header_from);
        receipt.subject = std::move(read.subject);
        receipt.message_id = std::move(read.message_id);
        return receipt;
    }

    static bool is_same_header(const storage::Receipt& a, const storage::Receipt& b) {
        return a.sent_at == b.sent_at && a.header_from == b.header_from && a.subject == b.subject &&
               a.message_id == b.message_id;
    }

    void store_header(std::int64_t id, const storage::Receipt& receipt) {
        auto update = database_.prepare(
            "UPDATE messages SET sent_at = ?2, header_from = ?3, subject = ?4, message_id = ?5"
            " WHERE id = ?1");
        update.bind(1, id).bind(2, receipt.sent_at).bind(3, receipt.header_from);
        update.bind(4, receipt.subject).bind(5, receipt.message_id);
        update.run();
    }

    /// The hash of a failure report is that of the mail as received; of a reduced original another
    /// one would come out. A re-send has no row of its own: its report is that of the first
    /// message.
    void keep_hashes(std::int64_t id, storage::Submission& submission) {
        auto stored = database_.prepare(
            "SELECT content_sha256 FROM failure_reports WHERE message_id ="
            " (SELECT CASE outcome WHEN 'duplicate' THEN duplicate_of ELSE id END"
            "  FROM messages WHERE id = ?) ORDER BY position");
        stored.bind(1, id);
        for (auto& report : submission.reports) {
            auto* failure = std::get_if<schema::FailureReport>(&report);
            if (failure == nullptr) {
                continue;
            }
            if (!stored.step()) {
                return;
            }
            const auto digest = stored.blob(0);
            if (digest.size() == failure->content_sha256.size()) {
                std::copy(digest.begin(), digest.end(), failure->content_sha256.begin());
            }
        }
    }

    std::vector<std::int64_t> replace(std::int64_t id,
                                      storage::Submission& submission,
                                      bool header_changed) {
        storage::MessageStore::Replaced replaced;
        {
            storage::Transaction transaction(database_);
            store_.begun();
            try {
                if (header_changed) {
                    store_header(id, submission.receipt);
                }
                replaced = store_.replace(id, submission);
                store_.flush();
                transaction.commit();
            } catch (...) {
                store_.rolled_back();
                throw;
            }
        }
        ++read_;
        if (replaced.changed() || header_changed) {
            ++changed_;
            print(id, replaced, header_changed);
        }
        return std::move(replaced.orphaned_duplicates);
    }

    void print(std::int64_t id,
               const storage::MessageStore::Replaced& replaced,
               bool header_changed) {
        out_ << "message " << id << ": ";
        if (replaced.before != replaced.after) {
            out_ << to_string(replaced.before) << " -> ";
        }
        out_ << to_string(replaced.after);
        if (!replaced.detail.empty()) {
            out_ << " (" << escape_for_terminal(replaced.detail) << ')';
        }
        const auto count = [this](std::uint32_t number, const char* what) {
            if (number > 0) {
                out_ << ", " << number << ' ' << what;
            }
        };
        count(replaced.reports_new, "new");
        count(replaced.reports_removed, "removed");
        count(replaced.reports_kept, "kept");
        count(replaced.conflicts, "in conflict");
        out_ << (header_changed ? ", header changed" : "")
             << (replaced.findings_changed ? ", findings changed\n" : "\n");
    }

    storage::Database database_;
    storage::MessageStore store_;
    IngestSettings settings_;
    std::ostream& out_;
    std::ostream& err_;
    std::int64_t read_ = 0;
    std::int64_t changed_ = 0;
    std::int64_t broken_ = 0;
};

}  // namespace

int run_reprocess(const Config& config, bool all, std::ostream& out, std::ostream& err) {
    Reprocessing reprocessing(config, out, err);
    reprocessing.run(all);
    return reprocessing.clean() ? 0 : 1;
}

}  // namespace dmarcbox
