# A worker: a future that takes attempts as long as there are any, one at a time.

# Seconds without work after which it is over; the foreman makes another one when there is some.
IDLE <- 10
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
  before <- variables_here()
  on.exit(set_environment(before), add = TRUE)
  # On saturn's machine what saturn itself was given, without all that R adds, libraries of its own for every program
  # among it; elsewhere what the worker has, but for what it was started lean by.
  is_here <- process_host(foreman) == host()
  set_environment(if (is_here && length(environment)) environment else inherited(before, is_here))
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

variables_here <- function() {
  all <- Sys.getenv()
  structure(as.list(as.character(all)), names = names(all))
}

inherited <- function(variables, is_here) {
  is_own <- startsWith(names(variables), "SATURN_") | !is_here & names(variables) == "R_DEFAULT_PACKAGES"
  variables[!is_own]
}

#' These, and no others.
set_environment <- function(variables) {
  Sys.unsetenv(setdiff(names(Sys.getenv()), names(variables)))
  set_variables(variables)
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
