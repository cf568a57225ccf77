#include "schema/aggregate_reader.hpp"

#include <algorithm>
#include <iterator>
#include <new>
#include <pugixml.hpp>
#include <utility>

#include "schema/finding_codes_aggregate.hpp"
#include "schema/scalar_text.hpp"
#include "schema/xml_text.hpp"

// Each parent has a few children of all the names there are; the rest are unknown in it.
#pragma GCC diagnostic ignored "-Wswitch-enum"

namespace dmarcbox::schema {
namespace {

constexpr std::string_view kNamespace9990 = "urn:ietf:params:xml:ns:dmarc-2.0";
constexpr std::int64_t kAskEvery = 256;  ///< records between two questions for the time

bool is_text(const pugi::xml_node& node) {
    return node.type() == pugi::node_pcdata || node.type() == pugi::node_cdata;
}

std::string_view prefix_of(std::string_view name) {
    const auto colon = name.find_last_of(':');
    return colon == std::string_view::npos ? std::string_view{} : name.substr(0, colon);
}

constexpr std::uint64_t bit(Element element) {
    return std::uint64_t{1} << static_cast<unsigned>(element);
}

/// Elements that may stand several times in one parent.
bool may_repeat(Element element, Element parent) {
    switch (parent) {
        case Element::feedback:
            return element == Element::record || element == Element::extension;
        case Element::report_metadata:
            return element == Element::error;
        case Element::policy_evaluated:
            return element == Element::reason;
        case Element::auth_results:
            return true;
        default:
            return element == Element::extension;
    }
}

/// All text below a node, in order. Not recursive: a sender chooses the depth.
std::string deep_text(const pugi::xml_node& root) {
    std::string text;
    pugi::xml_node node = root.first_child();
    while (node) {
        if (is_text(node)) {
            text += node.value();
        }
        if (node.first_child()) {
            node = node.first_child();
            continue;
        }
        while (node != root && !node.next_sibling()) {
            node = node.parent();
        }
        node = node == root ? pugi::xml_node{} : node.next_sibling();
    }
    return text;
}

/// One pass over a value that needs no change nearly always.
struct Look {
    bool needs_collapse = false;
    bool has_high_byte = false;
};

Look look_at(std::string_view text) {
    Look look;
    bool blank = false;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        const bool is_blank = byte == ' ';
        look.needs_collapse |= (is_blank && blank) || byte < ' ' || byte == 0x7f;
        look.has_high_byte |= byte >= 0x80;
        blank = is_blank;
    }
    return look;
}

std::size_t heap(const std::string& text) {
    static const std::size_t kInside = std::string().capacity();
    return text.capacity() > kInside ? text.capacity() + 1 : 0;
}

/// What a record takes, with the room that its evidence will.
std::size_t footprint(const AggregateRecord& record) {
    std::size_t sum = sizeof(record) + heap(record.source_ip) + heap(record.disposition) +
                      heap(record.dkim) + heap(record.spf) + heap(record.header_from) +
                      heap(record.envelope_from) + heap(record.envelope_to);
    for (const auto& reason : record.reasons) {
        sum += sizeof(reason) + heap(reason.type) + heap(reason.comment);
    }
    for (const auto& result : record.dkim_results) {
        sum += sizeof(result) + sizeof(SigningKey) + 2 * heap(result.domain) +
               2 * heap(result.selector) + heap(result.result) + heap(result.human_result);
    }
    for (const auto& result : record.spf_results) {
        sum += sizeof(result) + heap(result.domain) + heap(result.scope) + heap(result.result) +
               heap(result.human_result);
    }
    return sum;
}

}  // namespace

AggregateReader::AggregateReader(const Limits& limits,
                                 const Expired& expired,
                                 XmlMemory& memory,
                                 FindingList& findings)
    : limits_(limits), expired_(expired), memory_(memory), findings_(findings) {}

