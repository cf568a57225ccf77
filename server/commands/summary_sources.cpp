#include "server/commands/summary_sources.hpp"

#include <algorithm>
#include <map>
#include <set>
#include <tuple>
#include <utility>

#include "server/commands/source_advice.hpp"
#include "storage/totals.hpp"

namespace dmarcbox {
namespace {

/// `198.51.100.8-10` for a part of a /24, else the network.
std::string name_of(const std::string& network,
                    const std::optional<schema::IpAddress>& least,
                    const std::optional<schema::IpAddress>& greatest) {
    return least && greatest && least->is_v4()
               ? least->text() + "-" + std::to_string(greatest->bytes.back())
               : network;
}

void set_key(std::string& key, std::string_view domain, std::string_view source_ip) {
    key = domain;
    key += ' ';
    key += source_ip;
}

}  // namespace

void note(std::vector<std::string>& list, std::string_view value) {
    if (list.size() <= kDetails && std::find(list.begin(), list.end(), value) == list.end()) {
        list.emplace_back(value);
    }
}

SummarySources::SummarySources(storage::Database& database, std::vector<std::string> days)
    : database_(database),
      days_(std::move(days)),
      identities_(database.prepare(
          "SELECT kind, identity FROM source_identities WHERE domain = ?1 AND source_ip = ?2")) {}

void SummarySources::add(const SummaryRecord& record) {
    set_key(key_, record.domain, record.source_ip);
    const auto [found, added] = places_.try_emplace(key_, sources_.size());
    if (added) {
        Seen& seen = sources_.emplace_back();
        seen.domain = record.domain;
        seen.source.ip = record.source_ip;
        seen.first_day = record.day;
        seen.last_day = record.day;
    }
    Seen& seen = sources_[found->second];
    seen.first_day = std::min(seen.first_day, record.day);
    seen.last_day = std::max(seen.last_day, record.day);

    ReadinessSource& source = seen.source;
    add_to(source.messages, record.count);
    add_to(source.passed, record.passed ? record.count : 0);
    const auto known = source.evidence_messages.find(record.evidence);
    add_to(known != source.evidence_messages.end()
               ? known->second
               : source.evidence_messages.emplace(record.evidence, 0).first->second,
           record.count);
    if (const auto recent = days_.size() - 1 - record.day; recent < kReadinessDays) {
        source.days.set(recent);
    }
    const auto [reporter, is_new] =
        reporters_.try_emplace(std::string(record.org_name), reporter_names_.size());
    if (is_new) {
        reporter_names_.emplace_back(record.org_name);
    }
    source.reporters.insert(static_cast<std::int64_t>(reporter->second));
}

void SummarySources::group(SummaryFacts& facts) {
    classify_all();
    using Key = std::tuple<std::string, std::string, SourceClass, std::string, std::string>;
    std::map<Key, Group> groups;
    for (auto& seen : sources_) {
        const ReadinessSource& source = seen.source;
        const auto index = static_cast<std::size_t>(source.source_class);
        add_to(facts.class_messages.at(index), source.messages);
        add_to(facts.class_failed.at(index), source.failed());
        const auto parsed = schema::parse_ip(source.ip);
        const std::string network = parsed && parsed->exact ? parsed->address.network() : source.ip;
        add_to_group(
            groups[{seen.domain, network, source.source_class, source.evidence, source.confidence}],
            seen, network);
    }
    std::vector<Group*> ordered;
    ordered.reserve(groups.size());
    for (auto& [key, group] : groups) {
        ordered.push_back(&group);
    }
    std::sort(ordered.begin(), ordered.end(), [](const Group* left, const Group* right) {
        const auto& a = left->sum;
        const auto& b = right->sum;
        return std::tie(b.failed, b.messages, a.domain, a.name) <
               std::tie(a.failed, a.messages, b.domain, b.name);
    });
    for (Group* group : ordered) {
        describe(*group, facts.sources.size() < kDetailed);
        for (Seen* seen : group->members) {
            seen->line = facts.sources.size();
        }
        facts.sources.push_back(std::move(group->sum));
    }
}

std::optional<SummarySources::Place> SummarySources::find(std::string_view domain,
                                                          std::string_view source_ip) const {
    std::string key;
    set_key(key, domain, source_ip);
    const auto found = places_.find(key);
    if (found == places_.end()) {
        return std::nullopt;
    }
    const Seen& seen = sources_[found->second];
    return Place{seen.source.source_class, seen.line};
}

void SummarySources::classify_all() {
    std::map<std::string, std::set<std::string, std::less<>>> cosigners;
    auto signer = database_.prepare("SELECT domain, signer FROM cosigners");
    while (signer.step()) {
        cosigners[std::string(signer.text(0))].emplace(signer.text(1));
    }
    std::map<std::string, std::int64_t> passing;
    for (const auto& seen : sources_) {
        add_to(passing[seen.domain], seen.source.passed);
    }
    for (auto& seen : sources_) {
        classify(seen.source, cosigners[seen.domain], passing[seen.domain]);
    }
    if (database_.integer("SELECT count(*) FROM labels") != 0) {
        apply_labels();
    }
}

void SummarySources::apply_labels() {
    auto label =
        database_.prepare("SELECT domain, source_ip, class FROM sources WHERE label IS NOT NULL");
    while (label.step()) {
        set_key(key_, label.text(0), label.text(1));
        const auto found = places_.find(key_);
        if (found == places_.end()) {
            continue;
        }
        ReadinessSource& source = sources_[found->second].source;
        for (std::size_t i = 0; i < kSourceClasses; ++i) {
            if (to_string(static_cast<SourceClass>(i)) == label.text(2)) {
                source.source_class = static_cast<SourceClass>(i);
            }
        }
        source.confidence = "label";
    }
}

void SummarySources::add_to_group(Group& group, Seen& seen, const std::string& network) {
    const ReadinessSource& source = seen.source;
    group.members.push_back(&seen);
    if (const auto parsed = schema::parse_ip(source.ip); parsed && parsed->exact) {
        const auto& address = parsed->address;
        group.least = group.least ? std::min(*group.least, address) : address;
        group.greatest = group.greatest ? std::max(*group.greatest, address) : address;
    }
    SummarySource& sum = group.sum;
    sum.domain = seen.domain;
    sum.sources = static_cast<std::int64_t>(group.members.size());
    sum.name = sum.sources == 1 ? source.ip
                                : name_of(network, group.least, group.greatest) + " (" +
                                      std::to_string(sum.sources) + ")";
    add_to(sum.messages, source.messages);
    add_to(sum.failed, source.failed());
}

void SummarySources::describe(Group& group, bool with_details) {
    SummarySource& sum = group.sum;
    const ReadinessSource& first = group.members.front()->source;
    sum.source_class = first.source_class;
    sum.evidence = first.evidence;
    sum.confidence = first.confidence;
    sum.authenticates_as = first.authenticates_as;
    std::set<std::int64_t> reporters;
    std::bitset<kReadinessDays> days;
    for (const Seen* seen : group.members) {
        reporters.insert(seen->source.reporters.begin(), seen->source.reporters.end());
        days |= seen->source.days;
    }
    sum.reporters = reporters.size();
    if (sum.failed == 0) {
        return;
    }
    sum.advice = advice({.source_class = sum.source_class,
                         .evidence = sum.evidence,
                         .confidence = sum.confidence,
                         .authenticates_as = sum.authenticates_as,
                         .passed = sum.messages - sum.failed,
                         .days = days.count()},
                        sum.domain);
    if (with_details) {
        for (const auto number : reporters) {
            note(sum.details.reporters, reporter_names_[static_cast<std::size_t>(number)]);
        }
        load_details(group);
    }
}

void SummarySources::load_details(Group& group) {
    SummaryDetails& details = group.sum.details;
    std::size_t first_day = days_.size() - 1;
    std::size_t last_day = 0;
    for (const Seen* seen : group.members) {
        first_day = std::min(first_day, seen->first_day);
        last_day = std::max(last_day, seen->last_day);
        note(details.addresses, seen->source.ip);
    }
    details.first_day = days_[first_day];
    details.last_day = days_[last_day];
    for (const auto& address : details.addresses) {
        identities_.bind(1, std::string_view(group.sum.domain));
        identities_.bind(2, std::string_view(address));
        while (identities_.step()) {
            const auto kind = identities_.text(0);
            note(kind == "from"   ? details.from
                 : kind == "dkim" ? details.dkim
                                  : details.spf,
                 identities_.text(1));
        }
        identities_.reset();
    }
}

}  // namespace dmarcbox
