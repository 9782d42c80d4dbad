"""Signals: time series and clips, and when the evidence lies in them."""
