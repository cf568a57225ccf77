#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "schema/aggregate_elements.hpp"
#include "schema/aggregate_report.hpp"
#include "schema/aggregate_values.hpp"
#include "schema/finding_list.hpp"
#include "schema/limits.hpp"
#include "schema/xml_memory.hpp"

namespace pugi {
class xml_node;
}  // namespace pugi

namespace dmarcbox::schema {

/// Thrown to end the reading of a report from deep inside.
struct OutOfTime {};
struct TooManyRecords {};

/// Fills an AggregateReport from elements, as a whole document or slice by slice. What it makes is
/// charged to `memory`. Throws std::bad_alloc over the budget, OutOfTime, TooManyRecords.
class AggregateReader {
  public:
    AggregateReader(const Limits& limits,
                    const Expired& expired,
                    XmlMemory& memory,
                    FindingList& findings);

    /// Namespace of the root and all its children.
    void read_root(const pugi::xml_node& root);
    /// Children of the root, wherever they come from: those of `parent`.
    void read_children(const pugi::xml_node& parent);
    /// Makes room for that many records in all, as far as memory goes.
    void expect_records(std::size_t count);
    [[nodiscard]] std::int64_t record_count() const { return report_.record_count; }
    /// True if any child of feedback that makes it a report was there.
    [[nodiscard]] bool found_report() const { return found_ != 0; }
    /// Notes what is missing. The reader is empty afterwards.
    [[nodiscard]] AggregateReport finish();

  private:
    /// Elements seen in one parent, a bit each.
    using Seen = std::uint64_t;

    struct Parent {
        Element element;
        std::string_view path;  ///< for findings
    };

    /// Reads one child; false: that element is unknown in this parent.
    using ReadElement = std::function<bool(Element, const pugi::xml_node&)>;

    /// Calls `read` for each child element. Notes text between elements, repeated and unknown ones.
    Seen visit_elements(const pugi::xml_node& node, const Parent& parent, const ReadElement& read);
    /// The same, without the copy of `read` that std::function would allocate for each element.
    template <class Read>
    Seen for_each_element(const pugi::xml_node& node, const Parent& parent, const Read& read) {
        return visit_elements(node, parent, std::cref(read));
    }
    void note_unknown(const pugi::xml_node& node, const Parent& parent);
    void note_stray_text(const pugi::xml_node& node, const Parent& parent);
    void note_foreign(Element element, std::string_view name, const Parent& parent);
    /// In a namespace that is neither the root's nor one of DMARC: an extension (RFC 9990). A
    /// prefix that nobody declared is none.
    [[nodiscard]] bool is_foreign(const pugi::xml_node& node) const;

    bool read_metadata(Element element, const pugi::xml_node& node);
    bool read_published(Element element, const pugi::xml_node& node);
    void read_record(const pugi::xml_node& node);
    /// True if there is a count, whatever it says.
    bool read_row(const pugi::xml_node& node, AggregateRecord& record);
    void read_evaluated(const pugi::xml_node& node, AggregateRecord& record);
    void read_date_range(const pugi::xml_node& node);
    void read_error(const pugi::xml_node& node);
    void read_reason(const pugi::xml_node& node, AggregateRecord& record);
    void read_identifiers(const pugi::xml_node& node, AggregateRecord& record);
    void read_auth_results(const pugi::xml_node& node, AggregateRecord& record);
    void read_dkim(const pugi::xml_node& node, AggregateRecord& record);
    void read_spf(const pugi::xml_node& node, AggregateRecord& record);
    void read_envelope_from(const pugi::xml_node& node, AggregateRecord& record);
    void keep(AggregateRecord&& record, bool has_count);
    void note_missing(const AggregateRecord& record, bool has_count);
    void check_time();

    /// Trimmed, collapsed, cut; valid until the next call.
    std::string_view text_of(const pugi::xml_node& node, std::string_view path);
    void read_text(std::string& out, const pugi::xml_node& node, std::string_view path);
    void read_domain(std::string& out, const pugi::xml_node& node, std::string_view path);
    void read_enumerated(std::string& out,
                         const pugi::xml_node& node,
                         std::string_view path,
                         Vocabulary vocabulary);
    void missing_if_empty(const std::string& value, std::string_view path);
    void charge(std::size_t bytes);

    const Limits& limits_;
    const Expired& expired_;
    XmlMemory& memory_;
    FindingList& findings_;
    AggregateReport report_;
    Seen found_ = 0;
    std::string root_prefix_;
    std::vector<std::pair<std::string, std::string>> prefixes_;  ///< and their namespaces
    std::string text_;                                           ///< a value that had to be changed
    std::string address_;                                        ///< the domain of one
    bool shows_9990_ = false;  ///< something that RFC 9990 brought
    bool has_begin_ = false;
    bool has_end_ = false;
    bool has_pass_disposition_ = false;
};

}  // namespace dmarcbox::schema
