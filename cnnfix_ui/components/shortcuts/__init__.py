"""Keys that press buttons of the page."""
