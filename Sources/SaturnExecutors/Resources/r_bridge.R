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
  if (isTRUE(is_running(b$foreman))) {
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
  if (b$state != "ready" && is.null(b$is_greeted)) {
    b$is_greeted <- TRUE
    say_event(b, "hello", version = 1, engine = paste("R", getRversion()), address = host())
  }
  b$state <- "ready"
  pass_secrets(b, seq_along(b$secrets))
}

#' What there is to do next.
step <- function(b) {
  switch(b$state, clearing = clear(b), mourning = mourn(b), starting = wait_for_foreman(b), ready = serve_requests(b),
    ending = end(b))
  if (b$state %in% c("ready", "ending")) look(b)
}

clear <- function(b) {
  is_gone <- !isTRUE(is_running(read_process(at(b$root, "foreman"))))
  if (!is_gone && now() < b$deadline) return()
  if (!is_gone) kill_group(read_process(at(b$root, "foreman")))
  unlink(b$root, recursive = TRUE)
  open_root(b)
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
    if (!is.null(line$problem)) fatal(b, line$problem$code, line$problem$message, line$problem$hint)
    if (isTRUE(line$ready)) {
      b$foreman <- read_process(at(b$root, "foreman"))
      return(greet(b))
    }
  }
  if (now() > b$deadline) {
    # Who cannot be let in somewhere is not told so by R, which waits.
    kill_group(paste(b$process$get_pid(), ""))
    words <- last_words(b$log)
    fatal(b, "plan", sprintf("the plan '%s' cannot be made: it is not there after %g s%s", b$hello$settings$plan,
      b$hello$settings$connect_timeout, if (length(words)) paste0(": ", words) else ""), hint_of_plan(b$hello$settings, b$log))
  }
  if (!b$process$is_alive()) fatal(b, "cluster", "the R process that makes the workers ended", sprintf("see %s", b$log))
}

serve_requests <- function(b) {
  while (length(b$requests) && b$state == "ready") {
    request <- b$requests[[1]]
    b$requests <- b$requests[-1]
    b$news <- now()
    switch(request$request, attach = attach_saturn(b), submit = submit(b, request$tasks),
      release = for (id in request$attempts) forget(b$books, id), withdraw = cancel(b, request$attempts, NULL),
      terminate = if (is.null(request$attempts)) terminate(b) else cancel(b, request$attempts, request$force),
      detach = {
        say_event(b, "done", left = 0)
        leave(b, 0L)
      })
  }
}

attach_saturn <- function(b) {
  read_workers(b$books, function(one, line) NULL)
  known <- every_attempt(b$books)
  say_event(b, "attached", attempts = map(names(known), lapply(known, function(one) one$state)))
}

submit <- function(b, tasks) {
  for (task in tasks) {
    one <- find_attempt(b$books, task$attempt)
    if (!is.null(one)) recount(b, one)
  }
  is_new <- vapply(tasks, function(task) is.null(find_attempt(b$books, task$attempt)), TRUE)
  fresh <- list()
  for (task in lapply(tasks[is_new], seal, b = b)) {
    before <- find_attempt(b$books, task$after)
    if (!is.null(before)) cancel(b, list(before$id), TRUE)
    if (!is.null(before) && !before$state %in% c("ended", "lost") && !is.null(find_attempt(b$books, before$id))) {
      # One of the task's may still be at work in its folder.
      b$held[[before$id]] <- c(b$held[[before$id]], list(task))
    } else {
      fresh[[length(fresh) + 1]] <- task
    }
  }
  add(b, fresh)
  say_event(b, "submitted", attempts = lapply(tasks, function(task) task$attempt))
}

add <- function(b, tasks) {
  enqueue(b$books, tasks)
  if (length(tasks) && is.null(b$foreman)) start_foreman(b)
}

#' All there is to tell of one that is here already.
recount <- function(b, one) {
  one$is_wanted <- TRUE
  if (!is.null(one$start)) report(b, one, one$start)
  if (!is.null(one$end)) report(b, one, one$end)
}

#' Without its secrets, which are to be in no file.
seal <- function(task, b) {
  task$level <- 0
  values <- unlist(task$secrets)
  task$secrets <- NULL
  if (!length(values)) return(task)
  numbers <- vapply(values, function(value) secret_number(b, value), 0)
  is_secret <- vapply(task$env, function(value) value %in% values, TRUE)
  task$sealed <- lapply(task$env[is_secret], function(value) numbers[[match(value, values)]])
  task$env <- task$env[!is_secret]
  task$secrets <- as.list(unname(numbers))
  task$level <- max(numbers)
  task
}

secret_number <- function(b, value) {
  known <- match(value, b$secrets)
  if (!is.na(known)) return(known)
  b$level <- b$level + 1
  # Those of an earlier bridge are not known here.
  while (length(b$secrets) < b$level - 1) b$secrets[length(b$secrets) + 1] <- list(NA)
  b$secrets[[b$level]] <- value
  put_file(at(b$root, "level"), as.character(b$level))
  pass_secrets(b, b$level)
  b$level
}

