#include "CLibCurl.h"

#if !__has_include(<curl/curl.h>)
#error "the headers of libcurl are missing: apt-get install libcurl4-openssl-dev"
#endif

#include <curl/curl.h>
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct {
    CURLcode (*global_init)(long flags);
    CURL *(*make)(void);
    void (*cleanup)(CURL *handle);
    void (*reset)(CURL *handle);
    CURLcode (*set)(CURL *handle, CURLoption option, ...);
    CURLcode (*perform)(CURL *handle);
    CURLcode (*info)(CURL *handle, CURLINFO info, ...);
    const char *(*words)(CURLcode code);
    struct curl_slist *(*append)(struct curl_slist *list, const char *line);
    void (*free_list)(struct curl_slist *list);
} curl;

static const char *load_problem;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void) {
    void *library = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        load_problem = "libcurl.so.4 cannot be loaded";
        return;
    }
    const struct {
        void *function;
        const char *name;
    } functions[] = {
        {&curl.global_init, "curl_global_init"}, {&curl.make, "curl_easy_init"},
        {&curl.cleanup, "curl_easy_cleanup"},    {&curl.reset, "curl_easy_reset"},
        {&curl.set, "curl_easy_setopt"},         {&curl.perform, "curl_easy_perform"},
        {&curl.info, "curl_easy_getinfo"},       {&curl.words, "curl_easy_strerror"},
        {&curl.append, "curl_slist_append"},     {&curl.free_list, "curl_slist_free_all"},
    };
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        void *found = dlsym(library, functions[i].name);
        if (!found) {
            load_problem = "libcurl.so.4 lacks a function that every version has";
            return;
        }
        memcpy(functions[i].function, &found, sizeof found);
    }
    if (curl.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) load_problem = "libcurl cannot be initialised";
}

const char *saturn_curl_load(void) {
    pthread_once(&once, load);
    return load_problem;
}

void *saturn_curl_make(void) { return curl.make(); }
void saturn_curl_free(void *connection) { curl.cleanup(connection); }

struct exchange {
    const struct saturn_curl_request *request;
    struct saturn_curl_response *response;
    CURL *handle;
    int64_t sent;
    size_t header_room, body_room;
    /// Of our own, which libcurl only knows as "the callback failed".
    const char *problem;
    int number;
};

static int grow(char **text, size_t *room, size_t needed) {
    if (needed <= *room) return 1;
    size_t wanted = *room ? *room * 2 : 4096;
    while (wanted < needed) wanted *= 2;
    char *larger = realloc(*text, wanted);
    if (!larger) return 0;
    *text = larger;
    *room = wanted;
    return 1;
}

static size_t read_body(char *buffer, size_t size, size_t count, void *argument) {
    struct exchange *exchange = argument;
    const struct saturn_curl_request *request = exchange->request;
    int64_t left = request->length - exchange->sent;
    size_t wanted = size * count;
    if ((int64_t)wanted > left) wanted = (size_t)left;
    if (wanted == 0) return 0;
    if (request->file < 0) {
        memcpy(buffer, request->bytes + exchange->sent, wanted);
        exchange->sent += (int64_t)wanted;
        return wanted;
    }
    ssize_t got;
    do got = pread(request->file, buffer, wanted, request->offset + exchange->sent);
    while (got < 0 && errno == EINTR);
    if (got <= 0) {
        exchange->problem = got < 0 ? "cannot read the file that is sent" : "the file that is sent became shorter";
        exchange->number = got < 0 ? errno : 0;
        return CURL_READFUNC_ABORT;
    }
    exchange->sent += got;
    return (size_t)got;
}

static int seek_body(void *argument, curl_off_t offset, int origin) {
    struct exchange *exchange = argument;
    if (origin != SEEK_SET) return CURL_SEEKFUNC_CANTSEEK;
    exchange->sent = offset;
    return CURL_SEEKFUNC_OK;
}

static size_t take_header(char *line, size_t size, size_t count, void *argument) {
    struct exchange *exchange = argument;
    struct saturn_curl_response *response = exchange->response;
    size_t length = size * count;
    // A new answer begins: what came before it was "100 Continue", or a proxy's.
    if (length > 5 && memcmp(line, "HTTP/", 5) == 0) response->header_length = 0;
    if (response->header_length + length > 1 << 20
        || !grow(&response->headers, &exchange->header_room, response->header_length + length))
        return 0;
    memcpy(response->headers + response->header_length, line, length);
    response->header_length += length;
    return length;
}

