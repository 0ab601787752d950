# One attempt on its worker, from its start to its end. Part of the bridge's script, see docs/bridge.md.

# Seconds in which what was killed has to be gone.
GONE <- 10

run <- function(worker, task, place) {
  id <- task$attempt
  task <- as_bytes(task)
  task$env <- variables(task, worker)
  problem <- problem_with(task)
  if (!is.null(problem)) return(refuse(worker, id, task, problem))
  signals <- at(worker$root, "signals", paste(place, c(15, 9), sep = "."))
  if (any(file.exists(signals))) return(say(worker, exited = id, cancelled = TRUE))
  log <- at(task$workspace, "log")
  mask <- if (length(task$secrets)) open_mask(log, worker$secrets[unlist(task$secrets)])
  if (!is.null(mask)) on.exit(mask$close())
  tell_guard(worker, "next", id)
  began <- now()
  clock <- proc.time()[[3]]
  said <- character()
  process <- attempt(start(task, if (is.null(mask)) log else mask$pipe), function(message) said <<- c(said, message))
  if (is.null(process)) return(refuse(worker, id, task, unstarted(task, said[1])))
  add_line(worker$out, sprintf('{"started":"%s","time":%.6f}', id, began))
  is_asked <- watch(worker, process$pid, signals, mask)
  seconds <- proc.time()[[3]] - clock
  # It has ended and was not waited for: its number is still its own.
  tell_guard(worker, "over", process$pid)
  end_escaped(id, process$pid)
  status <- close(process$output)
  if (!is.null(mask)) mask$close()
  if (identical(worker$end, "gone")) return(say(worker, lost = id, reason = FOREMAN_DIED))
  if (is.null(status) || status < 0) return(say(worker, lost = id, reason = "its exit code was taken by another process"))
  signal <- bitwAnd(status, 127L)
  code <- bitwShiftR(status, 8L)
  words <- if (code %in% 126:127) missing_interpreter(task)
  if (!is.null(words)) return(refuse(worker, id, task, list(code = 126, text = words)))
  how <- if (signal > 0) sprintf('"signal":%d', signal) else sprintf('"code":%d', code)
  if (is_asked) how <- paste0(how, ',"asked":true')
  add_line(worker$out, sprintf('{"exited":"%s",%s,"seconds":%.6f}', id, how, seconds))
}

say <- function(worker, ...) add_line(worker$out, to_json(list(...)))

#' Those of the task, by name.
variables <- function(task, worker) {
  sealed <- vapply(task$sealed, function(number) worker$secrets[[number]], "")
  given <- as_bytes(c(unlist(task$env), sealed, PWD = task$cwd))
  names(given) <- as_bytes(names(given))
  given
}

#' Starts it in a session of its own; its number, and what its exit code is to be had from. A process of its own for the
#' start, as processx makes one, takes R three times as long as a pipe.
start <- function(task, output) {
  command <- paste0(
    # The log is opened for appending. What this process has open, its connection to the foreman for one, is not the task's.
    "echo $$; exec </dev/null >>", quoted(output), " 2>&1 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-; exec setsid -- ",
    paste(quoted(unlist(task$argv)), collapse = " "))
  # Longer than one argument of a program may be.
  is_long <- nchar(command, "bytes") > 100000
  if (is_long) {
    path <- tempfile("saturn-command-")
    on.exit(unlink(path))
    writeBin(charToRaw(command), path)
    command <- paste(".", quoted(path))
  }
  # Where R itself is, and what it has in its environment, is the child's.
  here <- setwd(task$cwd)
  before <- Sys.getenv(names(task$env), unset = NA, names = TRUE)
  on.exit({
    setwd(here)
    set_variables(as.list(before[!is.na(before)]))
    Sys.unsetenv(names(before)[is.na(before)])
  }, add = TRUE, after = FALSE)
  set_variables(as.list(task$env))
  output <- pipe(command, "r")
  pid <- readLines(output, 1)
  if (!length(pid)) {
    close(output)
    stop("it ended at once")
  }
  list(pid = as.integer(pid), output = output)
}

#' Until the task's own process has ended. Whether it was asked to, while it ran.
watch <- function(worker, pid, signals, mask) {
  sent <- c(FALSE, FALSE)
  pause <- 0.001
  repeat {
    # Its state, and its group's number.
    fields <- process_fields(pid)
    if (is.null(fields) || fields[1] %in% c("Z", "X")) return(sent[1])
    # A moment ago it was in the group of this process.
    if (fields[3] == pid) {
      is_asked <- file.exists(signals) & !sent
      if (is_asked[1]) tell_guard(worker, "TERM", pid)
      if (is_asked[2] || !is.null(end_of(worker))) tell_guard(worker, "KILL", pid)
      sent <- sent | is_asked
    }
    Sys.sleep(pause)
    pause <- min(0.05, pause * 1.5)
    if (!is.null(mask)) pause <- if (mask$copy()) 0.001 else 0.005
  }
}

#' What it has started and left running, also in other groups and sessions: it has the attempt in its environment.
end_escaped <- function(id, pid) {
  mark <- charToRaw(paste0("SATURN_ATTEMPT_ID=", id))
  deadline <- now() + GONE
  unclear <- 0
  repeat {
    later <- later_than(pid)
    whose <- vapply(later, whose_process, "", mark = mark)
    for (one in later[whose == "task's"]) tools::pskill(one, 9L)
    unclear <- if (any(whose == "task's")) 0 else unclear + 1
    if (all(whose == "another's") || unclear > 20 || now() > deadline) return()
    Sys.sleep(0.002)
  }
}

