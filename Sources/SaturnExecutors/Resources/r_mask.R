# Secrets do not appear in a log. Part of the bridge's script, see docs/bridge.md.

#' A function that returns bytes with each secret replaced by ***, also where one is split between two of its calls.
new_mask <- function(secrets) {
  secrets <- lapply(secrets[nzchar(secrets)], charToRaw)
  secrets <- secrets[order(-lengths(secrets))]
  longest <- max(1L, lengths(secrets))
  held <- raw()

  first_match <- function(bytes, from) {
    best <- NULL
    for (secret in secrets) {
      start <- grepRaw(secret, bytes, offset = from, fixed = TRUE)
      # Of two that begin at one place it is the longer one.
      if (length(start) && (is.null(best) || start < best$start)) best <- list(start = start, length = length(secret))
    }
    best
  }

  #' Where what may become a secret begins; after the end when nowhere.
  open_end <- function(bytes, from) {
    size <- length(bytes)
    for (start in seq_len(longest - 1L) + size - longest + 1L) {
      if (start < from) next
      rest <- bytes[start:size]
      for (secret in secrets) {
        if (length(secret) > length(rest) && identical(secret[seq_along(rest)], rest)) return(start)
      }
    }
    size + 1L
  }

  function(bytes, at_end = FALSE) {
    bytes <- c(held, bytes)
    shown <- list()
    from <- 1L
    repeat {
      match <- first_match(bytes, from)
      end <- if (at_end) length(bytes) + 1L else open_end(bytes, from)
      if (is.null(match) || match$start >= end) break
      shown <- c(shown, list(bytes[seq_len(match$start - from) + from - 1L], charToRaw("***")))
      from <- match$start + match$length
    }
    shown <- c(shown, list(bytes[seq_len(max(0L, end - from)) + from - 1L]))
    held <<- bytes[seq_len(max(0L, length(bytes) - max(end, from) + 1L)) + max(end, from) - 1L]
    do.call(c, shown)
  }
}

#' A pipe for a task's output, and what copies it into its log.
open_mask <- function(log, secrets) {
  pipe <- tempfile("saturn-output-")
  source <- fifo(pipe, "w+b", blocking = FALSE)
  target <- file(log, "ab")
  mask <- new_mask(secrets)
  is_closed <- FALSE

  take <- function() tryCatch(readBin(source, "raw", 65536L), error = function(error) raw())
  put <- function(bytes) {
    if (length(bytes)) suppressWarnings(writeBin(bytes, target))
    flush(target)
  }
  # TRUE when there was something.
  copy <- function(limit) {
    rest <- limit
    while (rest > 0 && length(bytes <- take())) {
      put(mask(bytes))
      rest <- rest - length(bytes)
    }
    rest < limit
  }
  list(pipe = pipe, copy = function() copy(64 * 65536), close = function() {
    if (is_closed) return()
    is_closed <<- TRUE
    # No more than a pipe holds: whoever has escaped and still writes is not followed for ever.
    copy(16 * 65536)
    put(mask(raw(), at_end = TRUE))
    close(source)
    close(target)
    unlink(pipe)
  })
}
