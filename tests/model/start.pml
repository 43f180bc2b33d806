/* start.pml - one start as a Spin model: launcher, session leader, daemon, a worker, and the channel between them.
 *
 *   sh tests/model/run.sh
 *
 * Every order of their steps is searched.  At any point any of them may be killed (SIGKILL); leader or daemon may be
 * stopped for good, and the limit pass; one send may fail.  What must hold then is at the end of this file.
 *
 * Each block names the functions that it models in brackets, after their file, and behind each what it takes it for:
 * words of its body, in their order.  names.py checks that they are there.
 * Each #ifdef is a deliberate mistake; run.sh makes them one at a time, and the search must find every one.
 *
 * Modelled: the three processes from the first fork to the launcher's end; the channel, with room for one message, so
 * that it is full whenever it can be, and broken as soon as nobody reads; a limit, an announced exec, a program that
 * says that it is ready, a worker that holds copies of the daemon's descriptors; who holds the lock; whom the pidfile
 * names; when a number may be another's.
 * Not modelled: what the steps do (tests/process), one failing call at a time but for fork, setsid, a step and a send
 * (the torture has each), a program that leaves its session, MAINPID=, texts, EINTR, short counts, and time but for
 * "the limit has passed".  Taken for granted: a SIGKILL works in the end, within the time that the launcher gives it. */

#define LAUNCHER 0
#define LEADER 1
#define DAEMON 2
#define WORKER 3 /* forked by the daemon before it is ready, with copies of its descriptors */

/* ---- what the system keeps ---- */

mtype = { UNBORN, RUNNING, ZOMBIE, REAPED };
mtype state[4] = UNBORN;
mtype = { ZERO, NONZERO, SIGNAL };
mtype status[4] = ZERO; /* how it ended */
bool dying[4];          /* it has called exit, or was sent SIGKILL: it does nothing more, and the kernel clears up */
bool session;           /* the leader has one of its own: kill(-leader) finds who is in it */
bool execed;            /* PF_FORKNOEXEC is clear: the daemon runs a program */

mtype = { HANDLES, READY, ANNOUNCED, FAILED };
chan up = [1] of { mtype }; /* to the launcher; room for one, so that it is full whenever it can be */
bool up_end[4];             /* who holds the daemon's end of the channel */
bool down_end[4];           /* who holds the launcher's end */
bool go, no_go;             /* to the daemon: the byte "go"; shutdown(SHUT_WR) */
bool ear_end, ear;          /* the program's end of the readiness descriptor; its newline */

bool lock[4];               /* who holds the locked file: a fork shares it */
bool pidfile;               /* it names the daemon */
bool page_pid, page_left;   /* the shared page */

/* ---- how it was started, and what the environment does ---- */

mtype = { CALLS_READY, EXECS, EXECS_AND_SAYS_READY };
mtype way = CALLS_READY;
bool limited;        /* --timeout */
bool handles;        /* /proc and pidfds are there, and could be passed to the launcher */
bool unreliable = true; /* one send may fail for no reason of ours */
bool stopped;        /* leader or daemon stands still for good */

/* ---- what came of it: seen by the claims alone ---- */

mtype = { SUCCESS, TOLD, LATE, UNREADABLE, UNREADY };
mtype code = SUCCESS;    /* exit 0; what was told; 75; 71; 1 */
bool over;               /* the launcher has ended by itself, with that code */
bool ready;              /* the daemon called "ready"; or its program runs; or its program said so: as was asked */
bool said, announced;    /* a verdict is in the channel; the announcement is */
bool presumed;           /* announced, and the system cannot tell: the manual says where */
bool told_too_early, stranger_hit, strayed, too_early;

#define alive(p) (state[p] == RUNNING)
#define dead(p) (state[p] == ZOMBIE || state[p] == REAPED)
#define up_closed (!up_end[LAUNCHER] && !up_end[LEADER] && !up_end[DAEMON] && !up_end[WORKER])
#define down_closed (!down_end[LAUNCHER] && !down_end[LEADER])
#define lock_held (lock[DAEMON] || lock[WORKER])

