#include <git2.h>

/* git_libgit2_opts is variadic, which Swift cannot call. Both hold for the whole process. */

/* libgit2 1.5 knows no safe.directory=*, and calls a foreign owner "not found" when safe.directory is unset:
   SaturnGit checks owners itself. */
static inline int saturn_git_leave_owners_unchecked(void) {
    return git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
}

/* Repository extensions that need nothing of a reader of the index and of HEAD's trees. */
static inline int saturn_git_accept_extensions(void) {
    const char *names[] = {"partialclone", "preciousobjects", "worktreeconfig"};
    return git_libgit2_opts(GIT_OPT_SET_EXTENSIONS, names, (size_t)3);
}
