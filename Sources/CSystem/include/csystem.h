#ifndef CSYSTEM_H
#define CSYSTEM_H

// What Swift's Glibc module cannot express: variadic calls, macros, and calls newer than its headers.

#include <stdint.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/types.h>

/// How a child is started: its working folder, its stdin, stdout and stderr; the session is its own.
struct csystem_child {
    const char *path;
    char *const *argv;
    char *const *envp;
    const char *workdir;
    int null;
    int out;
    int err;
    /// What `csystem_altered_signals` said.
    uint64_t altered_signals;
    /// It is killed when the thread that starts it ends, or is killed with all others.
    int ends_with_caller;
    /// The open `cgroup.procs` of the control group that it is to be in; -1 is that of its parent.
    int cgroup;
};

/// The signals of which this process, or the one that started it, has changed what they do: bit n - 1 for signal n.
uint64_t csystem_altered_signals(void);

/// Starts a session leader with default signal dispositions, an empty mask, and no descriptor but those. 0 or an errno.
int csystem_spawn(const struct csystem_child *child, pid_t *pid);

int csystem_pidfd_open(pid_t pid);

int csystem_pidfd_kill(int pidfd, int signal);

/// 1: exited with *value; 2: ended by signal *value; 0: not ended yet; -1: errno is set.
int csystem_pidfd_reap(int pidfd, int *value);

/// Whether it has ended; it can still be reaped then.
int csystem_pidfd_has_ended(int pidfd);

int csystem_epoll_add(int epoll, int fd, uint64_t tag);

/// A pipe with both ends close-on-exec; the end to read does not block. 0 or -1.
int csystem_pipe(int ends[2]);

/// Copy-on-write copy of a whole file; -1 where the file system cannot.
int csystem_reflink(int to, int from);

/// Orphans of the tasks become children of the caller, who can then wait for them.
int csystem_become_subreaper(void);

/// Ended children stay until they are waited for, also when the caller's parent had SIGCHLD ignored.
int csystem_keep_ended_children(void);

/// From now on this thread's children end without a signal to this process: each would wake a thread that waits for
/// other signals.
void csystem_drop_child_signals(void);

/// Processors that this process may run on.
int csystem_usable_cpus(void);

/// Takes the kernel lock on the file `path`, which is made when missing, and writes `holder` into it.
/// Returns the descriptor to keep open, or -1: errno is EWOULDBLOCK when another process has it, and `other`
/// (of `size` bytes) then holds what that one wrote.
int csystem_lock(const char *path, const char *holder, char *other, int size);

/// Blocks SIGINT, SIGTERM, SIGHUP and SIGUSR1 in the calling thread and those it makes; ignores SIGPIPE.
void csystem_block_stop_signals(void);

/// Lets them end the process, except SIGUSR1, which stays blocked: for a command that has nobody who waits for them.
void csystem_let_stop_signals_end(void);

/// Waits for one of them; returns its number.
int csystem_wait_stop_signal(void);

/// Opens /dev/null for those of stdin, stdout and stderr that are closed, so that no other file gets their number.
void csystem_open_standard_descriptors(void);

/// One heap for all threads, and what is freed stays in it: a run makes and drops large arrays, and each time the kernel
/// would take their pages away and clear new ones.
void csystem_keep_memory(void);

/// Whether this process could have `count` threads more, at most 16. 0 or an errno.
///
/// To be asked before the runtime of Swift needs them: where it gets none it waits, in silence and for ever.
int csystem_spare_threads(int count);

/// Restores the default action of `signal` and raises it.
void csystem_die_of(int signal);

/// Also keeps back what else concerns one who draws on a terminal: SIGQUIT, SIGTSTP, SIGWINCH. For
/// csystem_wait_screen_signal, and before there are other threads.
void csystem_block_screen_signals(void);

/// The next of these and of the stop signals but SIGUSR1; 0 when none came within `milliseconds`.
int csystem_wait_screen_signal(int milliseconds);

/// The columns of a terminal that a character takes, 0 for a mark on the one before it; -1 for one that is not printed.
int csystem_columns(uint32_t character);

/// Brings all of the file system that holds the open file `fd` to the disk. 0 or -1, with errno set.
int csystem_syncfs(int fd);

/// A named step between two changes on the disk, at which a test can have this process killed; in debug builds only.
///
/// Its name is added to the file that SATURN_TEST_STEPS names. At the step that SATURN_TEST_DIE_AT names, as "name" or
/// "name:n" for the n-th time, the process kills itself.
void csystem_step(const char *name);

/// From now on `call` hears of the steps of this thread, until it is NULL; in debug builds only.
void csystem_on_step(void (*call)(const char *, void *), void *context);

#endif
