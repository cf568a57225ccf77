#include "server/commands/completion.hpp"

#include <set>

namespace dmarcbox {
namespace {

std::string joined(const std::vector<std::string>& words, const char* between = " ") {
    std::string out;
    for (const auto& word : words) {
        out += (out.empty() ? "" : between) + word;
    }
    return out;
}

/// Inside single quotes of a shell.
std::string quotable(std::string text) {
    for (std::size_t i = 0; (i = text.find('\'', i)) != std::string::npos; i += 4) {
        text.replace(i, 1, "'\\''");
    }
    return text;
}

std::vector<std::string> names_of(const std::vector<FlagWords>& flags) {
    std::vector<std::string> names;
    names.reserve(flags.size());
    for (const auto& flag : flags) {
        names.push_back(flag.name);
    }
    return names;
}

/// `--db|--config|--color`: the arguments after them are no command.
std::string pattern_of_values(const std::vector<FlagWords>& flags) {
    std::vector<std::string> names;
    for (const auto& flag : flags) {
        if (flag.takes_value) {
            names.push_back(flag.name);
        }
    }
    return joined(names, "|");
}

/// Lines of a shell's `case` for what follows a flag, by a function from values to a command.
template <class Offer>
std::string value_cases(const std::vector<CommandWords>& commands,
                        const std::vector<FlagWords>& global,
                        Offer offer) {
    std::string cases;
    std::set<std::string> seen;
    const auto add = [&](const std::vector<FlagWords>& flags) {
        for (const auto& flag : flags) {
            if (flag.takes_value && seen.insert(flag.name).second) {
                cases += "        " + flag.name + ") " + offer(flag.value) + "return ;;\n";
            }
        }
    };
    add(global);
    for (const auto& command : commands) {
        add(command.flags);
    }
    return cases;
}

std::string bash(const std::vector<CommandWords>& commands, const std::vector<FlagWords>& global) {
    const auto offer = [](const ValueWords& value) {
        return value.files           ? std::string("_dmarcbox_files; ")
               : value.words.empty() ? std::string{}
                                     : "_dmarcbox_words '" + joined(value.words) + "'; ";
    };
    const std::string global_names = joined(names_of(global));
    std::string names;
    std::string cases;
    for (const auto& command : commands) {
        names += (names.empty() ? "" : " ") + command.name;
        cases += "        " + command.name +
                 ")\n"
                 "            if [[ $word == -* ]]; then _dmarcbox_words '" +
                 joined(names_of(command.flags)) + " " + global_names + "'\n            else " +
                 (offer(command.arguments).empty() ? ":; " : offer(command.arguments)) + "fi ;;\n";
    }
    return "# bash completion of dmarcbox: source <(dmarcbox completion bash)\n"
           "_dmarcbox_words() {\n"
           "    mapfile -t COMPREPLY < <(compgen -W \"$1\" -- \"$word\")\n"
           "}\n"
           "_dmarcbox_files() {\n"
           "    compopt -o filenames 2>/dev/null\n"
           "    mapfile -t COMPREPLY < <(compgen -f -- \"$word\")\n"
           "}\n"
           "_dmarcbox() {\n"
           "    local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} "
           "command='' "
           "i\n"
           "    COMPREPLY=()\n"
           "    # --db=x comes as three words.\n"
           "    if [[ $word == = ]]; then word=\n"
           "    elif [[ $previous == = ]]; then previous=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
           "    case $previous in\n" +
           value_cases(commands, global, offer) +
           "    esac\n"
           "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
           "        case ${COMP_WORDS[i]} in\n"
           "            " +
           pattern_of_values(global) +
           ") ((i++)); [[ ${COMP_WORDS[i]} != = ]] || ((i++)) ;;\n"
           "            -*) ;;\n"
           "            *) command=${COMP_WORDS[i]}; break ;;\n"
           "        esac\n"
           "    done\n"
           "    case $command in\n"
           "        '') _dmarcbox_words '" +
           names + " " + global_names + "' ;;\n" + cases +
           "    esac\n"
           "}\n"
           "complete -F _dmarcbox dmarcbox\n";
}

std::string zsh(const std::vector<CommandWords>& commands, const std::vector<FlagWords>& global) {
    const auto offer = [](const ValueWords& value) {
        return value.files           ? std::string("_files; ")
               : value.words.empty() ? std::string{}
                                     : "compadd -- " + joined(value.words) + "; ";
    };
    std::string names;
    std::string cases;
    for (const auto& command : commands) {
        names += "        '" + command.name + ":" + quotable(command.description) + "'\n";
        cases += "        " + command.name +
                 ")\n"
                 "            if [[ $words[CURRENT] == -* ]]; then compadd -- " +
                 joined(names_of(command.flags)) + " $global\n            else " +
                 (offer(command.arguments).empty() ? ":; " : offer(command.arguments)) + "fi ;;\n";
    }
    return "#compdef dmarcbox\n"
           "# zsh completion of dmarcbox: save as _dmarcbox in a folder of $fpath\n"
           "_dmarcbox() {\n"
           "    local -a commands global\n"
           "    local command='' i\n"
           "    commands=(\n" +
           names + "    )\n    global=(" + joined(names_of(global)) +
           ")\n"
           "    case $words[CURRENT-1] in\n" +
           value_cases(commands, global, offer) +
           "    esac\n"
           "    for ((i = 2; i < CURRENT; i++)); do\n"
           "        case $words[i] in\n"
           "            " +
           pattern_of_values(global) +
           ") ((i++)) ;;\n"
           "            -*) ;;\n"
           "            *) command=$words[i]; break ;;\n"
           "        esac\n"
           "    done\n"
           "    case $command in\n"
           "        '') _describe command commands; compadd -- $global ;;\n" +
           cases +
           "    esac\n"
           "}\n"
           "if [[ $funcstack[1] == _dmarcbox ]]; then\n"
           "    _dmarcbox \"$@\"\n"
           "else\n"
           "    compdef _dmarcbox dmarcbox\n"
           "fi\n";
}

std::string fish(const std::vector<CommandWords>& commands, const std::vector<FlagWords>& global) {
    const auto value = [](const ValueWords& words) {
        return words.files           ? std::string(" -F")
               : words.words.empty() ? std::string{}
                                     : " -a '" + joined(words.words) + "'";
    };
    const auto flag_line = [&](const FlagWords& flag, const std::string& condition) {
        std::string line = "complete -c dmarcbox" + condition + " -l " +
                           flag.name.substr(flag.name.find_first_not_of('-'));
        if (flag.takes_value) {
            line += (flag.value.files ? " -r" : " -x") + value(flag.value);
        }
        return line + "\n";
    };
    std::string out =
        "# fish completion of dmarcbox: dmarcbox completion fish | source\n"
        "function __dmarcbox_command\n"
        "    set -l words (commandline -opc)\n"
        "    set -e words[1]\n"
        "    set -l skip no\n"
        "    for word in $words\n"
        "        if test $skip = yes\n"
        "            set skip no\n"
        "            continue\n"
        "        end\n"
        "        switch $word\n"
        "            case " +
        [&] {
            std::string names = pattern_of_values(global);
            for (char& c : names) {
                c = c == '|' ? ' ' : c;
            }
            return names;
        }() +
        "\n"
        "                set skip yes\n"
        "            case '-*'\n"
        "            case '*'\n"
        "                echo $word\n"
        "                return 0\n"
        "        end\n"
        "    end\n"
        "    echo -\n"
        "end\n"
        "complete -c dmarcbox -f\n";
    for (const auto& command : commands) {
        out += "complete -c dmarcbox -n 'test (__dmarcbox_command) = -' -a " + command.name +
               " -d '" + quotable(command.description) + "'\n";
    }
    for (const auto& flag : global) {
        out += flag_line(flag, "");
    }
    for (const auto& command : commands) {
        const std::string condition = " -n 'test (__dmarcbox_command) = " + command.name + "'";
        for (const auto& flag : command.flags) {
            out += flag_line(flag, condition);
        }
        if (const std::string words = value(command.arguments); !words.empty()) {
            out.append("complete -c dmarcbox").append(condition).append(words).append("\n");
        }
    }
    return out;
}

}  // namespace

std::string completion_script(std::string_view shell,
                              const std::vector<CommandWords>& commands,
                              const std::vector<FlagWords>& global_flags) {
    if (shell == "bash") {
        return bash(commands, global_flags);
    }
    if (shell == "zsh") {
        return zsh(commands, global_flags);
    }
    return shell == "fish" ? fish(commands, global_flags) : std::string{};
}

}  // namespace dmarcbox
