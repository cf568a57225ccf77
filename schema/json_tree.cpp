#include "schema/json_tree.hpp"

#include <algorithm>
#include <boost/json/error.hpp>
#include <boost/json/memory_resource.hpp>
#include <boost/json/stream_parser.hpp>
#include <boost/json/value.hpp>
#include <charconv>
#include <new>
#include <optional>
#include <string>
#include <utility>

#include "schema/finding_codes_failure.hpp"

namespace dmarcbox::schema {
namespace {

namespace json = boost::json;

/// Between two questions for the time: a few milliseconds of parsing.
constexpr std::size_t kChunk = std::size_t{1} << 20U;

class BudgetResource final : public json::memory_resource {
  public:
    explicit BudgetResource(MemoryBudget& budget) : budget_(budget) {}

  private:
    // Boost.JSON 1.81 gives a key back with another alignment than it asked for, but asks for none
    // above that of plain operator new.
    void* do_allocate(std::size_t bytes, std::size_t alignment) override {
        if (alignment > __STDCPP_DEFAULT_NEW_ALIGNMENT__ || !budget_.take(bytes)) {
            throw std::bad_alloc();
        }
        return ::operator new(bytes);
    }
    void do_deallocate(void* memory, std::size_t bytes, std::size_t /*alignment*/) override {
        budget_.give_back(bytes);
        ::operator delete(memory);
    }
    [[nodiscard]] bool do_is_equal(const json::memory_resource& other) const noexcept override {
        return this == &other;
    }

    MemoryBudget& budget_;
};

}  // namespace

struct JsonTree::Impl {
    explicit Impl(MemoryBudget& budget) : resource(budget), root(&resource) {}

