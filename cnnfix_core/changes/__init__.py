"""Pictures that were changed: what does the network say then, and does the map move?"""

from cnnfix_core.changes.disturbed import ATTACKS, Disturbed, disturbed
from cnnfix_core.changes.painted import Fill, Stroke, painted

__all__ = ["ATTACKS", "Disturbed", "Fill", "Stroke", "disturbed", "painted"]