#define exits(p, how) d_step { status[p] = how; dying[p] = true }
#define kill_(p) if :: alive(p) && !dying[p] -> status[p] = SIGNAL; dying[p] = true :: else fi
#define kill(p) d_step { true -> kill_(p) }

/* The kernel closes what a process has open, and only then can its parent, or a pidfd, see that it is dead. */
#define unless_dying(p) unless { \
    d_step { dying[p] -> up_end[p] = false; down_end[p] = false; lock[p] = false; if :: p == DAEMON -> ear_end = false :: else fi }; \
    state[p] = ZOMBIE }

inline begin(p, parent)
{
    state[p] = RUNNING; up_end[p] = up_end[parent]; down_end[p] = down_end[parent]; lock[p] = lock[parent]
}

/* SIGSTOP, a debugger, a disk that does not answer: only a limit helps. */
#define may_stop(place) if :: true :: limited -> stopped = true; place: false fi

/* Waits for room; an error where nobody reads.  [context.c: send_all(send MSG_NOSIGNAL BLIVET_NOTIFY_FAILED)]
 * [handles.c: send_handles(sendmsg MSG_NOSIGNAL)] */
inline send(what, sent)
{
    if
    :: d_step { nfull(up) && !down_closed -> up!what; sent = true;
                said = said || what == READY || what == FAILED; announced = announced || what == ANNOUNCED }
    :: down_closed -> sent = false
    :: d_step { unreliable -> unreliable = false; sent = false }
    fi
}

/* ---- the launcher ---- */

/* With the handles the kernel's own word; without them, whether anybody has the number.
 * [watch.c: blivet_is_dead(pidfd stat BLIVET_PF_EXITING kill ESRCH)] */
#define looks_dead (handles -> dead(DAEMON) : (!page_pid || state[DAEMON] == REAPED))
/* [watch.c: blivet_has_execed(read_stat blivet_judge BLIVET_STARTED)] */
#define runs_program (handles && execed && state[DAEMON] != REAPED)

