#include "server/commands/dns_records.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include "schema/domain_name.hpp"
#include "server/cli_commands.hpp"
#include "server/commands/domain_argument.hpp"
#include "server/smtp/address.hpp"

namespace dmarcbox {
namespace {

constexpr std::size_t kMaxCharacterString = 255;

/// In a record an address stands in a URI list, where these would need an encoding.
bool is_plain_local_part(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               std::string_view("._+-=").find(c) != std::string_view::npos;
    });
}

std::string domain_of(const std::string& address) {
    const auto at = address.rfind('@');
    if (at == std::string::npos || !is_plain_local_part(address.substr(0, at))) {
        throw UsageError("\"" + address +
                         "\" is no mail address (letters, digits and . _ + - = before the @)");
    }
    return domain_argument(address.substr(at + 1));
}

/// `rua@host` or `ruf@host` where the listener takes it, else an address there that it takes.
std::string accepted_address(const std::string& usual, const std::vector<std::string>& accept) {
    const auto path = smtp::parse_path("<" + usual + ">");
    if (path && smtp::Recipients(accept).check(*path) == smtp::Recipients::Verdict::accepted) {
        return usual;
    }
    const auto host = usual.substr(usual.rfind('@'));
    const auto plain = std::find_if(accept.begin(), accept.end(), [&host](const auto& entry) {
        return entry.ends_with(host) && is_plain_local_part(entry.substr(0, entry.rfind('@')));
    });
    return plain == accept.end() ? usual : *plain;
}

/// The addresses that reports reach us at, by what the listener accepts.
void fill_from_accept(DnsOptions& options) {
    std::vector<std::string> hosts;
    for (const auto& entry : std::exchange(options.accept, {})) {
        const auto domain = entry.rfind('@') + 1;
        auto host = schema::to_a_labels(schema::normalize_domain(entry.substr(domain)));
        if (!host.starts_with('[')) {  // an address literal has no records
            options.accept.push_back(entry.substr(0, domain) + host);
            hosts.push_back(std::move(host));
        }
    }
    if (hosts.empty()) {
        return;
    }
    const bool own = std::find(hosts.begin(), hosts.end(), options.domains.front()) != hosts.end();
    options.reports_host = own ? options.domains.front() : hosts.front();
    options.rua = accepted_address("rua@" + options.reports_host, options.accept);
    if (options.ruf.empty()) {
        options.ruf = accepted_address("ruf@" + options.reports_host, options.accept);
    }
}

}  // namespace

std::string DnsRecord::line() const {
    std::string shown;
    if (type == "TXT") {
        // A character-string holds at most 255 bytes (RFC 1035 section 3.3); readers join them.
        for (std::size_t at = 0; at == 0 || at < value.size(); at += kMaxCharacterString) {
            shown += (at == 0 ? "\"" : " \"") + value.substr(at, kMaxCharacterString) + '"';
        }
    } else {
        shown = value + '.';
    }
    return name + ". " + type + " " + shown;
}

DnsOptions complete(DnsOptions options) {
    std::vector<std::string> domains;
    for (const auto& text : options.domains) {
        auto domain = domain_argument(text);
        if (std::find(domains.begin(), domains.end(), domain) == domains.end()) {
            domains.push_back(std::move(domain));
        }
    }
    options.domains = std::move(domains);
    if (options.reports_host.empty() && options.rua.empty()) {
        fill_from_accept(options);
    } else {
        options.accept.clear();
    }
    if (options.reports_host.empty()) {
        options.reports_host = options.rua.empty() ? options.domains.at(0) : domain_of(options.rua);
    }
    options.reports_host = domain_argument(options.reports_host);
    if (options.rua.empty()) {
        options.rua = "rua@" + options.reports_host;
    }
    if (options.ruf.empty()) {
        options.ruf = "ruf@" + options.reports_host;
    }
    for (auto* address : {&options.rua, &options.ruf}) {
        *address = address->substr(0, address->rfind('@') + 1) + domain_of(*address);
    }
    if (!options.mail_host.empty()) {
        options.mail_host = domain_argument(options.mail_host);
    }
    return options;
}

std::vector<std::string> report_hosts(const DnsOptions& options) {
    std::vector<std::string> hosts{domain_of(options.rua)};
    if (auto other = domain_of(options.ruf); other != hosts.front()) {
        hosts.push_back(std::move(other));
    }
    return hosts;
}

DnsRecord mail_record(const DnsOptions& options, const std::string& host) {
    return {host, "MX", "10 " + (options.mail_host.empty() ? "mx." + host : options.mail_host)};
}

bool needs_authorization(const std::string& domain, const std::string& reports_host) {
    return !schema::same_organization(domain, reports_host);
}

std::vector<DnsRecordGroup> records_to_publish(const DnsOptions& options) {
    std::vector<DnsRecordGroup> groups;
    const auto hosts = report_hosts(options);
    DnsRecordGroup mail{"Where report mail goes (", {}};
    for (const auto& host : hosts) {
        mail.records.push_back(mail_record(options, host));
        const std::string name = mail.records.back().value.substr(3);  // after `10 `
        if (mail.records.size() == 1) {
            mail.comment += name;
        } else if (options.mail_host.empty()) {
            mail.comment += ", " + name;
        }
    }
    mail.comment += hosts.size() > 1 && options.mail_host.empty() ? " need" : " needs";
    mail.comment += " an A or AAAA record with the address of this machine)";
    groups.push_back(std::move(mail));

    DnsRecordGroup policy{
        "Ask for DMARC reports. p=none changes nothing for your mail; keep p if you have a record",
        {}};
    DnsRecordGroup tls{"Ask for reports on TLS to your own mail servers", {}};
    std::vector<DnsRecordGroup> external;
    external.reserve(hosts.size());
    for (const auto& host : hosts) {
        external.push_back({"Let reporters send reports on these domains to " + host +
                                ": without it they drop our address without telling",
                            {}});
    }
    for (const auto& domain : options.domains) {
        policy.records.push_back({"_dmarc." + domain, "TXT",
                                  "v=DMARC1; p=none; rua=mailto:" + options.rua +
                                      "; ruf=mailto:" + options.ruf + "; fo=1"});
        tls.records.push_back(
            {"_smtp._tls." + domain, "TXT", "v=TLSRPTv1; rua=mailto:" + options.rua});
        for (std::size_t i = 0; i < hosts.size(); ++i) {
            if (needs_authorization(domain, hosts[i])) {
                external[i].records.push_back(
                    {domain + "._report._dmarc." + hosts[i], "TXT", "v=DMARC1"});
            }
        }
    }
    groups.push_back(std::move(policy));
    for (std::size_t i = 0; i < hosts.size(); ++i) {
        if (!external[i].records.empty()) {
            groups.push_back(std::move(external[i]));
            groups.push_back({"or, instead of one record per domain, a wildcard for all domains",
                              {{"*._report._dmarc." + hosts[i], "TXT", "v=DMARC1"}}});
        }
    }
    groups.push_back(std::move(tls));
    return groups;
}

}  // namespace dmarcbox
