#pragma once

#include <bitset>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "schema/ip_address.hpp"
#include "server/commands/summary_facts.hpp"
#include "storage/database.hpp"

namespace dmarcbox {

/// What one record of a counted report adds to its source.
struct SummaryRecord {
    std::string_view domain;     ///< policy domain or `(none)`
    std::string_view source_ip;  ///< or `(none)`
    std::string_view org_name;
    std::string_view evidence;  ///< token
    std::int64_t count = 0;     ///< messages
    bool passed = false;
    std::size_t day = 0;  ///< of the period, oldest first
};

/// The sources of a period: add() each record, then group(), after which the rest answers.
class SummarySources {
  public:
    /// `days` of the period; the database must outlive this.
    SummarySources(storage::Database& database, std::vector<std::string> days);

    void add(const SummaryRecord& record);

    /// Classifies each source by its mail of the period (a row in `labels` wins), sums the classes
    /// into `facts` and lists there those of one network that show the same as one line, most
    /// failing messages first.
    void group(SummaryFacts& facts);

    /// Class of a source and its line in SummaryFacts::sources.
    struct Place {
        SourceClass source_class = SourceClass::unauthenticated;
        std::size_t line = 0;
    };
    [[nodiscard]] std::optional<Place> find(std::string_view domain,
                                            std::string_view source_ip) const;

  private:
    struct Seen {
        std::string domain;
        ReadinessSource source;
        std::size_t first_day = 0;  ///< with its mail
        std::size_t last_day = 0;
        std::size_t line = 0;
    };
    struct Group {
        SummarySource sum;
        std::optional<schema::IpAddress> least;
        std::optional<schema::IpAddress> greatest;
        std::vector<Seen*> members;
    };

    void classify_all();
    void apply_labels();
    static void add_to_group(Group& group, Seen& seen, const std::string& network);
    void describe(Group& group, bool with_details);
    void load_details(Group& group);

    storage::Database& database_;
    std::vector<std::string> days_;
    storage::Statement identities_;
    std::vector<Seen> sources_;
    std::unordered_map<std::string, std::size_t> places_;  ///< `domain source_ip` -> in sources_
    std::unordered_map<std::string, std::size_t> reporters_;
    std::vector<std::string> reporter_names_;  ///< by number
    std::string key_;                          ///< room of add()
};

/// Adds to a list of SummaryDetails: each value once, one more than kDetails at most.
void note(std::vector<std::string>& list, std::string_view value);

}  // namespace dmarcbox
