# The bridge: the protocol of docs/bridge.md between saturn and the files of a run.

PATIENCE <- 12

bridge <- function() {
  b <- new.env()
  b$output <- file("/dev/fd/3", "wb", raw = TRUE)
  check_packages(b)
  b$input <- processx::conn_create_fd(0L, encoding = "UTF-8")
  b$state <- "greeting"
  b$begun <- character()
  b$requests <- list()
  b$said <- character()
  b$held <- list()
  b$looked <- 0
  b$news <- now()
  repeat {
    is_ready <- processx::poll(list(b$input), pause(b))[[1]] == "ready"
    if (is_ready) for (line in read_lines(b)) hear(b, line)
    if (b$state != "greeting") step(b)
    flush_said(b)
  }
}

#' Those that are complete. To be called when there is something: it would be waited for.
read_lines <- function(b) {
  text <- processx::conn_read_chars(b$input, 65536)
  # Without a word of leave saturn has died: what runs goes on.
  if (!nzchar(text) && !processx::conn_is_incomplete(b$input)) leave(b, 0L)
  b$begun <- c(b$begun, text)
  if (!grepl("\n", text, fixed = TRUE)) return(character())
  text <- paste(b$begun, collapse = "")
  lines <- strsplit(text, "\n", fixed = TRUE)[[1]]
  is_open <- !endsWith(text, "\n")
  b$begun <- if (is_open) lines[length(lines)]
  if (is_open) lines[-length(lines)] else lines
}

pause <- function(b) {
  if (b$state == "greeting") return(1000)
  if (b$state != "ready" || now() - b$news < 1) 10 else 50
}

# What is said

say_event <- function(b, event, ...) b$said <- c(b$said, to_json(list(event = event, ...)))

flush_said <- function(b) {
  if (!length(b$said)) return()
  lines <- paste0(b$said, "\n", collapse = "")
  b$said <- character()
  tryCatch({
    writeBin(charToRaw(lines), b$output)
    flush(b$output)
  }, error = function(error) quit(save = "no"))
}

leave <- function(b, code) {
  flush_said(b)
  quit(save = "no", status = code)
}

fatal <- function(b, code, message, hint = NULL) {
  if (isTRUE(b$is_new) && is.null(b$is_greeted)) unlink(b$root, recursive = TRUE)
  say_event(b, "fatal", code = code, message = message, hint = hint)
  leave(b, 3L)
}

install_hint <- function(packages) {
  names <- paste0("\"", packages, "\"", collapse = ", ")
  sprintf("%s -e 'install.packages(%s)'", shQuote(at(R.home("bin"), "Rscript"), "sh"),
    if (length(packages) > 1) sprintf("c(%s)", names) else names)
}

#' Before there is one to write JSON with.
check_packages <- function(b) {
  packages <- c("future", "processx", "jsonlite")
  # Not loaded: the foreman needs all of them, this process the small ones.
  missing <- packages[!nzchar(vapply(packages, function(name) system.file(package = name), ""))]
  if (!length(missing)) return()
  words <- sprintf(
    "%s (R %s) has no package%s %s", R.home(), getRversion(), if (length(missing) > 1) "s" else "",
    paste0("'", missing, "'", collapse = ", "))
  text <- function(words) encodeString(words, quote = "\"")
  line <- sprintf(
    "{\"event\":\"fatal\",\"code\":\"missing-package\",\"message\":%s,\"hint\":%s}", text(words),
    text(install_hint(missing)))
  b$said <- line
  leave(b, 3L)
}

# What is asked

hear <- function(b, line) {
  request <- from_json(line)
  if (b$state == "greeting") return(begin(b, request))
  if (request$request == "ping") return(say_event(b, "pong", number = request$number))
  b$requests <- c(b$requests, list(request))
}

begin <- function(b, hello) {
  if (!identical(hello$request, "hello") || !1 %in% unlist(hello$versions)) {
    fatal(b, "version", "this bridge speaks version 1 of the protocol")
  }
  # Bytes as they are, whatever the locale: R would translate paths.
  hello <- as_bytes(hello)
  b$environment <- hello$settings$environment
  hello$settings$environment <- NULL
  b$hello <- hello
  b$root <- at(hello$folder, "r")
  b$log <- at(hello$folder, "bridge.log")
  id <- read_text(at(b$root, "id"))
  if (dir.exists(b$root) && id != hello$run$id) {
    # Nobody knows the run that was here.
    file.create(at(b$root, "stop"))
    b$deadline <- now() + PATIENCE
    b$state <- "clearing"
  } else {
    open_root(b)
  }
}

open_root <- function(b) {
  b$is_new <- !dir.exists(b$root)
  for (folder in c("", "queue", "claims", "signals", "workers", "guards")) {
    dir.create(at(b$root, folder), showWarnings = FALSE, mode = "0700")
  }
  if (b$is_new) put_file(at(b$root, "id"), b$hello$run$id)
  saveRDS(b$hello$settings, at(b$root, "settings"))
  b$me <- myself()
  put_file(at(b$root, "bridge"), b$me)
  b$secrets <- list()
  b$level <- as.numeric(c(read_text(at(b$root, "level")), 0)[1])
  if (is.na(b$level)) b$level <- 0
  b$books <- new_books(b$root)
  b$shouts <- tail_of(at(b$root, "foreman.out"))
  b$foreman <- read_process(at(b$root, "foreman"))
  is_there <- is_running(b$foreman)
  if (is.na(is_there)) {
    where <- process_host(b$foreman)
    fatal(b, "cluster", sprintf("the R processes of this run are on %s", where), sprintf("call saturn on %s", where))
  }
  if (file.exists(at(b$root, "stop"))) {
    # Somebody has ended it, and not all of it had ended then.
    b$state <- "stopping"
    b$deadline <- now() + PATIENCE
  } else if (is_there) {
    greet(b)
  } else if (is.null(b$foreman) && b$is_new) {
    start_foreman(b)
  } else {
    # Its workers see that it is gone.
    b$state <- "mourning"
    b$deadline <- now() + PATIENCE
  }
}

