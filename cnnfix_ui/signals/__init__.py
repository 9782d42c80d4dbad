"""The Signals page: time series and video clips, and when the evidence occurs in them."""
