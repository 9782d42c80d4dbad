"""Controls and sections that several pages share."""