#' One that becomes another program just now has no environment for a moment.
whose_process <- function(pid, mark) {
  environment <- read_bytes(sprintf("/proc/%d/environ", pid), 1e6)
  if (length(grepRaw(mark, environment, fixed = TRUE))) return("task's")
  if (length(environment)) return("another's")
  fields <- process_fields(pid)
  is_mine <- isTRUE(file.info(sprintf("/proc/%d", pid))$uid == file.info("/proc/self")$uid)
  # The kernel's own are children of its second process.
  if (is.null(fields) || fields[1] %in% c("Z", "X") || fields[2] == "2" || !is_mine) "another's" else "unclear"
}

#' Processes that have begun since. They have higher numbers, until those begin again.
later_than <- function(pid) {
  last <- as.integer(sub(".* ", "", readLines("/proc/loadavg", 1)))
  if (last >= pid && last - pid < 50) {
    numbers <- seq_len(last - pid) + pid
    return(numbers[file.exists(sprintf("/proc/%d/environ", numbers))])
  }
  numbers <- as.integer(list.files("/proc", "^[0-9]+$"))
  if (last >= pid) numbers[numbers > pid & numbers <= last] else numbers
}

# What cannot be started

problem_with <- function(task) {
  log <- at(task$workspace, "log")
  fault <- function(code, ...) list(code = code, text = paste0(...))
  name <- if (length(task$argv)) task$argv[[1]] else ""
  no_log <- function(why) list(code = 126, quiet = TRUE, text = paste0("cannot open the log ", log, ": ", why))
  if (!dir.exists(task$workspace)) return(no_log("No such file or directory"))
  is_link <- !is.null(link_target(task$workspace)) || !is.null(link_target(log))
  if (is_link || file.exists(log) && !utils::file_test("-f", log)) return(no_log("it is no file"))
  if (!file.exists(task$cwd)) return(fault(126, "cannot enter ", task$cwd, ": No such file or directory"))
  if (!dir.exists(task$cwd)) return(fault(126, "cannot enter ", task$cwd, ": Not a directory"))
  if (file.access(task$cwd, 1) != 0) return(fault(126, "cannot enter ", task$cwd, ": Permission denied"))
  # The kernel takes no longer strings.
  if (any(nchar(c(unlist(task$argv), task$env), "bytes") > 131000)) {
    return(fault(126, "cannot execute '", name, "': its arguments and environment are too large"))
  }
  path <- if (nzchar(name)) find_program(name, task)
  if (is.null(path)) return(fault(127, "cannot execute '", name, "': command not found"))
  if (file.access(path, 1) != 0 || dir.exists(path)) return(fault(126, "cannot execute '", name, "': Permission denied"))
  NULL
}

#' By the task's own PATH; one that cannot be executed when there is no better one, NULL when there is none.
find_program <- function(name, task) {
  from_here <- function(path) if (startsWith(path, "/")) path else file.path(task$cwd, path)
  if (grepl("/", name, fixed = TRUE)) {
    path <- from_here(name)
    return(if (file.exists(path)) path)
  }
  search <- if ("PATH" %in% names(task$env)) task$env[["PATH"]] else Sys.getenv("PATH", "/usr/bin:/bin")
  first <- NULL
  for (folder in strsplit(search, ":", fixed = TRUE)[[1]]) {
    path <- file.path(from_here(if (nzchar(folder)) folder else "."), name)
    if (!file.exists(path)) next
    if (file.access(path, 1) == 0 && !dir.exists(path)) return(path)
    if (is.null(first)) first <- path
  }
  first
}

unstarted <- function(task, message) {
  why <- sub(".*: ", "", message)
  if (grepl("Argument list too long", message, fixed = TRUE)) why <- "its arguments and environment are too large"
  list(code = 126, text = paste0("cannot execute '", task$argv[[1]], "': ", why))
}

#' A script names a program that is not there: the shell, which tells of it, says something else.
missing_interpreter <- function(task) {
  name <- task$argv[[1]]
  path <- if (startsWith(name, "/")) name else file.path(task$cwd, name)
  if (!grepl("/", name, fixed = TRUE) || !file.exists(path) || dir.exists(path)) return(NULL)
  line <- attempt(readLines(path, 1, skipNul = TRUE))
  program <- sub("^#!\\s*(\\S*).*", "\\1", line[1], useBytes = TRUE)
  if (!length(line) || !startsWith(line[1], "#!") || !nzchar(program) || file.exists(program)) return(NULL)
  paste0("cannot execute '", name, "': the interpreter that it names is not there")
}

#' Says in the log why there is nothing else in it.
refuse <- function(worker, id, task, problem) {
  if (!isTRUE(problem$quiet)) {
    add_bytes(at(task$workspace, "log"), charToRaw(paste0("saturn: ", problem$text, "\n")))
  }
  text <- problem$text
  Encoding(text) <- "UTF-8"
  say(worker, exited = id, code = problem$code, problem = iconv(text, "UTF-8", "UTF-8", sub = "byte"))
}
