#include "tests/support/dialogue.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <stdexcept>
#include <string>

#include "tests/smtp/session_driver.hpp"

using namespace dmarcbox::test;

namespace {

/// Above this a dialogue is not run at every split point.
constexpr std::size_t kShort = 600;

struct Run {
    std::string fault;
    std::string transcript;
    std::string events;
    std::size_t bytes = 0;
};

Run run(const Dialogue& dialogue, Chunking chunking) {
    SessionDriver driver(dialogue, chunking);
    Run result;
    try {
        result.fault = run_dialogue(dialogue, driver).value_or("");
    } catch (const std::runtime_error& error) {
        result.fault = dialogue.name + ": " + error.what();
    }
    result.transcript = driver.transcript();
    result.bytes = driver.bytes_sent();
    return result;
}

/// Empty: the same as `whole`.
std::string difference(const Dialogue& dialogue, const Run& whole, Chunking chunking) {
    const auto cut = run(dialogue, chunking);
    if (!cut.fault.empty()) {
        return cut.fault;
    }
    return cut.transcript == whole.transcript
               ? ""
               : dialogue.name + ": other actions\n" + whole.transcript + "---\n" + cut.transcript;
}

}  // namespace

TEST_CASE("dialogues go as written however the bytes are cut") {
    const auto dialogues = load_dialogues(DMARCBOX_SOURCE_DIR "/tests/dialogues");
    CHECK(dialogues.size() >= 90);
    for (const auto& dialogue : dialogues) {
        const auto whole = run(dialogue, {});
        CHECK_MESSAGE(whole.fault.empty(), whole.fault);
        if (!whole.fault.empty()) {
            continue;
        }
        std::string fault = difference(dialogue, whole, {.size = 1});
        CHECK_MESSAGE(fault.empty(), "byte by byte: ", fault);
        for (std::size_t at = 1; at < whole.bytes && whole.bytes <= kShort; ++at) {
            fault = difference(dialogue, whole, {.split = at});
            if (!fault.empty()) {
                FAIL_CHECK("cut at " << at << ": " << fault);
                break;
            }
        }
    }
}

TEST_CASE("dialogue files: mistakes are named with file and line") {
    CHECK_THROWS_WITH(static_cast<void>(parse_dialogue("# x\nnonsense\n", "x")),
                      "x.smtp:2: unknown word: nonsense");
    CHECK_THROWS_WITH(static_cast<void>(parse_dialogue("verdict: busy\n", "x")),
                      "x.smtp:1: this step needs `only: machine` above it");
    CHECK_THROWS_WITH(static_cast<void>(parse_dialogue("config: maximum=3\n", "x")),
                      "x.smtp:1: unknown configuration: maximum=3");
    CHECK_THROWS_WITH(static_cast<void>(parse_dialogue("C\\: \\xZZ\n", "x")),
                      "x.smtp:1: \\x needs two hex digits");
}

TEST_CASE("dialogue runner: a wrong reply and a missing close are told") {
    const auto fault_of = [](const char* text) {
        const auto dialogue = parse_dialogue(text, "x");
        SessionDriver driver(dialogue, {});
        return run_dialogue(dialogue, driver).value_or("");
    };
    CHECK(fault_of("S: 220 mx.reports.example ESMTP\n") == "");
    CHECK(fault_of("S: 220 other ESMTP\n") ==
          "x.smtp:1: expected `220 other ESMTP`, got `220 mx.reports.example ESMTP`");
    CHECK(fault_of("S~: 220\nclose\n") == "x.smtp:2: expected `close`, got nothing");
    CHECK(fault_of("S~: 220\nC: QUIT\nS~: 221\nsilence\n") ==
          "x.smtp:4: expected `silence`, got nothing");
    CHECK(fault_of("") == "x.smtp: unexpected `220 mx.reports.example ESMTP` at the end");
    CHECK(fault_of("S~: 220\nstored: 1\n") == "x.smtp:2: expected `1`, got `0`");
    CHECK(fault_of("S~: 220\nmessage: x\n") == "x.smtp:2: no such message");
}
