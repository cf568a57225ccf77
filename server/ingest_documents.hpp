#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "mime/decompress.hpp"
#include "mime/header.hpp"
#include "mime/sniff.hpp"
#include "mime/unpack.hpp"
#include "schema/limits.hpp"
#include "server/ingest.hpp"
#include "server/ingest_reading.hpp"

namespace dmarcbox {

/// What the header of a mail says about the TLS report in it (RFC 8460 section 5.3); empty:
/// nothing.
struct TlsFields {
    std::string report_domain;     ///< TLS-Report-Domain, used where a policy has no domain
    std::string report_submitter;  ///< TLS-Report-Submitter
    [[nodiscard]] static TlsFields of(const mime::Header& header);
};

/// Reads leaf parts and bare files: unpacks them, tells by content what each document is, and adds
/// the reports found to the reading. Labels and names decide nothing, except that HTML labelled as
/// such is read only if its root is `feedback`; what they have wrong about a report is a finding.
class DocumentReader {
  public:
    /// Takes a mail apart that was a file in an archive.
    using ReadMail = std::function<void(DocumentReader&, mime::Document)>;

    DocumentReader(const IngestSettings& settings,
                   const schema::Expired& expired,
                   TlsFields tls,
                   Reading& reading,
                   ReadMail read_mail);
    /// For the parts of a mail out of an archive of `outer`: shares its budget, and leaves mails in
    /// further archives alone.
    DocumentReader(const DocumentReader& outer, TlsFields tls);

    /// A decoded leaf part of a mail. `attached`: what the header of the attached mail says that
    /// the part came in; nullptr: nothing, or it came in none.
    void read_part(mime::Part part, const TlsFields* attached = nullptr);
    /// A file that is no mail.
    void read_file(std::string name, std::string bytes);

  private:
    struct TextLabel {
        bool is_text = false;  ///< may hold the plain-text form of a failure report
        std::string charset;
    };
    void check_label(const mime::Part& part, mime::ContentKind content, std::size_t first_report);
    void unpack(mime::Document packed, const TextLabel& label);
    void read(mime::Document document, const TextLabel& label);
    void read_xml(mime::Document document, const std::string& charset);
    void read_json(mime::Document document, const std::string& charset);
    /// What was read from a document, or why nothing was; `found` is about its text.
    template <class Parsed>
    void add(Parsed report, const std::string& part, const mime::Findings& found);
    /// Reads a document cut into pieces; false, and nothing added, if the first is no report.
    template <class ReadOne>
    bool read_several(const std::vector<std::string_view>& pieces,
                      const ReadOne& read_one,
                      const std::string& part,
                      const schema::FindingCode& several,
                      const mime::Findings& found);
    /// Before that many more bytes are parsed.
    void enter_gate(std::size_t document_bytes);
    void read_text(const mime::Document& document, const TextLabel& label);
    void read_packed_mail(mime::Document document, bool archive);
    [[nodiscard]] schema::Limits limits_left() const;

    const IngestSettings& settings_;
    const schema::Expired& expired_;
    TlsFields tls_;
    const TlsFields* attached_ = nullptr;  ///< of the part being read
    Reading& reading_;
    ReadMail read_mail_;  ///< empty inside of a mail out of an archive
    std::shared_ptr<mime::UnpackBudget> budget_;
};

}  // namespace dmarcbox
