// floor MAILS_FOLDER DATABASE
//
// The least that must be done with the mails of make_mails.py, on one thread: find the base64
// block, decode, inflate, parse with pugixml, compress the original, and write the same rows and
// totals as dmarcbox with bare SQLite calls in commits of 64 mails (WAL, synchronous FULL, its
// log). No SMTP, no MIME, no checks, no findings, no evidence rules: it trusts its input. The
// figure that the benchmarks compare with. Prints `mails=.. records=.. seconds=..`.
#include <openssl/sha.h>
#include <sqlite3.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <pugixml.hpp>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "schema/embedded_sql.hpp"
#include "storage/buffered_log.hpp"

namespace {

using Clock = std::chrono::steady_clock;
using Digest = std::array<unsigned char, 32>;

constexpr std::size_t kBatch = 64;
constexpr std::size_t kLargestDocument = std::size_t{64} << 20U;

[[noreturn]] void stop(const std::string& reason) {
    std::fprintf(stderr, "floor: %s\n", reason.c_str());
    std::exit(1);
}

class Rows {
  public:
    explicit Rows(const char* file) {
        if (sqlite3_open_v2(file, &database_, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                            dmarcbox::storage::buffered_log_vfs()) != SQLITE_OK) {
            stop(sqlite3_errmsg(database_));
        }
        run("PRAGMA page_size = 8192; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; "
            "PRAGMA synchronous = FULL; "
            "PRAGMA cache_size = -65536; PRAGMA wal_autocheckpoint = 4096");
    }
    Rows(const Rows&) = delete;
    Rows& operator=(const Rows&) = delete;
    ~Rows() {
        for (auto* statement : statements_) {
            sqlite3_finalize(statement);
        }
        sqlite3_close(database_);
    }

    void run(const std::string& sql) {
        char* reason = nullptr;
        if (sqlite3_exec(database_, sql.c_str(), nullptr, nullptr, &reason) != SQLITE_OK) {
            stop(reason != nullptr ? reason : sqlite3_errmsg(database_));
        }
    }
    sqlite3_stmt* prepare(const std::string& sql) {
        sqlite3_stmt* statement = nullptr;
        if (sqlite3_prepare_v3(database_, sql.c_str(), -1, SQLITE_PREPARE_PERSISTENT, &statement,
                               nullptr) != SQLITE_OK) {
            stop(sql + ": " + sqlite3_errmsg(database_));
        }
        return statements_.emplace_back(statement);
    }
    template <class... Values>
    sqlite3_int64 insert(sqlite3_stmt* statement, const Values&... values) {
        int index = 0;
        (bind(statement, ++index, values), ...);
        if (sqlite3_step(statement) != SQLITE_DONE) {
            stop(std::string(sqlite3_sql(statement)) + ": " + sqlite3_errmsg(database_));
        }
        sqlite3_reset(statement);
        return sqlite3_last_insert_rowid(database_);
    }

  private:
    static void bind(sqlite3_stmt* s, int i, std::string_view text) {
        if (text.empty()) {
            sqlite3_bind_null(s, i);
        } else {
            sqlite3_bind_text(s, i, text.data(), static_cast<int>(text.size()), SQLITE_STATIC);
        }
    }
    static void bind(sqlite3_stmt* s, int i, sqlite3_int64 value) {
        sqlite3_bind_int64(s, i, value);
    }
    static void bind(sqlite3_stmt* s, int i, const Digest& digest) {
        sqlite3_bind_blob(s, i, digest.data(), static_cast<int>(digest.size()), SQLITE_STATIC);
    }
    static void bind(sqlite3_stmt* s, int i, const std::vector<unsigned char>& bytes) {
        sqlite3_bind_blob(s, i, bytes.data(), static_cast<int>(bytes.size()), SQLITE_STATIC);
    }

