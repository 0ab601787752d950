# What saturn is held against on R: a future for each command.

words <- commandArgs(trailingOnly = TRUE)
library(future)
plan(multisession, workers = as.integer(words[1]))
started <- lapply(seq_len(as.integer(words[2])), function(number) future(system2("true")))
cat(sum(unlist(value(started)) == 0), "succeeded\n")
