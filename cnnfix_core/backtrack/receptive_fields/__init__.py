"""Which pixels an element of a layer can see: exact strides, offsets and sizes."""
