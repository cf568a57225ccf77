#include "tests/server/command_folder.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>
#include <sys/wait.h>

#include <cstdlib>
#include <fstream>
#include <sstream>

namespace dmarcbox::test {

const std::string kReportMail =
    "From: noreply@reporter.example\nSubject: \x1b[31m\xe2\x80\xaeneder\nDate: Tue, 14 Nov 2023 "
    "22:13:20 +0000\n"
    "Message-ID: <m1@reporter.example>\nContent-Type: text/xml\n\n"
    "<feedback><report_metadata><org_name>Reporter &#27;[2J Inc</org_name>"
    "<report_id>r1</report_id><date_range><begin>1700006400</begin><end>1700092799</end>"
    "</date_range></report_metadata><policy_published><domain>example.org</domain><p>none</p>"
    "</policy_published><record><row><source_ip>192.0.2.1</source_ip><count>3</count>"
    "<policy_evaluated><disposition>none</disposition><dkim>pass</dkim><spf>fail</spf>"
    "</policy_evaluated></row><identifiers><header_from>example.org</header_from></identifiers>"
    "<auth_results><dkim><domain>example.org</domain><result>pass</result></dkim></auth_results>"
    "</record></feedback>\n";

CommandFolder::CommandFolder() {
    std::string name = std::filesystem::temp_directory_path() / "dmarcbox-cli-XXXXXX";
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path_ = name;
}

void CommandFolder::write(const std::string& name, std::string_view text) const {
    std::ofstream(path_ / name, std::ios::binary) << text;
}

std::string CommandFolder::read(const std::string& name) const {
    std::ifstream in(path_ / name, std::ios::binary);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

CommandResult CommandFolder::run(const std::string& arguments) const {
    const std::string command = "cd '" + path_.string() +
                                "' && <'/dev/null' >stdout.txt 2>stderr.txt "
                                "env -u DMARCBOX_CONFIG '" DMARCBOX_BINARY "' " +
                                arguments;
    const int status = std::system(command.c_str());
    CommandResult result;
    result.code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    result.out = read("stdout.txt");
    result.err = read("stderr.txt");
    return result;
}

bool is_one_line(const std::string& text) {
    return text.starts_with("dmarcbox: ") && text.find('\n') == text.size() - 1;
}

}  // namespace dmarcbox::test
