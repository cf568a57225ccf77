#include <doctest/doctest.h>

#include <map>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/e2e/server_process.hpp"
#include "tests/e2e/socket_driver.hpp"
#include "tests/support/dialogue.hpp"

using namespace dmarcbox::test;

namespace {

std::string configuration_of(const Dialogue& dialogue) {
    std::string text = "[smtp]\nlisten = [\"127.0.0.1:0\"]\nhostname = \"";
    text.append(kDialogueHostname).append("\"\naccept = [");
    for (const auto& address : dialogue.accept) {
        text.append("\"").append(address).append("\", ");
    }
    text += "]\n";
    std::string tls;
    for (const auto& [key, value] : dialogue.config) {
        if (key == "starttls") {
            tls = "[smtp.tls]\ncertificate = \"certificate.pem\"\nkey = \"key.pem\"\n";
        } else {
            const bool number = value.find_first_not_of("0123456789") == std::string::npos;
            text += key + " = " + (number ? value : '"' + value + '"') + "\n";
        }
    }
    return text + tls + (dialogue.lmtp ? "[lmtp]\nlisten = [\"127.0.0.1:0\"]\n" : "");
}

}  // namespace

TEST_CASE("dialogues go as written against the real server over a socket") {
    // Those of one configuration share a server, in one session after the other.
    std::map<std::string, std::vector<Dialogue>> groups;
    for (auto& dialogue : load_dialogues(DMARCBOX_SOURCE_DIR "/tests/dialogues")) {
        if (!dialogue.machine_only) {
            groups[configuration_of(dialogue)].push_back(std::move(dialogue));
        }
    }
    std::size_t count = 0;
    for (const auto& [configuration, dialogues] : groups) {
        ServerProcess server(configuration);
        for (const auto& dialogue : dialogues) {
            std::string fault;
            try {
                SocketDriver driver(server, dialogue.lmtp);
                fault = run_dialogue(dialogue, driver).value_or("");
            } catch (const std::runtime_error& error) {
                fault = dialogue.name + ": " + error.what();
            }
            CHECK_MESSAGE(fault.empty(), fault);
            ++count;
        }
        CHECK_MESSAGE(server.stop() == 0, server.log());
    }
    MESSAGE(count << " dialogues in " << groups.size() << " configurations");
    CHECK(count >= 130);
}
