"""The Explore page: choosing the pixel or box to explain, for segmentation and detection networks."""