proctype launcher()
{
    bool leader_ended, handed, going, late, unreadable, ended, readable, seen_dead, started;
    mtype byte_, verdict = HANDLES; /* HANDLES: nothing yet */
    {
        /* [daemonize.c: first_fork(open_channel shut_signals_out fork blivet_launcher_waits)] */
        atomic { begin(LEADER, LAUNCHER); run leader() }

        /* [launcher.c: blivet_launcher_waits(channel see_leader_off await_verdict conclude reap_leader blivet_await_group
         * _exit)] */
#ifndef KEEPS_DAEMONS_END
        up_end[LAUNCHER] = false;
#endif

        /* Until the leader has ended, or the limit has passed; not reaped.
         * [launcher.c: await_leader(left_ms blivet_wait_for WNOWAIT unreadable leader_ended late leader_status)] */
        if
        :: state[LEADER] == ZOMBIE -> leader_ended = true
#ifndef LIMIT_FOR_THE_VERDICT_ONLY
        :: limited -> late = true
#endif
        fi;
#ifdef REAPS_EARLY
        if :: leader_ended -> state[LEADER] = REAPED :: else fi;
#endif

        /* [launcher.c: see_leader_off(await_leader leader_ended pid blivet_receive_handles unreadable say_go shutdown)]
         * [handles.c: blivet_receive_handles(recvmsg MSG_DONTWAIT)] */
        if
        :: leader_ended && (status[LEADER] == ZERO || page_pid) ->
            if
            :: up?byte_ -> handed = true; if :: byte_ == HANDLES -> handles = true :: true fi
            :: empty(up) -> unreadable = (status[LEADER] == ZERO)
            fi
        :: else
        fi;
        byte_ = 0;
        /* [launcher.c: say_go(send MSG_NOSIGNAL EPIPE unreadable)] */
        if
        :: leader_ended && status[LEADER] == ZERO && handed ->
            if
            :: d_step { !up_closed -> go = true; going = true }
            :: up_closed
            :: d_step { unreliable -> unreliable = false; unreadable = true }
            fi
        :: else
        fi;
#ifndef NO_SHUTDOWN
        no_go = (leader_ended && !going);
#endif

        /* The first complete verdict, a death, the limit: whichever comes first.
         * [launcher.c: await_verdict(is_concluded await_event dead read_channel BLIVET_ANNOUNCED blivet_has_execed ended late),
         * await_event(poll nap dead blivet_is_dead unreadable), is_concluded(blivet_decode ended unreadable late BLIVET_WAITING BLIVET_ANNOUNCED), nap(pidfd BLIVET_ANNOUNCED
         * left_ms), read_channel(recv MSG_DONTWAIT ECONNRESET ended unreadable dead ended)] */
        do
        :: late || unreadable || ended || verdict == READY || verdict == FAILED -> break
        :: else ->
#ifndef READS_TO_THE_END
            d_step {
                (nempty(up) || up_closed || looks_dead || (verdict == ANNOUNCED && runs_program) || limited);
                readable = nempty(up) || up_closed;
                seen_dead = looks_dead /* before reading: what it said before it died counts */
            }
#else
            d_step { (nempty(up) || up_closed || limited) -> readable = nempty(up) || up_closed }
#endif
#ifdef LOOKS_AFTER_READING
            seen_dead = looks_dead;
#endif
            if
            :: (readable || seen_dead) && nempty(up) -> up?verdict
#ifdef LOOKS_AFTER_READING
            :: !readable && seen_dead -> ended = true
#else
            :: (readable || seen_dead) && empty(up) -> ended = true
#endif
            :: !readable && !seen_dead && verdict == ANNOUNCED && runs_program -> ended = true
            :: !readable && !seen_dead && !(verdict == ANNOUNCED && runs_program) -> late = true
            fi
        od;

        /* [launcher.c: judge_silence(blivet_gather blivet_judge BLIVET_STARTED)] [watch.c: blivet_gather(announced read_stat
         * ask_pidfd alive)] [verdict.c: blivet_judge(BLIVET_PF_FORKNOEXEC announced BLIVET_STARTED BLIVET_PF_EXITING
         * BLIVET_HUNG_UP BLIVET_DIED alive exited)] */
        if
        :: handles && state[DAEMON] != REAPED -> started = (verdict == ANNOUNCED && execed)
        :: handles && state[DAEMON] == REAPED -> started = (verdict == ANNOUNCED && status[DAEMON] != SIGNAL)
        :: !handles -> started = (verdict == ANNOUNCED); presumed = started
        fi;
#ifdef SILENCE_IS_SUCCESS
        started = true;
#endif
#ifdef ANNOUNCED_IS_STARTED
        started = (verdict == ANNOUNCED);
#endif

        /* [launcher.c: conclude(BLIVET_READY BLIVET_FAILED late unreadable judge_silence await_readiness left blivet_end_daemon
         * blivet_clean_up_after_dead), await_readiness(ready hung_up dead late unreadable await_event blivet_hear dead late)]
         * [readiness.c: blivet_hear(hear_notices hear_newline)] */
        if
        :: verdict == READY -> code = SUCCESS
        :: verdict == FAILED -> code = TOLD
        :: verdict != READY && verdict != FAILED && late -> code = LATE
        :: verdict != READY && verdict != FAILED && !late && unreadable -> code = UNREADABLE
        :: else ->
            if
            :: !started -> code = UNREADY
            :: started && way != EXECS_AND_SAYS_READY -> code = SUCCESS
            :: started && way == EXECS_AND_SAYS_READY ->
                d_step {
                    (ear || !ear_end || looks_dead || limited);
                    late = !ear && ear_end && !looks_dead;
                    code = (ear -> SUCCESS : (late -> LATE : UNREADY))
                }
            fi
        fi;

        if
        :: code == SUCCESS
        :: code == LATE -> page_left = true /* --on-timeout=leave */
        :: code != SUCCESS ->
            /* SIGTERM, and after a while SIGKILL, by the leader's number, which is still its own, and by the pidfd.
             * [watch.c: blivet_end_daemon(SIGTERM leader_ended SIGCONT await_death SIGKILL await_death await_silence),
             * signal_daemon(leader_ended kill kill pidfd_send_signal blivet_is_certainly_alive kill)] */
            if :: true :: kill(DAEMON) fi;
            if :: !leader_ended -> kill(LEADER) :: else fi;
#ifndef KILLS_THE_DAEMON_ONLY
            d_step {
                stranger_hit = (state[LEADER] == REAPED && dead(DAEMON) && !alive(WORKER));
                if :: session -> kill_(LEADER); kill_(DAEMON); kill_(WORKER) :: else fi
            }
#endif
            if :: handles -> kill(DAEMON) :: else fi;
            /* [watch.c: await_death(blivet_is_dead), await_silence(channel recv)] */
            looks_dead;
#ifndef KILLS_THE_DAEMON_ONLY
            up_closed;
#endif
            /* What was killed may take a moment to let go of the lock.
             * [pidfile.c: blivet_clean_up_after_dead(is_of_dead lock_of_dead is_of_dead remove_or_empty), lock_of_dead(flock LOCK_NB
             * EWOULDBLOCK read_pid)] */
#ifndef LEAVES_THE_PIDFILE
            if
            :: page_pid && pidfile -> d_step { !lock_held -> pidfile = false }
            :: else
            fi
#endif
        fi;

        /* [launcher.c: reap_leader(blivet_wait_for leader_ended left kill SIGKILL)] [watch.c: blivet_wait_for(waitid WEXITED),
         * blivet_await_group(kill leader)] */
        if
        :: state[LEADER] == ZOMBIE -> state[LEADER] = REAPED
        :: state[LEADER] == REAPED
        :: !leader_ended && page_left
        fi;
#ifndef KILLS_THE_DAEMON_ONLY
        (code == SUCCESS || page_left || (!alive(DAEMON) && !alive(WORKER)));
#endif
        over = true;
        exits(LAUNCHER, ZERO); false
    } unless {
        d_step { /* what it knew makes no difference any more */
            dying[LAUNCHER] -> up_end[LAUNCHER] = false; down_end[LAUNCHER] = false; state[LAUNCHER] = ZOMBIE;
            leader_ended = false; handed = false; going = false; late = false; unreadable = false; ended = false;
            readable = false; seen_dead = false; started = false; byte_ = 0; verdict = 0
        }
    }
}

