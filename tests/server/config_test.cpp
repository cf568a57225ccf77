#include "server/config.hpp"

#include <doctest/doctest.h>
#include <stdlib.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "server/config_changes.hpp"
#include "server/config_keys.hpp"
#include "server/nearest.hpp"

using namespace dmarcbox;

namespace {

/// A folder with a configuration file, gone at the end.
class Folder {
  public:
    Folder() {
        std::string name = std::filesystem::temp_directory_path() / "dmarcbox-config-XXXXXX";
        REQUIRE(mkdtemp(name.data()) != nullptr);
        path_ = name;
    }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;
    ~Folder() { std::filesystem::remove_all(path_); }

    std::filesystem::path write(const std::string& name, std::string_view text) const {
        const auto file = path_ / name;
        std::filesystem::create_directories(file.parent_path());
        std::ofstream(file) << text;
        return file;
    }

  private:
    std::filesystem::path path_;
};

/// An environment variable for the length of a test.
class Variable {
  public:
    Variable(std::string name, const char* value) : name_(std::move(name)) {
        setenv(name_.c_str(), value, 1);
    }
    Variable(const Variable&) = delete;
    Variable& operator=(const Variable&) = delete;
    ~Variable() { unsetenv(name_.c_str()); }

  private:
    std::string name_;
};

std::string error_of(const std::filesystem::path& file, const Overrides& overrides = {}) {
    try {
        (void)load_config(file, overrides);
    } catch (const ConfigError& error) {
        return error.what();
    }
    return "no error";
}

}  // namespace

TEST_CASE("config: an error takes one line") {
    struct Row {
        const char* name;
        std::string_view text;
        std::string_view error;
    };
    const std::array table{
        Row{"broken TOML", "[log]\nlevel = n\nx", ":2: not valid TOML"},
        Row{"a value of two lines", "[smtp]\nlisten = [\"a\\nb:25\"]\n",
            ":2: smtp.listen = \"a\\u{0a}b:25\""},
    };
    for (const auto& row : table) {
        SUBCASE(row.name) {
            const Folder folder;
            const std::string error = error_of(folder.write("broken.toml", row.text), {});
            CHECK(error.find('\n') == std::string::npos);
            CHECK(error.find(row.error) != std::string::npos);
        }
    }
}

TEST_CASE("config: flag beats environment beats drop-in beats file beats default") {
    const Folder folder;
    const auto file = folder.write("dmarcbox.toml",
                                   "[smtp]\n"
                                   "max_recipients = 1\n"
                                   "max_errors = 1\n"
                                   "max_idle_commands = 1\n"
                                   "max_refused_recipients = 1\n");
    folder.write("conf.d/10-first.toml", "[smtp]\nmax_errors = 7\nmax_idle_commands = 7\n");
    folder.write("conf.d/20-second.toml",
                 "smtp.max_errors = 2\nsmtp.max_idle_commands = 2\n"
                 "smtp.max_refused_recipients = 2\n");
    folder.write("conf.d/30-ignored.toml.bak", "this is no TOML");
    const Variable first("DMARCBOX_SMTP_MAX_IDLE_COMMANDS", "3");
    const Variable second("DMARCBOX_SMTP_MAX_REFUSED_RECIPIENTS", "3");
    const Config config = load_config(file, {{"smtp.max_refused_recipients", {"4"}}});
    CHECK(config.smtp.max_connections == 512);
    CHECK(config.smtp.max_recipients == 1);
    CHECK(config.smtp.max_errors == 2);
    CHECK(config.smtp.max_idle_commands == 3);
    CHECK(config.smtp.max_refused_recipients == 4);
    CHECK(config.origin.at("smtp.max_connections") == "default");
    CHECK(config.origin.at("smtp.max_recipients") == file.string() + ":2");
    CHECK(config.origin.at("smtp.max_errors").ends_with("20-second.toml:1"));
    CHECK(config.origin.at("smtp.max_idle_commands") == "DMARCBOX_SMTP_MAX_IDLE_COMMANDS");
    CHECK(config.origin.at("smtp.max_refused_recipients") == "--max_refused_recipients");
}

