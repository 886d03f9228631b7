"""Result rows and run facts become HTML, and HTML becomes a PDF."""
