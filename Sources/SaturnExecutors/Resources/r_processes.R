# Processes of this machine, and what is known of those of others. Part of the bridge's script, see docs/bridge.md.

#' Of its line in /proc, from the state on; NULL when there is none.
process_fields <- function(pid) {
  path <- sprintf("/proc/%d/stat", as.integer(pid))
  if (!file.exists(path)) return(NULL)
  text <- rawToChar(read_bytes(path, 4096L))
  if (nzchar(text)) strsplit(sub("^.*\\) ", "", text, useBytes = TRUE), " ", fixed = TRUE)[[1]]
}

#' Tells a process from a later one of its number; NULL of one that does not run.
start_time <- function(pid) {
  fields <- process_fields(pid)
  if (is.null(fields) || fields[1] %in% c("Z", "X")) NULL else fields[20]
}

host <- function() Sys.info()[["nodename"]]

#' A process, in words: its number, when it began, its machine.
myself <- function() paste(Sys.getpid(), start_time(Sys.getpid()), host())

read_process <- function(path) if (file.exists(path)) read_text(path)

process_number <- function(words) as.integer(sub(" .*", "", words))
process_host <- function(words) sub("^[^ ]* [^ ]* ", "", words)

#' NA when it is on another machine.
is_running <- function(words) {
  if (is.null(words) || !nzchar(words)) return(FALSE)
  if (process_host(words) != host()) return(NA)
  start <- start_time(process_number(words))
  !is.null(start) && start == strsplit(words, " ", fixed = TRUE)[[1]][2]
}

#' In a session of its own, which nobody ends with this process.
start_aside <- function(words, log) {
  command <- 'exec >>"$1" 2>&1; shift; exec "$@"'
  processx::process$new("/bin/sh", c("-c", command, "sh", log, words), cleanup = FALSE, poll_connection = FALSE)
}

#' This process was started without what R attaches for people; what it starts itself is to have what the user wants.
restore_packages <- function() {
  wanted <- Sys.getenv("SATURN_R_PACKAGES")
  if (nzchar(wanted)) Sys.setenv(R_DEFAULT_PACKAGES = wanted) else Sys.unsetenv("R_DEFAULT_PACKAGES")
  Sys.unsetenv("SATURN_R_PACKAGES")
}

#' With the workers that it has started, which are in its group.
kill_group <- function(process) {
  system2("/bin/sh", c("-c", shQuote(sprintf("kill -KILL -%d", process_number(process)))), stderr = FALSE)
}
