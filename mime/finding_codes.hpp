#pragma once

#include <array>

#include "mime/finding.hpp"

namespace dmarcbox::mime {

// Stage "mime": the shape of the mail (RFC 5322, RFC 2045, RFC 2046).

/// More than max_parts parts; the message is refused as a whole.
inline constexpr FindingCode kTooManyParts{"too_many_parts", "mime", true};
/// Multiparts and attached messages nested deeper than max_part_depth; refused as a whole.
inline constexpr FindingCode kPartsTooDeep{"parts_too_deep", "mime", true};
/// A header block longer than max_header_bytes; refused as a whole.
inline constexpr FindingCode kHeaderTooBig{"header_too_big", "mime", true};
/// Lines of a header that are neither field nor continuation, skipped. Detail: how many, the first.
inline constexpr FindingCode kHeaderGarbage{"header_garbage", "mime", false};
/// No empty line between header and body; the body starts at the first line that is no field.
inline constexpr FindingCode kNoSeparator{"no_separator", "mime", false};
/// A line of white space only, read as the empty line between header and body.
inline constexpr FindingCode kBlankSeparator{"blank_separator", "mime", false};
/// An empty line between the fields of a feedback report; those behind it were read too.
inline constexpr FindingCode kFieldsBehindEmptyLine{"fields_behind_empty_line", "mime", false};
/// Content-Type or another MIME field misspelt (`ContentType:`), read as meant. Detail: as written.
inline constexpr FindingCode kFieldMisspelt{"field_misspelt", "mime", false};
/// Several Content-Type fields in one header: that of a multipart counts, else the first. Detail:
/// the first.
inline constexpr FindingCode kRepeatedContentType{"repeated_content_type", "mime", false};
/// A header block longer than max_header_bytes, cut there.
inline constexpr FindingCode kHeaderCut{"header_cut", "mime", false};
/// Header fields longer than max_field_bytes, cut there. Detail: how many, name of the first.
inline constexpr FindingCode kFieldCut{"field_cut", "mime", false};
/// More than max_header_fields fields; the rest is left out.
inline constexpr FindingCode kFieldsCut{"fields_cut", "mime", false};
/// Decoded header values longer than max_text_bytes, cut there. Detail: how many, name of the
/// first.
inline constexpr FindingCode kTextCut{"cut", "mime", false};
/// A multipart without boundary parameter, or with one that does not occur; the first line that
/// looks like a boundary was taken.
inline constexpr FindingCode kBoundaryMissing{"boundary_missing", "mime", false};
/// A multipart without any part; its body is taken as one part.
inline constexpr FindingCode kNoParts{"no_parts", "mime", false};
/// A multipart that ends without its closing boundary.
inline constexpr FindingCode kNoEndBoundary{"no_end_boundary", "mime", false};
/// Bytes outside the base64 alphabet, or missing padding. Detail: which.
inline constexpr FindingCode kBase64Lenient{"base64_lenient", "mime", false};
/// Text after the end of base64 data, dropped.
inline constexpr FindingCode kBase64Trailing{"base64_trailing", "mime", false};
/// Labelled base64 but not encoded; taken as it is.
inline constexpr FindingCode kNotBase64{"not_base64", "mime", false};
/// Labelled uuencode but not encoded; taken as it is.
inline constexpr FindingCode kNotUuencode{"not_uuencode", "mime", false};
/// Base64 of an archive or report without Content-Transfer-Encoding.
inline constexpr FindingCode kUndeclaredBase64{"undeclared_base64", "mime", false};
/// `=` not followed by two hexadecimal digits, kept as it is.
inline constexpr FindingCode kQuotedPrintableLenient{"quoted_printable_lenient", "mime", false};
/// Content-Transfer-Encoding nobody knows; taken as it is. Detail: as written.
inline constexpr FindingCode kTransferEncodingUnknown{"transfer_encoding_unknown", "mime", false};
/// A multipart, attached message or feedback report in base64 or quoted-printable (RFC 2045 section
/// 6.4, RFC 2046 section 5.2.1, RFC 5965 section 2).
inline constexpr FindingCode kEncodedMessage{"encoded_message", "mime", false};
/// A file inside the text: uuencode. Detail: its name.
inline constexpr FindingCode kUuencoded{"uuencoded", "mime", false};
/// A file inside the text: yEnc. Detail: its name.
inline constexpr FindingCode kYenc{"yenc", "mime", false};
/// A file inside the text (uuencode, yEnc) that breaks off.
inline constexpr FindingCode kEncodedFileTruncated{"encoded_file_truncated", "mime", true};
/// Attachments wrapped in TNEF (winmail.dat), taken out.
inline constexpr FindingCode kTnef{"tnef", "mime", false};
/// TNEF that breaks off or holds no attachment.
inline constexpr FindingCode kTnefBroken{"tnef_broken", "mime", true};
/// A piece of a message sent in pieces (message/partial): cannot be read alone.
inline constexpr FindingCode kPartialMessage{"partial_message", "mime", true};
/// S/MIME, opaque-signed or encrypted (application/pkcs7-mime), which is not taken apart. Detail:
/// smime-type.
inline constexpr FindingCode kSmime{"smime", "mime", true};
/// A reference to content elsewhere (message/external-body), never fetched.
inline constexpr FindingCode kExternalBody{"external_body", "mime", false};
/// The fields of a feedback report or sample stand in the part's own header: the separator line is
/// missing.
inline constexpr FindingCode kFieldsInPartHeader{"fields_in_part_header", "mime", false};
/// The copy of an attached message was left out (its parts follow): the copies together exceed
/// twice the message.
inline constexpr FindingCode kCopyDropped{"copy_dropped", "mime", false};
/// An encoded attached message was not taken apart: what attached messages decode to exceeds twice
/// the message.
inline constexpr FindingCode kAttachedTooBig{"attached_too_big", "mime", true};
/// A feedback or TLS report outside of a multipart/report with its report-type (RFC 5965 section 2,
/// RFC 8460 section 5.3). Detail: the report-type it stands in.
inline constexpr FindingCode kNotMultipartReport{"not_multipart_report", "mime", false};
/// The media type says something else than the content is. Detail: type, what it is.
inline constexpr FindingCode kWrongMediaType{"wrong_media_type", "mime", false};
/// A media type that the report's standard does not name. Detail: the type.
inline constexpr FindingCode kOddMediaType{"odd_media_type", "mime", false};
/// The extension of the file name says something else than the content is. Detail: name, what it
/// is.
inline constexpr FindingCode kWrongFileName{"wrong_file_name", "mime", false};
/// Lines that end in CR alone (RFC 5322 section 2.1).
inline constexpr FindingCode kCrLineEnds{"cr_line_ends", "mime", false};

// Stage "unpack": gzip (RFC 1952), zip (APPNOTE), zlib (RFC 1950).

/// Nothing inside: a part, file or archive member of no bytes, or an archive without files.
inline constexpr FindingCode kEmpty{"empty", "unpack", false};
/// Bytes after the end of the gzip data, ignored. Detail: how many.
inline constexpr FindingCode kGzipTrailing{"gzip_trailing", "unpack", false};
/// White space in front of gzip data, skipped. Detail: how many bytes.
inline constexpr FindingCode kGzipJunk{"gzip_junk", "unpack", false};
/// Several gzip members one behind the other, read as one. Detail: how many.
inline constexpr FindingCode kGzipMembers{"gzip_members", "unpack", false};
/// An archive inside another, also gzip of gzip. Detail: which, of the first.
inline constexpr FindingCode kNestedArchive{"nested_archive", "unpack", false};
/// A report in a zip archive, where the standards name gzip (RFC 7489 section 7.2.1.1, RFC 9990).
inline constexpr FindingCode kZipArchive{"zip_archive", "unpack", false};
/// A zlib stream without gzip header.
inline constexpr FindingCode kZlibStream{"zlib_stream", "unpack", false};
/// Bytes in front of a zip archive, skipped. Detail: how many.
inline constexpr FindingCode kZipJunk{"zip_junk", "unpack", false};
/// A zip archive without its directory: breaks off between or after the members.
inline constexpr FindingCode kNoDirectory{"no_directory", "unpack", false};
/// Breaks off before its end.
inline constexpr FindingCode kTruncated{"truncated", "unpack", true};
/// Checksum or length does not agree with the content.
inline constexpr FindingCode kBadChecksum{"bad_checksum", "unpack", true};
/// Starts as gzip or zip but cannot be read. Detail: what the library says.
inline constexpr FindingCode kBadArchive{"bad_archive", "unpack", true};
/// Encrypted archive member.
inline constexpr FindingCode kEncrypted{"encrypted", "unpack", true};
/// Archive member of a method that is not supported (Deflate64 ...).
inline constexpr FindingCode kUnsupportedMethod{"unsupported_method", "unpack", true};
/// An archive of a kind that is not read. Detail: tar, 7z, rar, bzip2, xz or zstd.
inline constexpr FindingCode kForeignArchive{"foreign_archive", "unpack", true};
/// Unpacks to more than max_unpacked_bytes, or the whole message to twice that.
inline constexpr FindingCode kUnpackedTooBig{"unpacked_too_big", "unpack", true};
/// Unpacks to more than max_unpack_ratio times its packed size.
inline constexpr FindingCode kRatioTooHigh{"ratio_too_high", "unpack", true};
/// More members than max_members in the archives of a message, or in one gzip.
inline constexpr FindingCode kTooManyMembers{"too_many_members", "unpack", true};
/// Archives nested deeper than max_unpack_depth.
inline constexpr FindingCode kUnpackTooDeep{"unpack_too_deep", "unpack", true};
/// The time for one message was used up.
inline constexpr FindingCode kUnpackTime{"time", "unpack", true};

// Stage "charset": bytes to UTF-8.

/// Bytes above 127, or ISO-2022 escape sequences, in a header without RFC 2047. Detail: how many
/// fields, name of the first.
inline constexpr FindingCode kRaw8bit{"raw_8bit", "charset", false};
/// A charset nobody knows; guessed. Detail: as written.
inline constexpr FindingCode kCharsetUnknown{"charset_unknown", "charset", false};
/// The text is not in the charset it declares. Detail: declared, read as.
inline constexpr FindingCode kCharsetWrong{"charset_wrong", "charset", false};
/// Bytes that are not UTF-8 where UTF-8 is declared or implied. Detail: read as, offset of the
/// first.
inline constexpr FindingCode kNotUtf8{"not_utf8", "charset", false};
/// UTF-16 or UTF-32. Detail: which, and whether by byte order mark.
inline constexpr FindingCode kUtf16{"utf16", "charset", false};
/// NUL bytes, replaced by U+FFFD. Detail: how many.
inline constexpr FindingCode kNulBytes{"nul_bytes", "charset", false};

/// Every code of this folder, for the test that compares them with the documentation.
inline constexpr std::array kFindingCodes{
    kTooManyParts,
    kPartsTooDeep,
    kHeaderTooBig,
    kHeaderGarbage,
    kNoSeparator,
    kBlankSeparator,
    kFieldsBehindEmptyLine,
    kFieldMisspelt,
    kRepeatedContentType,
    kHeaderCut,
    kFieldCut,
    kFieldsCut,
    kTextCut,
    kBoundaryMissing,
    kNoParts,
    kNoEndBoundary,
    kBase64Lenient,
    kBase64Trailing,
    kNotBase64,
    kNotUuencode,
    kUndeclaredBase64,
    kQuotedPrintableLenient,
    kTransferEncodingUnknown,
    kEncodedMessage,
    kUuencoded,
    kYenc,
    kEncodedFileTruncated,
    kTnef,
    kTnefBroken,
    kPartialMessage,
    kSmime,
    kExternalBody,
    kFieldsInPartHeader,
    kCopyDropped,
    kAttachedTooBig,
    kNotMultipartReport,
    kWrongMediaType,
    kOddMediaType,
    kWrongFileName,
    kCrLineEnds,
    kEmpty,
    kGzipTrailing,
    kGzipJunk,
    kGzipMembers,
    kNestedArchive,
    kZipArchive,
    kZlibStream,
    kZipJunk,
    kNoDirectory,
    kTruncated,
    kBadChecksum,
    kBadArchive,
    kEncrypted,
    kUnsupportedMethod,
    kForeignArchive,
    kUnpackedTooBig,
    kRatioTooHigh,
    kTooManyMembers,
    kUnpackTooDeep,
    kUnpackTime,
    kRaw8bit,
    kCharsetUnknown,
    kCharsetWrong,
    kNotUtf8,
    kUtf16,
    kNulBytes,
};

}  // namespace dmarcbox::mime
