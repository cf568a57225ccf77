#include <algorithm>
#include <cstring>
#include <utility>

#include "mime/charset.hpp"
#include "mime/header.hpp"
#include "mime/header_block.hpp"
#include "mime/sniff.hpp"
#include "schema/content_hash.hpp"
#include "schema/scalar_text.hpp"
#include "server/ingest_feedback.hpp"
#include "server/mail_form.hpp"
#include "server/reducer.hpp"

namespace dmarcbox {
namespace {

constexpr std::string_view kEol = "\r\n";
constexpr std::string_view kHex = "0123456789abcdef";

/// Bytes of the sample before its body: what stays.
std::size_t kept_size(std::string_view content, const Limits& limits) {
    const std::string_view header = sample_header(content, limits);
    const auto start = static_cast<std::size_t>(header.data() - content.data());
    return start + mime::scan_header(content.substr(start), limits.max_header_bytes,
                                     limits.max_header_fields)
                       .size;
}

bool is_message_type(std::string_view type) {
    return type == "message/rfc822" || type == "message/global";
}

std::string boundary_of(std::string_view bytes) {
    std::string boundary = "dmarcbox-";
    const schema::Digest digest = schema::sha256(bytes);
    for (std::size_t i = 0; i < 12; ++i) {
        boundary += kHex[digest[i] >> 4U];
        boundary += kHex[digest[i] & 15U];
    }
    return boundary;
}

/// What becomes of a part.
enum class Fate {
    keep,
    fields,     ///< the machine-readable part of a feedback report
    sample,     ///< the reported message: its header stays
    reported,   ///< another copy of it
    inside,     ///< a part of a sample or a copy
    container,  ///< an attached mail that holds reports: its parts follow it
    replaced,   ///< an archive or text that held what must go
};

}  // namespace

/// One mail taken apart, and what becomes of its parts.
class MailRewriting {
  public:
    MailRewriting(const Reducer& reducer,
                  std::string_view bytes,
                  const mime::Message& message,
                  const std::string& prefix)
        : reducer_(reducer),
          bytes_(bytes),
          message_(message),
          groups_(find_feedback(message.parts, reducer.limits_)),
          fates_(message.parts.size(), Fate::keep),
          replacements_(message.parts.size()) {
        for (const auto& group : groups_) {
            fates_[group.fields] = Fate::fields;
            if (group.sample) {
                fates_[*group.sample] = Fate::sample;
            }
        }
        for (std::size_t i = 0; i < fates_.size(); ++i) {
            fates_[i] = fates_[i] == Fate::keep ? fate_of(i, prefix) : fates_[i];
        }
    }

    /// Cuts the bodies where they stand. Nullopt if one cannot be found, or something else must go.
    [[nodiscard]] std::optional<std::string> cut_in_place() const;
    [[nodiscard]] std::string rewrite() const;
    /// True if reading `reduced` gives the same samples.
    [[nodiscard]] bool reads_alike(std::string_view reduced) const;

  private:
    [[nodiscard]] Fate fate_of(std::size_t index, const std::string& prefix);
    [[nodiscard]] bool replace(std::size_t index, const std::string& section);
    [[nodiscard]] std::string fields_part(const FeedbackGroup& group) const;
    [[nodiscard]] std::optional<std::string> kept_part(const mime::Part& part) const;
    [[nodiscard]] std::vector<std::string> new_parts(std::size_t index) const;
    [[nodiscard]] bool has_canonicalized() const;

