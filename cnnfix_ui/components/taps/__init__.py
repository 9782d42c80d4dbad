"""A picture on which a person taps places, or draws a box."""
