"""Train the captioner for composed scenes: python -m training.captions.scenes; see ../README.md. Takes minutes."""

from __future__ import annotations

import argparse
import itertools

from cnnfix_core.utils import let_idle_threads_sleep

let_idle_threads_sleep()

import torch
from torch import Tensor

from cnnfix_core.modalities.captions import counted, whole_input
from cnnfix_core.modalities.captions.shipped import FOLDER, SCENES
from cnnfix_core.synthetic import CLASSES, HELD_OUT, Scene, compose
from training.captions.data import Photographs
from training.captions.learn import Recipe, learnt
from training.captions.scores import bleu, shown
from training.parallel import made
from training.weights import keep_file, keep_weights

PAIRS = tuple(itertools.combinations(range(len(CLASSES)), 2))
LEARN, CHECK = range(6_000), range(HELD_OUT + 300_000, HELD_OUT + 301_000)
RECIPE = Recipe(embedding=48, hidden=64, rounds=40, mean=5, batch=64, dropout=0.1, smoothing=0.05)


def main() -> None:
    """Compose scenes, train the captioner, measure it, and write its weights and vocabulary."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--threads", type=int, default=2)
    torch.set_num_threads(parser.parse_args().threads)
    learn, check = (photographs(seeds) for seeds in (LEARN, CHECK))
    vocabulary = counted((words for captions in learn.captions for words in captions), 1)
    captioner = learnt(learn, check, vocabulary, RECIPE)
    print(f"BLEU {shown(bleu(captioner, check, vocabulary, 3))}")
    print(keep_weights(FOLDER, SCENES.name, captioner))
    print(keep_file(FOLDER / f"{SCENES.name}.json", vocabulary.to_json().encode()))


def scene_of(seed: int) -> Scene:
    """Compose a scene with two different objects."""
    one, other = PAIRS[seed % len(PAIRS)]
    return compose(seed, one, other=other)


def caption_of(seed: int) -> list[str]:
    """The caption of a scene: its objects in alphabetical order."""
    one, other = sorted(CLASSES[label] for label in PAIRS[seed % len(PAIRS)])
    return ["a", one, "and", "a", other]


def photographs(seeds: range) -> Photographs:
    """The features of these scenes, and their captions."""
    inputs = torch.stack(made(_inputs, seeds))
    features = SCENES.features()

    @torch.no_grad()
    def means(pictures: Tensor) -> Tensor:
        return torch.cat([features(some).mean(dim=(2, 3)) for some in pictures.split(100)])

    return Photographs(means(inputs), means(inputs.flip(3)), [[caption_of(seed)] for seed in seeds])


def _inputs(seed: int) -> Tensor:
    return whole_input(SCENES.preprocess, scene_of(seed).picture)


if __name__ == "__main__":
    main()
