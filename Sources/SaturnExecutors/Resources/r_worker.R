# A worker: a future that takes attempts as long as there are any, one at a time.

# Seconds without work after which it is over; the foreman makes another one when there is some.
IDLE <- 10
# Seconds in which what was killed has to be gone.
GONE <- 10

# It ends what a worker leaves behind when it is killed. Told of an attempt before that begins, it finds all of its
# processes by their environment, wherever they have gone.
GUARD <- '
trap "" INT HUP TERM
attempt=
while read -r what which; do
  case $what in
    next) attempt=$which ;;
    over) attempt=; kill -KILL -"$which" ;;
    *) kill -"$what" -"$which" ;;
  esac
done
count=0
while test -n "$attempt" -a $count -lt 50; do
  count=$((count + 1))
  found=$(grep -lsF "SATURN_ATTEMPT_ID=$attempt" /proc/[0-9]*/environ)
  test -n "$found" || break
  for path in $found; do
    pid=${path#/proc/}
    kill -KILL "${pid%%/*}"
  done
  sleep 0.1
done
: > "$1"
'

work <- function(root, name, secrets, environment, foreman, is_fork) {
  # All of this runs for milliseconds: to compile it takes longer.
  compiled <- compiler::enableJIT(0)
  on.exit(compiler::enableJIT(compiled))
  worker <- new.env()
  worker$root <- root
  worker$name <- name
  worker$secrets <- secrets
  worker$out <- at(root, "workers", name)
  worker$foreman <- foreman
  worker$beat <- list(text = "", since = now())
  worker$looked <- 0
  before <- set_environment(environment, process_host(foreman) == host())
  on.exit(set_environment(before, TRUE), add = TRUE)
  add_line(worker$out, sprintf('{"worker":"%s","process":"%s"}', name, myself()))
  worker$guard <- start_guard(worker)
  on.exit(close(worker$guard), add = TRUE)
  serve(worker)
  add_line(worker$out, '{"over":true}')
  if (is_fork && identical(worker$end, "gone")) {
    # It would wait for the parent's word.
    close(worker$guard)
    tools::pskill(Sys.getpid(), 9L)
  }
  invisible(NULL)
}

#' What tasks get beside their own variables: on saturn's machine what saturn itself was given, without all that R adds,
#' libraries of its own for every program among it. Returns what there was before.
set_environment <- function(variables, is_here) {
  before <- Sys.getenv()
  before <- structure(as.list(as.character(before)), names = names(before))
  wanted <- if (is_here && length(variables)) variables else before
  wanted <- wanted[!startsWith(names(wanted), "SATURN_")]
  # A worker elsewhere has this from whoever started it lean.
  if (!is_here) wanted$R_DEFAULT_PACKAGES <- NULL
  Sys.unsetenv(setdiff(names(before), names(wanted)))
  set_variables(wanted)
  invisible(before)
}

set_variables <- function(values) if (length(values)) do.call(Sys.setenv, values)

#' It leaves a file when nothing is left of what it watched.
start_guard <- function(worker) {
  mark <- guard_mark(worker$root, worker$name)
  pipe(paste("exec setsid /bin/sh -c", quoted(GUARD), "guard", quoted(mark), ">/dev/null 2>&1"), "w")
}

tell_guard <- function(worker, ...) {
  tell <- function() {
    cat(paste0(paste(...), "\n"), file = worker$guard)
    flush(worker$guard)
  }
  tryCatch(tell(), error = function(error) {
    # Somebody has ended it.
    try(close(worker$guard), silent = TRUE)
    worker$guard <- start_guard(worker)
    tell()
  })
}

serve <- function(worker) {
  queue <- list(batch = NULL, line = 0)
  since <- now()
  while (is.null(end_of(worker))) {
    item <- next_item(worker, queue)
    queue <- item$queue
    if (identical(item$state, "taken")) {
      run(worker, item$task, paste(batch_number(queue$batch), queue$line, sep = "."))
      since <- now()
    } else if (identical(item$state, "unknown secret") || now() - since > IDLE) {
      break
    } else {
      Sys.sleep(min(0.05, max(0.003, (now() - since) / 10)))
    }
  }
}

#' Why this worker is to end, NULL when it is not.
end_of <- function(worker) {
  if (is.null(worker$end)) worker$end <- reason_to_end(worker)
  worker$end
}

reason_to_end <- function(worker) {
  if (file.exists(at(worker$root, "stop"))) return("stop")
  if (now() < worker$looked + 0.5) return(NULL)
  worker$looked <- now()
  if (!file.exists(at(worker$root, "foreman"))) return("gone")
  is_there <- is_running(worker$foreman)
  if (is.na(is_there)) {
    beat <- read_text(at(worker$root, "beat"))
    if (beat != worker$beat$text) worker$beat <- list(text = beat, since = now())
    is_there <- now() - worker$beat$since < BEAT_PATIENCE
  }
  if (is_there) NULL else "gone"
}

#' The next attempt that nobody has taken, and where in the queue it is.
next_item <- function(worker, queue) {
  repeat {
    if (is.null(queue$batch) || queue$line >= batch_size(queue$batch)) {
      later <- batches(worker$root)
      if (!is.null(queue$batch)) later <- later[batch_number(later) > batch_number(queue$batch)]
      if (!length(later)) return(list(queue = queue, state = "none"))
      tasks <- attempt(readRDS(at(worker$root, "queue", later[1])))
      queue <- list(batch = later[1], line = 0, tasks = tasks)
      # All of it was released meanwhile.
      if (is.null(tasks)) queue$line <- batch_size(later[1])
      next
    }
    task <- queue$tasks[[queue$line + 1]]
    if (length(worker$secrets) < task$level) return(list(queue = queue, state = "unknown secret"))
    queue$line <- queue$line + 1
    if (claim(worker$root, batch_number(queue$batch), queue$line, worker$name)) {
      return(list(queue = queue, state = "taken", task = task))
    }
  }
}

# One attempt

#' Bytes as they are, whatever the locale: R would translate what it takes for text.
as_bytes <- function(value) {
  if (is.list(value)) return(lapply(value, as_bytes))
  if (is.character(value)) Encoding(value) <- "unknown"
  value
}

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
  end <- watch(worker, process$pid, signals, mask)
  seconds <- proc.time()[[3]] - clock
  # It has ended and was not waited for: its number is still its own.
  tell_guard(worker, "over", process$pid)
  end_escaped(id, process$pid)
  status <- close(process$output)
  if (!is.null(mask)) mask$close()
  if (identical(end, "gone")) return(say(worker, lost = id, reason = FOREMAN_DIED))
  if (is.null(status) || status < 0) return(say(worker, lost = id, reason = "its exit code was taken by another process"))
  signal <- bitwAnd(status, 127L)
  code <- bitwShiftR(status, 8L)
  words <- if (code %in% 126:127) missing_interpreter(task)
  if (!is.null(words)) return(refuse(worker, id, task, list(code = 126, text = words)))
  how <- if (signal > 0) sprintf('"signal":%d', signal) else sprintf('"code":%d', code)
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

quoted <- function(words) as_bytes(paste0("'", gsub("'", "'\\''", words, fixed = TRUE, useBytes = TRUE), "'"))

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

#' Until the task's own process has ended. Returns why it was killed, if it was because of the worker's end.
watch <- function(worker, pid, signals, mask) {
  sent <- c(FALSE, FALSE)
  end <- NULL
  pause <- 0.001
  repeat {
    # Its state, and its group's number.
    fields <- process_fields(pid)
    if (is.null(fields) || fields[1] %in% c("Z", "X")) return(end)
    # A moment ago it was in the group of this process.
    if (fields[3] == pid) {
      is_asked <- file.exists(signals) & !sent
      if (is_asked[1]) tell_guard(worker, "TERM", pid)
      if (is.null(end)) end <- end_of(worker)
      if (is_asked[2] || !is.null(end)) tell_guard(worker, "KILL", pid)
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
