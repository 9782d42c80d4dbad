"""Text with bold, italics, code, lists, links, and terms that open in place."""
