#include "schema/aggregate_parser.hpp"

#include <algorithm>
#include <array>
#include <new>
#include <optional>
#include <pugixml.hpp>
#include <utility>

#include "schema/aggregate_elements.hpp"
#include "schema/aggregate_reader.hpp"
#include "schema/content_hash.hpp"
#include "schema/evidence.hpp"
#include "schema/finding_codes_aggregate.hpp"
#include "schema/finding_list.hpp"
#include "schema/scalar_text.hpp"
#include "schema/xml_memory.hpp"
#include "schema/xml_repair.hpp"
#include "schema/xml_slices.hpp"
#include "schema/xml_text.hpp"

namespace dmarcbox::schema {
namespace {

/// A tree takes 3 to 5 times the text: up to here it is small whatever stands in it.
constexpr std::size_t kLargeDocument = std::size_t{2} << 20U;
/// Large enough that parsing it outweighs making a document, small enough for the cache.
constexpr std::size_t kSliceBytes = std::size_t{256} << 10U;
/// The root element is looked for in this much: a declaration, a comment, some junk.
constexpr std::size_t kBeginning = std::size_t{64} << 10U;
/// One of them stands near the root of every report.
constexpr std::array<std::string_view, 3> kReportElements{"report_metadata", "policy_published",
                                                          "record"};
constexpr std::size_t kShown = 40;  ///< of a text in a finding
constexpr std::size_t kMaxReports = 100;

// Text outside the root becomes nodes (fragment), so that it can be told; nothing of a DTD is read.
constexpr unsigned kParseOptions = pugi::parse_default | pugi::parse_fragment | pugi::parse_doctype;

struct NotWellFormed {
    pugi::xml_parse_result result;
};
struct NoReport {
    std::string root;
};

ParseError make_error(ParseError::Kind kind, const FindingCode& code, std::string_view detail) {
    return {kind, make_finding(code, detail)};
}

void load(pugi::xml_document& document, std::string_view text) {
    const auto result =
        document.load_buffer(text.data(), text.size(), kParseOptions, pugi::encoding_utf8);
    if (result.status == pugi::status_out_of_memory) {
        throw std::bad_alloc();
    }
    if (!result) {
        throw NotWellFormed{result};
    }
}

pugi::xml_node child_named(const pugi::xml_node& node, std::string_view local_name) {
    for (auto child = node.first_child(); child; child = child.next_sibling()) {
        if (child.type() == pugi::node_element && local_part(child.name()) == local_name) {
            return child;
        }
    }
    return {};
}

/// A child, or a child's child: an envelope such as SOAP has a body.
pugi::xml_node feedback_in(const pugi::xml_node& wrapper) {
    auto found = child_named(wrapper, "feedback");
    for (auto child = wrapper.first_child(); child && !found; child = child.next_sibling()) {
        found = child_named(child, "feedback");
    }
    return found;
}

/// Judges what stands beside the report in the document, a node at a time.
class Surroundings {
  public:
    explicit Surroundings(FindingList& findings) : findings_(findings) {}

    void add(const pugi::xml_node& node) {
        switch (node.type()) {
            case pugi::node_element:
                add_element(node);
                break;
            case pugi::node_pcdata:
            case pugi::node_cdata:
                findings_.add(root_ ? xml::kTextAfterRoot : xml::kTextBeforeRoot,
                              cut_text(trim(node.value()), kShown));
                break;
            case pugi::node_doctype:
                findings_.add(xml::kDoctype);
                break;
            case pugi::node_null:
            case pugi::node_document:
            case pugi::node_comment:
            case pugi::node_pi:
            case pugi::node_declaration:
                break;
        }
    }
    [[nodiscard]] pugi::xml_node root() const { return root_; }
    [[nodiscard]] const std::string& other() const { return other_; }

  private:
    void add_element(const pugi::xml_node& node) {
        const auto name = local_part(node.name());
        // Some reporters put the report into the schema that describes it, or into an envelope.
        const auto wrapped = name == "feedback" ? pugi::xml_node{} : feedback_in(node);
        const auto found = name == "feedback" ? node : wrapped;
        if (found && root_) {
            findings_.add(xml::kSecondReport);
            return;
        }
        if (found) {
            root_ = found;
        }
        if (wrapped) {
            findings_.add(xml::kWrapped, node.name());
        } else if (!found) {
            findings_.add(xml::kSecondRoot, node.name());
            if (other_.empty()) {
                other_ = node.name();
            }
        }
    }

