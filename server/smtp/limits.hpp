#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace dmarcbox::smtp {

// Fixed by RFC 5321 section 4.5.3.1; not configurable.
constexpr std::size_t kMaxLocalPart = 64;
constexpr std::size_t kMaxDomain = 255;
constexpr std::size_t kMaxPath = 256;

/// Longest command line taken, CRLF included. RFC 5321 says 512, extensions add 53; 2,048 is what
/// Postfix and mox take, and the memory one silent client can hold.
constexpr std::size_t kMaxCommandLine = 2048;

/// Replies queued for a client that pipelines but does not read; beyond it parsing stops.
constexpr std::size_t kMaxQueuedReplies = std::size_t{64} * 1024;

/// Events that wait for take_events(), which the driver calls after every answer; a read of 16 KiB
/// cannot bring more. Beyond it events are dropped, the counts stay right.
constexpr std::size_t kMaxQueuedEvents = 1000;

/// Client text in one event.
constexpr std::size_t kMaxEventDetail = 256;

/// DATA is drained up to this many times max_message_bytes before the connection is closed with
/// 552.
constexpr std::uint64_t kDrainFactor = 2;

/// From the final dot to a verdict; clients hang up after 2 to 10 minutes (RFC 5321
/// section 4.5.3.2.6).
constexpr std::chrono::seconds kVerdictTimeout{60};

/// A client that does not read our reply.
constexpr std::chrono::seconds kWriteTimeout{60};

/// TLS handshake, and the PROXY header before a session.
constexpr std::chrono::seconds kHandshakeTimeout{30};
constexpr std::chrono::seconds kProxyHeaderTimeout{5};

/// DATA slower than min_data_rate_bytes is ended, but not before this.
constexpr std::chrono::seconds kDataRateGrace{60};

}  // namespace dmarcbox::smtp