    BudgetResource resource;  // before the tree, which gives its memory back to it
    json::value root;
};

JsonTree::JsonTree(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
JsonTree::JsonTree(JsonTree&&) noexcept = default;
JsonTree& JsonTree::operator=(JsonTree&&) noexcept = default;
JsonTree::~JsonTree() = default;

const json::value& JsonTree::root() const {
    return impl_->root;
}

namespace {

struct Attempt {
    json::error_code error;
    std::size_t offset = 0;  ///< where parsing stopped
    std::unique_ptr<JsonTree::Impl> tree;
    bool out_of_time = false;
};

/// Feeds the text in pieces, so that the time can be asked for. Throws std::bad_alloc.
Attempt attempt(std::string_view text,
                const json::parse_options& options,
                MemoryBudget& budget,
                const Expired& expired) {
    Attempt result;
    result.tree = std::make_unique<JsonTree::Impl>(budget);
    json::stream_parser parser(json::storage_ptr(&result.tree->resource), options);
    parser.reset(json::storage_ptr(&result.tree->resource));
    while (!parser.done() && result.offset < text.size()) {
        if (expired && expired()) {
            result.out_of_time = true;
            return result;
        }
        const auto piece = text.substr(result.offset, kChunk);
        result.offset += parser.write_some(piece.data(), piece.size(), result.error);
        if (result.error) {
            return result;
        }
    }
    if (!parser.done()) {  // finish() calls a document with bytes behind it incomplete
        parser.finish(result.error);
    }
    if (!result.error) {
        result.tree->root = parser.release();
    }
    return result;
}

bool is_control(char c) {
    return static_cast<unsigned char>(c) < 0x20;
}

/// Control characters as blanks: outside of strings they are white space or wrong anyway.
std::string without_controls(std::string_view text) {
    std::string out(text);
    std::replace_if(out.begin(), out.end(), is_control, ' ');
    return out;
}

/// The parser calls half a surrogate pair a syntax error, or by one of its names.
bool may_be_surrogate(const Attempt& result, std::string_view text) {
    return (result.error == json::error::syntax ||
            result.error == json::error::expected_utf16_escape ||
            result.error == json::error::illegal_leading_surrogate ||
            result.error == json::error::illegal_trailing_surrogate) &&
           text.find("\\u") != std::string_view::npos;
}

/// The unit of a `\uXXXX` escape at the beginning of the text; nullopt if there is none.
std::optional<unsigned> escaped_unit(std::string_view text) {
    unsigned unit = 0;
    if (!text.starts_with("\\u") || text.size() < 6 ||
        std::from_chars(text.data() + 2, text.data() + 6, unit, 16).ptr != text.data() + 6) {
        return std::nullopt;
    }
    return unit;
}

/// U+FFFD for each half of a surrogate pair (RFC 8259 section 8.2) that stands alone.
std::string without_lone_surrogates(std::string_view text) {
    std::string out(text);
    for (std::size_t i = 0; i + 1 < out.size(); ++i) {
        if (out[i] != '\\') {
            continue;
        }
        const auto unit = escaped_unit(std::string_view(out).substr(i));
        if (!unit) {
            ++i;
            continue;
        }
        const bool high = *unit >= 0xD800 && *unit < 0xDC00;
        const bool low = *unit >= 0xDC00 && *unit < 0xE000;
        const auto next = high ? escaped_unit(std::string_view(out).substr(i + 6)) : std::nullopt;
        if (next && *next >= 0xDC00 && *next < 0xE000) {
            i += 11;
        } else {
            if (high || low) {
                out.replace(i + 2, 4, "FFFD");
            }
            i += 5;
        }
    }
    return out;
}

std::optional<ParseError> failed(const Attempt& result) {
    if (result.out_of_time) {
        return ParseError{ParseError::Kind::time, make_finding(tls::kTime)};
    }
    if (result.error) {
        return ParseError{ParseError::Kind::broken,
                          make_finding(tls::kBadJson, result.error.message() + " at byte " +
                                                          std::to_string(result.offset))};
    }
    return std::nullopt;
}

void note_rest(std::string_view rest, FindingList& findings) {
    const auto begin = rest.find_first_not_of(std::string_view(" \t\r\n\0", 5));
    if (begin != std::string_view::npos && rest.find("\"policies\"") != std::string_view::npos) {
        findings.add(tls::kSecondReport);
    } else if (begin != std::string_view::npos) {
        findings.add(tls::kTrailingBytes, std::to_string(rest.size() - begin) + " bytes");
    }
}

tl::expected<JsonTree, ParseError> parse(std::string_view text,
                                         MemoryBudget& budget,
                                         const Expired& expired,
                                         FindingList& findings) {
    json::parse_options options;
    auto result = attempt(text, options, budget, expired);
    const auto first = result.error ? failed(result) : std::nullopt;
    if (result.error) {
        options.allow_comments = true;
        options.allow_trailing_commas = true;
        result.tree.reset();  // gives its memory back before the next try takes some
        result = attempt(text, options, budget, expired);
        if (!result.error) {
            findings.add(tls::kJsonExtension);
        }
    }
    std::string mended;
    if (may_be_surrogate(result, text)) {
        result.tree.reset();
        if (!budget.take(text.size())) {
            throw std::bad_alloc();
        }
        mended = without_lone_surrogates(text);
        text = mended;
        result = attempt(text, options, budget, expired);
        if (!result.error) {
            findings.add(tls::kBadCharacter);
        }
    }
    if (result.error == json::error::syntax && result.offset < text.size() &&
        is_control(text[result.offset])) {
        result.tree.reset();
        if (!budget.take(text.size())) {
            throw std::bad_alloc();
        }
        result = attempt(without_controls(text), options, budget, expired);
        budget.give_back(text.size());
        if (!result.error) {
            findings.add(tls::kControlCharacter);
        }
    }
    if (result.error) {
        return tl::unexpected(*first);  // what is wrong with the text as sent
    }
    if (auto error = failed(result)) {
        return tl::unexpected(std::move(*error));
    }
    note_rest(text.substr(result.offset), findings);
    return JsonTree(std::move(result.tree));
}

}  // namespace

tl::expected<JsonTree, ParseError> parse_json(std::string_view json,
                                              MemoryBudget& budget,
                                              const Expired& expired,
                                              FindingList& findings) {
    try {
        return parse(json, budget, expired, findings);
    } catch (const std::bad_alloc&) {
        return tl::unexpected(
            ParseError{ParseError::Kind::memory, make_finding(tls::kMemory, "JSON tree")});
    }
}

}  // namespace dmarcbox::schema