/* ---- the session leader ---- */

proctype leader()
{
    bool sent;
    {
        /* [daemonize.c: first_fork(SESSION_LEADER launcher_end blivet_place_ready_fd)] */
        down_end[LEADER] = false;
        /* [daemonize.c: new_session(setsid)] */
        if :: session = true :: goto fails fi;
        may_stop(end_0);
        /* [daemonize.c: second_fork(fork leave_daemon_to_launcher)] */
        if
        :: atomic { true -> begin(DAEMON, LEADER); ear_end = true; run daemon() }
        :: goto fails
        fi;
        may_stop(end_1);
        /* [daemonize.c: leave_daemon_to_launcher(pid blivet_send_handles _exit)]
         * [handles.c: blivet_send_handles(blivet_open_stat pidfd_open send_handles send_handles)] */
        page_pid = true;
        send(HANDLES, sent);
        may_stop(end_2);
        exits(LEADER, (sent -> ZERO : NONZERO)); false;

        /* It does not wait for "go": it is the one that the launcher waits for.
         * [daemonize.c: give_up(blivet_withdraw_pidfile blivet_tell_failure _exit)]
         * [context.c: blivet_tell_failure(told DAEMON blivet_await_go send_all)] */
fails:
#ifdef LEADER_WAITS_FOR_GO
        (go || no_go || down_closed);
#endif
        send(FAILED, sent);
        exits(LEADER, NONZERO); false
    } unless_dying(LEADER)
}

