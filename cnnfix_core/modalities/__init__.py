"""Inputs and outputs beyond a photograph with one label: captions, time series, video, sketches."""
