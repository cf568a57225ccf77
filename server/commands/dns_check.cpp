#include "server/commands/dns_check.hpp"

#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <memory>
#include <optional>
#include <ostream>
#include <stdexcept>

#include "schema/dmarc_record.hpp"
#include "schema/domain_name.hpp"
#include "server/cli_commands.hpp"
#include "server/commands/dns_records.hpp"
#include "server/dns_resolver.hpp"
#include "server/net/file_descriptor.hpp"
#include "server/smtp/address.hpp"
#include "server/smtp/ascii.hpp"
#include "server/terminal.hpp"

namespace dmarcbox {
namespace {

using Type = DnsResolver::Type;

/// First line a server says, or what went wrong.
struct Greeting {
    bool ok = false;
    std::string text;
};

Greeting greeting_of(const std::string& address, std::uint16_t port) {
    addrinfo hints{};
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (::getaddrinfo(address.c_str(), std::to_string(port).c_str(), &hints, &found) != 0) {
        return {false, "not an address"};
    }
    const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> info(found, &::freeaddrinfo);
    const int handle = ::socket(info->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (handle < 0) {
        return {false, std::strerror(errno)};
    }
    const net::FileDescriptor closes_it(handle);
    constexpr int kPatienceMs = 5000;
    if (::connect(handle, info->ai_addr, info->ai_addrlen) != 0 && errno != EINPROGRESS) {
        return {false, std::strerror(errno)};
    }
    pollfd waiting{handle, POLLOUT, 0};
    int error = 0;
    socklen_t length = sizeof error;
    if (::poll(&waiting, 1, kPatienceMs) <= 0) {
        return {false, "no answer in 5 s (is TCP port " + std::to_string(port) +
                           " open? many clouds block it)"};
    }
    ::getsockopt(handle, SOL_SOCKET, SO_ERROR, &error, &length);
    if (error != 0) {
        return {false, std::strerror(error)};
    }
    waiting.events = POLLIN;
    std::array<char, 512> line{};
    if (::poll(&waiting, 1, kPatienceMs) <= 0) {
        return {false, "connected, but no greeting in 5 s"};
    }
    const auto got = ::recv(handle, line.data(), line.size(), 0);
    if (got <= 0) {
        return {false, "connected, but closed without a greeting"};
    }
    std::string text(line.data(), static_cast<std::size_t>(got));
    text = text.substr(0, text.find_first_of("\r\n"));
    constexpr std::string_view kQuit = "QUIT\r\n";
    static_cast<void>(::send(handle, kQuit.data(), kQuit.size(), MSG_NOSIGNAL));
    return {text.starts_with("220"), text};
}

class Checker {
  public:
    Checker(const DnsOptions& options, std::ostream& out)
        : options_(options), out_(out), resolver_(options.name_server) {}

    bool run() {
        std::vector<std::vector<std::string>> hosts;  // of each domain
        std::vector<std::string> looked_at;
        for (const auto& domain : options_.domains) {
            hosts.push_back(hosts_for(domain));
            for (const auto& host : hosts.back()) {
                if (std::find(looked_at.begin(), looked_at.end(), host) == looked_at.end()) {
                    check_mail_host(host);
                    looked_at.push_back(host);
                }
            }
        }
        for (std::size_t i = 0; i < options_.domains.size(); ++i) {
            const auto& domain = options_.domains[i];
            check_policy(domain);
            for (const auto& host : hosts[i]) {
                check_authorization(domain, host);
            }
            check_tls_reports(domain);
        }
        return good_;
    }

  private:
    void ok(const std::string& text) { line("ok   ", text); }
    void warn(const std::string& text) { line("WARN ", text); }
    void fail(const std::string& text) {
        good_ = false;
        line("FAIL ", text);
    }
    /// Answers come from the network: never trusted to the terminal.
    void line(const char* word, const std::string& text) {
        out_ << word << ' ' << escape_for_terminal(text) << std::endl;
    }
    void missing(const std::string& what, const DnsRecord& publish) {
        fail(what + ". Publish: " + publish.line());
    }
    /// True if the lookup itself worked.
    bool answered(const DnsAnswer& answer, const std::string& what) {
        if (answer.status == DnsAnswer::Status::failed) {
            fail(what + " cannot be looked up: " + answer.error);
            return false;
        }
        return true;
    }

    /// Where reports on the domain go: of what is accepted that which its record names, if it does.
    std::vector<std::string> hosts_for(const std::string& domain) {
        std::vector<std::string> hosts;
        if (!options_.accept.empty()) {
            for (const auto& value : resolver_.resolve("_dmarc." + domain, Type::txt).values) {
                const auto record = schema::parse_tag_record(value, "DMARC1");
                for (const auto* tag : {"rua", "ruf"}) {
                    const auto ours =
                        record ? address_of_ours(record->find(tag), options_.rua) : std::nullopt;
                    auto host = ours ? schema::to_a_labels(ours->substr(ours->rfind('@') + 1)) : "";
                    if (!host.empty() &&
                        std::find(hosts.begin(), hosts.end(), host) == hosts.end()) {
                        hosts.push_back(std::move(host));
                    }
                }
            }
        }
        return hosts.empty() ? report_hosts(options_) : hosts;
    }

    void check_mail_host(const std::string& domain) {
        const auto mx = resolver_.resolve(domain, Type::mx);
        if (!answered(mx, "MX " + domain)) {
            return;
        }
        if (mx.status == DnsAnswer::Status::nothing) {
            check_mail_without_mx(domain);
            return;
        }
        for (const auto& value : mx.values) {
            check_mail_target(domain, value.substr(value.find(' ') + 1));
        }
    }

    /// Mail goes to the address records of the name itself (RFC 5321 section 5.1).
    void check_mail_without_mx(const std::string& domain) {
        const auto addresses = addresses_of(domain);
        if (!addresses) {
            return;
        }
        const auto wanted = mail_record(options_, domain);
        if (addresses->empty()) {
            missing("MX " + domain + " is missing, so report mail does not arrive", wanted);
            return;
        }
        warn("MX " + domain + " is missing, so report mail goes to the address of that name," +
             joined(*addresses) + ". If that is another machine, publish: " + wanted.line());
        check_greetings(*addresses);
    }

    void check_mail_target(const std::string& domain, const std::string& host) {
        if (host.empty()) {
            fail("MX " + domain + " is \".\": it says that this domain receives no mail");
            return;
        }
        const auto addresses = addresses_of(host);
        if (!addresses) {
            return;
        }
        if (addresses->empty()) {
            fail("MX " + domain + " -> " + host + ", which has no A or AAAA record");
            return;
        }
        ok("MX " + domain + " -> " + host + joined(*addresses));
        check_greetings(*addresses);
    }

    /// nullopt: could not be looked up, which is told.
    std::optional<std::vector<std::string>> addresses_of(const std::string& host) {
        std::vector<std::string> addresses;
        for (const auto type : {Type::a, Type::aaaa}) {
            const auto answer = resolver_.resolve(host, type);
            if (!answered(answer, host)) {
                return std::nullopt;
            }
            addresses.insert(addresses.end(), answer.values.begin(), answer.values.end());
        }
        return addresses;
    }

    /// Each with a blank in front.
    static std::string joined(const std::vector<std::string>& addresses) {
        std::string shown;
        for (const auto& address : addresses) {
            shown += ' ' + address;
        }
        return shown;
    }

    void check_greetings(const std::vector<std::string>& addresses) {
        if (options_.smtp_port == 0) {
            return;
        }
        for (const auto& address : addresses) {
            const auto greeting = greeting_of(address, options_.smtp_port);
            const auto where = "port " + std::to_string(options_.smtp_port) + " of " + address;
            if (greeting.ok) {
                ok(where + " answers \"" + greeting.text + '"');
            } else {
                fail(where + ": " + greeting.text);
            }
        }
    }

    /// The one record of that version at `name`; nullopt if there is none. Several are a fault: all
    /// are ignored.
    std::optional<schema::TagRecord> only_record(const DnsAnswer& answer,
                                                 const std::string& name,
                                                 std::string_view version) {
        std::optional<schema::TagRecord> found;
        for (const auto& value : answer.values) {
            auto record = schema::parse_tag_record(value, version);
            if (record && found) {
                fail(name + " has several " + std::string(version) +
                     " records: reporters then ignore all of them; keep one");
                return std::nullopt;
            }
            if (record) {
                found = std::move(record);
            }
        }
        return found;
    }
    static bool has_several(const DnsAnswer& answer, std::string_view version) {
        return std::count_if(answer.values.begin(), answer.values.end(),
                             [version](const auto& value) {
                                 return schema::parse_tag_record(value, version).has_value();
                             }) > 1;
    }

    /// The first address of the URIs that the listener takes as it takes `wanted`; nullopt if none.
    std::optional<std::string> address_of_ours(const std::string* uris,
                                               const std::string& wanted) const {
        if (uris == nullptr) {
            return std::nullopt;
        }
        std::vector<std::string> accept = options_.accept;
        accept.push_back(wanted);
        const smtp::Recipients recipients(accept);
        for (const auto& address : schema::report_addresses(*uris)) {
            auto path = smtp::parse_path("<" + address + ">");
            if (path) {
                path->domain = schema::to_a_labels(std::move(path->domain));
            }
            if (path && recipients.check(*path) == smtp::Recipients::Verdict::accepted) {
                return address;
            }
        }
        return std::nullopt;
    }

    void check_policy(const std::string& domain) {
        const auto name = "_dmarc." + domain;
        const auto answer = resolver_.resolve(name, Type::txt);
        if (!answered(answer, name)) {
            return;
        }
        const auto record = only_record(answer, name, "DMARC1");
        if (!record) {
            if (!has_several(answer, "DMARC1")) {
                missing(name + " is missing", {name, "TXT",
                                               "v=DMARC1; p=none; rua=mailto:" + options_.rua +
                                                   "; ruf=mailto:" + options_.ruf + "; fo=1"});
            }
            return;
        }
        const auto* policy = record->find("p");
        const auto* rua = record->find("rua");
        const auto ours = address_of_ours(rua, options_.rua);
        if (!ours) {
            fail(name + ": rua does not name " + options_.rua +
                 ", so no aggregate report comes here. Put rua=mailto:" + options_.rua +
                 " into it");
        } else {
            ok(name + ": p=" + (policy != nullptr ? *policy : "none (absent)") + ", rua=" + *ours);
        }
        if (!address_of_ours(record->find("ruf"), options_.ruf)) {
            warn(name + ": ruf does not name " + options_.ruf +
                 ", so no failure report comes here (few reporters send them)");
        }
        check_policy_tags(name, *record);
    }

    void check_policy_tags(const std::string& name, const schema::TagRecord& record) {
        if (record.find("p") == nullptr) {
            warn(name + " has no p=: reporters take it as p=none or ignore the record");
        }
        constexpr std::array<std::string_view, 3> kPolicies{"none", "quarantine", "reject"};
        for (const auto* tag : {"p", "sp", "np"}) {
            const auto* value = record.find(tag);
            if (value != nullptr && std::find(kPolicies.begin(), kPolicies.end(),
                                              smtp::to_lower(*value)) == kPolicies.end()) {
                fail(name + ": " + tag + "=" + *value + " is not none, quarantine or reject");
            }
        }
        for (const auto* tag : {"adkim", "aspf"}) {
            const auto* value = record.find(tag);
            if (value != nullptr && smtp::to_lower(*value) != "r" &&
                smtp::to_lower(*value) != "s") {
                fail(name + ": " + tag + "=" + *value + " is not r or s");
            }
        }
        for (const auto* tag : {"pct", "rf", "ri"}) {
            if (const auto* value = record.find(tag); value != nullptr) {
                warn(name + " still has " + tag + "=" + *value + " (gone in RFC 9989)");
            }
        }
        if (record.find("fo") != nullptr && record.find("ruf") == nullptr) {
            warn(name + ": fo has no effect without ruf");
        }
    }

    void check_authorization(const std::string& domain, const std::string& host) {
        if (!needs_authorization(domain, host)) {
            return;
        }
        const DnsRecord wanted{domain + "._report._dmarc." + host, "TXT", "v=DMARC1"};
        const auto answer = resolver_.resolve(wanted.name, Type::txt);
        if (!answered(answer, wanted.name)) {
            return;
        }
        const bool authorized =
            std::any_of(answer.values.begin(), answer.values.end(), [](const std::string& value) {
                return schema::parse_tag_record(value, "DMARC1").has_value();
            });
        if (authorized) {
            ok(wanted.name + ": reports on " + domain + " may be sent here");
        } else {
            missing(wanted.name + " is missing, so reporters drop our address without telling",
                    wanted);
        }
    }

    void check_tls_reports(const std::string& domain) {
        const auto name = "_smtp._tls." + domain;
        const auto answer = resolver_.resolve(name, Type::txt);
        if (!answered(answer, name)) {
            return;
        }
        const auto record = only_record(answer, name, "TLSRPTv1");
        const auto ours = record ? address_of_ours(record->find("rua"), options_.rua)
                                 : std::optional<std::string>{};
        if (ours) {
            ok(name + ": rua=" + *ours);
        } else if (record) {
            warn(name + ": rua does not name " + options_.rua + ", so no TLS report comes here");
        } else if (!has_several(answer, "TLSRPTv1")) {
            warn(name + " is missing, so nobody reports on TLS. Publish: " +
                 DnsRecord{name, "TXT", "v=TLSRPTv1; rua=mailto:" + options_.rua}.line());
        }
    }

    const DnsOptions& options_;
    std::ostream& out_;
    DnsResolver resolver_;
    bool good_ = true;
};

}  // namespace

bool check_dns(const DnsOptions& options, std::ostream* words, std::ostream& out) {
    try {
        Checker checker(options, out);
        if (words != nullptr) {
            *words << "asking "
                   << (options.name_server.empty() ? "the name servers of /etc/resolv.conf"
                                                   : escape_for_terminal(options.name_server))
                   << "; without an answer a line takes " << DnsResolver::kPatience.count() << " s"
                   << std::endl;
        }
        return checker.run();
    } catch (const std::invalid_argument& error) {
        throw UsageError(error.what());
    }
}

}  // namespace dmarcbox