TEST_CASE("config: what is wrong is told with its place") {
    struct Row {
        const char* name;
        std::string_view text;
        std::string_view error;  ///< after the file's name
    };
    const auto rows = std::to_array<Row>({
        {"mistyped key", "[smtp]\n\nmax_mesage_bytes = 1000000\n",
         ":3: unknown key \"smtp.max_mesage_bytes\"; nearest is \"smtp.max_message_bytes\""},
        {"mistyped section", "[retenton]\noriginals_days = 3\n",
         ":1: unknown key \"retenton\"; `dmarcbox config` lists all keys"},
        {"key in the wrong section", "[smtp]\ncertificate = 'x'\n",
         ":2: unknown key \"smtp.certificate\"; nearest is \"smtp.tls.certificate\""},
        {"number as text", "[smtp]\nmax_recipients = \"5\"\n",
         ":2: smtp.max_recipients must be a whole number from 1 to 100000"},
        {"number out of range", "[smtp]\nmax_recipients = 0\n",
         ":2: smtp.max_recipients = 0 must be a whole number from 1 to 100000"},
        {"negative number", "[retention]\nother_days = -1\n",
         ":2: retention.other_days = -1 must be a whole number from 0 to 36500"},
        {"text as number", "[log]\nlevel = 3\n", ":2: log.level must be one text"},
        {"a choice", "[failure_reports]\nkeep = \"all\"\n",
         ":2: failure_reports.keep = \"all\" is not one of \"headers\", \"full\", \"redacted\""},
        {"an address without port", "[smtp]\nlisten = [\"127.0.0.1\"]\n",
         ":2: smtp.listen = \"127.0.0.1\" is not ADDRESS:PORT"},
        {"IPv6 without brackets", "[smtp]\nlisten = [\"::1:25\"]\n",
         ":2: smtp.listen = \"::1:25\" needs brackets around the IPv6 address, as in [::1]:25"},
        {"a port too high", "[metrics]\nlisten = \"127.0.0.1:70000\"\n",
         ":2: metrics.listen = \"127.0.0.1:70000\" has no port between 0 and 65535 at its end"},
        {"an address to accept", "[smtp]\naccept = [\"rua\"]\n",
         ":2: smtp.accept = \"rua\" is neither an address nor @domain"},
        {"a CIDR range", "[proxy_protocol]\ntrusted = [\"192.0.2.0/33\"]\n",
         ":2: proxy_protocol.trusted = \"192.0.2.0/33\" is no address or CIDR range"},
        {"a list with a number", "[smtp]\naccept = [1]\n",
         ":2: smtp.accept must be a list of texts"},
        {"a float", "[smtp]\nmax_errors = 1.5\n",
         ":2: smtp.max_errors must be a text, a whole number or a list of texts"},
        {"certificate without key", "[smtp.tls]\ncertificate = \"a.pem\"\n",
         ":2: smtp.tls.certificate is set, but smtp.tls.key is not"},
    });
    for (const auto& row : rows) {
        SUBCASE(row.name) {
            const Folder folder;
            const auto file = folder.write("dmarcbox.toml", row.text);
            CHECK(error_of(file) == file.string() + std::string(row.error));
        }
    }
}

TEST_CASE("config: broken TOML is told with its line") {
    const Folder folder;
    const auto file = folder.write("dmarcbox.toml", "[smtp]\nlisten = [\n");
    CHECK(error_of(file).starts_with(file.string() + ":"));
    CHECK(error_of(file).find("not valid TOML") != std::string::npos);
}

TEST_CASE("config: a file that was named must be there") {
    CHECK(error_of("/nonexistent/dmarcbox.toml") ==
          "/nonexistent/dmarcbox.toml: cannot be read: No such file or directory");
    CHECK(error_of("/") == "/: is a folder, not a configuration file");
}

TEST_CASE("config: environment names are checked as keys are") {
    const Folder folder;
    const auto file = folder.write("dmarcbox.toml", "");
    SUBCASE("unknown") {
        const Variable variable("DMARCBOX_SMTP_LISTN", "x");
        CHECK(error_of(file) ==
              "environment: unknown variable \"DMARCBOX_SMTP_LISTN\"; nearest is "
              "\"DMARCBOX_SMTP_LISTEN\"");
    }
    SUBCASE("lists are separated by commas") {
        const Variable variable("DMARCBOX_SMTP_ACCEPT", "rua@reports.example, @example.org,");
        CHECK(load_config(file, {}).smtp.accept ==
              std::vector<std::string>{"rua@reports.example", "@example.org"});
    }
    SUBCASE("an empty list") {
        const Variable variable("DMARCBOX_SMTP_LIMITS_EXEMPT", "");
        CHECK(load_config(file, {}).smtp.limits_exempt.empty());
    }
    SUBCASE("values are checked") {
        const Variable variable("DMARCBOX_LOG_LEVEL", "loud");
        CHECK(error_of(file) ==
              "DMARCBOX_LOG_LEVEL: log.level = \"loud\" is not one of \"debug\", \"info\", "
              "\"warn\", \"error\"");
    }
    SUBCASE("the section of a section") {
        const Variable key("DMARCBOX_SMTP_TLS_MIN_VERSION", "1.3");
        CHECK(load_config(file, {}).tls.min_version == "1.3");
    }
}

