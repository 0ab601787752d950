# The foreman holds the plan and its futures, and outlives every saturn. Each future is a worker.

# Seconds between signs of life for workers on other machines, and until they take the foreman for dead.
BEAT <- 5
BEAT_PATIENCE <- 60
# Seconds without a saturn and without work after which it is over.
UNASKED <- 10
FOREMAN_DIED <- "the R process that made the workers died, and what they ran with it"
# So many futures in a row that fail at once are no accident.
FAILURES <- 5

foreman <- function(root) {
  restore_packages()
  f <- new.env()
  f$root <- root
  f$out <- at(root, "foreman.out")
  f$script <- at(dirname(root), "bridge.R")
  f$secrets <- character()
  f$failures <- 0
  f$count <- length(list.files(at(root, "workers")))
  f$settings <- readRDS(at(root, "settings"))
  f$pipe <- fifo(at(root, "secrets"), "w+b", blocking = FALSE)
  f$heard <- ""
  f$me <- myself()
  put_file(at(root, "foreman"), f$me)
  options(future.cache.path = at(root, "future"))
  f$slots <- tryCatch(make_slots(f), error = function(error) {
    shout(f, problem = what_is_wrong(f, conditionMessage(error)))
    quit(save = "no", status = 1L)
  })
  add_line(f$out, '{"ready":true}')
  oversee(f)
  disband(f)
}

shout <- function(f, ...) add_line(f$out, to_json(list(...)))

# The plan

is_sockets <- function(settings) settings$plan %in% c("multisession", "cluster")

#' One for each worker. Sessions that are reached by sockets are made here, each a cluster of its own: a future's
#' cluster is of no use any more when one of its sessions has died.
make_slots <- function(f) {
  settings <- f$settings
  if (is_sockets(settings)) {
    hosts <- if (is.null(settings$workers)) parallelly::availableCores()[[1]] else unlist(settings$workers)
    if (is.numeric(hosts)) hosts <- rep("localhost", hosts)
    nodes <- connect(f, hosts)
    return(lapply(seq_along(hosts), function(number) new_slot(hosts[number], nodes[number])))
  }
  arguments <- settings$plan_args
  workers <- unlist(settings$workers)
  if (is.numeric(workers)) workers <- as.integer(workers)
  if (length(workers)) arguments$workers <- workers
  tryCatch(do.call(future::plan, c(list(settings$plan), arguments)), warning = function(warning) {
    stop(conditionMessage(warning))
  })
  count <- future::nbrOfWorkers()
  lapply(seq_len(min(count, 100)), function(number) new_slot(NULL, NULL))
}

new_slot <- function(host, node) {
  slot <- new.env()
  slot$host <- host
  slot$node <- node
  slot$future <- NULL
  slot
}

connect <- function(f, hosts) {
  arguments <- f$settings$plan_args
  if (is.null(arguments$connectTimeout)) arguments$connectTimeout <- f$settings$connect_timeout
  if (is.null(arguments$tries)) arguments$tries <- 1L
  if (all(hosts == "localhost") && is.null(arguments$rscript_libs)) arguments$rscript_libs <- .libPaths()
  if (is.null(arguments$default_packages)) arguments$default_packages <- "NULL"
  if (any(hosts != "localhost")) {
    let_in(unique(hosts[hosts != "localhost"]), arguments)
    limit <- tempfile("saturn-limit-")
    end_unless(limit, f)
    on.exit(unlink(limit))
  }
  nodes <- do.call(parallelly::makeClusterPSOCK, c(list(hosts), arguments))
  # At once on all of them: the first future of each would do it one after the other.
  parallel::clusterCall(nodes, loadNamespace, "future")
  nodes
}

#' Asks ssh, which says at once what R would wait for.
let_in <- function(hosts, arguments) {
  if (!is.null(arguments$rshcmd)) return()
  ask <- 'for host do (ssh -n -oBatchMode=yes -oConnectTimeout=10 -- "$host" exit || echo "$host") & done; wait'
  refused <- system2("/bin/sh", c("-c", shQuote(ask), "sh", shQuote(hosts)), stdout = TRUE)
  if (length(refused)) stop("ssh does not get into ", paste(refused, collapse = ", "))
}

