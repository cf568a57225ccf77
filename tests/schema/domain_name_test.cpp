#include "schema/domain_name.hpp"

#include <doctest/doctest.h>

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
