"""Known errors planted in a copy of a study's data, and which of them its rules find."""