#' R waits for ever for a session that does not begin, with or without a saturn: unless the file is gone in time, or when
#' the bridge is, this process is killed. A run that has nothing in its queue goes with it.
end_unless <- function(file, f) {
  file.create(file)
  wait <- "count=0; while test -e %s; do
    kill -0 %d && test $count -lt %d || { rmdir %s && rm -rf %s; kill -KILL -%d; }; count=$((count + 1)); sleep 1; done"
  bridge <- process_number(read_process(at(f$root, "bridge")))
  command <- sprintf(
    wait, quoted(file), bridge, as.integer(f$settings$connect_timeout) + 5L, quoted(at(f$root, "queue")),
    quoted(f$root), Sys.getpid())
  system2("/bin/sh", c("-c", shQuote(command)), wait = FALSE, stderr = FALSE)
}

what_is_wrong <- function(f, message) {
  plan <- f$settings$plan
  message <- gsub("\\s+", " ", message)
  package <- sub("::.*", "", plan)
  if (grepl("No such strategy", message, fixed = TRUE)) {
    return(list(
      code = "plan", message = sprintf("R's futures have no plan '%s'", plan),
      hint = "multisession, multicore, cluster, or PACKAGE::PLAN of a package that is installed"))
  }
  if (grepl("there is no package called", message, fixed = TRUE) && grepl(package, message, fixed = TRUE)) {
    return(list(
      code = "missing-package", message = sprintf("R has no package '%s', which the plan names", package),
      hint = install_hint(package)))
  }
  list(
    code = "plan", message = sprintf("the plan '%s' cannot be made: %s", plan, substr(message, 1, 300)),
    hint = hint_of_plan(f$settings, at(dirname(f$root), "bridge.log")))
}

hint_of_plan <- function(settings, log) {
  words <- if (is.character(unlist(settings$workers))) "'ssh HOST Rscript --version' has to work without a question; "
  paste0(words, "see ", log)
}

# Workers

oversee <- function(f) {
  beat <- asked <- now()
  looked <- 0
  repeat {
    hear_secrets(f)
    if (!is_mine(f)) return()
    busy <- Filter(function(slot) !is.null(slot$future), f$slots)
    began <- now()
    if (began > looked) {
      for (slot in busy) if (is_over(slot)) collect(f, slot)
      # Where it takes long to ask, it is asked seldom.
      looked <- now() + 10 * (now() - began)
    }
    busy <- Filter(function(slot) !is.null(slot$future), f$slots)
    is_stopping <- file.exists(at(f$root, "stop"))
    if (is_stopping && !length(busy)) return()
    if (!is_stopping && length(busy) < length(f$slots)) employ(f, busy)
    if (length(busy) || !isFALSE(is_running(read_process(at(f$root, "bridge"))))) asked <- now()
    # A saturn that has not waited for the plan has nothing to come back for.
    if (now() - asked > if (is_unused(f)) 0.5 else UNASKED) return()
    if (now() - beat > BEAT) {
      put_file(at(f$root, "beat"), sprintf("%.3f", now()))
      beat <- now()
    }
    Sys.sleep(if (length(busy)) 0.1 else 0.05)
  }
}

is_unused <- function(f) !f$count && !length(batches(f$root))

#' Nobody has removed the run's folder, or begun another run there.
is_mine <- function(f) identical(read_process(at(f$root, "foreman")), f$me)

#' Values that are in no file: the first is the number of the first, in a line.
hear_secrets <- function(f) {
  repeat {
    bytes <- tryCatch(readBin(f$pipe, "raw", 65536L), error = function(error) raw())
    if (!length(bytes)) break
    f$heard <- paste0(f$heard, rawToChar(bytes))
  }
  while (grepl("\n", f$heard, fixed = TRUE)) {
    line <- sub("\n.*", "", f$heard)
    f$heard <- sub("^[^\n]*\n", "", f$heard)
    # Whoever wrote before may have been killed in the middle of a line.
    told <- tryCatch(from_json(line), error = function(error) NULL)
    if (!is.null(told$environment)) f$environment <- as_bytes(told$environment)
    if (!is.null(told$from)) f$secrets[told$from + seq_along(told$values) - 1L] <- as_bytes(unlist(told$values))
  }
}

#' For what nobody has taken, as far as nobody is on the way to it.
employ <- function(f, busy) {
  wanted <- count_unclaimed(f) - sum(vapply(busy, function(slot) !has_begun(f, slot), TRUE))
  for (slot in f$slots) {
    if (wanted <= 0 || file.exists(at(f$root, "stop"))) return()
    if (!is.null(slot$future)) next
    f$count <- f$count + 1
    slot$worker <- sprintf("w%d", f$count)
    hear_secrets(f)
    tryCatch(hire(f, slot), error = function(error) dismiss(f, slot, conditionMessage(error)))
    wanted <- wanted - 1
  }
}

