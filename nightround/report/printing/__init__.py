"""From ready text to HTML, PDF and Word."""