static size_t take_body(char *bytes, size_t size, size_t count, void *argument) {
    struct exchange *exchange = argument;
    const struct saturn_curl_request *request = exchange->request;
    struct saturn_curl_response *response = exchange->response;
    size_t length = size * count;
    long status = 0;
    curl.info(exchange->handle, CURLINFO_RESPONSE_CODE, &status);
    int is_success = status >= 200 && status < 300;
    if (is_success && request->sink >= 0) {
        size_t written = 0;
        while (written < length) {
            ssize_t step = pwrite(
                request->sink, bytes + written, length - written,
                request->sink_offset + response->received + (int64_t)written);
            if (step < 0 && errno == EINTR) continue;
            if (step <= 0) {
                exchange->problem = "cannot write what was received";
                exchange->number = errno;
                return 0;
            }
            written += (size_t)step;
        }
    } else {
        size_t limit = is_success ? request->limit : 1 << 16;
        if (response->body_length + length > limit) {
            // An error's words need not be whole.
            if (!is_success) return length;
            exchange->problem = "the answer is larger than it should be";
            return 0;
        }
        if (!grow(&response->body, &exchange->body_room, response->body_length + length)) return 0;
        memcpy(response->body + response->body_length, bytes, length);
        response->body_length += length;
    }
    response->received += (int64_t)length;
    return length;
}

static int is_passing(CURLcode code) {
    switch (code) {
    case CURLE_COULDNT_RESOLVE_PROXY:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_CONNECT:
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_PARTIAL_FILE:
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_SEND_FAIL_REWIND:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_AGAIN: return 1;
    default: return 0;
    }
}

static void set_up(CURL *handle, struct exchange *exchange, struct curl_slist *headers, char *words) {
    const struct saturn_curl_request *request = exchange->request;
    curl.reset(handle);
    curl.set(handle, CURLOPT_URL, request->url);
    curl.set(handle, CURLOPT_PATH_AS_IS, 1L);
    curl.set(handle, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
    curl.set(handle, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl.set(handle, CURLOPT_NOSIGNAL, 1L);
    curl.set(handle, CURLOPT_TCP_NODELAY, 1L);
    curl.set(handle, CURLOPT_ERRORBUFFER, words);
    curl.set(handle, CURLOPT_HTTPHEADER, headers);
    curl.set(handle, CURLOPT_CONNECTTIMEOUT, request->connect_timeout);
    curl.set(handle, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl.set(handle, CURLOPT_LOW_SPEED_TIME, request->stall);
    if (request->timeout > 0) curl.set(handle, CURLOPT_TIMEOUT, request->timeout);
    if (!request->uses_proxy) curl.set(handle, CURLOPT_PROXY, "");
    if (request->authorities) curl.set(handle, CURLOPT_CAINFO, request->authorities);
    curl.set(handle, CURLOPT_HEADERFUNCTION, take_header);
    curl.set(handle, CURLOPT_HEADERDATA, exchange);
    curl.set(handle, CURLOPT_WRITEFUNCTION, take_body);
    curl.set(handle, CURLOPT_WRITEDATA, exchange);
    curl.set(handle, CURLOPT_BUFFERSIZE, 262144L);
    curl.set(handle, CURLOPT_UPLOAD_BUFFERSIZE, 262144L);
    if (request->length >= 0) {
        curl.set(handle, CURLOPT_UPLOAD, 1L);
        curl.set(handle, CURLOPT_INFILESIZE_LARGE, (curl_off_t)request->length);
        curl.set(handle, CURLOPT_READFUNCTION, read_body);
        curl.set(handle, CURLOPT_READDATA, exchange);
        curl.set(handle, CURLOPT_SEEKFUNCTION, seek_body);
        curl.set(handle, CURLOPT_SEEKDATA, exchange);
    } else if (strcmp(request->method, "HEAD") == 0) {
        curl.set(handle, CURLOPT_NOBODY, 1L);
    }
    curl.set(handle, CURLOPT_CUSTOMREQUEST, request->method);
}

void saturn_curl_perform(
    void *connection, const struct saturn_curl_request *request, struct saturn_curl_response *response) {
    CURL *handle = connection;
    char words[CURL_ERROR_SIZE] = "";
    struct exchange exchange = {.request = request, .response = response, .handle = handle};
    struct curl_slist *headers = NULL;
    memset(response, 0, sizeof *response);
    for (size_t i = 0; i < request->header_count; i++) {
        struct curl_slist *longer = curl.append(headers, request->headers[i]);
        if (!longer) break;
        headers = longer;
    }
    set_up(handle, &exchange, headers, words);
    CURLcode code = curl.perform(handle);
    curl.info(handle, CURLINFO_RESPONSE_CODE, &response->status);
    curl.set(handle, CURLOPT_HTTPHEADER, NULL);
    curl.set(handle, CURLOPT_ERRORBUFFER, NULL);
    curl.free_list(headers);
    if (code == CURLE_OK) return;
    response->code = code;
    response->is_passing = !exchange.problem && is_passing(code);
    const char *what = exchange.problem ? exchange.problem : words[0] ? words : curl.words(code);
    size_t length = strnlen(what, sizeof response->problem - 1);
    memcpy(response->problem, what, length);
    if (!exchange.number) return;
    const char *why = strerror(exchange.number);
    size_t room = sizeof response->problem - length - 1;
    if (room > 2) {
        strncat(response->problem, ": ", room);
        strncat(response->problem, why, room - 2);
    }
}

void saturn_curl_release(struct saturn_curl_response *response) {
    free(response->headers);
    free(response->body);
    response->headers = response->body = NULL;
}
