# daemoncheck.fish - completion for fish.  Made by make.py from daemoncheck.def: change these, not this file.

complete -c daemoncheck -f -a '(__fish_complete_pids)'
complete -c daemoncheck -s p -l pidfile -r -F -d 'judge this pidfile and whom it names'
complete -c daemoncheck -l format -x -a 'text json' -d 'for people or for machines (default text)'
complete -c daemoncheck -s h -l help -d 'print this and exit'
complete -c daemoncheck -s V -l version -d 'print the version and exit'