    FindingList& findings_;
    pugi::xml_node root_;
    std::string other_;
};

pugi::xml_node find_root(const pugi::xml_document& document, FindingList& findings) {
    Surroundings surroundings(findings);
    for (auto node = document.first_child(); node; node = node.next_sibling()) {
        surroundings.add(node);
    }
    if (!surroundings.root()) {
        throw NoReport{surroundings.other()};
    }
    return surroundings.root();
}

AggregateReport finish(AggregateReader& reader) {
    if (!reader.found_report()) {
        throw NoReport{"feedback without a report in it"};
    }
    return reader.finish();
}

/// One document: text in, report out. Each call of read() starts afresh.
class DocumentReader {
  public:
    DocumentReader(const Limits& limits, const Expired& expired)
        : limits_(limits), expired_(expired) {}

    tl::expected<AggregateReport, ParseError> read(std::string_view text);

  private:
    AggregateReport read_whole(std::string_view text, FindingList& findings);
    /// Nullopt if the text cannot be cut.
    std::optional<AggregateReport> read_sliced(std::string_view text, FindingList& findings);
    /// Gives `read` the root without its slices (and an empty text), then each slice. False if the
    /// cut is not where records stand.
    template <class Read>
    bool for_each_part(const XmlSlices& cut, FindingList& findings, const Read& read);
    std::optional<AggregateReport> try_sliced(std::string_view text, FindingList& findings);
    AggregateReport read_any(std::string_view text, FindingList& findings);

