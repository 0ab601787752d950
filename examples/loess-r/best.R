# Of all fits, the one with the smallest error.

needs <- read.delim(Sys.getenv("SATURN_NEEDS"), header = FALSE, col.names = c("task", "folder"))
needs$rmse <- sapply(needs$folder, function(folder) {
  text <- readLines(file.path(folder, "metrics.json"))
  as.numeric(sub('.*"rmse": ([0-9.]+).*', "\\1", text))
})
needs <- needs[order(needs$rmse), ]
write.csv(needs[c("task", "rmse")], file.path(Sys.getenv("RESULTS_DIR"), "table.csv"), row.names = FALSE)
cat(sprintf("%-28s %.4f\n", needs$task, needs$rmse), sep = "")
