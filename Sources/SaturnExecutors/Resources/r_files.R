# The files by which a run's processes in R speak, all of them in one folder:
#
#   settings             the plan, for the foreman
#   foreman, bridge      who they are
#   foreman.out          what the foreman says, a JSON object a line
#   secrets              a named pipe, for the foreman
#   queue/000000001-500  500 attempts, written once
#   claims/000000001/12  whose the twelfth of these is: a link that names its worker, made once
#   signals/000000001.12.9  it is to get that signal
#   workers/w1           what became of those of a worker, a JSON object a line
#   guards/w1            nothing is left of what that worker ran
#   stop                 all is to end
#
# So what a run has done is there whoever dies, and every worker takes the next attempt by itself.

at <- function(root, ...) file.path(root, ...)

now <- function() as.numeric(Sys.time())

put_file <- function(path, text) {
  draft <- paste0(path, ".new")
  add_bytes(draft, charToRaw(text), "wb")
  file.rename(draft, path)
}

#' FALSE when the disk does not take them.
add_bytes <- function(path, bytes, mode = "ab") {
  is_there <- TRUE
  attempt(note = function(message) is_there <<- FALSE, expr = {
    con <- file(path, mode)
    writeBin(bytes, con)
    close(con)
  })
  is_there
}

#' The value, or NULL after an error. Warnings do not end it: a connection that is being opened would be open for ever.
attempt <- function(expr, note = function(message) NULL) {
  tryCatch(
    withCallingHandlers(expr, warning = function(warning) {
      note(conditionMessage(warning))
      invokeRestart("muffleWarning")
    }),
    error = function(error) {
      note(conditionMessage(error))
      NULL
    })
}

#' Until it is there: whoever waits for this line would wait for ever. What a full disk has cut off is no line.
add_line <- function(path, line) {
  bytes <- charToRaw(paste0(line, "\n"))
  while (!add_bytes(path, bytes)) {
    if (!dir.exists(dirname(path))) return(invisible(FALSE))
    Sys.sleep(1)
    bytes <- c(as.raw(10L), bytes[bytes != 10L], as.raw(10L))
  }
  invisible(TRUE)
}

#' A function that returns the lines that have come to a file since it was last called.
tail_of <- function(path) {
  position <- 0
  function() {
    size <- file.size(path)
    if (is.na(size) || size <= position) return(character())
    con <- attempt(file(path, "rb"))
    if (is.null(con)) return(character())
    on.exit(close(con))
    seek(con, position)
    bytes <- readBin(con, "raw", size - position)
    ends <- which(bytes == as.raw(10L))
    if (!length(ends)) return(character())
    last <- ends[length(ends)]
    position <<- position + last
    strsplit(rawToChar(bytes[seq_len(last)]), "\n", fixed = TRUE)[[1]]
  }
}

from_json <- function(text) jsonlite::fromJSON(text, simplifyVector = FALSE)

#' Of lines, each an object; what is none is left out.
from_lines <- function(lines) {
  lines <- lines[nzchar(lines)]
  if (!length(lines)) return(list())
  tryCatch(from_json(paste0("[", paste(lines, collapse = ","), "]")), error = function(error) {
    Filter(is.list, lapply(lines, function(line) tryCatch(from_json(line), error = function(error) NULL)))
  })
}

to_json <- function(value) {
  as.character(jsonlite::toJSON(value, auto_unbox = TRUE, null = "null", digits = NA))
}

#' Nothing of what is not there any more.
read_bytes <- function(path, size) {
  con <- attempt(file(path, "rb", raw = TRUE))
  if (is.null(con)) return(raw())
  bytes <- attempt(readBin(con, "raw", size))
  close(con)
  if (is.null(bytes)) raw() else bytes
}

read_text <- function(path) {
  size <- file.size(path)
  if (is.na(size)) return("")
  text <- rawToChar(read_bytes(path, size))
  Encoding(text) <- "UTF-8"
  text
}

#' Bytes as they are, whatever the locale: R would translate what it takes for text.
as_bytes <- function(value) {
  if (is.list(value)) return(lapply(value, as_bytes))
  if (is.character(value)) Encoding(value) <- "unknown"
  value
}

#' For a shell.
quoted <- function(words) as_bytes(paste0("'", gsub("'", "'\\''", words, fixed = TRUE, useBytes = TRUE), "'"))

#' Where it points; NULL of what is no link.
link_target <- function(path) {
  target <- Sys.readlink(path)
  if (is.na(target) || !nzchar(target)) NULL else target
}

#' A map that may be empty.
map <- function(names = character(), values = list()) structure(as.list(values), names = names)

guard_mark <- function(root, worker) at(root, "guards", worker)

# The queue

#' Names of its batches, oldest first: a number and how many attempts there are.
batches <- function(root) {
  sort(grep("^[0-9]+-[0-9]+$", list.files(at(root, "queue")), value = TRUE), method = "radix")
}

batch_name <- function(number, size) sprintf("%09d-%d", number, size)
batch_number <- function(batch) sub("-.*", "", batch)
batch_size <- function(batch) as.integer(sub(".*-", "", batch))

#' Whether it was nobody's; asked as often as you like, it is one's.
claim <- function(root, number, line, who) {
  suppressWarnings(file.symlink(who, at(root, "claims", number, line)))
}