pass_secrets <- function(b, numbers) {
  if (is.null(b$foreman) || !length(numbers)) return()
  pipe <- file(at(b$root, "secrets"), "r+b", raw = TRUE)
  on.exit(close(pipe))
  for (number in numbers) {
    if (is.na(b$secrets[[number]])) next
    # An earlier line may have been cut off.
    line <- paste0("\n", to_json(list(from = number, values = list(b$secrets[[number]]))), "\n")
    writeBin(charToRaw(line), pipe)
  }
}

#' `force`: those that run are asked to end, or ended; NULL: they go on.
cancel <- function(b, ids, force) {
  running <- list()
  for (id in ids) {
    one <- find_attempt(b$books, id)
    if (is.null(one)) drop_held(b, id) else if (withdraw(b$books, one)) {
      if (one$is_wanted) say_event(b, "exited", attempt = id, cancelled = TRUE)
      free(b, id)
    } else if (!one$state %in% c("ended", "lost")) running <- c(running, list(one))
  }
  # What waited comes first: it would have the places of those that end.
  if (!is.null(force)) for (one in running) signal(b$books, one, if (force) 9 else 15)
}

drop_held <- function(b, id) {
  for (before in names(b$held)) {
    is_it <- vapply(b$held[[before]], function(task) task$attempt == id, TRUE)
    if (any(is_it)) say_event(b, "exited", attempt = id, cancelled = TRUE)
    b$held[[before]] <- b$held[[before]][!is_it]
  }
}

free <- function(b, id) {
  tasks <- b$held[[id]]
  b$held[[id]] <- NULL
  if (length(tasks)) add(b, tasks)
}

# What comes of it

look <- function(b) {
  read_workers(b$books, function(one, line) report(b, one, line))
  if (!is.null(b$foreman)) for (line in from_lines(b$shouts())) {
    if (!is.null(line$lost)) lose(b, line$lost, line$reason)
    if (!is.null(line$notice)) say_event(b, "notice", message = line$notice)
    if (!is.null(line$problem) && b$state == "ready") fatal(b, line$problem$code, line$problem$message, line$problem$hint)
  }
  if (now() < b$looked + 0.5 || b$state != "ready") return()
  b$looked <- now()
  there <- read_process(at(b$root, "bridge"))
  if (!is.null(there) && there != b$me) {
    fatal(b, "superseded", "another saturn collects this run's results now")
  }
  if (!is.null(b$foreman) && isFALSE(is_running(b$foreman))) {
    b$state <- "mourning"
    b$deadline <- now() + PATIENCE
  }
}

lose <- function(b, worker, reason) lose_worker(b$books, worker, reason, function(one, line) report(b, one, line))

report <- function(b, one, line) {
  b$news <- now()
  if (one$is_wanted) {
    if (identical(line, one$start)) {
      seconds <- now() - as.numeric(sub('.*"time":([0-9.]+).*', "\\1", line))
      line <- sub("}$", sprintf(',"seconds":%.6f}', max(0, seconds)), line)
    }
    b$said <- c(b$said, sub('^\\{"([a-z]+)":', '{"event":"\\1","attempt":', line))
  }
  if (one$state %in% c("ended", "lost")) free(b, one$id)
}

last_words <- function(path) {
  lines <- trimws(strsplit(read_text(path), "\n", fixed = TRUE)[[1]])
  substr(utils::tail(lines[nzchar(lines)], 1), 1, 300)
}

# The end of all

terminate <- function(b) {
  b$held <- list()
  for (one in every_attempt(b$books)) {
    if (withdraw(b$books, one) && one$is_wanted) say_event(b, "exited", attempt = one$id, cancelled = TRUE)
  }
  file.create(at(b$root, "stop"))
  b$deadline <- now() + PATIENCE
  b$state <- "ending"
}

end <- function(b) {
  read_workers(b$books, function(one, line) report(b, one, line))
  is_gone <- !isTRUE(is_running(b$foreman))
  if (is_gone) for (worker in open_workers(b$books)) {
    if (isTRUE(is_running(worker$process))) is_gone <- FALSE
  }
  if (!is_gone && now() < b$deadline) return()
  left <- Filter(function(one) !one$state %in% c("ended", "lost"), every_attempt(b$books))
  if (length(left) && !is_gone) {
    where <- vapply(left, function(one) places_of(b, one), "")
    say_event(b, "done", left = length(left), places = as.list(sort(unique(where))))
    leave(b, 0L)
  }
  if (!is_gone && !is.null(b$foreman)) kill_group(b$foreman)
  unlink(b$root, recursive = TRUE)
  say_event(b, "done", left = 0)
  leave(b, 0L)
}

places_of <- function(b, one) {
  worker <- books_worker(b$books, one)
  if (is.null(worker$process)) "R" else sprintf("%s (process %d)", process_host(worker$process), process_number(worker$process))
}

books_worker <- function(books, one) {
  name <- holder(books, one)
  if (!is.null(name)) books$workers[[name]]
}

#' With the workers that it has started, which are in its group.
kill_group <- function(process) {
  system2("/bin/sh", c("-c", shQuote(sprintf("kill -KILL -%d", process_number(process)))), stderr = FALSE)
}

if (sys.nframe() == 0L) {
  compiler::enableJIT(0)
  restore_packages()
  role <- commandArgs(trailingOnly = TRUE)
  if (identical(role[1], "foreman")) foreman(role[2]) else bridge()
}
