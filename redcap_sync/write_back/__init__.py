"""Writing into a REDCap project: questions on the record itself, as rows of a repeating instrument of their own."""