template <class Read>
AggregateReader::Seen AggregateReader::for_each_element(const pugi::xml_node& node,
                                                        const Parent& parent,
                                                        Read read) {
    Seen seen = 0;
    for (auto child = node.first_child(); child; child = child.next_sibling()) {
        if (child.type() != pugi::node_element) {
            if (is_text(child)) {
                findings_.add(aggregate::kStrayText, parent.path);
            }
            continue;
        }
        const std::string_view name = local_part(child.name());
        const Element element = element_of(name);
        if (element == Element::extension && parent.element != Element::feedback) {
            continue;  // RFC 9990 has it in feedback; what it holds is nobody's business elsewhere
        }
        const bool again = (seen & bit(element)) != 0 && element != Element::unknown &&
                           !may_repeat(element, parent.element);
        // Lists in a second auth_results are as good as in the first.
        if (again && element != Element::auth_results) {
            findings_.add(aggregate::kRepeatedElement,
                          std::string(parent.path).append("/").append(name));
            continue;
        }
        if (!read(element, child)) {
            note_unknown(child, parent);
            continue;
        }
        if (again) {
            findings_.add(aggregate::kRepeatedElement,
                          std::string(parent.path).append("/").append(name));
        }
        if (element == Element::identifiers && name != "identifiers") {
            findings_.add(aggregate::kMisspeltElement, name);
        }
        seen |= bit(element);
    }
    return seen;
}

/// Elements of another namespace are extensions (RFC 9990), which nobody has to know.
void AggregateReader::note_unknown(const pugi::xml_node& node, const Parent& parent) {
    const std::string_view name = node.name();
    const auto prefix = prefix_of(name);
    if ((!prefix.empty() && prefix != root_prefix_) || node.attribute("xmlns")) {
        return;
    }
    findings_.add(aggregate::kUnknownElement,
                  std::string(parent.path).append("/").append(local_part(name)));
}

void AggregateReader::read_root(const pugi::xml_node& root) {
    root_prefix_ = prefix_of(root.name());
    const std::string attribute = root_prefix_.empty() ? "xmlns" : "xmlns:" + root_prefix_;
    report_.xml_namespace =
        cut_text(collapse(root.attribute(attribute.c_str()).value()), limits_.max_text_bytes);
    shows_9990_ |= report_.xml_namespace == kNamespace9990;
    read_children(root);
}

void AggregateReader::read_children(const pugi::xml_node& parent) {
    const Parent metadata{Element::report_metadata, "report_metadata"};
    const Parent published{Element::policy_published, "policy_published"};
    // Parts of one document may come one by one: what was seen before counts too.
    const auto seen = for_each_element(
        parent, {Element::feedback, "feedback"}, [&](Element element, const pugi::xml_node& node) {
            if ((found_ & bit(element)) != 0 && element != Element::record &&
                element != Element::extension) {
                findings_.add(aggregate::kRepeatedElement,
                              std::string("feedback/").append(local_part(node.name())));
                return true;
            }
            switch (element) {
                case Element::version:
                    read_text(report_.version, node, "version");
                    return true;
                case Element::report_metadata:
                    for_each_element(node, metadata, [this](Element e, const pugi::xml_node& n) {
                        return read_metadata(e, n);
                    });
                    return true;
                case Element::policy_published:
                    for_each_element(node, published, [this](Element e, const pugi::xml_node& n) {
                        return read_published(e, n);
                    });
                    return true;
                case Element::extension:
                    shows_9990_ = true;
                    return true;
                case Element::record:
                    read_record(node);
                    return true;
                default:
                    return false;
            }
        });
    found_ |= seen;
}

