# daemonize.bash - completion for bash.  Made by make.py from options.def: change these, not this file.

# The value of an option: candidates for its beginning.
_daemonize_value() {
    case $1 in
    -p | --pidfile) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -A file -- "$2") ;;
    -c | --chdir) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -A directory -- "$2") ;;
    -o | --stdout) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -A file -- "$2") ;;
    -e | --stderr) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -A file -- "$2") ;;
    -l | --lock) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -A file -- "$2") ;;
    -u | --user) mapfile -t COMPREPLY < <(compgen -A user -- "$2") ;;
    -g | --group) mapfile -t COMPREPLY < <(compgen -A group -- "$2") ;;
    --chown) mapfile -t COMPREPLY < <(compgen -W 'logs all none' -- "$2") ;;
    --on-timeout) mapfile -t COMPREPLY < <(compgen -W 'end leave' -- "$2") ;;
    --ready) mapfile -t COMPREPLY < <(compgen -W 'exec notify fd:' -- "$2") ;;
    --trace) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -A file -- "$2") ;;
    esac
}

_daemonize() {
    local with_argument=' -p --pidfile -c --chdir -m --umask -o --stdout -e --stderr -l --lock -E --env -u --user -g --group --chown --keep-fd -t --timeout --on-timeout --ready ' flags='afvhV'
    local options='--pidfile= --chdir= --umask= --stdout= --stderr= --append --lock= --no-lock --env= --user= --group= --chown= --foreground --no-close-fds --keep-fd= --timeout= --on-timeout= --ready= --explain --trace --verbose --help --version'

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
        if declare -F _command_offset >/dev/null; then
            _command_offset "${at[i]}"
        else
            compopt -o filenames
            mapfile -t COMPREPLY < <(compgen -f -- "$current")
        fi
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
