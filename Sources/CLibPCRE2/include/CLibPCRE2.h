#ifndef CLIBPCRE2_H
#define CLIBPCRE2_H

// Regular expressions by PCRE2, loaded when the first one is wanted: other commands are not to wait for it.

#include <stddef.h>
#include <stdint.h>

/// Loads PCRE2, once. NULL, or why it cannot be; then no other function may be called.
const char *saturn_pcre2_load(void);

/// What is wrong with an expression, and after how many of its bytes.
struct saturn_pcre2_problem {
    size_t offset;
    char words[256];
};

/// A compiled expression, for any number of threads at once; never freed. `^` and `$` match at every line, `.` takes no
/// newline, bytes that are not UTF-8 match nothing. NULL when it is wrong.
const void *saturn_pcre2_compile(
    const uint8_t *text, size_t length, int ignores_case, struct saturn_pcre2_problem *problem);

/// What one thread needs to look for it. NULL when there is no memory.
struct saturn_pcre2_matcher *saturn_pcre2_matcher_make(const void *expression);
void saturn_pcre2_matcher_free(struct saturn_pcre2_matcher *matcher);

/// The first match at or behind `start`: 1, and where it is; 0 for none; else a negative number of PCRE2's.
int saturn_pcre2_find(
    struct saturn_pcre2_matcher *matcher, const uint8_t *subject, size_t length, size_t start, size_t *from, size_t *to);

/// Whether the search was given up because the expression takes too many steps.
int saturn_pcre2_is_limit(int result);

#endif