bool AggregateReader::read_metadata(Element element, const pugi::xml_node& node) {
    switch (element) {
        case Element::org_name:
            read_text(report_.org_name, node, "report_metadata/org_name");
            return true;
        case Element::email:
            read_text(report_.org_email, node, "report_metadata/email");
            return true;
        case Element::extra_contact_info:
            read_text(report_.extra_contact_info, node, "report_metadata/extra_contact_info");
            return true;
        case Element::report_id:
            read_text(report_.report_id, node, "report_metadata/report_id");
            return true;
        case Element::date_range:
            read_date_range(node);
            return true;
        case Element::error:
            read_error(node);
            return true;
        case Element::generator:
            read_text(report_.generator, node, "report_metadata/generator");
            shows_9990_ = true;
            return true;
        default:
            return false;
    }
}

void AggregateReader::read_date_range(const pugi::xml_node& node) {
    for_each_element(node, {Element::date_range, "report_metadata/date_range"},
                     [this](Element element, const pugi::xml_node& child) {
                         if (element != Element::begin && element != Element::end) {
                             return false;
                         }
                         const bool is_begin = element == Element::begin;
                         const auto text = text_of(child, "report_metadata/date_range");
                         if (!text.empty()) {
                             (is_begin ? report_.begin_at : report_.end_at) =
                                 read_time(text, findings_);
                             (is_begin ? has_begin_ : has_end_) = true;
                         }
                         return true;
                     });
}

void AggregateReader::read_error(const pugi::xml_node& node) {
    const auto text = text_of(node, "report_metadata/error");
    if (text.empty()) {
        return;
    }
    if (report_.errors.size() + text.size() + 1 > limits_.max_text_bytes) {
        findings_.add(aggregate::kCut, "report_metadata/error");
        return;
    }
    if (!report_.errors.empty()) {
        report_.errors += '\n';
    }
    report_.errors += text;
}

bool AggregateReader::read_published(Element element, const pugi::xml_node& node) {
    switch (element) {
        case Element::domain:
            read_domain(report_.domain, node, "policy_published/domain");
            return true;
        case Element::adkim:
            read_enumerated(report_.adkim, node, "policy_published/adkim",
                            Vocabulary::alignment_mode);
            return true;
        case Element::aspf:
            read_enumerated(report_.aspf, node, "policy_published/aspf",
                            Vocabulary::alignment_mode);
            return true;
        case Element::p:
            read_enumerated(report_.p, node, "policy_published/p", Vocabulary::policy);
            return true;
        case Element::sp:
            read_enumerated(report_.sp, node, "policy_published/sp", Vocabulary::policy);
            return true;
        case Element::np:
            read_enumerated(report_.np, node, "policy_published/np", Vocabulary::policy);
            shows_9990_ = true;
            return true;
        case Element::pct: {
            const auto text = text_of(node, "policy_published/pct");
            if (!text.empty()) {
                report_.pct = read_percentage(text, findings_);
            }
            return true;
        }
        case Element::fo:
            read_text(report_.fo, node, "policy_published/fo");
            return true;
        case Element::testing:
            read_enumerated(report_.testing, node, "policy_published/testing", Vocabulary::testing);
            shows_9990_ = true;
            return true;
        case Element::discovery_method:
            read_enumerated(report_.discovery_method, node, "policy_published/discovery_method",
                            Vocabulary::discovery_method);
            shows_9990_ = true;
            return true;
        default:
            return false;
    }
}

void AggregateReader::expect_records(std::size_t count) {
    // Reserved is not used: half of what is left leaves room for what the records hold.
    const std::size_t room = memory_.left() / 2 / sizeof(AggregateRecord);
    report_.records.reserve(std::min({count, room, limits_.max_records}));
}

void AggregateReader::check_time() {
    if (report_.record_count % kAskEvery == 0 && expired_ && expired_()) {
        throw OutOfTime{};
    }
}

void AggregateReader::read_record(const pugi::xml_node& node) {
    check_time();
    if (static_cast<std::size_t>(report_.record_count) >= limits_.max_records) {
        throw TooManyRecords{};
    }
    ++report_.record_count;
    AggregateRecord record;
    bool has_count = false;
    for_each_element(node, {Element::record, "record"},
                     [&](Element element, const pugi::xml_node& child) {
                         switch (element) {
                             case Element::row:
                                 has_count = read_row(child, record);
                                 return true;
                             case Element::identifiers:
                                 read_identifiers(child, record);
                                 return true;
                             case Element::auth_results:
                                 read_auth_results(child, record);
                                 return true;
                             default:
                                 return false;
                         }
                     });
    keep(std::move(record), has_count);
}

