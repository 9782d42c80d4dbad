"""What the first visitor would otherwise wait for: imports, weights, compiled loops, Grad-CAM's library."""

from cnnfix_core import open_picture
from cnnfix_core.samples import list_samples
from cnnfix_core.zoo import DEFAULT
from cnnfix_ui import results


def warm_up() -> None:
    """Load the bundled network and explain the first sample, as its visitor will see it, under both presets."""
    picture = open_picture(list_samples()[0].read())
    model = results.model(DEFAULT)
    for preset, focus in (("evidence", "balanced"), ("published", None)):
        answer = results.explained(picture.digest, model.name, None, preset, focus, None, picture)
        results.rival(picture.digest, model.name, answer.asked, answer.preset.crops, picture)
