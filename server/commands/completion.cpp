#include "server/commands/completion.hpp"

namespace dmarcbox {
namespace {

std::string joined(const std::vector<std::string>& words) {
    std::string out;
    for (const auto& word : words) {
        out += (out.empty() ? "" : " ") + word;
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

std::string bash(const std::vector<CommandWords>& commands, const std::string& global) {
    std::string names;
    std::string cases;
    for (const auto& command : commands) {
        names += (names.empty() ? "" : " ") + command.name;
        cases += "        " + command.name + ") flags='" + joined(command.flags) + "' ;;\n";
    }
    return "# bash completion of dmarcbox: source <(dmarcbox completion bash)\n"
           "_dmarcbox() {\n"
           "    local word=${COMP_WORDS[COMP_CWORD]} command= flags= i\n"
           "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
           "        case ${COMP_WORDS[i]} in\n"
           "            --db|--config|--color) ((i++)) ;;\n"
           "            -*) ;;\n"
           "            *) command=${COMP_WORDS[i]}; break ;;\n"
           "        esac\n"
           "    done\n"
           "    case $command in\n"
           "        '') COMPREPLY=($(compgen -W '" +
           names + " " + global + "' -- \"$word\")); return ;;\n" + cases +
           "    esac\n"
           "    if [[ $word == -* ]]; then\n"
           "        COMPREPLY=($(compgen -W \"$flags " +
           global +
           "\" -- \"$word\"))\n"
           "    else\n"
           "        COMPREPLY=($(compgen -f -- \"$word\"))\n"
           "    fi\n"
           "}\n"
           "complete -o filenames -F _dmarcbox dmarcbox\n";
}

std::string zsh(const std::vector<CommandWords>& commands, const std::string& global) {
    std::string names;
    std::string cases;
    for (const auto& command : commands) {
        names += "        '" + command.name + ":" + quotable(command.description) + "'\n";
        cases += "        " + command.name + ") flags=(" + joined(command.flags) + ") ;;\n";
    }
    return "#compdef dmarcbox\n"
           "# zsh completion of dmarcbox: save as _dmarcbox in a folder of $fpath\n"
           "_dmarcbox() {\n"
           "    local -a commands flags global\n"
           "    commands=(\n" +
           names + "    )\n    global=(" + global +
           ")\n"
           "    if (( CURRENT == 2 )); then\n"
           "        _describe command commands\n"
           "        compadd -- $global\n"
           "        return\n"
           "    fi\n"
           "    case $words[2] in\n" +
           cases +
           "    esac\n"
           "    if [[ $words[CURRENT] == -* ]]; then\n"
           "        compadd -- $flags $global\n"
           "    else\n"
           "        _files\n"
           "    fi\n"
           "}\n"
           "if [[ $funcstack[1] == _dmarcbox ]]; then\n"
           "    _dmarcbox \"$@\"\n"
           "else\n"
           "    compdef _dmarcbox dmarcbox\n"
           "fi\n";
}

std::string fish(const std::vector<CommandWords>& commands,
                 const std::vector<std::string>& global) {
    std::string out = "# fish completion of dmarcbox: dmarcbox completion fish | source\n";
    for (const auto& command : commands) {
        out += "complete -c dmarcbox -f -n __fish_use_subcommand -a " + command.name + " -d '" +
               quotable(command.description) + "'\n";
    }
    for (const auto& flag : global) {
        out += "complete -c dmarcbox -l " + flag.substr(flag.find_first_not_of('-')) + "\n";
    }
    for (const auto& command : commands) {
        for (const auto& flag : command.flags) {
            out += "complete -c dmarcbox -n '__fish_seen_subcommand_from " + command.name +
                   "' -l " + flag.substr(flag.find_first_not_of('-')) + "\n";
        }
    }
    return out;
}

}  // namespace

std::string completion_script(std::string_view shell,
                              const std::vector<CommandWords>& commands,
                              const std::vector<std::string>& global_flags) {
    if (shell == "bash") {
        return bash(commands, joined(global_flags));
    }
    if (shell == "zsh") {
        return zsh(commands, joined(global_flags));
    }
    return shell == "fish" ? fish(commands, global_flags) : std::string{};
}

}  // namespace dmarcbox