TEST_CASE("config: what is printed reads back the same") {
    const Folder folder;
    const auto file = folder.write("dmarcbox.toml",
                                   "[smtp]\n"
                                   "hostname = \"mx.reports.example\"\n"
                                   "accept = [\"a\\\\\\\"b@reports.example\", \"@example.org\"]\n"
                                   "[storage]\npath = \"/var/lib/x \\u0001y.db\"\n"
                                   "[retention]\nreports_days = 3650\n"
                                   "[limits]\nparse_seconds = 9\n");
    const Config first = load_config(file, {});
    CHECK(first.storage.path == std::string("/var/lib/x \x01y.db"));
    CHECK(first.smtp.accept.front() == "a\\\"b@reports.example");
    const auto printed = folder.write("printed.toml", to_toml(first));
    const Config second = load_config(printed, {});
    CHECK(second.smtp.accept == first.smtp.accept);
    CHECK(second.storage.path == first.storage.path);
    CHECK(second.limits.parse_seconds == std::chrono::seconds{9});
    // Every key once more, without the comments that name its origin.
    const auto without_comments = [](const std::string& text) {
        std::string out;
        for (std::size_t start = 0; start < text.size();) {
            const std::size_t end = text.find('\n', start);
            const std::string line = text.substr(start, end - start);
            out += line.substr(0, line.rfind("# ")) + "\n";
            start = end + 1;
        }
        return out;
    };
    CHECK(without_comments(to_toml(second)) == without_comments(to_toml(first)));
    CHECK(to_toml(first).find("hostname = \"mx.reports.example\"                 # " +
                              file.string() + ":2\n") != std::string::npos);
}

TEST_CASE("config: every key has one name and one place") {
    std::set<std::string_view> names;
    std::set<std::string> environment;
    Config config;
    std::set<const void*> places;
    for (const auto& key : config_keys()) {
        CHECK(names.insert(key.name).second);
        CHECK(environment.insert(key.environment_name()).second);
        CHECK(places
                  .insert(std::visit([](auto* p) { return static_cast<const void*>(p); },
                                     key.place(config)))
                  .second);
    }
}

TEST_CASE("config: what a reload does not take is named") {
    struct Row {
        const char* name;
        const char* running;
        const char* fresh;
        std::vector<std::string_view> expected;
    };
    const std::array rows{
        Row{"nothing changed",
            "[smtp]\naccept = [\"@a.example\"]\n",
            "[smtp]\naccept = [\"@a.example\"]\n",
            {}},
        Row{"a default that is written down", "", "[failure_reports]\nkeep = \"headers\"\n", {}},
        Row{"recipients and level",
            "",
            "[smtp]\naccept = [\"@a.example\"]\n[log]\nlevel = \"warn\"\n",
            {}},
        Row{"what only `check` reads", "", "[check]\nsilent_days = 9\n", {}},
        Row{"ports and what is kept",
            "",
            "[failure_reports]\nkeep = \"redacted\"\n[smtp]\nlisten = [\"[::]:2525\"]\n",
            {"smtp.listen", "failure_reports.keep"}},
        Row{"a line that is gone",
            "[retention]\nreports_days = 30\n",
            "",
            {"retention.reports_days"}},
        Row{"a certificate that came",
            "",
            "[smtp.tls]\ncertificate = \"c\"\nkey = \"k\"\nmin_version = \"1.3\"\n",
            {}},
        Row{"another certificate",
            "[smtp.tls]\ncertificate = \"c\"\nkey = \"k\"\n",
            "[smtp.tls]\ncertificate = \"d\"\nkey = \"l\"\n",
            {}},
        Row{"a certificate that went",
            "[smtp.tls]\ncertificate = \"c\"\nkey = \"k\"\n",
            "",
            {"smtp.tls.certificate", "smtp.tls.key"}},
    };
    for (const auto& row : rows) {
        SUBCASE(row.name) {
            const Folder folder;
            CHECK(keys_that_need_restart(load_config(folder.write("a.toml", row.running), {}),
                                         load_config(folder.write("b.toml", row.fresh), {})) ==
                  row.expected);
        }
    }
}

TEST_CASE("config: the file that is shipped holds every key at its default") {
    const std::filesystem::path shipped = DMARCBOX_SOURCE_DIR "/deploy/dmarcbox.toml";
    const Folder folder;
    const auto empty = folder.write("empty.toml", "");
    Config theirs = load_config(shipped, {});
    Config defaults = load_config(empty, {});
    // Keys that differ on purpose, or have no value that all can share, stand there as comments.
    std::ifstream in(shipped);
    const std::string text((std::istreambuf_iterator<char>(in)), {});
    for (const auto& key : config_keys()) {
        CAPTURE(key.name);
        const std::string name = std::string(key.last_name()) + " = ";
        CHECK((text.find("\n" + name) != std::string::npos ||
               text.find("\n# " + name) != std::string::npos ||
               text.find("\n#" + name) != std::string::npos));
        if (key.name != "storage.path") {
            theirs.origin[std::string(key.name)] = defaults.origin[std::string(key.name)] = "";
        }
    }
    theirs.storage.path = defaults.storage.path;
    theirs.origin = defaults.origin;
    CHECK(to_toml(theirs) == to_toml(defaults));
}

TEST_CASE("nearest name: slips of a finger are found and other words are not") {
    const std::vector<std::string_view> names{"serve", "import", "summary", "show"};
    CHECK(nearest_name("sumary", names) == "summary");
    CHECK(nearest_name("improt", names) == "import");
    CHECK(nearest_name("shwo", names) == "show");
    CHECK(nearest_name("frobnicate", names).empty());
    CHECK(nearest_name(std::string(100000, 'x'), names).empty());
}
