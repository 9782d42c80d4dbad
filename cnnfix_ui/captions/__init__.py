"""The Captions page: a caption, and which pixels and earlier words led to each of its words."""
