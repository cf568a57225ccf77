#include "server/commands/dns_records.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <sstream>

#include "server/cli_commands.hpp"

using dmarcbox::DnsOptions;
using dmarcbox::UsageError;

namespace {

std::vector<std::string> lines_of(DnsOptions options) {
    std::vector<std::string> lines;
    for (const auto& group : dmarcbox::records_to_publish(dmarcbox::complete(std::move(options)))) {
        for (const auto& record : group.records) {
            lines.push_back(record.line());
        }
    }
    return lines;
}

DnsOptions options_of(std::vector<std::string> domains, std::string reports_host) {
    DnsOptions options;
    options.domains = std::move(domains);
    options.reports_host = std::move(reports_host);
    return options;
}

}  // namespace

TEST_CASE("dns: reports to another organisation need an authorisation") {
    CHECK(lines_of(options_of({"Example.org."}, "reports.example")) ==
          std::vector<std::string>{
              "reports.example. MX 10 mx.reports.example.",
              "_dmarc.example.org. TXT \"v=DMARC1; p=none; rua=mailto:rua@reports.example; "
              "ruf=mailto:ruf@reports.example; fo=1\"",
              "example.org._report._dmarc.reports.example. TXT \"v=DMARC1\"",
              "*._report._dmarc.reports.example. TXT \"v=DMARC1\"",
              "_smtp._tls.example.org. TXT \"v=TLSRPTv1; rua=mailto:rua@reports.example\""});
}

TEST_CASE("dns: a domain that is named twice is printed once") {
    CHECK(lines_of(options_of({"example.org", "EXAMPLE.org."}, "")) ==
          lines_of(options_of({"example.org"}, "")));
}

TEST_CASE("dns: each address has the records of its own domain") {
    DnsOptions options = options_of({"example.org"}, "reports.example");
    options.ruf = "ruf@failures.example";
    CHECK(lines_of(options) ==
          std::vector<std::string>{
              "reports.example. MX 10 mx.reports.example.",
              "failures.example. MX 10 mx.failures.example.",
              "_dmarc.example.org. TXT \"v=DMARC1; p=none; rua=mailto:rua@reports.example; "
              "ruf=mailto:ruf@failures.example; fo=1\"",
              "example.org._report._dmarc.reports.example. TXT \"v=DMARC1\"",
              "*._report._dmarc.reports.example. TXT \"v=DMARC1\"",
              "example.org._report._dmarc.failures.example. TXT \"v=DMARC1\"",
              "*._report._dmarc.failures.example. TXT \"v=DMARC1\"",
              "_smtp._tls.example.org. TXT \"v=TLSRPTv1; rua=mailto:rua@reports.example\""});
}

TEST_CASE("dns: the addresses are those that the listener accepts") {
    struct Row {
        const char* name;
        std::vector<std::string> accept;
        std::string given_host;
        std::string rua;
        std::string ruf;
    };
    const std::array rows{
        Row{"nothing is configured", {}, "", "rua@example.org", "ruf@example.org"},
        Row{"two addresses of another domain",
            {"RUA@reports.example", "ruf@reports.example"},
            "",
            "rua@reports.example",
            "ruf@reports.example"},
        Row{"a whole domain",
            {"@Reports.Example."},
            "",
            "rua@reports.example",
            "ruf@reports.example"},
        Row{"one address of another name",
            {"dmarc@reports.example"},
            "",
            "dmarc@reports.example",
            "dmarc@reports.example"},
        Row{"the domain itself is one of them",
            {"@reports.example", "@example.org"},
            "",
            "rua@example.org",
            "ruf@example.org"},
        Row{"the host is given",
            {"dmarc@reports.example"},
            "other.example",
            "rua@other.example",
            "ruf@other.example"},
        Row{"the first decides for other domains",
            {"x@reports.example", "rua@other.example"},
            "",
            "x@reports.example",
            "x@reports.example"},
        Row{"a literal has no records",
            {"rua@[192.0.2.1]"},
            "",
            "rua@example.org",
            "ruf@example.org"},
        Row{"a local part that a record cannot hold",
            {"a/b@reports.example"},
            "",
            "rua@reports.example",
            "ruf@reports.example"},
        Row{"international",
            {"rua@b\xc3\xbc"
             "cher.example"},
            "",
            "rua@xn--bcher-kva.example",
            "rua@xn--bcher-kva.example"},
    };
    for (const auto& row : rows) {
        SUBCASE(row.name) {
            DnsOptions options = options_of({"example.org"}, row.given_host);
            options.accept = row.accept;
            options = dmarcbox::complete(std::move(options));
            CHECK(options.rua == row.rua);
            CHECK(options.ruf == row.ruf);
        }
    }
}

TEST_CASE("dns: reports to a host of the same organisation need none") {
    const auto lines = lines_of(options_of({"example.org"}, "dmarc.example.org"));
    CHECK(lines.front() == "dmarc.example.org. MX 10 mx.dmarc.example.org.");
    CHECK(std::none_of(lines.begin(), lines.end(), [](const std::string& line) {
        return line.find("_report") != std::string::npos;
    }));
}

TEST_CASE("dns: international names are printed as A-labels") {
    auto options = options_of({"bücher.example"}, "");
    options.rua = "rua@BÜCHER.example";
    const auto lines = lines_of(options);
    CHECK(lines.front() == "xn--bcher-kva.example. MX 10 mx.xn--bcher-kva.example.");
    CHECK(std::any_of(lines.begin(), lines.end(), [](const std::string& line) {
        return line.find("rua=mailto:rua@xn--bcher-kva.example;") != std::string::npos;
    }));
}

TEST_CASE("dns: what cannot be a domain is refused by name") {
    for (const auto* bad : {"", ".", "a..b", "exa mple.org", "-\x1b[31m", "-ü.example", "192.0.2.1",
                            "2001:db8::1", "http://example.org/", "a@example.org"}) {
        CHECK_THROWS_AS(dmarcbox::complete(options_of({bad}, "r.example")), UsageError);
    }
    DnsOptions options = options_of({"example.org"}, "");
    options.rua = "not-an-address";
    CHECK_THROWS_AS(dmarcbox::complete(options), UsageError);
}

TEST_CASE("dns: a record of more than 255 bytes is several character-strings") {
    const std::string label(60, 'a');
    const std::string host = label + '.' + label + '.' + label + ".example";
    const auto lines = lines_of(options_of({"example.org"}, host));
    const auto policy = std::find_if(lines.begin(), lines.end(), [](const std::string& line) {
        return line.starts_with("_dmarc.");
    });
    REQUIRE(policy != lines.end());
    std::string joined;
    std::size_t at = policy->find('"');
    std::size_t strings = 0;
    while (at != std::string::npos) {
        const auto end = policy->find('"', at + 1);
        REQUIRE(end != std::string::npos);
        CHECK(end - at - 1 <= 255);
        joined += policy->substr(at + 1, end - at - 1);
        ++strings;
        at = policy->find('"', end + 1);
    }
    CHECK(strings == 2);
    CHECK(joined ==
          "v=DMARC1; p=none; rua=mailto:rua@" + host + "; ruf=mailto:ruf@" + host + "; fo=1");
}

TEST_CASE("dns: an address that would end its place in the record is refused") {
    for (const auto* bad :
         {"a,b@example.org", "a;p=reject@example.org", "a!1@example.org", "a\"b@example.org",
          "a b@example.org", "@example.org", "a%2c@example.org"}) {
        DnsOptions options = options_of({"example.org"}, "");
        options.rua = bad;
        CHECK_THROWS_AS(dmarcbox::complete(options), UsageError);
    }
}
