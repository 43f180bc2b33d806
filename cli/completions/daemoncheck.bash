# daemoncheck.bash - completion for bash.  Made by make.py from daemoncheck.def: change these, not this file.

# The value of an option: candidates for its beginning.
_daemoncheck_value() {
    case $1 in
    -p | --pidfile) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -A file -- "$2") ;;
    --format) mapfile -t COMPREPLY < <(compgen -W 'text json' -- "$2") ;;
    esac
}

_daemoncheck() {
    local with_argument=' -p --pidfile --format ' flags='hV'
    local options='--pidfile= --format= --help --version'

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
        :
    elif ((i > last)) && [[ $option ]]; then
        _daemoncheck_value "$option" "$current"
    elif [[ ! $ended && $current == --*=* ]]; then
        _daemoncheck_value "${current%%=*}" "${current#*=}"
    elif [[ ! $ended && $current == -* ]]; then
        mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
    else
        mapfile -t COMPREPLY < <(compgen -W "$(cd /proc && echo [1-9]*)" -- "$current")
    fi
    [[ ${COMPREPLY[0]} != *[=:] ]] || ((${#COMPREPLY[@]} > 1)) || compopt -o nospace
}
complete -F _daemoncheck daemoncheck
