#include "CLibGit2.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stddef.h>
#include <string.h>

// Of the version whose headers these are: the layout of its structures is compiled in.
#define SONAME "libgit2.so." LIBGIT2_SOVERSION

// Every function of libgit2 that SaturnGit calls: result, name, parameters, arguments.
#define EACH_VALUE(FUNCTION) \
    FUNCTION( \
        int, git_attr_get, \
        (const char **value_out, git_repository *repo, uint32_t flags, const char *path, const char *name), \
        (value_out, repo, flags, path, name)) \
    FUNCTION( \
        int, git_commit_lookup, \
        (git_commit **commit, git_repository *repo, const git_oid *id), (commit, repo, id)) \
    FUNCTION(int, git_commit_tree, (git_tree **tree_out, const git_commit *commit), (tree_out, commit)) \
    FUNCTION(const git_oid *, git_commit_tree_id, (const git_commit *commit), (commit)) \
    FUNCTION( \
        int, git_config_add_file_ondisk, \
        (git_config *cfg, const char *path, git_config_level_t level, const git_repository *repo, int force), \
        (cfg, path, level, repo, force)) \
    FUNCTION(int, git_config_get_bool, (int *out, const git_config *cfg, const char *name), (out, cfg, name)) \
    FUNCTION( \
        int, git_config_get_entry, \
        (git_config_entry **out, const git_config *cfg, const char *name), (out, cfg, name)) \
    FUNCTION( \
        int, git_config_multivar_iterator_new, \
        (git_config_iterator **out, const git_config *cfg, const char *name, const char *regexp), \
        (out, cfg, name, regexp)) \
    FUNCTION(int, git_config_next, (git_config_entry **entry, git_config_iterator *iter), (entry, iter)) \
    FUNCTION(int, git_config_open_default, (git_config **out), (out)) \
    FUNCTION(const git_diff_delta *, git_diff_get_delta, (const git_diff *diff, size_t idx), (diff, idx)) \
    FUNCTION(size_t, git_diff_num_deltas, (const git_diff *diff), (diff)) \
    FUNCTION(int, git_diff_options_init, (git_diff_options *opts, unsigned int version), (opts, version)) \
    FUNCTION( \
        int, git_diff_tree_to_index, \
        (git_diff **diff, git_repository *repo, git_tree *old_tree, git_index *index, const git_diff_options *opts), \
        (diff, repo, old_tree, index, opts)) \
    FUNCTION( \
        int, git_diff_tree_to_tree, \
        (git_diff **diff, git_repository *repo, git_tree *old_tree, git_tree *new_tree, const git_diff_options *opts), \
        (diff, repo, old_tree, new_tree, opts)) \
    FUNCTION(const git_error *, git_error_last, (void), ()) \
    FUNCTION( \
        int, git_ignore_path_is_ignored, \
        (int *ignored, git_repository *repo, const char *path), (ignored, repo, path)) \
    FUNCTION(size_t, git_index_entrycount, (const git_index *index), (index)) \
    FUNCTION(int, git_index_find, (size_t *at_pos, git_index *index, const char *path), (at_pos, index, path)) \
    FUNCTION( \
        int, git_index_find_prefix, \
        (size_t *at_pos, git_index *index, const char *prefix), (at_pos, index, prefix)) \
    FUNCTION(const git_index_entry *, git_index_get_byindex, (git_index *index, size_t n), (index, n)) \
    FUNCTION( \
        const git_index_entry *, git_index_get_bypath, \
        (git_index *index, const char *path, int stage), (index, path, stage)) \
    FUNCTION(const char *, git_index_path, (const git_index *index), (index)) \
    FUNCTION(int, git_index_read, (git_index *index, int force), (index, force)) \
    FUNCTION(int, git_index_set_caps, (git_index *index, int caps), (index, caps)) \
    FUNCTION(int, git_libgit2_init, (void), ()) \
    FUNCTION( \
        int, git_odb_hash, \
        (git_oid *out, const void *data, size_t len, git_object_t type), (out, data, len, type)) \
    FUNCTION(int, git_oid_fromstr, (git_oid *out, const char *str), (out, str)) \
    FUNCTION( \
        int, git_reference_name_to_id, \
        (git_oid *out, git_repository *repo, const char *name), (out, repo, name)) \
    FUNCTION(int, git_repository_config, (git_config **out, git_repository *repo), (out, repo)) \
    FUNCTION( \
        int, git_repository_hashfile, \
        (git_oid *out, git_repository *repo, const char *path, git_object_t type, const char *as_path), \
        (out, repo, path, type, as_path)) \
    FUNCTION(int, git_repository_index, (git_index **out, git_repository *repo), (out, repo)) \
    FUNCTION(int, git_repository_is_bare, (const git_repository *repo), (repo)) \
    FUNCTION( \
        int, git_repository_open_ext, \
        (git_repository **out, const char *path, unsigned int flags, const char *ceiling_dirs), \
        (out, path, flags, ceiling_dirs)) \
    FUNCTION(const char *, git_repository_path, (const git_repository *repo), (repo)) \
    FUNCTION(const char *, git_repository_workdir, (const git_repository *repo), (repo)) \
    FUNCTION(const git_tree_entry *, git_tree_entry_byindex, (const git_tree *tree, size_t idx), (tree, idx)) \
    FUNCTION( \
        int, git_tree_entry_bypath, \
        (git_tree_entry **out, const git_tree *root, const char *path), (out, root, path)) \
    FUNCTION(git_filemode_t, git_tree_entry_filemode_raw, (const git_tree_entry *entry), (entry)) \
    FUNCTION(const git_oid *, git_tree_entry_id, (const git_tree_entry *entry), (entry)) \
    FUNCTION(const char *, git_tree_entry_name, (const git_tree_entry *entry), (entry)) \
    FUNCTION(size_t, git_tree_entrycount, (const git_tree *tree), (tree)) \
    FUNCTION(int, git_tree_lookup, (git_tree **out, git_repository *repo, const git_oid *id), (out, repo, id))

