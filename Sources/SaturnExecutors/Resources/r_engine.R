# What saturn asks of a run, and what comes of it. Part of the bridge's script, see docs/bridge.md.

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
  for (number in numbers) {
    if (!is.na(b$secrets[[number]])) tell_foreman(b, list(from = number, values = list(b$secrets[[number]])))
  }
}

#' What is to be in no file.
tell_foreman <- function(b, words) {
  if (is.null(b$foreman)) return()
  pipe <- file(at(b$root, "secrets"), "r+b", raw = TRUE)
  on.exit(close(pipe))
  # An earlier line may have been cut off.
  writeBin(charToRaw(paste0("\n", to_json(words), "\n")), pipe)
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
    problem <- line$problem
    if (!is.null(problem) && b$state == "ready") fatal(b, problem$code, problem$message, problem$hint)
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
  if (is.null(worker$process)) "R" else place_of(worker)
}

place_of <- function(worker) sprintf("%s (process %d)", process_host(worker$process), process_number(worker$process))

books_worker <- function(books, one) {
  name <- holder(books, one)
  if (!is.null(name)) books$workers[[name]]
}