start_foreman <- function(b) {
  for (file in c("foreman", "foreman.out", "secrets", "beat")) unlink(at(b$root, file))
  b$shouts <- tail_of(at(b$root, "foreman.out"))
  script <- at(b$hello$folder, "bridge.R")
  b$process <- start_aside(c(at(R.home("bin"), "Rscript"), script, "foreman", b$root), b$log)
  b$deadline <- now() + b$hello$settings$connect_timeout
  b$state <- "starting"
}

greet <- function(b) {
  if (is.null(b$is_greeted)) {
    b$is_greeted <- TRUE
    say_event(b, "hello", version = 1, engine = paste("R", getRversion()), address = host())
  }
  b$state <- "ready"
  if (length(b$environment)) tell_foreman(b, list(environment = b$environment))
  pass_secrets(b, seq_along(b$secrets))
}

#' What there is to do next.
step <- function(b) {
  switch(b$state, clearing = clear(b), stopping = stop_waiting(b), mourning = mourn(b),
    starting = wait_for_foreman(b), ready = serve_requests(b), ending = end(b))
  if (b$state %in% c("ready", "ending")) look(b)
}

clear <- function(b) {
  is_gone <- !isTRUE(is_running(read_process(at(b$root, "foreman"))))
  if (!is_gone && now() < b$deadline) return()
  if (!is_gone) kill_group(read_process(at(b$root, "foreman")))
  unlink(b$root, recursive = TRUE)
  open_root(b)
}

stop_waiting <- function(b) {
  if (isTRUE(is_running(b$foreman))) {
    if (now() < b$deadline) return()
    read_workers(b$books, function(one, line) NULL)
    places <- vapply(open_workers(b$books), place_of, "")
    message <- sprintf("tasks on R did not end: no answer from %s", paste(sort(places), collapse = ", "))
    fatal(b, "cluster", message, "end that worker, or call saturn terminate again when it answers")
  }
  unlink(at(b$root, "stop"))
  b$state <- "mourning"
  b$deadline <- now() + PATIENCE
}

#' A foreman is dead. What its workers ran is lost; what waits goes on with another one, unless that would need secrets.
mourn <- function(b) {
  read_workers(b$books, function(one, line) report(b, one, line))
  for (worker in open_workers(b$books)) {
    is_alive <- is_running(worker$process)
    patience <- if (is.na(is_alive)) BEAT_PATIENCE else 0
    if (!isFALSE(is_alive) && now() < b$deadline + patience) return()
    # It stands still; what it ran is ended with it.
    if (isTRUE(is_alive)) tools::pskill(process_number(worker$process), 9L)
    # Another attempt is not to meet that in its folder.
    if (!file.exists(guard_mark(b$root, worker$name)) && now() < b$deadline + patience) return()
  }
  for (worker in open_workers(b$books)) lose(b, worker$name, FOREMAN_DIED)
  count <- sum(vapply(every_attempt(b$books), function(one) one$state == "waiting", TRUE))
  if (isTRUE(b$is_greeted)) {
    say_event(b, "notice", message = "the R process that makes the workers died, and another one goes on")
  } else if (count > 0 && b$level > 0) {
    for (one in every_attempt(b$books)) withdraw(b$books, one)
    count <- 0
  }
  # Without anything to run there is no need of one, yet.
  if (count > 0) return(start_foreman(b))
  b$foreman <- NULL
  greet(b)
}

wait_for_foreman <- function(b) {
  for (line in from_lines(b$shouts())) {
    if (!is.null(line$problem)) {
      # It ends by itself, and is to be gone when that is said.
      b$process$wait(5000)
      fatal(b, line$problem$code, line$problem$message, line$problem$hint)
    }
    if (isTRUE(line$ready)) {
      b$foreman <- read_process(at(b$root, "foreman"))
      return(greet(b))
    }
  }
  if (now() > b$deadline) {
    # Who cannot be let in somewhere is not told so by R, which waits.
    kill_group(paste(b$process$get_pid(), ""))
    settings <- b$hello$settings
    words <- paste0("the plan '%s' cannot be made: it is not there after %g s", last_words(b$log))
    fatal(b, "plan", sprintf(words, settings$plan, settings$connect_timeout), hint_of_plan(settings, b$log))
  }
  if (!b$process$is_alive()) fatal(b, "cluster", "the R process that makes the workers ended", sprintf("see %s", b$log))
}

#' Of a log, after a colon.
last_words <- function(path) {
  lines <- trimws(strsplit(read_text(path), "\n", fixed = TRUE)[[1]])
  lines <- gsub("%", "%%", lines[nzchar(lines)], fixed = TRUE)
  if (length(lines)) paste0(": ", substr(lines[length(lines)], 1, 300)) else ""
}

if (sys.nframe() == 0L) {
  compiler::enableJIT(0)
  role <- commandArgs(trailingOnly = TRUE)
  if (identical(role[1], "foreman")) foreman(role[2]) else bridge()
}
