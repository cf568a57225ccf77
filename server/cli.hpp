#pragma once

namespace dmarcbox {

/// The program: parses the command line, runs the command, returns the exit code (0 done, 1 the
/// work failed or found problems, 2 wrong usage; `check --nagios` 0 to 3). Prints errors itself,
/// one line each.
[[nodiscard]] int run(int argc, char** argv);

}  // namespace dmarcbox
