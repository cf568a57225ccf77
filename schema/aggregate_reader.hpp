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
    /// True if children of the root in other namespaces were passed over: all parts are to be given
    /// to read_foreign_children() once the last was read.
    [[nodiscard]] bool has_foreign_children() const { return found_.foreign != 0; }
    /// Reads those of which the report has none in its own namespace.
    void read_foreign_children(const pugi::xml_node& parent);
    /// Makes room for that many records in all, as far as memory goes.
    void expect_records(std::size_t count);
    [[nodiscard]] std::int64_t record_count() const { return report_.record_count; }
    /// True if any child of feedback that makes it a report was there.
    [[nodiscard]] bool found_report() const { return (found_.own | adopted_) != 0; }
    /// Notes what is missing. The reader is empty afterwards.
    [[nodiscard]] AggregateReport finish();

  private:
    /// A set of Element, a bit each.
    using Elements = std::uint64_t;

    /// What one parent holds.
    struct Seen {
        Elements own = 0;      ///< read
        Elements foreign = 0;  ///< of the format's names in other namespaces, not read yet
    };

    struct Parent {
        Element element;
        std::string_view path;  ///< for findings
    };

    /// Reads one child; false: that element is unknown in this parent.
    using ReadElement = std::function<bool(Element, const pugi::xml_node&)>;

    /// Calls `read` for each child element of the report's own namespace, then for those of others
    /// that have no namesake there: reporters err in namespaces, extensions add to what is there.
    /// Notes text between elements, repeated and unknown ones.
    void visit_elements(const pugi::xml_node& node, const Parent& parent, const ReadElement& read);
    /// The same, without the copy of `read` that std::function would allocate for each element.
    template <class Read>
    void for_each_element(const pugi::xml_node& node, const Parent& parent, const Read& read) {
        visit_elements(node, parent, std::cref(read));
    }
    Seen visit_own(const pugi::xml_node& node, const Parent& parent, const ReadElement& read);
    /// Those whose name is not among `own`; returns which were read.
    Elements visit_foreign(const pugi::xml_node& node,
                           const Parent& parent,
                           const ReadElement& read,
                           Elements own);
    /// False if the element is unknown in this parent.
    bool visit_element(const pugi::xml_node& child,
                       const Parent& parent,
                       const ReadElement& read,
                       Elements& seen);
    void note_unknown(const pugi::xml_node& node, const Parent& parent);
    void note_stray_text(const pugi::xml_node& node, const Parent& parent);
    /// The node's namespace if it is neither the root's nor one of DMARC, else empty. A prefix that
    /// nobody declared is none. Valid as long as the node.
    [[nodiscard]] std::string_view foreign_namespace(const pugi::xml_node& node) const;

    bool read_child(Element element, const pugi::xml_node& node);
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
    /// The same without what stands in child elements.
    std::string_view own_text_of(const pugi::xml_node& node, std::string_view path);
    std::string_view cleaned(std::string_view text, std::string_view path);
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
    Seen found_;            ///< children of the root
    Elements adopted_ = 0;  ///< those read from another namespace
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
