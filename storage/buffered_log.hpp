#pragma once

namespace dmarcbox::storage {

/// Name of an SQLite VFS, registered at the first call: the default one, but what is written to a
/// write-ahead log waits in memory (at most kLogBufferBytes per connection) and goes to the file
/// as one run of bytes, at the latest when the log is synced.
///
/// Only for connections with `synchronous = FULL`: there SQLite syncs the log before it tells
/// others of a commit, so that nobody looks for bytes that still wait. An error of the write is the
/// error of the sync: the transaction fails as it would have failed at the write.
[[nodiscard]] const char* buffered_log_vfs();

}  // namespace dmarcbox::storage
