# daemonize.fish - completion for fish.  Made by make.py from options.def: change these, not this file.

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
        else if string match -qr -- '^(-[afvhV]*[pcmoelEugt]|--(pidfile|chdir|umask|stdout|stderr|lock|env|user|group|chown|keep-fd|timeout|on-timeout|ready))$' $word
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
complete -c daemonize -n 'not __daemonize_program >/dev/null' -s p -l pidfile -r -F -d 'write the daemon\'s pid here, and lock the file'
complete -c daemonize -n 'not __daemonize_program >/dev/null' -s c -l chdir -x -a '(__fish_complete_directories)' -d 'working directory (default /)'
complete -c daemonize -n 'not __daemonize_program >/dev/null' -s m -l umask -x -d 'file mode creation mask (default 0)'
complete -c daemonize -n 'not __daemonize_program >/dev/null' -s o -l stdout -r -F -d 'standard output goes here (default /dev/null)'
complete -c daemonize -n 'not __daemonize_program >/dev/null' -s e -l stderr -r -F -d 'standard error goes here (default: beside stdout)'
complete -c daemonize -n 'not __daemonize_program >/dev/null' -s a -l append -d 'append to both files instead of emptying them'
complete -c daemonize -n 'not __daemonize_program >/dev/null' -s l -l lock -r -F -d 'lock this file instead of the pidfile'
complete -c daemonize -n 'not __daemonize_program >/dev/null' -l no-lock -d 'lock nothing'
complete -c daemonize -n 'not __daemonize_program >/dev/null' -s E -l env -x -d 'set a variable for the program; repeatable'
complete -c daemonize -n 'not __daemonize_program >/dev/null' -s u -l user -x -a '(__fish_complete_users)' -d 'run as this user, by name or number'
complete -c daemonize -n 'not __daemonize_program >/dev/null' -s g -l group -x -a '(__fish_complete_groups)' -d 'run as this group, by name or number'
complete -c daemonize -n 'not __daemonize_program >/dev/null' -l chown -x -a 'logs all none' -d 'files that the user is given (default logs)'
complete -c daemonize -n 'not __daemonize_program >/dev/null' -s f -l foreground -d 'do not fork: for a terminal or a supervisor'
complete -c daemonize -n 'not __daemonize_program >/dev/null' -l no-close-fds -d 'leave inherited descriptors open'
complete -c daemonize -n 'not __daemonize_program >/dev/null' -l keep-fd -x -d 'leave descriptor N open; repeatable'
complete -c daemonize -n 'not __daemonize_program >/dev/null' -s t -l timeout -x -d 'wait no longer than this (default 0: without limit)'
complete -c daemonize -n 'not __daemonize_program >/dev/null' -l on-timeout -x -a 'end leave' -d 'what becomes of a program that is late (default end)'
complete -c daemonize -n 'not __daemonize_program >/dev/null' -l ready -x -a 'exec notify fd:' -d 'what counts as started (default exec)'
complete -c daemonize -n 'not __daemonize_program >/dev/null' -l explain -d 'do nothing; show what would be done, and why'
complete -c daemonize -n 'not __daemonize_program >/dev/null' -l trace -F -d 'show each call of the start; FILE may end in .json'
complete -c daemonize -n 'not __daemonize_program >/dev/null' -s v -l verbose -d 'say on stderr what will be done'
complete -c daemonize -n 'not __daemonize_program >/dev/null' -s h -l help -d 'print this and exit'
complete -c daemonize -n 'not __daemonize_program >/dev/null' -s V -l version -d 'print the version and exit'