    const Limits& limits_;
    const Expired& expired_;
};

AggregateReport DocumentReader::read_whole(std::string_view text, FindingList& findings) {
    XmlMemory memory(limits_.max_parse_bytes);
    pugi::xml_document document;
    load(document, text);
    AggregateReader reader(limits_, expired_, memory, findings);
    const auto root = find_root(document, findings);
    reader.read_root(root);
    if (reader.has_foreign_children()) {
        reader.read_foreign_children(root);
    }
    return finish(reader);
}

template <class Read>
bool DocumentReader::for_each_part(const XmlSlices& cut, FindingList& findings, const Read& read) {
    {
        pugi::xml_document skeleton;
        load(skeleton, cut.skeleton);
        auto root = find_root(skeleton, findings);
        if (!root.remove_child(kSliceMarker.data())) {
            return false;
        }
        read(root, std::string_view{});
    }
    for (const auto slice : cut.slices) {
        if (expired_ && expired_()) {
            throw OutOfTime{};
        }
        pugi::xml_document document;
        load(document, slice);
        read(document, slice);
    }
    return true;
}

std::optional<AggregateReport> DocumentReader::read_sliced(std::string_view text,
                                                           FindingList& findings) {
    const auto cut = slice_xml(text, "record", kSliceBytes);
    if (!cut) {
        return std::nullopt;
    }
    XmlMemory memory(limits_.max_parse_bytes);
    AggregateReader reader(limits_, expired_, memory, findings);
    const auto read = [&](const pugi::xml_node& part, std::string_view slice) {
        if (slice.empty()) {
            reader.read_root(part);
            return;
        }
        reader.read_children(part);
        if (slice.data() == cut->slices.front().data()) {
            const auto records = static_cast<std::size_t>(reader.record_count());
            reader.expect_records(records * text.size() / slice.size() * 21 / 20);
        }
    };
    if (!for_each_part(*cut, findings, read)) {
        return std::nullopt;
    }
    if (reader.has_foreign_children()) {
        for_each_part(*cut, findings, [&](const pugi::xml_node& part, std::string_view) {
            reader.read_foreign_children(part);
        });
    }
    return finish(reader);
}

/// A part that is not well-formed says that the cut was wrong, or the document is.
std::optional<AggregateReport> DocumentReader::try_sliced(std::string_view text,
                                                          FindingList& findings) {
    try {
        return read_sliced(text, findings);
    } catch (const NotWellFormed&) {
        return std::nullopt;
    } catch (const NoReport&) {
        return std::nullopt;
    }
}

AggregateReport DocumentReader::read_any(std::string_view text, FindingList& findings) {
    if (text.size() > kLargeDocument) {
        if (auto report = try_sliced(text, findings)) {
            return std::move(*report);
        }
        static_cast<void>(findings.take());
    }
    return read_whole(text, findings);
}

tl::expected<AggregateReport, ParseError> DocumentReader::read(std::string_view text) {
    using Kind = ParseError::Kind;
    const auto fail = [](Kind kind, const FindingCode& code, std::string_view detail = {}) {
        return tl::unexpected(make_error(kind, code, detail));
    };
    try {
        FindingList findings(limits_.max_findings, aggregate::kMoreFindings);
        auto report = read_any(text, findings);
        report.findings = findings.take();
        return report;
    } catch (const NotWellFormed& error) {
        return fail(Kind::broken, xml::kNotWellFormed,
                    std::string(error.result.description()) + " at byte " +
                        std::to_string(error.result.offset));
    } catch (const NoReport& error) {
        return fail(Kind::no_report, xml::kNoReport, error.root);
    } catch (const OutOfTime&) {
        return fail(Kind::time, xml::kTime);
    } catch (const TooManyRecords&) {
        return fail(Kind::memory, aggregate::kTooManyRecords);
    } catch (const std::bad_alloc&) {
        return fail(Kind::memory, xml::kMemory);
    }
}

/// npos if none begins at `from` or later.
std::size_t begin_of_report(std::string_view xml, std::size_t from) {
    const auto tag = find_start_tag(xml.substr(from), "feedback");
    return tag ? from + tag.begin : std::string_view::npos;
}

/// What follows the end tags and blanks at the beginning: the reports may stand in one element.
std::string_view without_end_tags(std::string_view text) {
    for (text = trim(text); text.starts_with("</"); text = trim(text)) {
        text.remove_prefix(std::min(text.find('>'), text.size() - 1) + 1);
    }
    return text;
}

/// Findings about the text, then those about the report, each once and at most as many as allowed.
void put_first(Findings first, Findings& findings, std::size_t max) {
    FindingList all(max, aggregate::kMoreFindings);
    first.insert(first.end(), std::make_move_iterator(findings.begin()),
                 std::make_move_iterator(findings.end()));
    for (const auto& finding : first) {
        all.add(finding.code, finding.detail);
    }
    findings = all.take();
}

}  // namespace

tl::expected<AggregateReport, ParseError> parse_aggregate(std::string xml,
                                                          const Limits& limits,
                                                          const Expired& expired) {
    FindingList text_findings(limits.max_findings, aggregate::kMoreFindings);
    if (blank_controls(xml)) {
        text_findings.add(xml::kControlCharacter);
    }
    replace_bad_references(xml, text_findings);
    note_raw_ampersands(xml, text_findings);
    if (const auto first = xml.find_first_not_of(" \t\r\n");
        first != 0 && first != std::string::npos && xml.compare(first, 5, "<?xml") == 0) {
        text_findings.add(xml::kTextBeforeRoot, "white space");
    }

    DocumentReader reader(limits, expired);
    auto report = reader.read(xml);
    if (!report && report.error().kind == ParseError::Kind::broken) {
        if (auto repaired = repair_xml(xml, text_findings)) {
            xml.clear();
            xml.shrink_to_fit();
            if (auto second = reader.read(*repaired)) {
                report = std::move(second);
            }
        }
    }
    if (!report) {
        return report;
    }
    put_first(text_findings.take(), report->findings, limits.max_findings);
    classify_records(*report);
    report->content_sha256 = content_hash(*report);
    return report;
}

std::vector<std::string_view> split_aggregates(std::string_view xml) {
    std::vector<std::string_view> reports;
    const auto first = find_start_tag(xml, "feedback");
    if (!first) {
        return reports;
    }
    const std::string end = "</" + std::string(first.name);
    std::size_t from = 0;
    for (auto at = xml.find(end); at != std::string_view::npos; at = xml.find(end, at + 1)) {
        const auto close = xml.find('>', at);
        if (close == std::string_view::npos) {
            break;
        }
        // Only the first has what stands in front: the declaration, or an element around.
        const auto begin = reports.empty() ? 0 : begin_of_report(xml, from);
        if (begin >= at || reports.size() == kMaxReports) {
            return {};
        }
        reports.push_back(xml.substr(begin, close + 1 - begin));
        from = close + 1;
    }
    if (reports.size() < 2) {
        return {};
    }
    if (const auto begin = begin_of_report(xml, from); begin != std::string_view::npos) {
        if (reports.size() == kMaxReports) {
            return {};
        }
        reports.push_back(xml.substr(begin));  // breaks off, or ends by another name
    } else if (!without_end_tags(xml.substr(from)).empty()) {
        const auto last = static_cast<std::size_t>(reports.back().data() - xml.data());
        reports.back() = xml.substr(last);
    }
    return reports;
}

bool looks_like_aggregate(std::string_view xml) {
    const auto root = find_start_tag(xml.substr(0, kBeginning), "feedback");
    if (!root) {
        return false;
    }
    // A text may speak of `<feedback>`: behind words, some of a report must follow.
    if (trim(xml.substr(0, root.begin + 1)).starts_with('<')) {
        return true;
    }
    const auto rest = xml.substr(root.begin, kBeginning);
    return std::any_of(kReportElements.begin(), kReportElements.end(), [rest](auto element) {
        return static_cast<bool>(find_start_tag(rest, element));
    });
}

}  // namespace dmarcbox::schema
