#include "storage/totals.hpp"

#include <algorithm>
#include <tuple>
#include <utility>

#include "schema/domain_name.hpp"
#include "schema/ip_address.hpp"

namespace dmarcbox::storage {

namespace {

enum SumIndex : std::size_t { kMessages, kPassed, kDkim, kSpf, kQuarantined, kRejected };

// In memory sums saturate like the columns; a hostile report cannot overflow them.
void add_to(std::int64_t& sum, std::int64_t value) {
    sum = std::clamp(sum + value, -kMaxTotal, kMaxTotal);
}

std::string_view or_none(std::string_view text) {
    return text.empty() ? kNone : text;
}

/// Tables of what retention removed.
constexpr std::string_view kPruned = "pruned_";

std::string with_prefix(std::string_view prefix, std::string_view sql) {
    std::string text;
    for (const char c : sql) {
        if (c == '$') {
            text += prefix;
        } else {
            text += c;
        }
    }
    return text;
}

Sums sums_of(const schema::AggregateRecord& record) {
    const bool dkim = record.dkim == "pass";
    const bool spf = record.spf == "pass";
    const auto when = [&](bool condition) { return condition ? record.count : 0; };
    return {record.count,
            when(dkim || spf),
            when(dkim),
            when(spf),
            when(record.disposition == "quarantine"),
            when(record.disposition == "reject")};
}

constexpr std::string_view kSourceUpsert =
    "INSERT INTO $source_totals (domain, source_ip, source_net, source_ip_key, records, messages, "
    "passed, dkim_passed, spf_passed, quarantined, rejected, reporters, first_seen_at, "
    "last_seen_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14) "
    "ON CONFLICT (domain, source_ip) DO UPDATE SET records = records + ?5, "
    "messages = min(messages + ?6, 1000000000000000), passed = min(passed + ?7, 1000000000000000), "
    "dkim_passed = min(dkim_passed + ?8, 1000000000000000), "
    "spf_passed = min(spf_passed + ?9, 1000000000000000), "
    "quarantined = min(quarantined + ?10, 1000000000000000), "
    "rejected = min(rejected + ?11, 1000000000000000), reporters = reporters + ?12, "
    "first_seen_at = min(ifnull(first_seen_at, ?13), ifnull(?13, first_seen_at)), "
    "last_seen_at = max(ifnull(last_seen_at, ?14), ifnull(?14, last_seen_at))";

constexpr std::string_view kDayUpsert =
    "INSERT INTO $day_totals (domain, day, messages, passed, dkim_passed, spf_passed, quarantined, "
    "rejected) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (domain, day) DO UPDATE SET "
    "messages = min(messages + ?3, 1000000000000000), passed = min(passed + ?4, 1000000000000000), "
    "dkim_passed = min(dkim_passed + ?5, 1000000000000000), "
    "spf_passed = min(spf_passed + ?6, 1000000000000000), "
    "quarantined = min(quarantined + ?7, 1000000000000000), "
    "rejected = min(rejected + ?8, 1000000000000000)";

}  // namespace

Totals::Totals(Database& database, const std::string& prefix)
    : database_(database),
      live_(prefix.empty()),
      notes_cosigners_(prefix != kPruned),
      add_reporter_(database.prepare(
          with_prefix(prefix,
                      "INSERT OR IGNORE INTO $source_reporters (domain, org_name, source_ip) "
                      "VALUES (?1, ?2, ?3)"))),
      add_identity_(database.prepare(with_prefix(
          prefix,
          "INSERT OR IGNORE INTO $source_identities (domain, source_ip, kind, identity) "
          "VALUES (?1, ?2, ?3, ?4)"))),
      // The sums of pruned records have none of their own.
      add_cosigner_(database.prepare(
          with_prefix(prefix == kPruned ? "" : prefix,
                      "INSERT OR IGNORE INTO $cosigners (domain, signer) VALUES (?1, ?2)"))),
      add_source_(database.prepare(with_prefix(prefix, kSourceUpsert))),
      add_evidence_(database.prepare(with_prefix(
          prefix,
          "INSERT INTO $source_evidence (domain, source_ip, evidence, records, messages) "
          "VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (domain, source_ip, evidence) DO UPDATE SET "
          "records = records + ?4, messages = min(messages + ?5, 1000000000000000)"))),
      add_day_(database.prepare(with_prefix(prefix, kDayUpsert))),
      drop_source_(database.prepare(with_prefix(
          prefix,
          "DELETE FROM $source_totals WHERE domain = ?1 AND source_ip = ?2 AND records <= 0"))),
      drop_evidence_(database.prepare(with_prefix(
          prefix,
          "DELETE FROM $source_evidence WHERE domain = ?1 AND source_ip = ?2 AND records <= 0"))),
      drop_day_(database.prepare(with_prefix(
          prefix, "DELETE FROM $day_totals WHERE domain = ?1 AND day = ?2 AND messages <= 0"))),
      note_stale_(database.prepare("INSERT OR IGNORE INTO stale_totals (domain) VALUES (?1)")) {}

void Totals::open(const ReportHead& head, Direction direction) {
    head_ = head;
    head_.domain = or_none(head.domain);
    head_.org_name = or_none(head.org_name);
    sign_ = direction == Direction::add ? 1 : -1;
    report_sums_ = {};
    // A range that cannot be does not set the dates of a source for ever.
    const bool plausible = head_.range.plausible();
    first_at_ = plausible ? *head_.range.begin_at : head_.range.time();
    last_at_ = plausible ? *head_.range.end_at : head_.range.time();
    if (direction == Direction::take_back) {
        took_back_ = true;
        stale_.push_back(head_.domain);
    }
}

void Totals::note_identities(DomainSums& domain,
                             const schema::AggregateRecord& record,
                             const std::string& source) {
    if (record.passed()) {
        return;
    }
    const auto note = [&](std::string_view kind, const std::string& identity) {
        if (!identity.empty() && seen_.insert({"i", head_.domain, source, kind, identity})) {
            domain.identities.push_back({&source, kind, identity});
        }
    };
    note("from", record.header_from);
    for (const auto& result : record.dkim_results) {
        note("dkim", result.domain);
    }
    for (const auto& result : record.spf_results) {
        note("spf", result.domain);
    }
}

void Totals::note_cosigners(const schema::AggregateRecord& record) {
    if (!notes_cosigners_ || record.dkim_results.size() < 2 || !record.passed()) {
        return;
    }
    for (const auto& result : record.dkim_results) {
        if (result.result != "pass" || result.domain.empty() ||
            !seen_.insert({"c", head_.domain, result.domain}) ||
            schema::same_organization(result.domain, record.header_from)) {
            continue;
        }
        // Evidence names organisations (signs-as), so these are compared with it.
        cosigners_.emplace_back(head_.domain, schema::organizational_domain_of(result.domain));
    }
}

void Totals::records(std::span<const schema::AggregateRecord> records) {
    DomainSums& domain = domains_[head_.domain];
    auto& of_reporter = domain.reporters[head_.org_name];
    for (const auto& record : records) {
        const auto [at, added] = domain.sources.try_emplace(
            record.source_ip.empty() ? std::string(kNone) : record.source_ip);
        pending_ += added ? 1 : 0;
        SourceSum& sum = at->second;
        const Sums values = sums_of(record);
        sum.records += sign_;
        for (std::size_t i = 0; i < values.size(); ++i) {
            add_to(sum.sums.at(i), sign_ * values.at(i));
            add_to(report_sums_.at(i), sign_ * values.at(i));
        }
        const auto token =
            std::find_if(sum.evidence.begin(), sum.evidence.end(),
                         [&](const EvidenceSum& e) { return e.token == record.evidence.token; });
        EvidenceSum& evidence = token != sum.evidence.end()
                                    ? *token
                                    : sum.evidence.emplace_back(EvidenceSum{record.evidence.token});
        evidence.records += sign_;
        add_to(evidence.messages, sign_ * record.count);
        if (sign_ < 0) {
            continue;
        }
        sum.first_at = sum.dated ? std::min(sum.first_at, first_at_) : first_at_;
        sum.last_at = sum.dated ? std::max(sum.last_at, last_at_) : last_at_;
        sum.dated = true;
        if (seen_.insert({"r", head_.domain, head_.org_name, at->first})) {
            of_reporter.push_back(&*at);
        }
        note_identities(domain, record, at->first);
        note_cosigners(record);
    }
}

void Totals::close() {
    Sums absolute = report_sums_;
    for (auto& value : absolute) {
        value *= sign_;
    }
    if (absolute.front() == 0) {
        return;
    }
    for (auto& day : split_by_day(head_.range, absolute)) {
        auto& sum = days_[head_.domain + '\0' + day.day];
        sum.domain = head_.domain;
        sum.day = day.day;
        for (std::size_t i = 0; i < day.sums.size(); ++i) {
            add_to(sum.sums.at(i), sign_ * day.sums.at(i));
        }
    }
}

void Totals::flush() {
    // In key order, so that a batch touches each page once.
    std::vector<std::pair<const std::string, DomainSums>*> ordered;
    ordered.reserve(domains_.size());
    for (auto& domain : domains_) {
        ordered.push_back(&domain);
    }
    std::sort(ordered.begin(), ordered.end(),
              [](const auto* a, const auto* b) { return a->first < b->first; });
    for (auto* domain : ordered) {
        flush_presence(domain->first, domain->second);
    }
    for (const auto& [domain, signer] : cosigners_) {
        add_cosigner_.bind(1, domain).bind(2, signer).run();
    }
    for (const auto* domain : ordered) {
        flush_sources(domain->first, domain->second);
    }
    flush_days();
    for (const auto& domain : stale_) {
        if (live_) {
            note_stale_.bind(1, domain).run();
        }
    }
    domains_.clear();
    pending_ = 0;
    cosigners_.clear();
    stale_.clear();
    took_back_ = false;
}

void Totals::flush_presence(const std::string& name, DomainSums& domain) {
    for (auto& [org_name, sources] : domain.reporters) {
        std::sort(sources.begin(), sources.end(),
                  [](const Source* a, const Source* b) { return a->first < b->first; });
        for (Source* source : sources) {
            add_reporter_.bind(1, name).bind(2, org_name).bind(3, source->first).run();
            if (database_.changes() == 1) {
                ++source->second.reporters;
            }
        }
    }
    std::sort(domain.identities.begin(), domain.identities.end(),
              [](const Identity& a, const Identity& b) {
                  return std::tie(*a.source, a.kind, a.identity) <
                         std::tie(*b.source, b.kind, b.identity);
              });
    for (const auto& identity : domain.identities) {
        add_identity_.bind(1, name)
            .bind(2, *identity.source)
            .bind(3, identity.kind)
            .bind(4, identity.identity)
            .run();
    }
}

void Totals::flush_sources(const std::string& name, const DomainSums& domain) {
    std::vector<const Source*> ordered;
    ordered.reserve(domain.sources.size());
    for (const auto& source : domain.sources) {
        ordered.push_back(&source);
    }
    std::sort(ordered.begin(), ordered.end(),
              [](const Source* a, const Source* b) { return a->first < b->first; });
    add_source_.bind(1, name);
    for (const auto* one : ordered) {
        const auto& [source, sum] = *one;
        std::string network;
        const auto address = schema::parse_ip(source);
        const bool valid = address && address->exact;
        add_source_.bind(2, source);
        if (valid) {
            network = address->address.network();
            add_source_.bind(3, network).bind_blob(4, address->address.bytes);
        } else {
            add_source_.bind_null(3).bind_null(4);
        }
        add_source_.bind(5, sum.records);
        for (std::size_t i = 0; i < sum.sums.size(); ++i) {
            add_source_.bind(static_cast<int>(6 + i), sum.sums.at(i));
        }
        add_source_.bind(12, sum.reporters);
        if (sum.dated) {
            add_source_.bind(13, sum.first_at).bind(14, sum.last_at);
        } else {
            add_source_.bind_null(13).bind_null(14);
        }
        add_source_.run();
    }
    for (const auto* one : ordered) {
        const auto& [source, sum] = *one;
        for (const auto& evidence : sum.evidence) {
            add_evidence_.bind(1, name)
                .bind(2, source)
                .bind(3, evidence.token)
                .bind(4, evidence.records)
                .bind(5, evidence.messages)
                .run();
        }
        if (took_back_) {
            drop_source_.bind(1, name).bind(2, source).run();
            drop_evidence_.bind(1, name).bind(2, source).run();
        }
    }
}

void Totals::flush_days() {
    for (const auto& [key, sum] : days_) {
        add_day_.bind(1, sum.domain).bind(2, sum.day);
        for (std::size_t i = 0; i < sum.sums.size(); ++i) {
            add_day_.bind(static_cast<int>(3 + i), sum.sums.at(i));
        }
        add_day_.run();
        if (took_back_) {
            drop_day_.bind(1, sum.domain).bind(2, sum.day).run();
        }
    }
    days_.clear();
}

void Totals::discard() {
    domains_.clear();
    pending_ = 0;
    days_.clear();
    cosigners_.clear();
    stale_.clear();
    took_back_ = false;
    seen_.forget();
}

void Totals::forget_presence() {
    seen_.forget();
}

}  // namespace dmarcbox::storage
