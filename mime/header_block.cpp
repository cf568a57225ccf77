#include "mime/header_block.hpp"

#include <algorithm>
#include <array>

#include "mime/lines.hpp"

namespace dmarcbox::mime {

namespace {

bool is_blank_line(std::string_view line) {
    return line.find_first_not_of(" \t") == std::string_view::npos;
}

bool is_continuation(std::string_view line) {
    return line.front() == ' ' || line.front() == '\t';
}

/// Length of the field name, blanks before the colon not counted; 0 if the line is no field.
std::size_t name_length(std::string_view line) {
    std::size_t length = 0;
    while (length < line.size() && line[length] > ' ' && line[length] < '\x7f' &&
           line[length] != ':') {
        ++length;
    }
    const std::size_t colon = line.find_first_not_of(" \t", length);
    return colon != std::string_view::npos && line[colon] == ':' ? length : 0;
}

std::string letters_of(std::string_view name) {
    std::string out;
    for (const char c : name) {
        if (c != '-' && c != '_') {
            out.push_back(c);
        }
    }
    return to_lower(out);
}

/// MIME fields whose misspelling was met (`ContentType:` by Trustwave) or is of that kind.
constexpr std::array<std::string_view, 3> kMimeFields{"content-type", "content-transfer-encoding",
                                                      "content-disposition"};

bool is_misspelt_as(std::string_view written, std::string_view meant) {
    return written.size() >= 11 && written.size() <= meant.size() + 1 &&
           starts_ignoring_case(written, "content") && !equals_ignoring_case(written, meant) &&
           letters_of(written) == letters_of(meant);
}

/// MIME fields kept behind the first max_fields fields.
constexpr std::size_t kMimeFieldsBehind = 20;

/// Collects the lines of one header block.
class Scanner {
  public:
    Scanner(std::string_view window, std::size_t max_fields)
        : lines_(window), max_fields_(max_fields) {}

    /// Reads up to the body; `block_.size` stays npos where the window ends first.
    HeaderBlock scan() {
        block_.size = std::string_view::npos;
        while (block_.size == std::string_view::npos && lines_.next()) {
            take(lines_.line());
        }
        return std::move(block_);
    }

  private:
    void take(std::string_view line) {
        if (is_blank_line(line)) {
            block_.blank_separator = !line.empty();
            block_.text_size = lines_.start();
            block_.size = lines_.end();
        } else if (is_continuation(line) && (skipping_ || !block_.fields.empty())) {
            continue_field(line);
        } else if (const std::size_t length = name_length(line); length > 0) {
            add_field(line, length);
        } else {
            take_odd_line(line);
        }
    }

    void continue_field(std::string_view line) {
        if (!skipping_) {
            std::string_view& raw = block_.fields.back().raw;
            raw = {raw.data(), static_cast<std::size_t>(line.data() + line.size() - raw.data())};
        }
    }

    void add_field(std::string_view line, std::size_t name_size) {
        ++block_.field_count;
        const std::string_view name = line.substr(0, name_size);
        const std::size_t kept = block_.fields.size();
        skipping_ = kept >= max_fields_ && (kept >= max_fields_ + kMimeFieldsBehind ||
                                            !starts_ignoring_case(name, "content"));
        if (skipping_) {
            return;
        }
        block_.fields.push_back({name, line.substr(line.find(':', name_size) + 1)});
        if (block_.misspelt.empty() &&
            std::any_of(kMimeFields.begin(), kMimeFields.end(),
                        [&](std::string_view meant) { return is_misspelt_as(name, meant); })) {
            block_.misspelt = name;
        }
    }

    /// One odd line among fields (a stray `>From `, a line cut in two) is skipped; a boundary, or
    /// an odd line that no field follows, is the body after a missing separator line.
    void take_odd_line(std::string_view line) {
        LineWalker following = lines_;
        const bool field_follows = following.next() && is_field_line(following.line());
        if (line.starts_with("--") || !field_follows) {
            block_.no_separator = true;
            block_.text_size = lines_.start();
            block_.size = lines_.start();
            return;
        }
        skipping_ = true;
        if (block_.garbage_lines++ == 0) {
            block_.first_garbage = line;
        }
    }

    LineWalker lines_;
    std::size_t max_fields_;
    HeaderBlock block_;
    bool skipping_ = false;  ///< continuation lines belong to no field that is kept
};

}  // namespace

bool is_field_line(std::string_view line) {
    return name_length(line) > 0;
}

std::string_view HeaderBlock::find(std::string_view name) const {
    for (const RawField& field : fields) {
        if (equals_ignoring_case(field.name, name)) {
            return field.raw;
        }
    }
    if (!misspelt.empty()) {
        for (const RawField& field : fields) {
            if (is_misspelt_as(field.name, name)) {
                return field.raw;
            }
        }
    }
    return {};
}

HeaderBlock scan_header(std::string_view text, std::size_t max_bytes, std::size_t max_fields) {
    const std::string_view window = text.substr(0, max_bytes);
    HeaderBlock block = Scanner(window, max_fields).scan();
    if (block.size == std::string_view::npos) {
        block.too_big = text.size() > window.size();
        block.text_size = window.size();
        block.size = window.size();
    }
    return block;
}

}  // namespace dmarcbox::mime
