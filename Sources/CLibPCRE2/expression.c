#include "CLibPCRE2.h"

#if !__has_include(<pcre2.h>)
#error "the headers of PCRE2 are missing: apt-get install libpcre2-dev"
#endif

#define PCRE2_CODE_UNIT_WIDTH 8
#include <dlfcn.h>
#include <pcre2.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static struct {
    pcre2_compile_context *(*make_context)(pcre2_general_context *context);
    int (*set_newline)(pcre2_compile_context *context, uint32_t newline);
    pcre2_code *(*compile)(
        PCRE2_SPTR text, PCRE2_SIZE length, uint32_t options, int *number, PCRE2_SIZE *offset,
        pcre2_compile_context *context);
    void (*free_context)(pcre2_compile_context *context);
    int (*jit_compile)(pcre2_code *code, uint32_t options);
    pcre2_match_data *(*make_data)(uint32_t pairs, pcre2_general_context *context);
    void (*free_data)(pcre2_match_data *data);
    pcre2_match_context *(*make_match)(pcre2_general_context *context);
    void (*free_match)(pcre2_match_context *context);
    int (*set_limit)(pcre2_match_context *context, uint32_t limit);
    pcre2_jit_stack *(*make_stack)(PCRE2_SIZE start, PCRE2_SIZE most, pcre2_general_context *context);
    void (*free_stack)(pcre2_jit_stack *stack);
    void (*assign_stack)(pcre2_match_context *context, pcre2_jit_callback callback, void *stack);
    int (*match)(
        const pcre2_code *code, PCRE2_SPTR subject, PCRE2_SIZE length, PCRE2_SIZE start, uint32_t options,
        pcre2_match_data *data, pcre2_match_context *context);
    PCRE2_SIZE *(*places)(pcre2_match_data *data);
    int (*words)(int number, PCRE2_UCHAR *buffer, PCRE2_SIZE length);
} pcre2;

static const char *load_problem;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void) {
    void *library = dlopen("libpcre2-8.so.0", RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        load_problem = "libpcre2-8.so.0 cannot be loaded";
        return;
    }
    const struct {
        void *function;
        const char *name;
    } functions[] = {
        {&pcre2.make_context, "pcre2_compile_context_create_8"},
        {&pcre2.set_newline, "pcre2_set_newline_8"},
        {&pcre2.compile, "pcre2_compile_8"},
        {&pcre2.free_context, "pcre2_compile_context_free_8"},
        {&pcre2.jit_compile, "pcre2_jit_compile_8"},
        {&pcre2.make_data, "pcre2_match_data_create_8"},
        {&pcre2.free_data, "pcre2_match_data_free_8"},
        {&pcre2.make_match, "pcre2_match_context_create_8"},
        {&pcre2.free_match, "pcre2_match_context_free_8"},
        {&pcre2.set_limit, "pcre2_set_match_limit_8"},
        {&pcre2.make_stack, "pcre2_jit_stack_create_8"},
        {&pcre2.free_stack, "pcre2_jit_stack_free_8"},
        {&pcre2.assign_stack, "pcre2_jit_stack_assign_8"},
        {&pcre2.match, "pcre2_match_8"},
        {&pcre2.places, "pcre2_get_ovector_pointer_8"},
        {&pcre2.words, "pcre2_get_error_message_8"},
    };
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        void *found = dlsym(library, functions[i].name);
        if (!found) {
            load_problem = "libpcre2-8.so.0 lacks a function that every version has";
            return;
        }
        memcpy(functions[i].function, &found, sizeof found);
    }
}

const char *saturn_pcre2_load(void) {
    pthread_once(&once, load);
    return load_problem;
}

const void *saturn_pcre2_compile(
    const uint8_t *text, size_t length, int ignores_case, struct saturn_pcre2_problem *problem) {
    pcre2_compile_context *context = pcre2.make_context(NULL);
    if (context) pcre2.set_newline(context, PCRE2_NEWLINE_LF);
    uint32_t options = PCRE2_MULTILINE | PCRE2_UTF | PCRE2_MATCH_INVALID_UTF | PCRE2_NEVER_BACKSLASH_C;
    if (ignores_case) options |= PCRE2_CASELESS;
    int number;
    pcre2_code *code = pcre2.compile(text, length, options, &number, &problem->offset, context);
    if (context) pcre2.free_context(context);
    if (!code) {
        if (pcre2.words(number, (PCRE2_UCHAR *)problem->words, sizeof problem->words) < 0) problem->words[0] = 0;
        return NULL;
    }
    // Where no memory may be executed it is interpreted, with the same results.
    pcre2.jit_compile(code, PCRE2_JIT_COMPLETE);
    return code;
}

struct saturn_pcre2_matcher {
    const pcre2_code *code;
    pcre2_match_data *data;
    pcre2_match_context *context;
    pcre2_jit_stack *stack;
};

struct saturn_pcre2_matcher *saturn_pcre2_matcher_make(const void *expression) {
    struct saturn_pcre2_matcher *matcher = calloc(1, sizeof *matcher);
    if (!matcher) return NULL;
    matcher->code = expression;
    matcher->data = pcre2.make_data(1, NULL);
    matcher->context = pcre2.make_match(NULL);
    matcher->stack = pcre2.make_stack(1 << 15, 1 << 22, NULL);
    if (!matcher->data || !matcher->context || !matcher->stack) {
        saturn_pcre2_matcher_free(matcher);
        return NULL;
    }
    // A fraction of a second where an expression tries all ways there are.
    pcre2.set_limit(matcher->context, 10000000);
    pcre2.assign_stack(matcher->context, NULL, matcher->stack);
    return matcher;
}

void saturn_pcre2_matcher_free(struct saturn_pcre2_matcher *matcher) {
    if (!matcher) return;
    pcre2.free_data(matcher->data);
    pcre2.free_match(matcher->context);
    pcre2.free_stack(matcher->stack);
    free(matcher);
}

int saturn_pcre2_find(
    struct saturn_pcre2_matcher *matcher, const uint8_t *subject, size_t length, size_t start, size_t *from, size_t *to) {
    int result = pcre2.match(matcher->code, subject, length, start, 0, matcher->data, matcher->context);
    if (result == PCRE2_ERROR_NOMATCH) return 0;
    if (result < 0) return result;
    PCRE2_SIZE *places = pcre2.places(matcher->data);
    *from = places[0];
    *to = places[1];
    return 1;
}

int saturn_pcre2_is_limit(int result) {
    return result == PCRE2_ERROR_MATCHLIMIT || result == PCRE2_ERROR_DEPTHLIMIT || result == PCRE2_ERROR_HEAPLIMIT
        || result == PCRE2_ERROR_JIT_STACKLIMIT;
}