    sqlite3* database_ = nullptr;
    std::vector<sqlite3_stmt*> statements_;
};

Digest digest_of(std::string_view bytes) {
    Digest digest{};
    SHA256(static_cast<const unsigned char*>(static_cast<const void*>(bytes.data())), bytes.size(),
           digest.data());
    return digest;
}

const unsigned char* bytes_of(std::string_view text) {
    return static_cast<const unsigned char*>(static_cast<const void*>(text.data()));
}

std::vector<unsigned char> compressed(std::string_view text) {
    std::vector<unsigned char> out(compressBound(text.size()));
    uLongf size = out.size();
    if (compress2(out.data(), &size, bytes_of(text), text.size(), 1) != Z_OK) {
        stop("zlib");
    }
    out.resize(size);
    return out;
}

std::string from_base64(std::string_view text) {
    static const auto table = [] {
        std::array<int, 256> values{};
        values.fill(-1);
        int value = 0;
        for (const char c :
             std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")) {
            values.at(static_cast<unsigned char>(c)) = value++;
        }
        return values;
    }();
    std::string out;
    out.reserve(text.size() * 3 / 4);
    unsigned bits = 0;
    int have = 0;
    for (const char c : text) {
        const int value = table[static_cast<unsigned char>(c)];
        if (value < 0) {
            continue;
        }
        bits = bits << 6U | static_cast<unsigned>(value);
        if ((have += 6) >= 8) {
            have -= 8;
            out += static_cast<char>(bits >> static_cast<unsigned>(have) & 0xffU);
        }
    }
    return out;
}

/// The XML of an attachment: gzip, zip of one entry, or plain.
std::string unpacked(const std::string& data) {
    int window = 15 + 16;
    std::size_t start = 0;
    if (data.starts_with("PK")) {
        const auto at = [&](std::size_t i) { return static_cast<unsigned char>(data.at(i)); };
        start = 30U + at(26) + at(27) * 256U + at(28) + at(29) * 256U;
        window = -15;
    } else if (!data.starts_with("\x1f\x8b")) {
        return data;
    }
    z_stream stream{};
    inflateInit2(&stream, window);
    std::string out(std::max<std::size_t>(data.size() * 8, 4096), '\0');
    std::string copy = data.substr(start);
    stream.next_in = static_cast<Bytef*>(static_cast<void*>(copy.data()));
    stream.avail_in = static_cast<uInt>(copy.size());
    for (;;) {
        stream.next_out = static_cast<Bytef*>(static_cast<void*>(out.data() + stream.total_out));
        stream.avail_out = static_cast<uInt>(out.size() - stream.total_out);
        const int code = inflate(&stream, Z_NO_FLUSH);
        if (code == Z_STREAM_END) {
            break;
        }
        if (code != Z_OK || out.size() > kLargestDocument) {
            stop("inflate");
        }
        out.resize(out.size() * 2);
    }
    out.resize(stream.total_out);
    inflateEnd(&stream);
    return out;
}

std::string header_value(std::string_view mail, std::string_view name) {
    const auto at = mail.find(name);
    return at == std::string_view::npos
               ? ""
               : std::string(
                     mail.substr(at + name.size(), mail.find("\r\n", at) - at - name.size()));
}

class Floor {
  public:
    explicit Floor(const char* file) : rows_(file) {
        for (const auto& migration : dmarcbox::schema::migrations()) {
            rows_.run(std::string(migration.sql));
        }
        prepare();
    }

    void begin() { rows_.run("BEGIN IMMEDIATE"); }
    void commit() {
        for (const auto& [key, sum] : sources_) {
            rows_.insert(source_, key.first, key.second, sum[0], sum[1], sum[2], sum[3], sum[4],
                         sum[5], sum[6], sum[7], last_);
            rows_.insert(evidence_, key.first, key.second, std::string_view("nothing"), sum[0],
                         sum[1]);
        }
        for (const auto& [key, sum] : days_) {
            rows_.insert(day_, key.first, key.second, sum[1], sum[2], sum[3], sum[4], sum[5],
                         sum[6]);
        }
        sources_.clear();
        days_.clear();
        rows_.run("COMMIT");
    }