    const Reducer& reducer_;
    std::string_view bytes_;
    const mime::Message& message_;
    std::vector<FeedbackGroup> groups_;
    std::vector<Fate> fates_;
    std::vector<std::vector<std::string>> replacements_;  ///< texts of new parts
};

Fate MailRewriting::fate_of(std::size_t index, const std::string& prefix) {
    const mime::Part& part = message_.parts[index];
    for (std::size_t i = 0; i < message_.parts.size(); ++i) {
        const bool reported = fates_[i] == Fate::sample || fates_[i] == Fate::reported;
        if (reported && is_below(part.section, message_.parts[i].section)) {
            return Fate::inside;
        }
    }
    const std::string section = prefix + part.section;
    if (replace(index, section)) {
        return Fate::replaced;
    }
    const bool mail =
        is_message_type(part.media_type) || is_mail(part.content, reducer_.limits_.mime());
    if (!mail) {
        return Fate::keep;
    }
    return reducer_.holds_report(section) ? Fate::container : Fate::reported;
}

bool MailRewriting::replace(std::size_t index, const std::string& section) {
    const mime::Part& part = message_.parts[index];
    const mime::ContentKind kind = mime::sniff(part.content);
    if (kind == mime::ContentKind::gzip || kind == mime::ContentKind::zip) {
        const auto files = reducer_.archive(part.content, section);
        for (std::size_t i = 0; files && i < files->size(); ++i) {
            replacements_[index].push_back(gzip_part((*files)[i].name, (*files)[i].bytes));
        }
        return files.has_value();
    }
    if (is_mail(part.content, reducer_.limits_.mime())) {
        return false;
    }
    const std::string text =
        mime::to_utf8(part.content, part.charset).value_or(mime::guess_utf8(part.content));
    const bool plain = part.media_type == "text/plain" && kind == mime::ContentKind::other;
    if (!plain && !reducer_.is_form(text, section)) {
        return false;
    }
    auto reduced = reducer_.text_form(text);
    if (reduced) {
        replacements_[index].push_back("Content-Type: text/plain; charset=utf-8\r\n\r\n" +
                                       std::move(*reduced));
    }
    return reduced.has_value();
}

std::string MailRewriting::fields_part(const FeedbackGroup& group) const {
    return "Content-Type: message/feedback-report\r\n\r\n" +
           reducer_.field_lines(feedback_fields(message_.parts[group.fields], reducer_.limits_));
}

std::optional<std::string> MailRewriting::kept_part(const mime::Part& part) const {
    const mime::ContentKind kind = mime::sniff(part.content);
    const bool may_hold_report = kind != mime::ContentKind::other &&
                                 kind != mime::ContentKind::html &&
                                 kind != mime::ContentKind::empty;
    if (reducer_.redactor_ != nullptr && !may_hold_report) {
        return std::nullopt;
    }
    std::string out = "Content-Type: " + part.media_type;
    if (!part.charset.empty()) {
        out += "; charset=\"" + part.charset + "\"";
    }
    return out + "\r\nContent-Transfer-Encoding: base64\r\n\r\n" + base64_lines(part.content);
}

/// Texts of the parts that stand for one.
std::vector<std::string> MailRewriting::new_parts(std::size_t index) const {
    switch (fates_[index]) {
        case Fate::keep: {
            auto kept = kept_part(message_.parts[index]);
            return kept ? std::vector{std::move(*kept)} : std::vector<std::string>{};
        }
        case Fate::replaced:
            return replacements_[index];
        case Fate::fields:
            break;
        case Fate::sample:  // follows its fields: that is where it is looked for first
        case Fate::reported:
        case Fate::inside:
        case Fate::container:
            return {};
    }
    const auto group = std::find_if(groups_.begin(), groups_.end(),
                                    [index](const auto& g) { return g.fields == index; });
    std::vector<std::string> texts{fields_part(*group)};
    if (group->sample) {
        const std::string_view kept =
            sample_header(message_.parts[*group->sample].content, reducer_.limits_);
        texts.push_back(
            "Content-Type: text/rfc822-headers\r\n\r\n" +
            (reducer_.redactor_ == nullptr ? std::string(kept) : reducer_.header_text(kept)));
    }
    return texts;
}

std::string MailRewriting::rewrite() const {
    std::string out;
    const std::string_view header = sample_header(bytes_, reducer_.limits_);
    for (auto& field : mime::parse_header(header, reducer_.limits_.mime()).fields) {
        const std::string name = schema::lower_case(field.name);
        if (!name.starts_with("content-") && name != "mime-version") {
            out += reducer_.header_text(field.name + ":" + field.raw);
        }
    }
    const std::string boundary = boundary_of(bytes_);
    out += "MIME-Version: 1.0\r\nContent-Type: ";
    out += groups_.empty() ? "multipart/mixed;" : "multipart/report; report-type=feedback-report;";
    out += "\r\n boundary=\"" + boundary + "\"\r\n\r\n";
    for (std::size_t i = 0; i < fates_.size(); ++i) {
        for (const auto& text : new_parts(i)) {
            out.append("--").append(boundary).append(kEol).append(text);
            out += out.ends_with('\n') ? "" : kEol;
        }
    }
    return out + "--" + boundary + "--\r\n";
}

bool MailRewriting::has_canonicalized() const {
    return std::any_of(groups_.begin(), groups_.end(), [this](const FeedbackGroup& group) {
        const auto fields = feedback_fields(message_.parts[group.fields], reducer_.limits_).fields;
        return std::any_of(fields.begin(), fields.end(), [](const auto& field) {
            return holds_canonicalized(field.name, false);
        });
    });
}

std::optional<std::string> MailRewriting::cut_in_place() const {
    if (std::count(fates_.begin(), fates_.end(), Fate::replaced) > 0 || has_canonicalized()) {
        return std::nullopt;
    }
    std::string out;
    std::size_t copied = 0;
    for (std::size_t i = 0; i < fates_.size(); ++i) {
        if (fates_[i] != Fate::sample && fates_[i] != Fate::reported) {
            continue;
        }
        const std::string& content = message_.parts[i].content;
        const std::size_t kept = kept_size(content, reducer_.limits_);
        if (schema::trim(std::string_view(content).substr(kept)).empty()) {
            continue;
        }
        // memmem takes linear time on hostile repetition, std::string_view::find does not.
        const void* found =
            memmem(bytes_.data() + copied, bytes_.size() - copied, content.data(), content.size());
        if (found == nullptr) {
            return std::nullopt;
        }
        const auto at = static_cast<std::size_t>(static_cast<const char*>(found) - bytes_.data());
        out += bytes_.substr(copied, at + kept - copied);
        copied = at + content.size();
        // The line end before the boundary may have counted as part of the body.
        if (copied < bytes_.size() && bytes_[copied] != '\r' && bytes_[copied] != '\n') {
            out += kEol;
        }
    }
    out += bytes_.substr(copied);
    return out;
}

bool MailRewriting::reads_alike(std::string_view reduced) const {
    const auto again = mime::unpack(reduced, reducer_.limits_.mime());
    if (!again) {
        return false;
    }
    const auto groups = find_feedback(again->parts, reducer_.limits_);
    return std::equal(
        groups.begin(), groups.end(), groups_.begin(), groups_.end(),
        [&](const FeedbackGroup& now, const FeedbackGroup& then) {
            return now.sample.has_value() == then.sample.has_value() &&
                   again->parts[now.fields].content == message_.parts[then.fields].content &&
                   (!now.sample ||
                    sample_header(again->parts[*now.sample].content, reducer_.limits_) ==
                        sample_header(message_.parts[*then.sample].content, reducer_.limits_));
        });
}

std::optional<std::string> Reducer::mail(std::string_view bytes, const std::string& prefix) const {
    const auto message = mime::unpack(bytes, limits_.mime());
    if (!message) {
        return std::nullopt;
    }
    const MailRewriting rewriting(*this, bytes, *message, prefix);
    if (redactor_ != nullptr) {
        return rewriting.rewrite();
    }
    auto cut = rewriting.cut_in_place();
    if (cut && *cut == bytes) {
        return std::nullopt;
    }
    return cut && rewriting.reads_alike(*cut) ? std::move(*cut) : rewriting.rewrite();
}

}  // namespace dmarcbox
