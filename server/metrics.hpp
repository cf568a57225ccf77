#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "server/metric_family.hpp"

namespace dmarcbox {

/// What the service counts; deploy/README.md lists it for operators. Label values are from closed
/// lists of the program or from the configuration, never from senders. On the network thread alone.
class Metrics {
  public:
    /// The series of a MetricFamily that this program can name ahead are there, with 0.
    Metrics();

    using Type = MetricFamily::Type;

    MetricFamily build_info{
        Type::gauge, "build_info", "1; version and commit of the program.", {"version", "commit"}};
    MetricFamily start_time{Type::gauge, "start_timestamp_seconds", "When the service started."};
    MetricFamily reloads{Type::counter,
                         "config_reloads_total",
                         "Reloads of configuration or certificate.",
                         {"result"}};
    MetricFamily reload_success{Type::gauge, "config_reload_success",
                                "1 if the last reload was taken, 0 if refused."};

    MetricFamily connections{
        Type::counter, "smtp_connections_total", "Connections accepted.", {"listener"}};
    MetricFamily connections_refused{Type::counter,
                                     "smtp_connections_refused_total",
                                     "Connections ended before a session began.",
                                     {"reason"}};
    MetricFamily sessions{Type::gauge, "smtp_sessions", "Connections open now."};
    MetricFamily session_duration{Type::histogram,
                                  "smtp_session_duration_seconds",
                                  "From accept to close, by how the session ended.",
                                  {"end"},
                                  {0.05, 0.25, 1, 5, 30, 120, 600, 1800}};
    MetricFamily commands{Type::counter, "smtp_commands_total", "Commands received.", {"verb"}};
    MetricFamily replies{Type::counter, "smtp_replies_total", "Replies sent.", {"code"}};
    MetricFamily timeouts{Type::counter,
                          "smtp_timeouts_total",
                          "Sessions ended because the client was silent or slow.",
                          {"state"}};
    MetricFamily violations{
        Type::counter, "smtp_violations_total", "Faults of clients in the protocol.", {"kind"}};
    MetricFamily handshakes{Type::counter,
                            "tls_handshakes_total",
                            "TLS handshakes; version none if it was never agreed.",
                            {"version", "result"}};
    MetricFamily certificate_expiry{Type::gauge, "tls_certificate_expiry_timestamp_seconds",
                                    "When the certificate ends; 0 without one."};
    MetricFamily body_memory{Type::gauge, "smtp_body_memory_bytes",
                             "Message bodies in memory, before they are read."};
    MetricFamily body_memory_limit{Type::gauge, "smtp_body_memory_bytes_limit",
                                   "[smtp] max_body_memory_bytes."};

    MetricFamily messages{Type::counter,
                          "messages_total",
                          "Messages committed; 250 to all who still waited.",
                          {"source", "outcome"}};
    MetricFamily messages_rejected{Type::counter,
                                   "messages_rejected_total",
                                   "Senders, recipients and messages refused, for now or for good.",
                                   {"reason"}};
    MetricFamily message_bytes{
        Type::counter, "message_bytes_total", "Bytes of committed messages.", {"source"}};
    MetricFamily message_size{Type::histogram,
                              "message_size_bytes",
                              "Sizes of committed messages.",
                              {},
                              {4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864}};
    MetricFamily reports{
        Type::counter, "reports_total", "Reports in committed messages.", {"kind"}};
    MetricFamily records{Type::counter,
                         "records_total",
                         "Records (TLS: policies) in the reports of committed messages.",
                         {"kind"}};
    MetricFamily findings{Type::counter,
                          "findings_total",
                          "Deviations and faults found in committed messages.",
                          {"code"}};
    MetricFamily conflicts{Type::counter,
                           "conflicts_total",
                           "Reports with the identity but not the content of an earlier one.",
                           {"kind"}};
    MetricFamily unpack_refused{Type::counter,
                                "unpack_refused_total",
                                "Documents not unpacked because they passed a limit.",
                                {"limit"}};
    MetricFamily parse_duration{Type::histogram,
                                "parse_duration_seconds",
                                "From taking a message up to having its rows.",
                                {"kind"},
                                durations()};
    MetricFamily queue_wait{Type::histogram,
                            "queue_wait_duration_seconds",
                            "Time that a message waited for a worker.",
                            {},
                            durations()};
    MetricFamily commit_duration{
        Type::histogram, "commit_duration_seconds", "Duration of COMMIT.", {}, durations()};
    MetricFamily commit_batch{Type::histogram,
                              "commit_batch_messages",
                              "Messages in the transaction, seen by each message.",
                              {},
                              {1, 2, 4, 8, 16, 32, 64, 128, 256}};
    MetricFamily queue_messages{
        Type::gauge, "queue_messages", "Messages that wait or are worked on.", {"queue"}};
    MetricFamily queue_messages_limit{
        Type::gauge, "queue_messages_limit", "Past it messages are deferred.", {"queue"}};
    MetricFamily queue_bytes{Type::gauge, "queue_bytes", "Their bytes.", {"queue"}};
    MetricFamily queue_bytes_limit{
        Type::gauge, "queue_bytes_limit", "Past it messages are deferred.", {"queue"}};

    MetricFamily database_size{Type::gauge, "database_size_bytes", "Size of the database file."};
    MetricFamily database_wal{Type::gauge, "database_wal_bytes", "Size of its write-ahead log."};
    MetricFamily database_free_disk{Type::gauge, "database_free_disk_bytes",
                                    "Free space of its file system."};
    MetricFamily checkpoints{
        Type::counter, "checkpoints_total", "Copies of the log to the file.", {"result"}};
    MetricFamily write_errors{
        Type::counter, "write_errors_total", "Messages that the store could not commit.", {"code"}};
    MetricFamily last_message{Type::gauge, "last_message_timestamp_seconds",
                              "When the last message was committed."};
    MetricFamily last_report{Type::gauge,
                             "last_report_timestamp_seconds",
                             "When the last report came, by domain of its recipient as configured "
                             "in accept.",
                             {"domain"}};
    MetricFamily last_prune{Type::gauge, "last_prune_timestamp_seconds",
                            "When retention was last applied; 0: never."};
    MetricFamily last_backup{Type::gauge, "last_backup_timestamp_seconds",
                             "When `dmarcbox backup` last ran; 0: never."};

    MetricFamily process_cpu{Type::counter, "process_cpu_seconds_total",
                             "CPU time of user and system."};
    MetricFamily process_memory{Type::gauge, "process_resident_memory_bytes", "Resident memory."};
    MetricFamily process_virtual{Type::gauge, "process_virtual_memory_bytes", "Virtual memory."};
    MetricFamily process_open_fds{Type::gauge, "process_open_fds", "Open file descriptors."};
    MetricFamily process_max_fds{Type::gauge, "process_max_fds",
                                 "File descriptors that may be open."};
    MetricFamily process_start{Type::gauge, "process_start_time_seconds",
                               "When the process started."};

    /// All of it, after the process metrics were read anew.
    [[nodiscard]] std::string text();

  private:
    [[nodiscard]] static std::vector<double> durations() {
        return {0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10};
    }
    void read_process();
};

}  // namespace dmarcbox