    void take(const std::string& mail) {
        const Digest digest = digest_of(mail);
        const std::string from = header_value(mail, "From: ");
        const std::string subject = header_value(mail, "Subject: ");
        const std::string id = header_value(mail, "Message-ID: ");
        message_id_ =
            rows_.insert(message_, sqlite3_int64{1767571200}, std::string_view("127.0.0.1"),
                         std::string_view("bench.example"), std::string_view("<>"),
                         std::string_view("rua@reports.example"), from, subject, id,
                         static_cast<sqlite3_int64>(mail.size()), digest);
        rows_.insert(original_, message_id_, static_cast<sqlite3_int64>(mail.size()), digest,
                     compressed(mail));
        const auto block = mail.find("Content-Transfer-Encoding: base64\r\n\r\n");
        if (block != std::string::npos) {
            const auto start = block + 37;
            const auto end = std::min(mail.find("\r\n--", start), mail.size());
            report(unpacked(from_base64(std::string_view(mail).substr(start, end - start))));
        } else {
            failure(mail);
        }
    }

    [[nodiscard]] std::size_t records() const { return records_; }

  private:
    using Key = std::pair<std::string, std::string>;
    using Sums = std::array<sqlite3_int64, 8>;

    void prepare() {
        message_ = rows_.prepare(
            "INSERT INTO messages (received_at, source, peer_ip, helo, envelope_from, envelope_to, "
            "header_from, "
            "subject, message_id, size, sha256, outcome) VALUES (?1, 'smtp', ?2, ?3, ?4, ?5, ?6, "
            "?7, ?8, ?9, ?10, "
            "'report')");
        original_ = rows_.prepare(
            "INSERT INTO originals (message_id, size, sha256, content) VALUES (?1, ?2, ?3, ?4)");
        report_ = rows_.prepare(
            "INSERT INTO aggregate_reports (message_id, position, org_name, org_email, "
            "extra_contact_info, report_id, "
            "begin_at, end_at, domain, adkim, aspf, p, sp, pct, record_count, message_count, "
            "content_sha256) VALUES "
            "(?1, 0, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)");
        record_ = rows_.prepare(
            "INSERT INTO aggregate_records (aggregate_report_id, source_ip, count, disposition, "
            "dkim, spf, header_from, "
            "envelope_from, evidence) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'nothing')");
        reason_ = rows_.prepare("INSERT INTO aggregate_reasons VALUES (?1, ?2, ?3, ?4)");
        dkim_ = rows_.prepare("INSERT INTO aggregate_dkim VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
        spf_ = rows_.prepare("INSERT INTO aggregate_spf VALUES (?1, ?2, ?3, ?4, ?5, ?6)");
        reporter_ = rows_.prepare("INSERT OR IGNORE INTO source_reporters VALUES (?1, ?2, ?3)");
        identity_ =
            rows_.prepare("INSERT OR IGNORE INTO source_identities VALUES (?1, ?2, ?3, ?4)");
        source_ = rows_.prepare(
            "INSERT INTO source_totals (domain, source_ip, records, messages, passed, dkim_passed, "
            "spf_passed, "
            "quarantined, rejected, reporters, first_seen_at, last_seen_at) VALUES (?1, ?2, ?3, "
            "?4, ?5, ?6, ?7, ?8, ?9, "
            "?10, ?11, ?11) ON CONFLICT DO UPDATE SET records = records + ?3, messages = messages "
            "+ ?4, "
            "passed = passed + ?5, dkim_passed = dkim_passed + ?6, spf_passed = spf_passed + ?7, "
            "quarantined = quarantined + ?8, rejected = rejected + ?9, reporters = reporters + "
            "?10, "
            "last_seen_at = max(last_seen_at, ?11)");
        evidence_ = rows_.prepare(
            "INSERT INTO source_evidence VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET "
            "records = records + ?4, messages = messages + ?5");
        day_ = rows_.prepare(
            "INSERT INTO day_totals VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO UPDATE "
            "SET "
            "messages = messages + ?3, passed = passed + ?4, dkim_passed = dkim_passed + ?5, "
            "spf_passed = spf_passed + ?6, quarantined = quarantined + ?7, rejected = rejected + "
            "?8");
        failure_ = rows_.prepare(
            "INSERT INTO failure_reports (message_id, position, feedback_type, auth_failure, "
            "delivery_result, source_ip, "
            "reported_domain, original_mail_from, user_agent, sample_from, sample_subject, "
            "content_sha256) VALUES "
            "(?1, 0, 'auth-failure', 'dmarc', ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)");
        field_ = rows_.prepare("INSERT INTO failure_fields VALUES (?1, ?2, ?3, ?4)");
        header_ = rows_.prepare("INSERT INTO failure_headers VALUES (?1, ?2, ?3, ?4, ?5)");
    }

    void report(const std::string& xml) {
        pugi::xml_document document;
        if (!document.load_buffer(xml.data(), xml.size())) {
            stop("xml");
        }
        const auto feedback = document.child("feedback");
        const auto metadata = feedback.child("report_metadata");
        const auto published = feedback.child("policy_published");
        const std::string domain = published.child_value("domain");
        const std::string reporter = metadata.child_value("org_name");
        const sqlite3_int64 begin = std::atoll(metadata.child("date_range").child_value("begin"));
        last_ = std::atoll(metadata.child("date_range").child_value("end"));
        sqlite3_int64 records = 0;
        sqlite3_int64 messages = 0;
        for (auto record = feedback.child("record"); record;
             record = record.next_sibling("record")) {
            ++records;
            messages += std::atoll(record.child("row").child_value("count"));
        }
        const auto text = [](const char* value) { return std::string_view(value); };
        const auto id = rows_.insert(
            report_, message_id_, text(metadata.child_value("org_name")),
            text(metadata.child_value("email")), text(metadata.child_value("extra_contact_info")),
            text(metadata.child_value("report_id")), begin, last_,
            text(published.child_value("domain")), text(published.child_value("adkim")),
            text(published.child_value("aspf")), text(published.child_value("p")),
            text(published.child_value("sp")),
            sqlite3_int64{std::atoll(published.child_value("pct"))}, records, messages,
            digest_of(xml));
        const std::time_t seconds = begin;
        std::tm date{};
        gmtime_r(&seconds, &date);
        std::array<char, 16> day{};
        std::strftime(day.data(), day.size(), "%Y-%m-%d", &date);
        Sums& day_sum = days_[{domain, day.data()}];
        for (auto record = feedback.child("record"); record;
             record = record.next_sibling("record")) {
            write_record(record, id, domain, reporter, day_sum);
        }
        records_ += static_cast<std::size_t>(records);
    }

    void write_record(const pugi::xml_node& record,
                      sqlite3_int64 report,
                      const std::string& domain,
                      const std::string& reporter,
                      Sums& day_sum) {
        const auto row = record.child("row");
        const auto evaluated = row.child("policy_evaluated");
        const auto identifiers = record.child("identifiers");
        const std::string source = row.child_value("source_ip");
        const sqlite3_int64 count = std::atoll(row.child_value("count"));
        const std::string_view disposition = evaluated.child_value("disposition");
        const std::string_view dkim = evaluated.child_value("dkim");
        const std::string_view spf = evaluated.child_value("spf");
        const auto id = rows_.insert(record_, report, source, count, disposition, dkim, spf,
                                     std::string_view(identifiers.child_value("header_from")),
                                     std::string_view(identifiers.child_value("envelope_from")));
        const bool passed = dkim == "pass" || spf == "pass";
        const auto note = [&](std::string_view kind, std::string_view identity) {
            if (!passed && !identity.empty() &&
                seen_
                    .insert(domain + ' ' + source + ' ' + std::string(kind) + ' ' +
                            std::string(identity))
                    .second) {
                rows_.insert(identity_, domain, source, kind, identity);
            }
        };
        note("from", identifiers.child_value("header_from"));
        sqlite3_int64 position = 0;
        for (auto reason = evaluated.child("reason"); reason;
             reason = reason.next_sibling("reason")) {
            rows_.insert(reason_, id, position++, std::string_view(reason.child_value("type")),
                         std::string_view(reason.child_value("comment")));
        }
        position = 0;
        const auto results = record.child("auth_results");
        for (auto result = results.child("dkim"); result; result = result.next_sibling("dkim")) {
            note("dkim", result.child_value("domain"));
            rows_.insert(dkim_, id, position++, std::string_view(result.child_value("domain")),
                         std::string_view(result.child_value("selector")),
                         std::string_view(result.child_value("result")), std::string_view{});
        }
        position = 0;
        for (auto result = results.child("spf"); result; result = result.next_sibling("spf")) {
            note("spf", result.child_value("domain"));
            rows_.insert(spf_, id, position++, std::string_view(result.child_value("domain")),
                         std::string_view{}, std::string_view(result.child_value("result")),
                         std::string_view{});
        }
        Sums& sum = sources_[{domain, source}];
        if (seen_.insert(domain + ' ' + reporter + ' ' + source).second) {
            rows_.insert(reporter_, domain, reporter, source);
            ++sum[7];
        }
        const Sums add{1,
                       count,
                       passed ? count : 0,
                       dkim == "pass" ? count : 0,
                       spf == "pass" ? count : 0,
                       disposition == "quarantine" ? count : 0,
                       disposition == "reject" ? count : 0,
                       0};
        for (std::size_t i = 0; i < add.size(); ++i) {
            sum.at(i) += add.at(i);
            day_sum.at(i) += add.at(i);
        }
    }

    void failure(const std::string& mail) {
        const std::string_view all(mail);
        const auto start = all.find("Feedback-Type:");
        const auto end = all.find("\r\n\r\n", start);
        const auto sample = all.find("\r\n\r\n", end + 4) + 4;
        const std::string_view fields = all.substr(start, end - start);
        const std::string_view headers = all.substr(sample, all.find("\r\n\r\n", sample) - sample);
        const auto id = rows_.insert(
            failure_, message_id_, header_value(fields, "Delivery-Result: "),
            header_value(fields, "Source-IP: "), header_value(fields, "Reported-Domain: "),
            header_value(fields, "Original-Mail-From: "), header_value(fields, "User-Agent: "),
            header_value(headers, "From: "), header_value(headers, "Subject: "), digest_of(fields));
        each_field(fields,
                   [&](sqlite3_int64 position, std::string_view name, std::string_view value) {
                       rows_.insert(field_, id, position, name, value);
                   });
        each_field(headers,
                   [&](sqlite3_int64 position, std::string_view name, std::string_view value) {
                       rows_.insert(header_, id, position, name, value, value);
                   });
    }

    template <class Take>
    static void each_field(std::string_view text, Take take) {
        for (sqlite3_int64 position = 0; !text.empty(); ++position) {
            const auto line = text.substr(0, text.find("\r\n"));
            const auto colon = std::min(line.find(':'), line.size());
            take(position, line.substr(0, colon), line.substr(std::min(colon + 2, line.size())));
            text.remove_prefix(std::min(line.size() + 2, text.size()));
        }
    }

    Rows rows_;
    sqlite3_stmt *message_ = nullptr, *original_ = nullptr, *report_ = nullptr, *record_ = nullptr,
                 *reason_ = nullptr, *dkim_ = nullptr, *spf_ = nullptr, *reporter_ = nullptr,
                 *identity_ = nullptr, *source_ = nullptr, *evidence_ = nullptr, *day_ = nullptr,
                 *failure_ = nullptr, *field_ = nullptr, *header_ = nullptr;
    std::map<Key, Sums> sources_;
    std::map<Key, Sums> days_;
    std::unordered_set<std::string> seen_;
    sqlite3_int64 message_id_ = 0;
    sqlite3_int64 last_ = 0;
    std::size_t records_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) {
        stop("usage: floor MAILS_FOLDER DATABASE");
    }
    std::vector<std::string> mails;
    for (const auto& entry : std::filesystem::directory_iterator(argv[1])) {
        if (entry.path().extension() == ".eml") {
            std::ifstream file(entry.path(), std::ios::binary);
            mails.emplace_back(std::istreambuf_iterator<char>(file),
                               std::istreambuf_iterator<char>());
        }
    }
    Floor floor(argv[2]);
    const auto begin = Clock::now();
    for (std::size_t i = 0; i < mails.size(); ++i) {
        if (i % kBatch == 0) {
            floor.begin();
        }
        floor.take(mails[i]);
        if (i % kBatch == kBatch - 1 || i + 1 == mails.size()) {
            floor.commit();
        }
    }
    const std::chrono::duration<double> seconds = Clock::now() - begin;
    std::printf("mails=%zu records=%zu seconds=%.3f\n", mails.size(), floor.records(),
                seconds.count());
    return 0;
}
