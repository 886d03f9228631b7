"""Result rows for the tables of the report; scipy does the mathematics."""