#' Attempts that nobody has taken.
count_unclaimed <- function(f) {
  # A batch that was taken whole stays so.
  open <- setdiff(batches(f$root), f$taken)
  left <- vapply(open, function(batch) {
    batch_size(batch) - length(list.files(at(f$root, "claims", batch_number(batch))))
  }, 0)
  f$taken <- c(f$taken, open[left <= 0])
  sum(pmax(0, left))
}

has_begun <- function(f, slot) file.exists(at(f$root, "workers", slot$worker))

hire <- function(f, slot) {
  if (!is.null(slot$node)) future::plan(future::cluster, workers = slot$node, .init = FALSE)
  slot$began <- now()
  slot$future <- future::future(
    quote({
      if (!file.exists(script)) stop("saturn: unshared")
      parts <- new.env(parent = globalenv())
      sys.source(script, parts)
      parts$work(root, name, secrets, environment, foreman, is_fork)
    }),
    substitute = FALSE, seed = NULL, stdout = FALSE, conditions = NULL, packages = NULL,
    globals = list(
      script = f$script, root = f$root, name = slot$worker, secrets = f$secrets, environment = f$environment,
      foreman = f$me, is_fork = f$settings$plan == "multicore"))
}

is_over <- function(slot) tryCatch(future::resolved(slot$future), error = function(error) TRUE)

collect <- function(f, slot) {
  future <- slot$future
  slot$future <- NULL
  tryCatch({
    future::value(future)
    f$failures <- 0
  }, error = function(error) dismiss(f, slot, conditionMessage(error)))
}

#' What it ran is lost; another one takes its place.
dismiss <- function(f, slot, message) {
  slot$future <- NULL
  where <- if (is.null(slot$host)) "" else sprintf(" on %s", slot$host)
  message <- gsub("\\s+", " ", message)
  if (grepl("saturn: unshared", message, fixed = TRUE)) {
    words <- "the R worker%s does not see %s: they have to share a disk with saturn"
    return(give_up(f, slot, sprintf(words, where, f$root)))
  }
  f$failures <- if (has_begun(f, slot) && now() - slot$began > 1) 0 else f$failures + 1
  # Another attempt is not to meet it in its folder.
  deadline <- now() + GONE
  while (has_begun(f, slot) && !file.exists(guard_mark(f$root, slot$worker)) && now() < deadline) Sys.sleep(0.01)
  shout(f, lost = slot$worker, reason = sprintf("the R worker%s died", where))
  cat(sprintf("saturn: the worker %s%s is over: %s\n", slot$worker, where, message), file = stderr())
  if (f$failures >= FAILURES) return(give_up(f, NULL, sprintf("R's workers fail at once: %s", substr(message, 1, 300))))
  if (is.null(slot$node)) return()
  if (slot$host != "localhost") {
    # R would wait for one that is gone for as long as it takes, and see nothing else meanwhile.
    return(give_up(f, slot, sprintf("the R worker%s died: the run goes on without it", where)))
  }
  tryCatch(slot$node <- connect(f, slot$host), error = function(error) {
    give_up(f, slot, sprintf("no other R worker starts%s: %s", where, conditionMessage(error)))
  })
}

#' A slot of no use, or all of them.
give_up <- function(f, slot, message) {
  f$slots <- Filter(function(one) !is.null(slot) && !identical(one, slot), f$slots)
  if (length(f$slots)) return(shout(f, notice = message))
  hint <- sprintf("see %s", at(dirname(f$root), "bridge.log"))
  shout(f, problem = list(code = "cluster", message = message, hint = hint))
  quit(save = "no", status = 1L)
}

#' Workers see for themselves that all is to end, or that the foreman is not theirs any more.
disband <- function(f) {
  deadline <- now() + 10
  for (slot in f$slots) {
    while (!is.null(slot$future) && !is_over(slot) && now() < deadline) Sys.sleep(0.02)
    if (!is.null(slot$node)) tryCatch(parallel::stopCluster(slot$node), error = function(error) NULL)
  }
  if (is_mine(f)) unlink(at(f$root, "foreman"))
  # Whoever has asked for the end did not wait for this.
  is_asked <- file.exists(at(f$root, "stop")) || is_unused(f)
  if (is_asked && isFALSE(is_running(read_process(at(f$root, "bridge"))))) unlink(f$root, recursive = TRUE)
  quit(save = "no")
}
