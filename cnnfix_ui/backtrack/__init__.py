"""The Backtrack page: a walk that plays in the browser, and the answers that Python gives meanwhile."""
