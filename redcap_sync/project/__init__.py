"""A REDCap project held in memory: structure, people, values, documents, log, and the rows of a flat export."""
