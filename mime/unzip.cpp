#include "mime/unzip.hpp"

#include <archive.h>
#include <archive_entry.h>

#include <algorithm>
#include <clocale>
#include <memory>

#include "mime/charset.hpp"
#include "mime/finding_codes.hpp"
#include "mime/lines.hpp"

namespace dmarcbox::mime {

namespace {

constexpr std::size_t kRatioFloor = std::size_t{1} << 20U;

struct FreeArchive {
    void operator()(archive* handle) const noexcept { archive_read_free(handle); }
};
using ArchiveHandle = std::unique_ptr<archive, FreeArchive>;

/// libarchive converts names by the thread's locale and gives none for non-ASCII ones under "C".
class Utf8Locale {
  public:
    Utf8Locale() : previous_(shared() == nullptr ? nullptr : uselocale(shared())) {}
    ~Utf8Locale() {
        if (previous_ != nullptr) {
            uselocale(previous_);
        }
    }
    Utf8Locale(const Utf8Locale&) = delete;
    Utf8Locale& operator=(const Utf8Locale&) = delete;
    Utf8Locale(Utf8Locale&&) = delete;
    Utf8Locale& operator=(Utf8Locale&&) = delete;

  private:
    /// Made once: it takes as long as reading a small archive.
    static locale_t shared() {
        static const locale_t locale = newlocale(LC_CTYPE_MASK, "C.UTF-8", nullptr);
        return locale;
    }

    locale_t previous_;
};

std::string error_of(archive* handle) {
    const char* text = archive_error_string(handle);
    return text == nullptr ? "unknown error" : text;
}

const FindingCode& code_for(std::string_view error) {
    if (error.find("ncrypted") != std::string_view::npos ||
        error.find("assphrase") != std::string_view::npos) {
        return kEncrypted;
    }
    if (error.find("nsupported") != std::string_view::npos) {
        return kUnsupportedMethod;
    }
    if (error.find("runcated") != std::string_view::npos) {
        return kTruncated;
    }
    if (error.find("CRC") != std::string_view::npos ||
        error.find("wrong size") != std::string_view::npos) {
        return kBadChecksum;
    }
    return kBadArchive;
}

/// Hidden companions that desktop systems put beside the files.
bool is_leftover(std::string_view name) {
    const std::size_t slash = name.rfind('/');
    const std::string_view base = slash == std::string_view::npos ? name : name.substr(slash + 1);
    return name.starts_with("__MACOSX/") || name.find("/__MACOSX/") != std::string_view::npos ||
           base.starts_with("._") || base == ".DS_Store" ||
           equals_ignoring_case(base, "thumbs.db") || equals_ignoring_case(base, "desktop.ini");
}

std::string name_of(archive_entry* entry) {
    const char* name = archive_entry_pathname_utf8(entry);
    if (name == nullptr) {
        name = archive_entry_pathname(entry);
    }
    return name == nullptr ? std::string() : guess_utf8(name);
}

constexpr std::size_t kEndRecord = 22;
constexpr std::size_t kMaxComment = 65535;

/// An archive ends with the record that finds its directory, a comment of up to 64 KiB behind it.
bool has_directory(std::string_view bytes) {
    return bytes.size() >= kEndRecord &&
           bytes.substr(bytes.size() - std::min(bytes.size(), kEndRecord + kMaxComment))
                   .find("PK\x05\x06") != std::string_view::npos;
}

/// libarchive reads the whole directory before the first member: a million entries take 3 s.
constexpr std::size_t kEntriesPerMember = 64;

/// True if there are more directory entries than anyone needs for max_members members. Counts
/// signatures, since numbers in the end record can lie; a stored archive inside has some too.
bool is_directory_too_big(std::string_view bytes, std::size_t max_members) {
    std::size_t entries = 0;
    for (std::size_t at = bytes.find("PK\x01\x02"); at != std::string_view::npos;
         at = bytes.find("PK\x01\x02", at + 4)) {
        if (++entries > kEntriesPerMember * max_members) {
            return true;
        }
    }
    return false;
}

/// The end record, of a disk that is not the first: libarchive then takes no directory from it and
/// reads member by member, and stops here. Without it the last member's data descriptor would be
/// one that breaks off.
std::string with_end_record(std::string_view bytes) {
    std::string out(bytes);
    out += "PK\x05\x06\x01";
    out.append(17, '\0');
    return out;
}

/// One pass over an archive.
class Unzipper {
  public:
    Unzipper(std::string_view archive_bytes,
             const std::string& part,
             const Limits& limits,
             const Expired& expired,
             UnpackBudget& budget,
             const MemberSink& sink,
             Findings& findings,
             bool complete)
        : complete_(complete),
          bytes_(archive_bytes),
          part_(part),
          limits_(limits),
          expired_(expired),
          budget_(budget),
          sink_(sink),
          findings_(findings),
          handle_(archive_read_new()) {}

