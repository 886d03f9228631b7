"""Clinical scores as data: items, ranges, cut-offs, formulas, each with its source, in Chinese and English."""
