/* check_facts.h - what was read of a process and its pidfile: from check_read.c to check_judge.c. */
#ifndef DAEMONCHECK_FACTS_H
#define DAEMONCHECK_FACTS_H
#include "../syscall/ops.h"
#include "check_parse.h"

enum { CHECK_NAME = 256 };

struct check_fd {
    int number;
    struct stat file;
    struct check_fdinfo info;
    char target[CHECK_NAME]; /* what the link of /proc says; cut where it is longer */
};

struct check_relative { /* the parent, and the leader of the session */
    bool alive;
    struct check_stat stat;
};

struct check_pidfile {
    const char *path; /* NULL: none was given */
    struct stat link, file;
    enum check_content content;
    pid_t named;       /* by the content */
    bool locks_seen;   /* /proc/locks */
    pid_t locker;      /* as check_parse_locks() has it */
    bool place_seen;          /* all of the way to it */
    char open_to[CHECK_NAME]; /* a directory or link on the way that others can change; "" for none */
    unsigned open_owner;
    bool open_mode; /* by its mode, not by its owner */
};

struct check_facts {
    unsigned observer; /* our own uid */
    struct check_stat stat;
    struct check_status status;
    struct check_relative parent, leader;
    char program[CHECK_NAME]; /* "": not seen */
    bool directory_seen, fds_seen;
    char directory[CHECK_NAME], root[CHECK_NAME], mount_point[CHECK_NAME];
    struct stat directory_file;
    bool waits_for_signal; /* in sigwait(3) or its like */
    struct check_fd *fds;  /* ascending */
    size_t fd_count, fd_room;
    struct check_pidfile pidfile;
};
#endif
