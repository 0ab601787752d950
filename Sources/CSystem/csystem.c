#define _GNU_SOURCE
#include "csystem.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <linux/fs.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wchar.h>

#ifndef P_PIDFD
#define P_PIDFD 3
#endif

uint64_t csystem_altered_signals(void) {
    uint64_t altered = 0;
    for (int number = 1; number <= 64; number++) {
        struct sigaction action;
        // Those that the C library keeps for itself are refused.
        if (sigaction(number, NULL, &action) == 0 && action.sa_handler != SIG_DFL) altered |= 1ULL << (number - 1);
    }
    return altered;
}

struct start {
    const struct csystem_child *child;
    pid_t parent;
    // Set by the child, which has the memory of its parent until it executes the program.
    int error;
};

/// What has a number above 2 is closed when the program is executed at the latest.
static void close_others(void) {
    if (close_range(3, ~0U, 0) == 0) return;
    long limit = sysconf(_SC_OPEN_MAX);
    for (int fd = 3; fd < limit; fd++) close(fd);
}

static int place(int fd, int number) {
    // A copy is not close-on-exec; a descriptor that has the number already may be.
    return fd == number ? fcntl(fd, F_SETFD, 0) : dup2(fd, number);
}

/// The child, in the memory of its parent, which waits: nothing but system calls.
static int execute(void *argument) {
    struct start *start = argument;
    const struct csystem_child *child = start->child;
    struct sigaction standard = {.sa_handler = SIG_DFL};
    sigset_t none;
    sigemptyset(&none);
    // Before anything is its own: memory counts where it is taken.
    if (child->cgroup >= 0 && write(child->cgroup, "0", 1) != 1) {
        start->error = errno;
        _exit(127);
    }
    for (int number = 1; number <= 64; number++)
        if (child->altered_signals >> (number - 1) & 1) sigaction(number, &standard, NULL);
    if (setsid() < 0 || place(child->null, 0) < 0 || place(child->out, 1) < 0 || place(child->err, 2) < 0) {
        start->error = errno;
        _exit(127);
    }
    // The parent waits for this, unless it has been killed meanwhile.
    if (child->ends_with_caller && (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != start->parent)) _exit(127);
    // What saturn itself inherited, or a library opened without close-on-exec, is none of the task's.
    close_others();
    // Only now: before, a handler of the parent might have run in its memory.
    if (chdir(child->workdir) == 0 && sigprocmask(SIG_SETMASK, &none, NULL) == 0)
        execve(child->path, child->argv, child->envp);
    start->error = errno;
    _exit(127);
}

// posix_spawn asks for the disposition of each of 64 signals, for limits, and maps a stack, which together takes as long
// as all else that a start needs of its caller.
int csystem_spawn(const struct csystem_child *child, pid_t *pid) {
    // The caller waits until the child has left it.
    char stack[16384] __attribute__((aligned(16)));
    struct start start = {.child = child, .parent = getpid(), .error = 0};
    sigset_t all, before;
    sigfillset(&all);
    // Another child may end meanwhile: see csystem_drop_child_signals.
    sigdelset(&all, SIGCHLD);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    pid_t made = clone(execute, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, &start);
    int error = made < 0 ? errno : start.error;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (made > 0 && error) waitpid(made, NULL, 0);
    if (!error) *pid = made;
    return error;
}

void csystem_drop_child_signals(void) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGCHLD);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

int csystem_pidfd_open(pid_t pid) {
    return (int)syscall(SYS_pidfd_open, pid, 0);
}

int csystem_pidfd_kill(int pidfd, int signal) {
    return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0);
}

int csystem_pidfd_reap(int pidfd, int *value) {
    siginfo_t info = {0};
    if (waitid((idtype_t)P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG) != 0) return -1;
    if (info.si_pid == 0) return 0;
    *value = info.si_status;
    return info.si_code == CLD_EXITED ? 1 : 2;
}

int csystem_pidfd_has_ended(int pidfd) {
    siginfo_t info = {0};
    return waitid((idtype_t)P_PIDFD, (id_t)pidfd, &info, WEXITED | WNOHANG | WNOWAIT) != 0 || info.si_pid != 0;
}

int csystem_epoll_add(int epoll, int fd, uint64_t tag) {
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = tag};
    return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

int csystem_pipe(int ends[2]) {
    if (pipe2(ends, O_CLOEXEC) != 0) return -1;
    return fcntl(ends[0], F_SETFL, O_NONBLOCK);
}

int csystem_reflink(int to, int from) {
    return ioctl(to, FICLONE, from);
}

int csystem_usable_cpus(void) {
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) == 0) return CPU_COUNT(&set);
    return (int)sysconf(_SC_NPROCESSORS_ONLN);
}

int csystem_become_subreaper(void) {
    return prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
}

int csystem_keep_ended_children(void) {
    struct sigaction action;
    if (sigaction(SIGCHLD, NULL, &action) != 0) return -1;
    if (action.sa_handler != SIG_IGN && !(action.sa_flags & SA_NOCLDWAIT)) return 0;
    if (action.sa_handler == SIG_IGN) action.sa_handler = SIG_DFL;
    action.sa_flags &= ~SA_NOCLDWAIT;
    return sigaction(SIGCHLD, &action, NULL);
}

