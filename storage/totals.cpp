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

constexpr std::string_view kSourceColumns =
    "$source_totals (domain, source_ip, source_net, source_ip_key, records, messages, passed, "
    "dkim_passed, spf_passed, quarantined, rejected, reporters, first_seen_at, last_seen_at)";
constexpr std::string_view kSourceUpdate =
    "ON CONFLICT (domain, source_ip) DO UPDATE SET records = records + excluded.records, "
    "messages = min(messages + excluded.messages, 1000000000000000), "
    "passed = min(passed + excluded.passed, 1000000000000000), "
    "dkim_passed = min(dkim_passed + excluded.dkim_passed, 1000000000000000), "
    "spf_passed = min(spf_passed + excluded.spf_passed, 1000000000000000), "
    "quarantined = min(quarantined + excluded.quarantined, 1000000000000000), "
    "rejected = min(rejected + excluded.rejected, 1000000000000000), "
    "reporters = reporters + excluded.reporters, "
    "first_seen_at = min(ifnull(first_seen_at, excluded.first_seen_at), "
    "ifnull(excluded.first_seen_at, first_seen_at)), "
    "last_seen_at = max(ifnull(last_seen_at, excluded.last_seen_at), "
    "ifnull(excluded.last_seen_at, last_seen_at))";

constexpr std::string_view kDayUpsert =
    "INSERT INTO $day_totals (domain, day, messages, passed, dkim_passed, spf_passed, quarantined, "
    "rejected) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT (domain, day) DO UPDATE SET "
    "messages = min(messages + ?3, 1000000000000000), passed = min(passed + ?4, 1000000000000000), "
    "dkim_passed = min(dkim_passed + ?5, 1000000000000000), "
    "spf_passed = min(spf_passed + ?6, 1000000000000000), "
    "quarantined = min(quarantined + ?7, 1000000000000000), "
    "rejected = min(rejected + ?8, 1000000000000000)";

}  // namespace

void Totals::SourceSum::add_evidence(std::string_view token,
                                     std::int64_t sign,
                                     std::int64_t count) {
    auto at = std::find_if(evidence.begin(), evidence.end(),
                           [&](const EvidenceSum& e) { return e.token == token; });
    if (at == evidence.end()) {
        at = evidence.insert(at, EvidenceSum{std::string(token)});
    }
    at->records += sign;
    add_to(at->messages, sign * count);
}

Totals::Totals(Database& database, const std::string& prefix)
    : database_(database),
      live_(prefix.empty()),
      notes_cosigners_(prefix != kPruned),
      add_reporter_(database.prepare(
          with_prefix(prefix,
                      "INSERT OR IGNORE INTO $source_reporters (domain, org_name, source_ip) "
                      "VALUES (?1, ?2, ?3)"))),
      add_identities_(
          database,
          {.target = with_prefix(prefix, "$source_identities (domain, source_ip, kind, identity)"),
           .ignore = true}),
      // The sums of pruned records have none of their own.
      add_cosigner_(database.prepare(
          with_prefix(prefix == kPruned ? "" : prefix,
                      "INSERT OR IGNORE INTO $cosigners (domain, signer) VALUES (?1, ?2)"))),
      add_sources_(database,
                   {.target = with_prefix(prefix, kSourceColumns), .conflict = kSourceUpdate}),
      add_evidence_(
          database,
          {.target = with_prefix(
               prefix, "$source_evidence (domain, source_ip, evidence, records, messages)"),
           .conflict = "ON CONFLICT (domain, source_ip, evidence) DO UPDATE SET "
                       "records = records + excluded.records, "
                       "messages = min(messages + excluded.messages, 1000000000000000)"}),
      add_day_(database.prepare(with_prefix(prefix, kDayUpsert))),
      drop_source_(database.prepare(with_prefix(
          prefix,
          "DELETE FROM $source_totals WHERE domain = ?1 AND source_ip = ?2 AND records <= 0"))),
      drop_evidence_(database.prepare(with_prefix(
          prefix,
          "DELETE FROM $source_evidence WHERE domain = ?1 AND source_ip = ?2 AND records <= 0"))),
      drop_day_(database.prepare(with_prefix(
          prefix, "DELETE FROM $day_totals WHERE domain = ?1 AND day = ?2 AND messages <= 0"))),
      note_stale_(database.prepare(
          "INSERT INTO stale_totals (domain, mark) VALUES (?1, random()) ON CONFLICT (domain) DO "
          "UPDATE SET mark = excluded.mark")) {}

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
        sum.add_evidence(record.evidence.token, sign_, record.count);
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

void Totals::reclassify(std::string_view domain,
                        const schema::AggregateRecord& record,
                        std::string_view was) {
    const auto [at, added] = domains_[std::string(or_none(domain))].sources.try_emplace(
        std::string(or_none(record.source_ip)));
    pending_ += added ? 1 : 0;
    at->second.add_evidence(was, -1, record.count);
    at->second.add_evidence(record.evidence.token, 1, record.count);
    took_back_ = true;
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
    add_identities_.write();
    for (const auto& [domain, signer] : cosigners_) {
        add_cosigner_.bind(1, domain).bind(2, signer).run();
    }
    for (const auto* domain : ordered) {
        flush_sources(domain->first, domain->second);
    }
    add_sources_.write();
    add_evidence_.write();
    for (const auto* domain : ordered) {
        if (took_back_) {
            drop_empty_sources(domain->first, domain->second);
        }
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
        add_identities_.add(name).add(*identity.source).add(identity.kind).add(identity.identity);
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
    for (const auto* one : ordered) {
        const auto& [source, sum] = *one;
        add_sources_.add(name).add(source);
        const auto address = schema::parse_ip(source);
        if (address && address->exact) {
            add_sources_.add_copy(address->address.network()).add_blob_copy(address->address.bytes);
        } else {
            add_sources_.add_null().add_null();
        }
        add_sources_.add(sum.records);
        for (const auto value : sum.sums) {
            add_sources_.add(value);
        }
        add_sources_.add(sum.reporters);
        if (sum.dated) {
            add_sources_.add(sum.first_at).add(sum.last_at);
        } else {
            add_sources_.add_null().add_null();
        }
        for (const auto& evidence : sum.evidence) {
            add_evidence_.add(name)
                .add(source)
                .add(evidence.token)
                .add(evidence.records)
                .add(evidence.messages);
        }
    }
}

void Totals::drop_empty_sources(const std::string& name, const DomainSums& domain) {
    for (const auto& source : domain.sources) {
        drop_source_.bind(1, name).bind(2, source.first).run();
        drop_evidence_.bind(1, name).bind(2, source.first).run();
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
    add_identities_.clear();
    add_sources_.clear();
    add_evidence_.clear();
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
