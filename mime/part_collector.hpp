#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "mime/guard.hpp"
#include "mime/structure.hpp"
#include "mime/unpack.hpp"

namespace dmarcbox::mime {

/// Turns a message into its leaf parts: transfer encoding removed, attached messages descended
/// into, files inside text and TNEF taken out.
class PartCollector {
  public:
    PartCollector(std::size_t message_size, const Limits& limits);

    /// Collects the parts of the message `text`, whose sections begin with `section` (empty for the
    /// outermost). False if the guard refused it; then nothing collected is of use.
    [[nodiscard]] bool collect(std::string_view text,
                               const std::string& section,
                               std::size_t depth);

    [[nodiscard]] const Guard& guard() const { return guard_; }
    /// Bytes of the outermost header, separator line included.
    [[nodiscard]] std::size_t header_size() const { return outermost_size_.value_or(0); }

    std::vector<Part> parts;
    Findings findings;

  private:
    /// What the parts of one multipart need to know of it.
    struct Group {
        std::string report_type;
        bool feedback = false;       ///< holds a message/feedback-report
        bool feedback_seen = false;  ///< which came already
        bool sample_seen = false;
        bool third = false;   ///< the next part is third of a multipart/report
        bool digest = false;  ///< parts without Content-Type are messages (RFC 2046 section 5.1.5)
    };

    bool collect_entity(const Entity& entity,
                        std::string_view text,
                        const std::string& section,
                        std::size_t depth,
                        Group& group);
    bool collect_leaf(const Entity& entity,
                      std::string_view text,
                      const std::string& section,
                      std::size_t depth,
                      Group& group);
    void mark_sample(Part& part, std::string_view content, Group& group) const;
    void restore_misplaced_fields(const HeaderBlock& header,
                                  const Part& part,
                                  std::string& content);
    void tell_type(const Entity& entity, const Part& part, std::string_view encoding);
    /// A multipart in base64 or quoted-printable, which the tree shows as a leaf.
    bool collect_encoded_multipart(const Entity& entity,
                                   std::string_view text,
                                   const std::string& section,
                                   std::size_t depth);
    /// `content` lies in the text around it: nothing is copied while its own parts are collected.
    bool collect_plain_message(std::string_view content,
                               std::size_t index,
                               const std::string& section,
                               std::size_t depth);
    bool collect_decoded_message(std::string content,
                                 std::size_t index,
                                 const std::string& section,
                                 std::size_t depth);
    bool collect_files_inside(std::size_t index, std::string_view content);
    bool collect_tnef(std::size_t index, std::string_view content);
    bool add_file(const std::string& section, std::string name, std::string bytes);
    void tell_header(const HeaderBlock& header, const std::string& section);

    Guard guard_;
    std::size_t copy_budget_;
    std::optional<std::size_t> outermost_size_;
};

}  // namespace dmarcbox::mime