    void run() {
        if (handle_ == nullptr || archive_read_support_format_zip(handle_.get()) != ARCHIVE_OK ||
            archive_read_open_memory(handle_.get(), bytes_.data(), bytes_.size()) != ARCHIVE_OK) {
            add_finding(findings_, kBadArchive, part_,
                        handle_ == nullptr ? "no memory" : error_of(handle_.get()));
            return;
        }
        while (next_member()) {
        }
        if (members_ == 0 && !failed_) {
            add_finding(findings_, kEmpty, part_, "no file in the archive");
        }
    }

  private:
    void fail(const FindingCode& code, const std::string& member, std::string_view detail) {
        failed_ = true;
        add_finding(findings_, code, member, detail);
    }

    /// What libarchive could not read; in an archive that breaks off, that is the reason.
    void fail_reading(const std::string& member) {
        const std::string error = error_of(handle_.get());
        const FindingCode& code = code_for(error);
        const bool damage = code.code == kBadArchive.code || code.code == kBadChecksum.code;
        fail(damage && !complete_ ? kTruncated : code, member, error);
    }

    /// False at the end of the archive or where reading on makes no sense.
    bool next_member() {
        archive_entry* entry = nullptr;
        const int code = archive_read_next_header(handle_.get(), &entry);
        if (code == ARCHIVE_EOF) {
            return false;
        }
        if (code != ARCHIVE_OK && code != ARCHIVE_WARN) {
            fail_reading(part_);
            return false;
        }
        if (budget_.members == 0) {
            fail(kTooManyMembers, part_, "more than " + std::to_string(limits_.max_members));
            return false;
        }
        --budget_.members;
        std::string name = name_of(entry);
        if (archive_entry_filetype(entry) == AE_IFDIR || name.ends_with('/') || is_leftover(name)) {
            return true;
        }
        ++members_;
        const std::string label = part_ + "/" + name;
        if (archive_entry_is_data_encrypted(entry) != 0) {
            fail(kEncrypted, label, {});
            return true;
        }
        std::string content;
        if (archive_entry_size_is_set(entry) != 0 && archive_entry_size(entry) > 0) {
            // What the header promises, as far as the packed bytes make it plausible.
            content.reserve(
                std::min(static_cast<std::size_t>(archive_entry_size(entry)), 64 * bytes_.size()));
        }
        switch (read_content(content, label)) {
            case Read::done:
                break;
            case Read::member_failed:
                return true;
            case Read::archive_failed:
                return false;
        }
        if (content.empty()) {
            add_finding(findings_, kEmpty, label);
            return true;
        }
        sink_(std::move(name), std::move(content));
        return true;
    }

    enum class Read { done, member_failed, archive_failed };

    Read read_content(std::string& content, const std::string& label) {
        for (;;) {
            if (expired_ && expired_()) {
                fail(kUnpackTime, label, {});
                return Read::archive_failed;
            }
            const void* block = nullptr;
            std::size_t grown = 0;
            la_int64_t offset = 0;
            const int code = archive_read_data_block(handle_.get(), &block, &grown, &offset);
            if (code == ARCHIVE_EOF) {
                return Read::done;
            }
            if (code != ARCHIVE_OK) {
                fail_reading(label);
                return code == ARCHIVE_FATAL ? Read::archive_failed : Read::member_failed;
            }
            content.append(static_cast<const char*>(block), grown);
            total_ += grown;
            if (content.size() > limits_.max_unpacked_bytes || grown > budget_.left) {
                fail(kUnpackedTooBig, label,
                     "more than " + std::to_string(std::min(limits_.max_unpacked_bytes, total_)) +
                         " bytes");
                return Read::archive_failed;
            }
            budget_.left -= grown;
            // Over the whole archive: members may share their packed bytes.
            if (total_ > kRatioFloor && total_ / bytes_.size() > limits_.max_unpack_ratio) {
                fail(kRatioTooHigh, label,
                     "more than " + std::to_string(limits_.max_unpack_ratio) + " to 1");
                return Read::archive_failed;
            }
        }
    }

    bool complete_;  ///< the directory is there
    std::string_view bytes_;
    const std::string& part_;
    const Limits& limits_;
    const Expired& expired_;
    UnpackBudget& budget_;
    const MemberSink& sink_;
    Findings& findings_;
    ArchiveHandle handle_;
    std::size_t members_ = 0;
    std::size_t total_ = 0;
    bool failed_ = false;
};

}  // namespace

void unzip(std::string_view archive,
           const std::string& part,
           const Limits& limits,
           const Expired& expired,
           UnpackBudget& budget,
           const MemberSink& sink,
           Findings& findings) {
    const Utf8Locale locale;
    if (is_directory_too_big(archive, limits.max_members)) {
        add_finding(findings, kTooManyMembers, part,
                    "more than " + std::to_string(limits.max_members));
        return;
    }
    if (has_directory(archive)) {
        Unzipper(archive, part, limits, expired, budget, sink, findings, true).run();
        return;
    }
    add_finding(findings, kNoDirectory, part);
    const std::string ended = with_end_record(archive);
    Unzipper(ended, part, limits, expired, budget, sink, findings, false).run();
}

}  // namespace dmarcbox::mime
