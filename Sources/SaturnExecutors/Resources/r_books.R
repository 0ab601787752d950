# What a bridge knows of the run's attempts, from the files of its folder: also what others before it have asked for.

new_books <- function(root) {
  books <- new.env()
  books$root <- root
  books$attempts <- new.env(hash = TRUE)
  books$batches <- new.env(hash = TRUE)
  books$workers <- new.env(hash = TRUE)
  books$next_batch <- 1
  for (batch in batches(root)) read_batch(books, batch)
  books
}

#' An attempt is `waiting`, `running`, `ended` or `lost`; what waits may have been taken a moment ago.
add_attempt <- function(books, id, number, line) {
  one <- new.env()
  one$id <- id
  one$number <- number
  one$line <- line
  one$state <- "waiting"
  # Whether saturn has asked for it since this bridge began, and wants to hear of it.
  one$is_wanted <- FALSE
  assign(id, one, envir = books$attempts)
  one
}

find_attempt <- function(books, id) if (!is.null(id)) books$attempts[[id]]

every_attempt <- function(books) mget(ls(books$attempts, sorted = FALSE), envir = books$attempts)

read_batch <- function(books, batch) {
  number <- batch_number(batch)
  tasks <- attempt(readRDS(at(books$root, "queue", batch)))
  for (line in seq_along(tasks)) add_attempt(books, tasks[[line]]$attempt, number, line)
  books$batches[[number]] <- length(tasks)
  books$next_batch <- as.numeric(number) + 1
  # Those of nobody any more were withdrawn.
  claims <- list.files(at(books$root, "claims", number))
  withdrawn <- claims[Sys.readlink(at(books$root, "claims", number, claims)) == "nobody"]
  for (line in as.integer(withdrawn)) forget(books, tasks[[line]]$attempt)
}

enqueue <- function(books, tasks) {
  if (!length(tasks)) return()
  batch <- batch_name(books$next_batch, length(tasks))
  number <- batch_number(batch)
  dir.create(at(books$root, "claims", number))
  draft <- at(books$root, "draft")
  saveRDS(tasks, draft, compress = FALSE)
  file.rename(draft, at(books$root, "queue", batch))
  books$batches[[number]] <- length(tasks)
  books$next_batch <- books$next_batch + 1
  for (line in seq_along(tasks)) {
    one <- add_attempt(books, tasks[[line]]$attempt, number, line)
    one$is_wanted <- TRUE
  }
}

#' Whether it is not going to begin any more.
withdraw <- function(books, one) {
  if (one$state != "waiting" || !claim(books$root, one$number, one$line, "nobody")) return(FALSE)
  forget(books, one$id)
  TRUE
}

signal <- function(books, one, number) {
  file.create(at(books$root, "signals", paste(one$number, one$line, number, sep = ".")))
}

#' Nobody asks for it any more; with the last one of a batch go its files.
forget <- function(books, id) {
  one <- books$attempts[[id]]
  if (is.null(one)) return()
  rm(list = id, envir = books$attempts)
  left <- books$batches[[one$number]] - 1
  books$batches[[one$number]] <- left
  unlink(at(books$root, "signals", paste(one$number, one$line, c(9, 15), sep = ".")))
  if (left > 0) return()
  rm(list = one$number, envir = books$batches)
  # The number stays: later batches have higher ones.
  unlink(list.files(at(books$root, "queue"), paste0("^", one$number, "-"), full.names = TRUE))
  unlink(at(books$root, "claims", one$number), recursive = TRUE)
}

# What workers write

#' Calls `hear(attempt, line)` for what has come, after the attempt's state has changed.
read_workers <- function(books, hear) {
  for (name in list.files(at(books$root, "workers"))) {
    worker <- books$workers[[name]]
    if (is.null(worker)) {
      worker <- new.env()
      worker$name <- name
      worker$lines <- tail_of(at(books$root, "workers", name))
      worker$is_over <- FALSE
      books$workers[[name]] <- worker
    }
    if (!worker$is_over) read_worker(books, worker, hear)
  }
}

read_worker <- function(books, worker, hear) {
  for (line in worker$lines()) {
    # What it is comes first, of attempts with their ids: to read all of its JSON would take longer than all else.
    what <- sub('^\\{"([a-z]+)":.*', "\\1", line)
    if (what == "worker") worker$process <- from_json(line)$process
    if (what == "over") worker$is_over <- TRUE
    if (!what %in% c("started", "exited", "lost")) next
    one <- find_attempt(books, substr(line, nchar(what) + 6, nchar(what) + 41))
    if (is.null(one) || one$state %in% c("ended", "lost")) next
    one$worker <- worker$name
    if (what == "started") one$start <- line else one$end <- line
    one$state <- switch(what, started = "running", exited = "ended", what)
    hear(one, line)
  }
}

#' Its worker is no more: what it had taken and not ended is lost.
lose_worker <- function(books, name, reason, hear) {
  if (is.null(books$workers[[name]])) read_workers(books, hear)
  worker <- books$workers[[name]]
  if (!is.null(worker)) {
    if (!worker$is_over) read_worker(books, worker, hear)
    worker$is_over <- TRUE
  }
  for (one in every_attempt(books)) {
    if (one$state %in% c("ended", "lost") || !identical(holder(books, one), name)) next
    one$state <- "lost"
    one$worker <- name
    one$end <- to_json(list(lost = one$id, reason = reason))
    hear(one, one$end)
  }
}

holder <- function(books, one) {
  if (!is.null(one$worker)) return(one$worker)
  link_target(at(books$root, "claims", one$number, one$line))
}

#' Workers that have not said that they are over, with their processes.
open_workers <- function(books) Filter(function(worker) !worker$is_over, as.list(books$workers))