void AggregateReader::keep(AggregateRecord&& record, bool has_count) {
    if (record.source_ip.empty() && record.count == 0) {
        findings_.add(aggregate::kNullRecord);
        return;
    }
    note_missing(record, has_count);
    has_pass_disposition_ |= record.disposition == "pass";
    charge(footprint(record));
    report_.records.push_back(std::move(record));
}

bool AggregateReader::read_row(const pugi::xml_node& node, AggregateRecord& record) {
    bool has_count = false;
    for_each_element(node, {Element::row, "record/row"},
                     [&](Element element, const pugi::xml_node& child) {
                         switch (element) {
                             case Element::source_ip: {
                                 const auto text = text_of(child, "record/row/source_ip");
                                 if (!text.empty()) {
                                     read_ip(record.source_ip, text, findings_);
                                 }
                                 return true;
                             }
                             case Element::count: {
                                 const auto text = text_of(child, "record/row/count");
                                 if (!text.empty()) {
                                     record.count = read_count(text, findings_);
                                     has_count = true;
                                 }
                                 return true;
                             }
                             case Element::policy_evaluated:
                                 read_evaluated(child, record);
                                 return true;
                             default:
                                 return false;
                         }
                     });
    return has_count;
}

void AggregateReader::read_evaluated(const pugi::xml_node& node, AggregateRecord& record) {
    for_each_element(
        node, {Element::policy_evaluated, "record/row/policy_evaluated"},
        [&](Element element, const pugi::xml_node& child) {
            switch (element) {
                case Element::disposition:
                    read_enumerated(record.disposition, child,
                                    "record/row/policy_evaluated/disposition",
                                    Vocabulary::disposition);
                    return true;
                case Element::dkim:
                    read_enumerated(record.dkim, child, "record/row/policy_evaluated/dkim",
                                    Vocabulary::evaluation);
                    return true;
                case Element::spf:
                    read_enumerated(record.spf, child, "record/row/policy_evaluated/spf",
                                    Vocabulary::evaluation);
                    return true;
                case Element::reason:
                    read_reason(child, record);
                    return true;
                default:
                    return false;
            }
        });
}

void AggregateReader::read_reason(const pugi::xml_node& node, AggregateRecord& record) {
    constexpr std::string_view kPath = "record/row/policy_evaluated/reason";
    OverrideReason reason;
    const auto first = node.first_child();
    if (first && is_text(first) && !first.next_sibling()) {  // rspamd: <reason>sampled_out</reason>
        const auto text = text_of(node, kPath);
        findings_.add(aggregate::kReasonText, text);
        read_token(reason.type, text, Vocabulary::reason, findings_);
    } else {
        for_each_element(
            node, {Element::reason, kPath}, [&](Element element, const pugi::xml_node& child) {
                if (element == Element::type) {
                    read_enumerated(reason.type, child, "record/row/policy_evaluated/reason/type",
                                    Vocabulary::reason);
                    return true;
                }
                if (element == Element::comment) {
                    read_text(reason.comment, child, "record/row/policy_evaluated/reason/comment");
                    return true;
                }
                return false;
            });
    }
    if (reason.type.empty() && reason.comment.empty()) {
        findings_.add(aggregate::kEmptyReason);
        return;
    }
    shows_9990_ |= reason.type == "policy_test_mode";
    record.reasons.push_back(std::move(reason));
}

