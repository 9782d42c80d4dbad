"""Measure the shipped captioner and write its card: python -m training.captions.measure --data FOLDER."""

from __future__ import annotations

import argparse
from pathlib import Path

from cnnfix_core.utils import let_idle_threads_sleep

let_idle_threads_sleep()

from cnnfix_core.modalities.captions import load_captioner
from cnnfix_core.modalities.captions.shipped import FLICKR8K, FOLDER
from training.captions.data import photographs
from training.captions.scores import bleu

CARD = Path(__file__).with_name("card.md")
WIDTHS = (1, 3, 5)


def main() -> None:
    """Compute BLEU, print the card, and write it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with val.npz and val.json")
    found = photographs(parser.parse_args().data, "val")
    captioner = load_captioner()
    rows = []
    for width in WIDTHS:
        scores = bleu(captioner.module, found, captioner.vocabulary, width)
        how = "greedy" if width == 1 else f"beam search, width {width}"
        rows.append(f"| {how} | {' | '.join(f'{100 * score:.1f}' for score in scores)} |")
    encoder, decoder = captioner.module.encoder, captioner.module.decoder
    learnt = [p.numel() for part in (encoder.linear, encoder.bn, decoder) for p in part.parameters()]
    card = CARD.read_text("utf-8").format(
        words=len(captioner.vocabulary) - 4,
        count=len(found),
        rows="\n".join(rows),
        parameters=sum(learnt),
        size=FLICKR8K.file("safetensors").stat().st_size / 1e6,
    )
    print(card)
    (FOLDER / "README.md").write_text(card, "utf-8")


if __name__ == "__main__":
    main()
