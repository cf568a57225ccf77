#pragma once

#include <string_view>

#include "mime/finding.hpp"
#include "mime/sniff.hpp"
#include "mime/unpack.hpp"

namespace dmarcbox::mime {

/// What a part turned out to hold.
enum class ReportKind { aggregate, tls };

/// Compares what a part's media type and file name say with its content, which alone decides how it
/// is read: findings wrong_media_type, odd_media_type, wrong_file_name, zip_archive. `content` is
/// the kind of the part's bytes before unpacking. RFC 9990 section 3, RFC 8460 section 5.3.
void check_label(const Part& part, ContentKind content, ReportKind report, Findings& findings);

}  // namespace dmarcbox::mime