// Those without a result.
#define EACH_VOID(FUNCTION) \
    FUNCTION(void, git_commit_free, (git_commit *commit), (commit)) \
    FUNCTION(void, git_config_entry_free, (git_config_entry *entry), (entry)) \
    FUNCTION(void, git_config_free, (git_config *cfg), (cfg)) \
    FUNCTION(void, git_config_iterator_free, (git_config_iterator *iter), (iter)) \
    FUNCTION(void, git_diff_free, (git_diff *diff), (diff)) \
    FUNCTION(void, git_index_free, (git_index *index), (index)) \
    FUNCTION(void, git_repository_free, (git_repository *repo), (repo)) \
    FUNCTION(void, git_tree_entry_free, (git_tree_entry *entry), (entry)) \
    FUNCTION(void, git_tree_free, (git_tree *tree), (tree))

#define POINTER(result, name, parameters, arguments) __typeof__(&name) name;
static struct {
    EACH_VALUE(POINTER)
    EACH_VOID(POINTER)
    __typeof__(&git_libgit2_opts) git_libgit2_opts;
} real;

// Why it could not be loaded.
static const char *problem;

static void *found(void *library, const char *name) {
    void *symbol = dlsym(library, name);
    if (symbol == NULL && problem == NULL) problem = strdup(dlerror());
    return symbol;
}

static void load(void) {
    // Never closed: the process ends first.
    void *library = dlopen(SONAME, RTLD_LAZY | RTLD_LOCAL);
    if (library == NULL) {
        problem = strdup(dlerror());
        return;
    }
#define FIND(result, name, parameters, arguments) real.name = (__typeof__(&name))found(library, #name);
    EACH_VALUE(FIND)
    EACH_VOID(FIND)
    FIND(int, git_libgit2_opts, (), ())
}

const char *saturn_git_load(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, load);
    return problem;
}

// What calls comes after a successful saturn_git_load; repeating it makes sure that all threads see the pointers.
#define FORWARD(result, name, parameters, arguments) \
    result name parameters { \
        saturn_git_load(); \
        return real.name arguments; \
    }
#define FORWARD_VOID(result, name, parameters, arguments) \
    void name parameters { \
        saturn_git_load(); \
        real.name arguments; \
    }
EACH_VALUE(FORWARD)
EACH_VOID(FORWARD_VOID)

int saturn_git_leave_owners_unchecked(void) {
    saturn_git_load();
    return real.git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
}

int saturn_git_accept_extensions(void) {
    const char *names[] = {"partialclone", "preciousobjects", "worktreeconfig"};
    saturn_git_load();
    return real.git_libgit2_opts(GIT_OPT_SET_EXTENSIONS, names, (size_t)3);
}

/// In place of the function of mbedtls, where the linker exports it (the Makefile asks for that): starting libgit2
/// would otherwise read the certificates of all authorities, which is four fifths of it, for connections that saturn
/// never makes. With none of them, none could be made.
__attribute__((visibility("default"))) int mbedtls_x509_crt_parse_file(void *chain, const char *path);

int mbedtls_x509_crt_parse_file(void *chain, const char *path) {
    (void)chain;
    (void)path;
    return 0;
}
