#!/usr/bin/env python3
"""make.py [--check] - the completions of the three shells, made from the option table.

    python3 cli/completions/make.py           writes daemonize.bash, _daemonize (zsh) and daemonize.fish
    python3 cli/completions/make.py --check   says which of them is not what the table gives

An option that is added to options.def is completed once this has run; one whose argument has a name that is new here
is refused until KINDS says what it stands for."""
import os
import re
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
MADE = "Made by make.py from options.def: change these, not this file."

# What an argument stands for: how bash, zsh and fish complete it.  Words with "|" between them stand for themselves.
NOTHING = ("", " ", "-x")
KINDS = {
    "PATH": ("-o filenames -A file", "_files", "-r -F"),
    "DIRECTORY": ("-o filenames -A directory", "_directories", "-x -a '(__fish_complete_directories)'"),
    "USER": ("-A user", "_users", "-x -a '(__fish_complete_users)'"),
    "FILE": ("-o filenames -A file", "_files", ""),
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


def table():
    with open(os.path.join(HERE, "..", "options.def"), encoding="utf-8") as file:
        rows = re.findall(r'^OPTION\("([\w-]+)", (\'.\'|\w+), (NULL|"[^"]*"), "([^"]*)"\)$', file.read(), re.M)
    return [Option(*row) for row in rows]


def letters(options, with_argument):
    return "".join(option.letter for option in options if option.letter and bool(option.argument) == with_argument)


# --- bash -----------------------------------------------------------------------------------------

BASH = r"""# daemonize.bash - completion for bash.  @MADE@

# The value of an option: candidates for its beginning.
_daemonize_value() {
    case $1 in
@VALUES@
    esac
}

_daemonize() {
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
    if [[ $ended ]] && ((i < last)) && declare -F _command_offset >/dev/null; then
        _command_offset "${at[i]}"
    elif [[ $ended ]] && ((i < last)); then
        compopt -o filenames
        mapfile -t COMPREPLY < <(compgen -f -- "$current")
    elif ((i > last)) && [[ $option ]]; then
        _daemonize_value "$option" "$current"
    elif [[ ! $ended && $current == --*=* ]]; then
        _daemonize_value "${current%%=*}" "${current#*=}"
    elif [[ ! $ended && $current == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
    else
        mapfile -t COMPREPLY < <(compgen -c -- "$current")
    fi
    [[ ${COMPREPLY[0]} != *[=:] ]] || ((${#COMPREPLY[@]} > 1)) || compopt -o nospace
}
complete -F _daemonize daemonize
"""


def bash_value(option):
    if option.words:
        return f"""mapfile -t COMPREPLY < <(compgen -W '{" ".join(option.words)}' -- "$2")"""
    how = KINDS[option.argument][0]
    if how.startswith("-o filenames "):
        return f"""compopt -o filenames; mapfile -t COMPREPLY < <(compgen {how[13:]} -- "$2")"""
    return f"""mapfile -t COMPREPLY < <(compgen {how} -- "$2")""" if how else None


def bash(options):
    values, taking = [], [option for option in options if option.argument and not option.optional]
    for option in options:
        if option.argument and bash_value(option):
            values.append(f"    {' | '.join(option.spellings())}) {bash_value(option)} ;;")
    offered = [f"--{option.name}" + ("=" if option in taking else "") for option in options]
    return BASH.replace("@VALUES@", "\n".join(values)) \
        .replace("@WITH@", " ".join(word for option in taking for word in option.spellings())) \
        .replace("@FLAGS@", letters(options, False)).replace("@OPTIONS@", " ".join(offered))


# --- zsh ------------------------------------------------------------------------------------------

ZSH = r"""#compdef daemonize
# _daemonize - completion for zsh.  @MADE@

_arguments -s -S : \
@OPTIONS@
    '(-)1:program: _command_names -e' \
    '*::argument: _normal'
"""


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


def zsh(options):
    return ZSH.replace("@OPTIONS@", "\n".join(map(zsh_option, options)))


# --- fish -----------------------------------------------------------------------------------------

FISH = r"""# daemonize.fish - completion for fish.  @MADE@

# The words from the program on, the one that is being typed among them; none within daemonize's own options.
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
complete -c daemonize -n '__daemonize_program >/dev/null' -a '(__daemonize_complete_program)'
@OPTIONS@
"""


def fish_option(option):
    letter = f" -s {option.letter}" if option.letter else ""
    how = f"-x -a '{' '.join(option.words)}' " if option.words else ""
    if option.argument and not option.words:
        how = (KINDS[option.argument][2] + " ").lstrip()
    text = option.text.replace("\\", "\\\\").replace("'", "\\'")
    return f"complete -c daemonize -n 'not __daemonize_program >/dev/null'{letter} -l {option.name} {how}-d '{text}'"


def fish(options):
    long = "|".join(option.name for option in options if option.argument and not option.optional)
    return FISH.replace("@FLAGS@", letters(options, False)).replace("@TAKING@", letters(options, True)) \
        .replace("@LONG@", long).replace("@OPTIONS@", "\n".join(map(fish_option, options)))


def main():
    options, different = table(), []
    for name, make in (("daemonize.bash", bash), ("_daemonize", zsh), ("daemonize.fish", fish)):
        path, text = os.path.join(HERE, name), make(options).replace("@MADE@", MADE)
        if "--check" not in sys.argv:
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
            continue
        with open(path, encoding="utf-8") as file:
            if file.read() != text:
                different.append(name)
    if different:
        sys.exit(f"not what options.def gives: {', '.join(different)}; run python3 cli/completions/make.py")


if __name__ == "__main__":
    main()
