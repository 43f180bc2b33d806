#!/usr/bin/env python3
"""make.py [--check] - the completions of both commands for three shells, made from their option tables.

    python3 cli/completions/make.py           writes NAME.bash, _NAME (zsh) and NAME.fish for daemonize and daemoncheck
    python3 cli/completions/make.py --check   says which of them is not what the tables give

An option that is added to a table is completed once this has run; one whose argument has a name that is new here
is refused until KINDS says what it stands for."""
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
MADE = "Made by make.py from {}: change these, not this file."

# What an argument stands for: how bash, zsh and fish complete it.  Words with "|" between them stand for themselves.
NOTHING = ("", " ", "-x")
KINDS = {
    "PATH": ("-o filenames -A file", "_files", "-r -F"),
    "DIRECTORY": ("-o filenames -A directory", "_directories", "-x -a '(__fish_complete_directories)'"),
    "USER": ("-A user", "_users", "-x -a '(__fish_complete_users)'"),
    "FILE": ("-o filenames -A file", "_files", "-F"),
    "GROUP": ("-A group", "_groups", "-x -a '(__fish_complete_groups)'"),
    "OCTAL": NOTHING, "SECONDS": NOTHING, "N": NOTHING, "NAME[=VALUE]": NOTHING,
}


class Option:
    def __init__(self, name, letter, argument, text):
        self.name, self.argument, self.text = name, argument.strip('"') if argument != "NULL" else None, text
        self.letter = letter[1] if letter.startswith("'") else None
        self.optional = argument.startswith('"[=')  # only behind "="
        if self.optional:
            self.argument = self.argument[2:-1]
        self.words = []
        if self.argument and "|" in self.argument:
            self.words = [re.sub(r"(?<=:)N$", "", word) for word in self.argument.split("|")]
        elif self.argument and self.argument not in KINDS:
            sys.exit(f"make.py: option --{name}: KINDS does not say how {self.argument} is completed")

    def spellings(self):
        return ([f"-{self.letter}"] if self.letter else []) + [f"--{self.name}"]


def read_table(name):
    with open(os.path.join(HERE, "..", name), encoding="utf-8") as file:
        rows = re.findall(r'^OPTION\("([\w-]+)", (\'.\'|\w+), (NULL|"[^"]*"), "([^"]*)"\)$', file.read(), re.M)
    return [Option(*row) for row in rows]


def letters(options, with_argument):
    return "".join(option.letter for option in options if option.letter and bool(option.argument) == with_argument)


# --- bash -----------------------------------------------------------------------------------------

BASH = r"""# @NAME@.bash - completion for bash.  @MADE@

# The value of an option: candidates for its beginning.
_@NAME@_value() {
    case $1 in
@VALUES@
    esac
}

_@NAME@() {
    local with_argument=' @WITH@ ' flags='@FLAGS@'
    local options='@OPTIONS@'

    # The words as they will be read: bash cuts them at "=" and ":" too.
    local line=$COMP_LINE words=() at=() i
    for ((i = 0; i <= COMP_CWORD; i++)); do
        if ((i > 0)) && [[ $line != [[:space:]]* ]]; then
            words[-1]+=${COMP_WORDS[i]}
        else
            line=${line#"${line%%[![:space:]]*}"}
            words+=("${COMP_WORDS[i]}") at+=("$i")
        fi
        line=${line#"${COMP_WORDS[i]}"}
    done

    # Options end at the first word that is not one.
    local last=$((${#words[@]} - 1)) option='' ended='' word cluster
    local current=${words[last]}
    for ((i = 1; i < last; i++)); do
        word=${words[i]} option=
        case $word in
        --) ended=yes; ((++i)); break ;;
        --*) cluster=$word ;;
        -?*) cluster=${word#"${word%%[!-"$flags"]*}"} cluster=-${cluster:-$flags} ;; # from the letter that is no flag
        *) ended=yes; break ;;
        esac
        [[ $with_argument != *" $cluster "* ]] || { option=$cluster; ((++i)); }
    done

    COMPREPLY=()
    if [[ $ended ]] && ((i < last)); then
@FURTHER@
    elif ((i > last)) && [[ $option ]]; then
        _@NAME@_value "$option" "$current"
    elif [[ ! $ended && $current == --*=* ]]; then
        _@NAME@_value "${current%%=*}" "${current#*=}"
    elif [[ ! $ended && $current == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
    else
        mapfile -t COMPREPLY < <(compgen @FIRST@ -- "$current")
    fi
    [[ ${COMPREPLY[0]} != *[=:] ]] || ((${#COMPREPLY[@]} > 1)) || compopt -o nospace
}
complete -F _@NAME@ @NAME@
"""

# The program's own arguments, which the package bash-completion may know.
BASH_PROGRAM = r"""        if declare -F _command_offset >/dev/null; then
            _command_offset "${at[i]}"
        else
            compopt -o filenames
            mapfile -t COMPREPLY < <(compgen -f -- "$current")
        fi"""


def bash_value(option):
    if option.words:
        return f"""mapfile -t COMPREPLY < <(compgen -W '{" ".join(option.words)}' -- "$2")"""
    how = KINDS[option.argument][0]
    if how.startswith("-o filenames "):
        return f"""compopt -o filenames; mapfile -t COMPREPLY < <(compgen {how[13:]} -- "$2")"""
    return f"""mapfile -t COMPREPLY < <(compgen {how} -- "$2")""" if how else None


