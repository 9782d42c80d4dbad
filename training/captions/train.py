"""Train the captioner's picture embedding and decoder: python -m training.captions.train; see ../README.md."""

from __future__ import annotations

import argparse
from pathlib import Path

from cnnfix_core.utils import let_idle_threads_sleep

let_idle_threads_sleep()

import torch
from safetensors.torch import load_file

from cnnfix_core.modalities.captions import Vocabulary, counted
from cnnfix_core.modalities.captions.network import ShowAndTell
from training.captions.data import photographs
from training.captions.learn import Recipe, learnt, untrained
from training.captions.refine import Refinement, refine
from training.captions.scores import bleu, shown
from training.weights import keep_file, keep_weights

LEARNT = Path("build/captions")  # weights before refining
LEAST = 5  # how often a word must occur to be in the vocabulary


def main() -> None:
    """Train and refine the captioner, measure it, and write its weights and vocabulary."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with train.npz, train.json, val.npz, val.json")
    parser.add_argument("--out", type=Path, default=Path("assets/captions"))
    parser.add_argument("--start", type=Path, help="weights to refine, without training first")
    parser.add_argument("--rounds", type=int, default=Recipe.rounds, help="rounds of training")
    parser.add_argument("--refine", type=int, default=Refinement.rounds, help="rounds of refining")
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    recipe = Recipe(rounds=options.rounds)
    learn, check = (photographs(options.data, part) for part in ("train", "val"))
    vocabulary = counted((words for captions in learn.captions for words in captions), LEAST)
    print(f"{len(vocabulary)} words", flush=True)
    if options.start:
        captioner = untrained(learn.features.shape[1], vocabulary, recipe)
        captioner.load_state_dict(load_file(options.start))
    else:
        captioner = learnt(learn, check, vocabulary, recipe)
        print(keep_weights(LEARNT, "learnt", captioner))
    refine(captioner, learn, check, vocabulary, recipe, Refinement(rounds=options.refine))
    for width in (1, 3, 5):
        print(f"width {width}: BLEU {shown(bleu(captioner, check, vocabulary, width))}", flush=True)
    print(*keep(options.out, captioner, vocabulary), sep="\n")


def keep(folder: Path, captioner: ShowAndTell, vocabulary: Vocabulary) -> list[Path]:
    """Write weights and vocabulary."""
    return [
        keep_weights(folder, "flickr8k", captioner),
        keep_file(folder / "flickr8k.json", vocabulary.to_json().encode()),
    ]


if __name__ == "__main__":
    main()
