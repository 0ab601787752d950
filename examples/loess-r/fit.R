# The error of a local regression on what it has not seen: ten folds of `faithful`, which R ships.

words <- commandArgs(trailingOnly = TRUE)
option <- function(name) as.numeric(words[match(name, words) + 1])
span <- option("--span")
degree <- option("--degree")

set.seed(strtoi(Sys.getenv("SATURN_SEED", "1")))
folds <- sample(rep(1:10, length.out = nrow(faithful)))
errors <- sapply(1:10, function(fold) {
  fit <- loess(
    waiting ~ eruptions, faithful[folds != fold, ], span = span, degree = degree,
    control = loess.control(surface = "direct"))
  held_out <- faithful[folds == fold, ]
  error <- sqrt(mean((predict(fit, held_out) - held_out$waiting)^2))
  cat(sprintf("fold %2d: %.3f minutes\n", fold, error))
  error
})

cat(
  sprintf('{"span": %g, "degree": %g, "rmse": %.4f}\n', span, degree, mean(errors)),
  file = file.path(Sys.getenv("RESULTS_DIR"), "metrics.json"))
