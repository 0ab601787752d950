#ifndef CLIBGIT2_H
#define CLIBGIT2_H

// libgit2, loaded when it is first needed: with the ten libraries that it brings along, starting a process that is
// linked with it costs more than most commands of saturn. The types are those of its own headers; its functions
// are those that forward.c names.

#if !__has_include(<git2.h>)
#error "the headers of libgit2 are missing: apt-get install libgit2-dev"
#endif

// What forwards is for this program alone: libgit2 itself and others who use it call each other directly.
#include <git2/common.h>
#undef GIT_EXTERN
#define GIT_EXTERN(type) extern __attribute__((visibility("hidden"))) type
#include <git2.h>

/// Loads libgit2, once. NULL, or why it cannot be; then no other function of it may be called.
const char *saturn_git_load(void);

// git_libgit2_opts is variadic, which Swift cannot call. Both hold for the whole process.

/// libgit2 1.5 knows no safe.directory=*, and calls a foreign owner "not found" when safe.directory is unset:
/// SaturnGit checks owners itself.
int saturn_git_leave_owners_unchecked(void);

/// Repository extensions that need nothing of a reader of the index and of HEAD's trees.
int saturn_git_accept_extensions(void);

#endif