/* ---- the daemon ---- */

/* False: there is no launcher, and it has not left us to ourselves.
 * [context.c: blivet_await_go(has_go recv left has_go)] */
inline await_go()
{
    if
    :: go -> has_go = true
    :: !go && (no_go || down_closed) -> has_go = page_left
#ifdef NO_GO
    :: has_go = true
#endif
    fi
}

proctype daemon()
{
    bool has_go, sent;
    {
        /* [daemonize.c: second_fork(DAEMON), note_own_pid(getpid pid page)] */
        page_pid = true;
        /* [pidfile.c: blivet_take_lock(open_lock lock), blivet_write_pidfile(open_locked replace_content)] */
        if :: lock[DAEMON] = true :: goto fails fi;
        if :: pidfile = true :: goto fails fi;
        /* [daemonize.c: take_all_steps(blivet_take_lock blivet_write_pidfile blivet_close_inherited hand_over)] */
        may_stop(end_0);
        if :: true :: goto fails fi;
        /* [daemonize.c: hand_over(blivet_await_go STEP_APPLICATION)] */
        await_go();
        if :: has_go :: else -> goto fails fi;

        /* The application's own start. */
        too_early = (!page_left && !dead(LEADER));
        if
        :: true
        :: atomic { (handles || limited) -> begin(WORKER, DAEMON); run worker() } /* else exec cannot be told while it holds the channel */
        fi;
        may_stop(end_1);
        if
        :: true
        /* [context.c: blivet_fail(take_pidfile_away blivet_tell_failure announced SIGKILL exit),
         * blivet_close(take_pidfile_away told blivet_tell_failure)] */
        :: goto fails
        :: exits(DAEMON, ZERO); false           /* exit, without a word */
        :: (limited || state[WORKER] == UNBORN) -> /* else it is one that never answers */
            strayed = true;
            if :: true :: execed = true fi;     /* exec, without a word */
            up_end[DAEMON] = false;             /* closefrom(3) */
            goto serves
        fi;
        if :: true :: way = EXECS; goto execs :: way = EXECS_AND_SAYS_READY; goto execs fi;

        /* [context.c: blivet_notify_parent(announced tell_success BLIVET_BYTE_READY hang_up), tell_success(left send_all)] */
        if
        :: page_left
        :: !page_left ->
            ready = true;
            send(READY, sent);
            if :: sent :: else -> ready = false; goto fails fi
        fi;
        up_end[DAEMON] = false;
        goto serves;

execs:  /* [context.c: blivet_announce_exec(announced tell_success BLIVET_BYTE_EXEC announced)] */
        if
        :: page_left
        :: !page_left ->
            send(ANNOUNCED, sent);
#ifndef EXECS_ALL_THE_SAME
            if :: sent :: else -> goto fails fi
#endif
        fi;
        /* It clears the flag before it closes the channel.
         * [command.c: become_program(blivet_announce_exec program_exec blivet_report_error)] */
        if
        :: d_step { execed = true; ready = (way == EXECS) }
        :: goto fails
        fi;
        up_end[DAEMON] = false;
        if
        :: way == EXECS_AND_SAYS_READY -> may_stop(end_2); d_step { ear = true; ready = true }
        :: ear_end = false
        :: way == EXECS || limited /* it has nothing to say, or does not say it */
        fi;
serves:
        if
        :: exits(DAEMON, ZERO)
        :: true
        fi;
end_serves:
        false;

        /* [daemonize.c: give_up(blivet_withdraw_pidfile blivet_tell_failure _exit)]
         * [pidfile.c: blivet_withdraw_pidfile(pidfile_ours read_pid remove_or_empty)]
         * [context.c: blivet_tell_failure(blivet_await_go send_all)] */
fails:
#ifndef TELLS_BEFORE_CLEANING_UP
        pidfile = false;
#endif
        if :: has_go :: else -> await_go() fi;
        if
        :: has_go -> send(FAILED, sent); told_too_early = (sent && pidfile)
        :: else
        fi;
        pidfile = false;
        /* Who announced an exec and exits without a word would pass for the program.
         * [context.c: blivet_fail(announced raise SIGKILL exit)] */
#ifdef EXITS_UNHEARD
        exits(DAEMON, NONZERO);
#else
        exits(DAEMON, (announced && !sent -> SIGNAL : NONZERO));
#endif
        false
    } unless_dying(DAEMON)
}

