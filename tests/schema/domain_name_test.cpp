#include "schema/domain_name.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

using namespace dmarcbox::schema;

TEST_CASE("domain names: normal form") {
    const std::vector<std::pair<const char*, const char*>> cases{{" Example.ORG. ", "example.org"},
                                                                 {"", ""},
                                                                 {".", ""},
                                                                 {"example.org..", "example.org"},
                                                                 {"example.org\r.", "example.org"},
                                                                 {"a b", "a b"},
                                                                 {"EXAMPLE", "example"}};
    for (const auto& [text, expected] : cases) {
        CHECK(normalize_domain(text) == expected);
    }
}

TEST_CASE("domain names: international labels as A-labels") {
    const std::vector<std::pair<std::string, const char*>> cases{
        {"bücher.example", "xn--bcher-kva.example"},
        {"BÜCHER.example", "xn--bcher-kva.example"},
        {"bu\u0308cher.example", "xn--bcher-kva.example"},  // u and a diaeresis of its own
        {"straße.example", "xn--strae-oqa.example"},
        {"mail.例え.example", "mail.xn--r8jz45g.example"},
        {"例え。example", "xn--r8jz45g.example"},
        {"xn--bcher-kva.example", "xn--bcher-kva.example"},
        {"example.org", "example.org"},
        {"_dmarc.example.org", "_dmarc.example.org"},
        {"[192.0.2.1]", "[192.0.2.1]"},
        {"", ""},
        {"\xFF.example", "\xFF.example"},
        {"-ü.example", "-ü.example"}};
    for (const auto& [domain, expected] : cases) {
        INFO(domain);
        CHECK(to_a_labels(domain) == expected);
    }
    std::string longest;
    for (int i = 0; i < 300; ++i) {
        longest += "ü.";
    }
    CHECK(to_a_labels(longest) == longest);
}

TEST_CASE("domain names: organisational domain by the public suffix list") {
    const std::vector<std::pair<const char*, const char*>> cases{
        {"mail.example.org", "example.org"},
        {"example.org", "example.org"},
        {"a.b.example.co.uk", "example.co.uk"},
        {"co.uk", "co.uk"},
        {"org", "org"},
        {"localhost", "localhost"},
        {"a.b.unknown-tld", "b.unknown-tld"},
        {"", ""},
    };
    for (const auto& [domain, expected] : cases) {
        INFO(std::string(domain));
        CHECK(organizational_domain(domain) == expected);
        CHECK(organizational_domain_of(domain) == expected);
    }
    CHECK(same_organization("a.example.org", "b.example.org"));
    CHECK_FALSE(same_organization("a.example.org", "a.example.com"));
    CHECK_FALSE(same_organization("", ""));
}
