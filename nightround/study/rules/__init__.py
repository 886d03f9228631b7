"""Where the rules of a study come from: its rule files, its REDCap project, its data dictionary."""
