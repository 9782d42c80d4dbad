"""Visual components that several pages share."""