void AggregateReader::read_identifiers(const pugi::xml_node& node, AggregateRecord& record) {
    for_each_element(
        node, {Element::identifiers, "record/identifiers"},
        [&](Element element, const pugi::xml_node& child) {
            switch (element) {
                case Element::header_from:
                    read_domain(record.header_from, child, "record/identifiers/header_from");
                    return true;
                case Element::envelope_from:
                    read_envelope_from(child, record);
                    return true;
                case Element::envelope_to:
                    read_domain(record.envelope_to, child, "record/identifiers/envelope_to");
                    return true;
                default:
                    return false;
            }
        });
}

/// Present and empty is the null reverse-path (RFC 9990), another thing than absent.
void AggregateReader::read_envelope_from(const pugi::xml_node& node, AggregateRecord& record) {
    read_domain(record.envelope_from, node, "record/identifiers/envelope_from");
    if (record.envelope_from.empty()) {
        record.envelope_from = "<>";
    }
}

void AggregateReader::read_auth_results(const pugi::xml_node& node, AggregateRecord& record) {
    for_each_element(node, {Element::auth_results, "record/auth_results"},
                     [&](Element element, const pugi::xml_node& child) {
                         if (element == Element::dkim) {
                             read_dkim(child, record);
                             return true;
                         }
                         if (element == Element::spf) {
                             read_spf(child, record);
                             return true;
                         }
                         return false;
                     });
}

void AggregateReader::read_dkim(const pugi::xml_node& node, AggregateRecord& record) {
    constexpr std::string_view kPath = "record/auth_results/dkim";
    DkimAuthResult result;
    for_each_element(
        node, {Element::dkim, kPath}, [&](Element element, const pugi::xml_node& child) {
            switch (element) {
                case Element::domain:
                    read_domain(result.domain, child, "record/auth_results/dkim/domain");
                    return true;
                case Element::selector:
                    read_text(result.selector, child, "record/auth_results/dkim/selector");
                    return true;
                case Element::result:
                    read_enumerated(result.result, child, "record/auth_results/dkim/result",
                                    Vocabulary::dkim_result);
                    return true;
                case Element::human_result:
                    read_text(result.human_result, child, "record/auth_results/dkim/human_result");
                    return true;
                default:
                    return false;
            }
        });
    if (result.domain == "null") {
        findings_.add(aggregate::kNullDomain, kPath);
        result.domain.clear();
    }
    if (result.domain.empty() && result.selector.empty() && result.result.empty() &&
        result.human_result.empty()) {
        findings_.add(aggregate::kEmptyResult, kPath);
        return;
    }
    missing_if_empty(result.domain, "record/auth_results/dkim/domain");
    missing_if_empty(result.result, "record/auth_results/dkim/result");
    record.dkim_results.push_back(std::move(result));
}

void AggregateReader::read_spf(const pugi::xml_node& node, AggregateRecord& record) {
    constexpr std::string_view kPath = "record/auth_results/spf";
    SpfAuthResult result;
    for_each_element(
        node, {Element::spf, kPath}, [&](Element element, const pugi::xml_node& child) {
            switch (element) {
                case Element::domain:
                    read_domain(result.domain, child, "record/auth_results/spf/domain");
                    return true;
                case Element::scope:
                    read_enumerated(result.scope, child, "record/auth_results/spf/scope",
                                    Vocabulary::scope);
                    return true;
                case Element::result:
                    read_enumerated(result.result, child, "record/auth_results/spf/result",
                                    Vocabulary::spf_result);
                    return true;
                case Element::human_result:
                    read_text(result.human_result, child, "record/auth_results/spf/human_result");
                    shows_9990_ = true;
                    return true;
                default:
                    return false;
            }
        });
    if (result.domain == "null") {
        findings_.add(aggregate::kNullDomain, kPath);
        result.domain.clear();
    }
    if (result.domain.empty() && result.scope.empty() && result.result.empty() &&
        result.human_result.empty()) {
        findings_.add(aggregate::kEmptyResult, kPath);
        return;
    }
    missing_if_empty(result.domain, "record/auth_results/spf/domain");
    missing_if_empty(result.result, "record/auth_results/spf/result");
    record.spf_results.push_back(std::move(result));
}

