#include "server/commands/completion.hpp"

#include <doctest/doctest.h>
#include <sys/wait.h>

#include <array>
#include <cstdlib>
#include <string>

#include "tests/server/command_folder.hpp"

using namespace dmarcbox;
using test::CommandFolder;
using test::CommandResult;

TEST_CASE("completion: scripts name commands and flags and are valid shell") {
    const CommandFolder folder;
    for (const char* shell : {"bash", "zsh", "fish"}) {
        CAPTURE(shell);
        const CommandResult result = folder.run(std::string("completion ") + shell);
        CHECK(result.code == 0);
        CHECK(result.out.find("import") != std::string::npos);
        CHECK(result.out.find("jobs") != std::string::npos);
    }
    CHECK(folder.run("completion tcsh").code == 2);
    struct Row {
        const char* line;  ///< as bash cuts it
        const char* offered;
    };
    const auto rows = std::to_array<Row>({
        {"--db x.db imp", "import"},
        {"--db = x.db imp", "import"},
        {"import --jo", "--jobs"},
        {"readiness --policy ''", "quarantine reject"},
        {"summary --csv --table s", "sources samples"},
        {"--color =", "auto always never"},
        {"completion ''", "bash zsh fish"},
        {"help ver", "verify"},
        {"--db wor", "words.sh"},
        {"import wor", "words.sh"},
        {"summary --days ''", ""},
        {"readiness wor", ""},
    });
    std::string script = "source <('" DMARCBOX_BINARY "' completion bash)\n";
    std::string expected;
    for (const auto& row : rows) {
        script += std::string("COMP_WORDS=(dmarcbox ") + row.line +
                  "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _dmarcbox; echo \"${COMPREPLY[*]}\"\n";
        expected += std::string(row.offered) + "\n";
    }
    folder.write("words.sh", script);
    const int status =
        std::system(("cd '" + (folder / ".") + "' && bash words.sh > out.txt 2>&1").c_str());
    CHECK(WEXITSTATUS(status) == 0);
    CHECK(folder.read("out.txt") == expected);
}

TEST_CASE("completion: quotes in descriptions do not end the script") {
    const std::string script = completion_script("fish", {{"x", "it's", {}, {}}}, {});
    CHECK(script.find("-d 'it'\\''s'") != std::string::npos);
}
