#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace dmarcbox::test {

/// One line of a dialogue, macros expanded. tests/dialogues/README.md tells the language.
struct Step {
    enum class Kind {
        send,       ///< text: bytes for the server; consecutive ones are one write
        line,       ///< text: the next reply line, without CRLF
        prefix,     ///< text: what the next reply line begins with
        close,      ///< the server closes, and says nothing more before it
        silence,    ///< the server has nothing more to say and waits
        timeout,    ///< the idle timeout passes
        eof,        ///< the client closes its sending side
        starttls,   ///< the client's TLS handshake succeeds
        stored,     ///< index: how many messages were committed so far
        message,    ///< text: bytes of message `index`
        size,       ///< size of message `index` is `number`
        from,       ///< text: envelope sender of message `index`, `<>` for null
        to,         ///< text: its recipients with a blank between
        helo,       ///< text: its client's name
        verdict,    ///< machine only: committed, busy, full, failed for messages to come
        admission,  ///< machine only: admitted, disk_full, busy, queue_full, shutting_down
        room,       ///< machine only: bodies take `number` bytes
        hold,       ///< machine only: verdicts wait
        release,    ///< machine only: the verdict that waits is given
        shutdown,   ///< machine only: the service stops
    };
    Kind kind = Kind::silence;
    std::string text;
    std::size_t index = 0;  ///< of a message, from 1; 0: the last one
    std::size_t number = 0;
    std::size_t source_line = 0;
};

struct Dialogue {
    std::string name;                           ///< file name without .smtp
    std::map<std::string, std::string> config;  ///< keys of [smtp]; starttls = yes
    bool lmtp = false;
    bool machine_only = false;
    std::vector<std::string> accept;
    std::vector<Step> steps;
};

constexpr std::string_view kDialogueHostname = "mx.reports.example";

/// Throws std::runtime_error naming file and line.
[[nodiscard]] Dialogue parse_dialogue(std::string_view text, const std::string& name);

/// All *.smtp files of a folder, by name.
[[nodiscard]] std::vector<Dialogue> load_dialogues(const std::string& folder);

struct StoredMessage {
    std::string bytes;
    std::string from;
    std::string to;
    std::string helo;
};

/// What a dialogue is run against: a Session in memory, or a server behind a socket.
class DialogueDriver {
  public:
    DialogueDriver() = default;
    DialogueDriver(const DialogueDriver&) = delete;
    DialogueDriver& operator=(const DialogueDriver&) = delete;
    virtual ~DialogueDriver() = default;

    virtual void send(std::string_view bytes) = 0;
    /// Without CRLF; nullopt: the server closed, or has nothing to say.
    [[nodiscard]] virtual std::optional<std::string> read_line() = 0;
    /// The server has closed (waits for it) and every line was read.
    [[nodiscard]] virtual bool closed() = 0;
    /// The server is there and every line was read.
    [[nodiscard]] virtual bool silent() = 0;
    virtual void timeout() = 0;
    virtual void eof() = 0;
    virtual void starttls() = 0;
    /// Committed since this dialogue began, in order.
    [[nodiscard]] virtual std::vector<StoredMessage> stored() = 0;
    /// The machine-only steps.
    virtual void steer(const Step& step) = 0;
};

/// nullopt: it went as written. Otherwise `name.smtp:line: expected ..., got ...`.
[[nodiscard]] std::optional<std::string> run_dialogue(const Dialogue& dialogue,
                                                      DialogueDriver& driver);

/// For messages of failing tests: control and other bytes as \xHH, cut after 200 bytes.
[[nodiscard]] std::string printable(std::string_view bytes);

}  // namespace dmarcbox::test