void AggregateReader::missing_if_empty(const std::string& value, std::string_view path) {
    if (value.empty()) {
        findings_.add(aggregate::kMissingElement, path);
    }
}

void AggregateReader::note_missing(const AggregateRecord& record, bool has_count) {
    if (record.source_ip.empty()) {
        findings_.add(aggregate::kNoSourceIp);
    }
    if (!has_count) {
        findings_.add(aggregate::kMissingElement, "record/row/count");
    }
    missing_if_empty(record.disposition, "record/row/policy_evaluated/disposition");
    missing_if_empty(record.dkim, "record/row/policy_evaluated/dkim");
    missing_if_empty(record.spf, "record/row/policy_evaluated/spf");
    missing_if_empty(record.header_from, "record/identifiers/header_from");
    if (record.dkim_results.empty() && record.spf_results.empty()) {
        findings_.add(aggregate::kMissingElement, "record/auth_results");
    }
}

std::string_view AggregateReader::text_of(const pugi::xml_node& node, std::string_view path) {
    const auto first = node.first_child();
    if (!first) {
        return {};
    }
    std::string_view text;
    if (is_text(first) && !first.next_sibling()) {
        text = first.value();
    } else {
        for (auto child = first; child; child = child.next_sibling()) {
            if (child.type() == pugi::node_element) {
                findings_.add(aggregate::kUnknownElement,
                              std::string(path).append("/").append(local_part(child.name())));
            }
        }
        text_ = deep_text(node);
        text = text_;
    }
    text = trim(text);
    const Look look = look_at(text);
    if (look.needs_collapse) {
        text_ = collapse(text);
        text = text_;
    }
    // The document is UTF-8, but a character reference can name what is no character.
    if (look.has_high_byte && !is_utf8(text)) {
        findings_.add(xml::kBadCharacter, path);
        text_ = replace_bad_utf8(text);
        text = text_;
    }
    if (text.size() > limits_.max_text_bytes) {
        findings_.add(aggregate::kCut, path);
        text = trim(cut_text(text, limits_.max_text_bytes));
    }
    return text;
}

void AggregateReader::read_text(std::string& out,
                                const pugi::xml_node& node,
                                std::string_view path) {
    out.assign(text_of(node, path));
}

void AggregateReader::read_domain(std::string& out,
                                  const pugi::xml_node& node,
                                  std::string_view path) {
    auto text = text_of(node, path);
    if (text.ends_with('.')) {
        text.remove_suffix(1);
    }
    out.assign(text);
    for (char& c : out) {
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
}

void AggregateReader::read_enumerated(std::string& out,
                                      const pugi::xml_node& node,
                                      std::string_view path,
                                      Vocabulary vocabulary) {
    const auto text = text_of(node, path);
    if (!text.empty()) {
        read_token(out, text, vocabulary, findings_);
    }
}

void AggregateReader::charge(std::size_t bytes) {
    if (!memory_.take(bytes)) {
        throw std::bad_alloc();
    }
}

AggregateReport AggregateReader::finish() {
    missing_if_empty(report_.org_name, "report_metadata/org_name");
    missing_if_empty(report_.org_email, "report_metadata/email");
    missing_if_empty(report_.report_id, "report_metadata/report_id");
    if (!has_begin_) {
        findings_.add(aggregate::kMissingElement, "report_metadata/date_range/begin");
    }
    if (!has_end_) {
        findings_.add(aggregate::kMissingElement, "report_metadata/date_range/end");
    }
    missing_if_empty(report_.domain, "policy_published/domain");
    missing_if_empty(report_.p, "policy_published/p");
    if (report_.record_count == 0) {
        findings_.add(aggregate::kNoRecords);
    }
    if (has_pass_disposition_ && !shows_9990_) {
        findings_.add(aggregate::kEarlyPass);
    }
    return std::exchange(report_, {});
}

}  // namespace dmarcbox::schema
