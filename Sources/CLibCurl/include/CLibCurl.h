#ifndef CLIBCURL_H
#define CLIBCURL_H

// HTTP by libcurl, loaded when it is first needed: starting a process that is linked with it takes longer than most
// commands of saturn. One exchange is one call, since curl_easy_setopt is variadic, which Swift cannot call.

#include <stddef.h>
#include <stdint.h>

/// Loads libcurl, once. NULL, or why it cannot be; then no other function may be called.
const char *saturn_curl_load(void);

/// A connection, kept open between exchanges with one host; for one thread at a time. NULL when there is no memory.
void *saturn_curl_make(void);
void saturn_curl_free(void *connection);

struct saturn_curl_request {
    const char *method, *url;
    /// `Name: value` each.
    const char *const *headers;
    size_t header_count;
    /// The body: of a file when the descriptor is not negative, else of memory; nothing where the length is negative.
    const uint8_t *bytes;
    int file;
    int64_t offset, length;
    /// Where a successful body goes: into a file when the descriptor is not negative, else into memory.
    int sink;
    int64_t sink_offset;
    size_t limit;
    /// Seconds, 0 for as long as bytes keep coming.
    long timeout, connect_timeout, stall;
    int uses_proxy;
    /// A file of authorities' certificates in place of the system's, or NULL.
    const char *authorities;
};

struct saturn_curl_response {
    /// 0, or libcurl's number and what went wrong.
    int code;
    char problem[256];
    /// Worth another try.
    int is_passing;
    long status;
    /// All header lines of the answer, and its body where that was kept; to be freed with saturn_curl_release.
    char *headers;
    size_t header_length;
    char *body;
    size_t body_length;
    int64_t received;
};

void saturn_curl_perform(
    void *connection, const struct saturn_curl_request *request, struct saturn_curl_response *response);
void saturn_curl_release(struct saturn_curl_response *response);

#endif