proctype worker()
{
    {
        true;
end_works:
        false
    } unless_dying(WORKER)
}

/* ---- the environment ---- */

/* SIGKILL, from whoever: any of them, at any point. */
proctype killer()
{
end_:
    do
    :: alive(LAUNCHER) && !over && !dying[LAUNCHER] -> kill(LAUNCHER)
    :: alive(LEADER) && !over && !dying[LEADER] -> kill(LEADER)
    :: alive(DAEMON) && !over && !dying[DAEMON] -> kill(DAEMON)
    :: true -> break
    od
}

/* An orphan is reaped by process 1, when it likes; its number may then be another's. */
proctype reaper()
{
end_:
    state[DAEMON] == ZOMBIE && dead(LEADER) -> state[DAEMON] = REAPED
}

init {
    if :: limited = true :: true fi;
    atomic { /* [daemonize.c: open_channel(mmap socketpair launcher_end channel)] */
        state[LAUNCHER] = RUNNING; up_end[LAUNCHER] = true; down_end[LAUNCHER] = true;
        run launcher(); run killer(); run reaper()
    }
}

/* ---- what must hold ---- */

#define nothing_left (!alive(LEADER) && !alive(DAEMON) && !alive(WORKER) && !lock_held && !pidfile)

/* The launcher always ends. */
ltl ends { <> dead(LAUNCHER) }

/* Exit 0 only if the daemon is ready, or runs the program that it announced (NTF-13). */
#define TRUTH (!(over && code == SUCCESS) || ready || presumed)
ltl truth { [] TRUTH }

/* With any other exit nothing is left: no process, no lock, no pidfile that names it (NTF-13, NTF-11). */
#define NOTHING (!(over && code != SUCCESS && !page_left) || nothing_left)
ltl nothing { [] NOTHING }

/* It is called silence only if nothing was said (NTF-16). */
#define HEARD (!(over && code == UNREADY) || !said)
ltl heard { [] HEARD }

/* A failing daemon cleans up before it tells (PID-9). */
#define CLEANED (!told_too_early)
ltl cleaned { [] CLEANED }

/* No signal is sent to whoever has been given the leader's number since (NTF-11). */
#define STRANGERS (!stranger_hit)
ltl strangers { [] STRANGERS }

/* The application's own code runs only once the leader is gone (NTF-17). */
#define ORPHAN (!too_early)
ltl orphan { [] ORPHAN }

/* The last six in one search. */
ltl always { [] (TRUTH && NOTHING && HEARD && CLEANED && STRANGERS && ORPHAN) }

/* A launcher that dies while it waits takes the start with it (NTF-13): the daemon ends, and if it can, it cleans up.
 * Not one that is stopped, or has let go of the channel. */
ltl together { [] (dead(LAUNCHER) && !over && !said && !announced && !page_left ->
                   <> ((dead(DAEMON) || state[DAEMON] == UNBORN) && (!pidfile || status[DAEMON] != NONZERO) || stopped || strayed)) }
