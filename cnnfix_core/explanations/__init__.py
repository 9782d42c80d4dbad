"""One explanation of one picture: fixations, density, its files, its description in words."""
