"""Train the captioner's embedding of pictures and its decoder: python training/captions/train.py; see ../README.md."""

from __future__ import annotations

import argparse
import hashlib
import time
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F
from data import Photographs, lessons, photographs
from safetensors.torch import save
from scores import bleu
from torch import Tensor, nn

from cnnfix_core.captions.network import Decoder, Encoder, ShowAndTell
from cnnfix_core.captions.vocabulary import PAD, Vocabulary, counted

CHANNELS = 1280
LEAST = 5  # how often a word must occur to be learnt


@dataclass(frozen=True)
class Recipe:
    """How the captioner learns: AdamW, the learning rate rises in the first tenth and falls as a cosine.

    The weights are the mean of those after each of the last `mean` rounds. smoothing: of the right word's share.
    """

    embedding: int = 320
    hidden: int = 448
    rounds: int = 9
    mean: int = 3
    batch: int = 128
    highest: float = 2e-3
    dropout: float = 0.3
    smoothing: float = 0.1
    decay: float = 1e-4


def main() -> None:
    """Train, score, write weights and vocabulary."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder with train.npz, train.json, val.npz, val.json")
    parser.add_argument("--out", type=Path, default=Path("assets/captions"))
    parser.add_argument("--rounds", type=int, default=Recipe.rounds)
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    recipe = Recipe(rounds=options.rounds)
    learn, check = (photographs(options.data, part) for part in ("train", "val"))
    vocabulary = counted((words for captions in learn.captions for words in captions), LEAST)
    print(f"{len(vocabulary)} words", flush=True)
    captioner = trained(learn, check, vocabulary, recipe)
    print(keep(options.out, captioner, vocabulary))


def trained(learn: Photographs, check: Photographs, vocabulary: Vocabulary, recipe: Recipe) -> ShowAndTell:
    """The captioner without the convolutional network, which is not trained."""
    torch.manual_seed(0)
    rng = torch.Generator().manual_seed(0)
    encoder = Encoder(nn.Identity(), CHANNELS, recipe.embedding)
    captioner = ShowAndTell(encoder, Decoder(len(vocabulary), recipe.embedding, recipe.hidden))
    optimizer = torch.optim.AdamW(captioner.parameters(), weight_decay=recipe.decay)
    steps = recipe.rounds * sum(1 for _ in lessons(learn, vocabulary, recipe.batch, rng))
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, recipe.highest, steps, pct_start=0.1)
    last: list[dict[str, Tensor]] = []
    for number in range(1, recipe.rounds + 1):
        start, losses = time.perf_counter(), []
        captioner.train()
        for features, words in lessons(learn, vocabulary, recipe.batch, rng):
            loss = _loss(captioner, features, words, vocabulary, recipe)
            optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(captioner.parameters(), 5.0)
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        last = [*last, deepcopy(captioner.state_dict())][-recipe.mean :]
        found = bleu(captioner.eval(), check, vocabulary, width=3, most=200)
        took = time.perf_counter() - start
        print(f"{number}: loss {sum(losses) / len(losses):.3f}, BLEU {_shown(found)}, {took:.0f} s", flush=True)
    captioner.load_state_dict(_mean(last))
    captioner.eval()
    for width in (1, 3, 5):
        print(f"width {width}: BLEU {_shown(bleu(captioner, check, vocabulary, width))}", flush=True)
    return captioner


def _loss(captioner: ShowAndTell, features: Tensor, words: Tensor, vocabulary: Vocabulary, recipe: Recipe) -> Tensor:
    """Of the next word: after the picture <start>, after <start> the first word, and so on."""
    encoder, decoder = captioner.encoder, captioner.decoder
    picture = F.dropout(encoder.embedded(F.dropout(features, 0.2)), recipe.dropout)
    embedded = F.dropout(decoder.embed(words[:, :-1]), recipe.dropout)
    states, _ = decoder.lstm(torch.cat([picture[:, None], embedded], dim=1))
    scores = decoder.linear(F.dropout(states, recipe.dropout))
    return F.cross_entropy(
        scores.flatten(0, 1),
        words.flatten(),
        ignore_index=vocabulary.numbers[PAD],
        label_smoothing=recipe.smoothing,
    )


def _mean(states: list[dict[str, Tensor]]) -> dict[str, Tensor]:
    return {
        name: torch.stack([state[name].double() for state in states]).mean(dim=0).to(tensor.dtype)
        for name, tensor in states[0].items()
    }


def _shown(found: tuple[float, ...]) -> str:
    return " ".join(f"{100 * one:.1f}" for one in found)


def keep(folder: Path, captioner: ShowAndTell, vocabulary: Vocabulary) -> Path:
    """Write weights in half precision and the vocabulary, in place of older ones; the name ends with the hash."""
    content = save({name: tensor.half().contiguous() for name, tensor in captioner.state_dict().items()})
    folder.mkdir(parents=True, exist_ok=True)
    for older in folder.glob("flickr8k-*.safetensors"):
        older.unlink()
    path = folder / f"flickr8k-{hashlib.sha256(content).hexdigest()[:8]}.safetensors"
    path.write_bytes(content)
    (folder / "vocabulary.json").write_text(vocabulary.to_json(), "utf-8")
    return path


if __name__ == "__main__":
    main()