int csystem_lock(const char *path, const char *holder, char *other, int size) {
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    other[0] = 0;
    if (fd < 0) return -1;
    int taken = flock(fd, LOCK_EX | LOCK_NB);
    // Whoever only asks who has it takes it for a moment.
    for (int tries = 0; taken != 0 && errno == EWOULDBLOCK && tries < 10; tries++) {
        usleep(10000);
        taken = flock(fd, LOCK_EX | LOCK_NB);
    }
    if (taken != 0) {
        int error = errno;
        ssize_t count = pread(fd, other, (size_t)size - 1, 0);
        other[count > 0 ? count : 0] = 0;
        close(fd);
        errno = error;
        return -1;
    }
    // The text only helps people: a full disk must not keep a run from starting.
    if (ftruncate(fd, 0) == 0 && pwrite(fd, holder, strlen(holder), 0) < 0) return fd;
    return fd;
}

static void stop_signals(sigset_t *set) {
    sigemptyset(set);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGUSR1);
    // Under nohup it is ignored, and stays so.
    struct sigaction hangup;
    if (sigaction(SIGHUP, NULL, &hangup) != 0 || hangup.sa_handler != SIG_IGN) sigaddset(set, SIGHUP);
}

void csystem_block_stop_signals(void) {
    sigset_t set;
    stop_signals(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

void csystem_let_stop_signals_end(void) {
    sigset_t set;
    stop_signals(&set);
    sigdelset(&set, SIGUSR1);
    for (int number = 1; number < NSIG; number++)
        if (sigismember(&set, number) == 1) signal(number, SIG_DFL);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

int csystem_wait_stop_signal(void) {
    sigset_t set;
    stop_signals(&set);
    int number;
    do number = sigwaitinfo(&set, NULL);
    while (number < 0 && errno == EINTR);
    return number;
}

void csystem_open_standard_descriptors(void) {
    int fd;
    do fd = open("/dev/null", O_RDWR | O_CLOEXEC);
    while (fd >= 0 && fd <= 2);
    if (fd > 2) close(fd);
}

void csystem_keep_memory(void) {
    mallopt(M_ARENA_MAX, 1);
    mallopt(M_TOP_PAD, 1 << 20);
    mallopt(M_MMAP_THRESHOLD, 32 << 20);
    mallopt(M_TRIM_THRESHOLD, 64 << 20);
}

void csystem_die_of(int number) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, number);
    signal(number, SIG_DFL);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    raise(number);
}

static void *wait_for_word(void *gate) {
    pthread_rwlock_rdlock(gate);
    pthread_rwlock_unlock(gate);
    return NULL;
}

int csystem_spare_threads(int count) {
    pthread_rwlock_t gate = PTHREAD_RWLOCK_INITIALIZER;
    pthread_t threads[16];
    int made = 0, error = 0;
    if (count > 16) return EINVAL;
    // None ends before the last was made: all of them are to be there at once.
    pthread_rwlock_wrlock(&gate);
    while (made < count && (error = pthread_create(&threads[made], NULL, wait_for_word, &gate)) == 0) made++;
    pthread_rwlock_unlock(&gate);
    for (int index = 0; index < made; index++) pthread_join(threads[index], NULL);
    return error;
}

static void screen_signals(sigset_t *set) {
    stop_signals(set);
    sigdelset(set, SIGUSR1);
    sigaddset(set, SIGQUIT);
    sigaddset(set, SIGTSTP);
    sigaddset(set, SIGWINCH);
}

void csystem_block_screen_signals(void) {
    sigset_t set;
    screen_signals(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
}

int csystem_wait_screen_signal(int milliseconds) {
    sigset_t set;
    screen_signals(&set);
    struct timespec time = {milliseconds / 1000, milliseconds % 1000 * 1000000L};
    int number;
    do number = sigtimedwait(&set, NULL, &time);
    while (number < 0 && errno == EINTR);
    return number < 0 ? 0 : number;
}

int csystem_columns(uint32_t character) { return wcwidth((wchar_t)character); }

int csystem_syncfs(int fd) {
    return syncfs(fd);
}

#ifdef DEBUG

static struct {
    pthread_once_t once;
    pthread_mutex_t mutex;
    int steps;
    const char *name;
    size_t length;
    long left;
} test = {.once = PTHREAD_ONCE_INIT, .mutex = PTHREAD_MUTEX_INITIALIZER, .steps = -1};

static void read_test(void) {
    const char *steps = getenv("SATURN_TEST_STEPS");
    const char *die = getenv("SATURN_TEST_DIE_AT");
    if (steps) test.steps = open(steps, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (!die) return;
    // Whoever changes the environment later does not change this.
    test.name = strdup(die);
    if (!test.name) return;
    const char *colon = strchr(test.name, ':');
    test.length = colon ? (size_t)(colon - test.name) : strlen(test.name);
    test.left = colon ? strtol(colon + 1, NULL, 10) : 1;
}

static _Thread_local struct {
    void (*call)(const char *, void *);
    void *context;
} listener;

void csystem_on_step(void (*call)(const char *, void *), void *context) {
    listener.call = call;
    listener.context = context;
}

void csystem_step(const char *name) {
    if (listener.call) listener.call(name, listener.context);
    pthread_once(&test.once, read_test);
    if (test.steps < 0 && !test.name) return;
    pthread_mutex_lock(&test.mutex);
    char line[128];
    size_t length = strnlen(name, sizeof line - 1);
    memcpy(line, name, length);
    line[length] = '\n';
    // One write, so that processes that share the file do not mix their lines.
    if (test.steps >= 0 && write(test.steps, line, length + 1) < 0) test.steps = -1;
    if (test.name && strlen(name) == test.length && memcmp(name, test.name, test.length) == 0 && --test.left == 0)
        kill(getpid(), SIGKILL);
    pthread_mutex_unlock(&test.mutex);
}

#else

void csystem_on_step(void (*call)(const char *, void *), void *context) {
    (void)call;
    (void)context;
}

void csystem_step(const char *name) {
    (void)name;
}

#endif
