"""Pictures with known ground truth: readers of box and mask files, labels, composed scenes."""