def bash(command, options):
    values, taking = [], [option for option in options if option.argument and not option.optional]
    for option in options:
        if option.argument and bash_value(option):
            values.append(f"    {' | '.join(option.spellings())}) {bash_value(option)} ;;")
    offered = [f"--{option.name}" + ("=" if option in taking else "") for option in options]
    first, further = ("-c", BASH_PROGRAM) if command == "daemonize" else ('-W "$(cd /proc && echo [1-9]*)"', "        :")
    return BASH.replace("@VALUES@", "\n".join(values)).replace("@FIRST@", first).replace("@FURTHER@", further) \
        .replace("@WITH@", " ".join(word for option in taking for word in option.spellings())) \
        .replace("@FLAGS@", letters(options, False)).replace("@OPTIONS@", " ".join(offered))


# --- zsh ------------------------------------------------------------------------------------------

ZSH = r"""#compdef @NAME@
# _@NAME@ - completion for zsh.  @MADE@

_arguments -s -S : \
@OPTIONS@
@OPERANDS@
"""
ZSH_OPERANDS = {
    "daemonize": r"""    '(-)1:program: _command_names -e' \
    '*::argument: _normal'""",
    "daemoncheck": "    '(-)1:pid:{compadd /proc/<1->(:t)}'",
}


def zsh_option(option):
    text = re.sub(r"([\[\]:'])", r"\\\1", option.text).replace("\\'", "'\\''")
    action = ""
    if option.words:
        plain = " ".join(word for word in option.words if not word.endswith(":"))
        open_ended = "".join(f'; compadd -S "" {word}' for word in option.words if word.endswith(":"))
        open_ended = open_ended.replace(":", "\\:")
        action = f":value:{{compadd {plain}{open_ended}}}"
    elif option.argument:
        name = option.argument.lower().split("[", maxsplit=1)[0]
        action = f":{':' if option.optional else ''}{name}:{KINDS[option.argument][1]}"
    spelled = [f"-{option.letter}" + ("+" if option.argument else "")] if option.letter else []
    spelled.append(f"--{option.name}" + ("=-" if option.optional else "=" if option.argument else ""))
    repeatable = "repeatable" in option.text
    before = "'*'" if repeatable else f"'({' '.join(option.spellings())})'" if option.letter else ""
    names = f"{{{','.join(spelled)}}}" if len(spelled) > 1 else spelled[0]
    return f"    {before}{names}'[{text}]{action}' \\"


def zsh(command, options):
    return ZSH.replace("@OPTIONS@", "\n".join(map(zsh_option, options))).replace("@OPERANDS@", ZSH_OPERANDS[command])


# --- fish -----------------------------------------------------------------------------------------

FISH = r"""# @NAME@.fish - completion for fish.  @MADE@

@OPERANDS@
@OPTIONS@
"""
FISH_OPERANDS = {"daemoncheck": "complete -c daemoncheck -f -a '(__fish_complete_pids)'", "daemonize": r"""# The words from the program on, the one that is being typed among them; none within daemonize's own options.
function __daemonize_program
    set -l words (commandline -opc) (commandline -ct)
    set -l ended no
    set -e words[1]
    while set -q words[2]; and string match -q -- '-?*' $words[1]
        set -l word $words[1]
        set -e words[1]
        if test "$word" = --
            set ended yes
            break
        else if string match -qr -- '^(-[@FLAGS@]*[@TAKING@]|--(@LONG@))$' $word
            set -e words[1]
        end
    end
    set -q words[1]; or return 1
    test $ended = yes; or not string match -q -- '-*' $words[1]; or return 1
    printf '%s\n' $words
end

function __daemonize_complete_program
    set -l words (__daemonize_program)
    and complete -C "$words"
end

complete -c daemonize -f
complete -c daemonize -n '__daemonize_program >/dev/null' -a '(__daemonize_complete_program)'"""}


def fish_option(command, option):
    letter = f" -s {option.letter}" if option.letter else ""
    how = f"-x -a '{' '.join(option.words)}' " if option.words else ""
    if option.argument and not option.words:
        how = (KINDS[option.argument][2] + " ").lstrip()
    text = option.text.replace("\\", "\\\\").replace("'", "\\'")
    when = " -n 'not __daemonize_program >/dev/null'" if command == "daemonize" else ""
    return f"complete -c {command}{when}{letter} -l {option.name} {how}-d '{text}'"


def fish(command, options):
    long = "|".join(option.name for option in options if option.argument and not option.optional)
    return FISH.replace("@OPTIONS@", "\n".join(fish_option(command, option) for option in options)) \
        .replace("@OPERANDS@", FISH_OPERANDS[command]).replace("@FLAGS@", letters(options, False)) \
        .replace("@TAKING@", letters(options, True)).replace("@LONG@", long)


# --- both commands ----------------------------------------------------------------------------------

def completions():
    """What is in each file: (its name, its text)."""
    for command, table in (("daemonize", "options.def"), ("daemoncheck", "daemoncheck.def")):
        options = read_table(table)
        for name, make in ((f"{command}.bash", bash), (f"_{command}", zsh), (f"{command}.fish", fish)):
            yield name, make(command, options).replace("@MADE@", MADE.format(table)).replace("@NAME@", command)


def main():
    different = []
    for name, text in completions():
        path = os.path.join(HERE, name)
        if "--check" not in sys.argv:
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        elif not os.path.exists(path):
            different.append(name)
        else:
            with open(path, encoding="utf-8") as file:
                if file.read() != text:
                    different.append(name)
    if different:
        sys.exit(f"not what the option tables give: {', '.join(different)}; run python3 cli/completions/make.py")


if __name__ == "__main__":
    main()
