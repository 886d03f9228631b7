# Shared by the scripts: each writes its data and its results as CSV into the folder named on the command line.
options(digits = 17, warn = 1)
RNGversion("4.0.0")
folder <- commandArgs(trailingOnly = TRUE)[1]
results <- list()

emit <- function(dataset, statistic, value) {
  results[[length(results) + 1]] <<- sprintf("%s,%s,%.17g", dataset, statistic, as.numeric(value))
}

write_data <- function(name, frame) {
  write.csv(frame, file.path(folder, paste0(name, "_data.csv")), row.names = FALSE, quote = FALSE)
}

write_results <- function(name) {
  writeLines(c("dataset,statistic,value", unlist(results)), file.path(folder, paste0(name, "_results.csv")))
}

emit_interval <- function(dataset, name, estimate, interval) {
  emit(dataset, name, estimate)
  emit(dataset, paste0(name, "_low"), interval[1])
  emit(dataset, paste0(name, "_high"), interval[2])
}
