"""Captions: words and numbers, the search, where the evidence of a word comes from, and the shipped captioner."""

from __future__ import annotations

import io
import itertools
import json
import math
import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
import torchvision
from torch import Tensor, nn

import cnnfix_core as cnnfix
from cnnfix_core.errors import ModelError, TargetError
from cnnfix_core.explanations import Fixations
from cnnfix_core.images import PictureError
from cnnfix_core.images.samples import load_sample
from cnnfix_core.modalities.captions import (
    Captioner,
    Vocabulary,
    caption_figure,
    caption_json,
    explain_caption,
    load_captioner,
    open_captioner,
)
from cnnfix_core.modalities.captions import shipped as captions_shipped
from cnnfix_core.modalities.captions.explained import Seen, set_apart
from cnnfix_core.modalities.captions.network import Decoder, Encoder, ShowAndTell
from cnnfix_core.modalities.captions.search import Found, search
from cnnfix_core.modalities.captions.vocabulary import counted, tokens
from cnnfix_core.synthetic import CLASSES, HELD_OUT, compose
from cnnfix_core.zoo import Preprocessing

WORDS = Vocabulary(("<pad>", "<start>", "<end>", "<unk>", "a", "dog", "runs"))
SIDE = 12


def network(seed: int = 0, words: int = len(WORDS)) -> ShowAndTell:
    """A small one with random weights, strong enough to have opinions."""
    torch.manual_seed(seed)
    features = nn.Sequential(nn.Conv2d(3, 5, 3, stride=2, padding=1), nn.ReLU())
    module = ShowAndTell(Encoder(features, 5, 6), Decoder(words, 6, 7))
    for parameter in module.parameters():
        nn.init.normal_(parameter)
    return module.requires_grad_(False).eval()


def captioner(module: ShowAndTell) -> Captioner:
    preprocess = Preprocessing((SIDE, SIDE), (0.5, 0.5, 0.5), (0.25, 0.25, 0.25), crop_pct=1.0)
    return Captioner("tiny", "Tiny", module, WORDS, preprocess, "here", "none")


def noise(height: int = SIDE, width: int = SIDE) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)


# --- words ------------------------------------------------------------------------------------------------------------


def test_a_vocabulary_survives_its_file() -> None:
    assert Vocabulary.from_json(WORDS.to_json()) == WORDS
    numbers = {word: number for number, word in enumerate(WORDS.words)}
    assert Vocabulary.from_json(str(numbers).replace("'", '"')) == WORDS
    assert [WORDS.number(word) for word in ("Dog", "runs", "zebra")] == [5, 6, 3]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "must be JSON"),
        ("\x80\x03}q", "save its word2idx as JSON"),
        ("[1, 2]", "must be JSON"),
        ('["<start>", "<end>", "a", "a"]', "a word twice"),
        ('["<end>", "a"]', "lacks '<start>'"),
        ('{"<start>": 0, "<end>": 2}', "must be 0, 1, 2"),
        ('{"<start>": 0, "<end>": "1"}', "must be 0, 1, 2"),
    ],
)
def test_vocabularies_that_are_none(text: str, message: str) -> None:
    with pytest.raises(ModelError, match=message):
        Vocabulary.from_json(text)


def test_frequent_words_are_counted() -> None:
    captions = [tokens(text) for text in ("A dog's ball .", "a DOG runs, a dog", "The t-shirt: a 2nd")]
    assert captions[0] == ["a", "dog's", "ball"]
    assert captions[2] == ["the", "t-shirt", "a", "2nd"]
    assert counted(captions, 2).words == ("<pad>", "<start>", "<end>", "<unk>", "a", "dog")


# --- search -----------------------------------------------------------------------------------------------------------


def log_probability(module: ShowAndTell, picture: Tensor, numbers: tuple[int, ...]) -> float:
    """Of a caption with its end, by one pass over all its words; marks are never said."""
    embedded = module.decoder.embed(torch.tensor([[WORDS.start, *numbers]]))
    scores = module.decoder(picture, embedded)[0, 1:]
    scores[:, list(WORDS.silent)] = -math.inf
    says = scores.log_softmax(dim=1)
    return float(sum(says[step, number] for step, number in enumerate((*numbers, WORDS.end))))


@pytest.mark.parametrize("seed", range(6))
def test_a_wide_search_finds_the_best_of_all_captions(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cnnfix_core.modalities.captions.search.LONGEST", 3)
    module, picture = network(seed), torch.randn(1, 6, generator=torch.Generator().manual_seed(seed))
    captions = [numbers for length in range(3) for numbers in itertools.product((4, 5, 6), repeat=length)]
    every = {numbers: log_probability(module, picture, numbers) for numbers in captions}
    found = [one for one in search(module.decoder, picture, WORDS, width=100) if one.numbers in every]
    assert {one.numbers for one in found} == set(captions)
    for one in found:
        assert one.log_probability == pytest.approx(every[one.numbers], abs=1e-4)
    ranks = [one.rank for one in found]
    assert ranks == sorted(ranks, reverse=True)
    best = max(captions, key=lambda numbers: every[numbers] / (len(numbers) + 1) ** 0.85)
    assert found[0].numbers == best


@pytest.mark.parametrize("seed", range(3))
def test_the_narrowest_search_takes_the_best_word_each_time(seed: int) -> None:
    module, picture = network(seed), torch.randn(1, 6)
    (found,) = search(module.decoder, picture, WORDS, width=1)
    numbers: list[int] = []
    while len(numbers) < 20:
        scores = module.decoder(picture, module.decoder.embed(torch.tensor([[WORDS.start, *numbers]])))[0, -1]
        best = max((n for n in range(len(WORDS)) if n not in WORDS.silent), key=lambda n: float(scores[n]))
        if best == WORDS.end:
            break
        numbers.append(best)
    assert found.numbers == tuple(numbers)


def test_a_captions_rank_counts_its_end() -> None:
    assert Found((4, 5), -6.0).rank == pytest.approx(-6 / 3**0.85)


# --- where the evidence comes from ------------------------------------------------------------------------------------


def test_all_evidence_is_accounted_for() -> None:
    found = explain_caption(captioner(network()), noise(30, 40), "a dog runs")
    assert [word.text for word in found.words] == ["a", "dog", "runs", "<end>"]
    assert found.caption.log_probability == pytest.approx(sum(math.log(word.probability) for word in found.words))
    for number, word in enumerate(found.words):
        assert len(word.before) == number + 1
        assert 0 < word.picture + sum(word.before) <= 1 + 1e-6
        if word.fixations is not None:
            assert word.fixations.evidence.sum() == pytest.approx(word.picture, rel=1e-6)
            assert (word.fixations.width, word.fixations.height) == (40, 30)
    assert any(word.picture > 0 for word in found.words)


def test_words_that_say_nothing_leave_all_to_the_picture() -> None:
    module = network()
    module.decoder.embed.weight.zero_()
    for word in explain_caption(captioner(module), noise(), "a dog").words:
        assert sum(word.before) == 0
        assert word.fixations is None or word.from_picture == 1


def test_a_picture_that_says_nothing_leaves_all_to_the_words() -> None:
    module = network()
    for parameter in (module.encoder.linear.weight, module.encoder.linear.bias, module.encoder.bn.bias):
        parameter.zero_()
    for word in explain_caption(captioner(module), noise(), "a dog").words:
        assert word.fixations is None
        assert word.picture == 0
        assert not word.from_picture > 0


def test_it_explains_what_it_says_itself() -> None:
    own = captioner(network())
    best, *others = own.describe(noise())
    found = explain_caption(own, noise())
    assert found.caption.words == best.words
    assert [word.text for word in found.words] == [*best.words, "<end>"]
    ranks = [one.log_probability / (len(one.words) + 1) ** 0.85 for one in others if len(one.words) < 20]
    assert all(best.log_probability / (len(best.words) + 1) ** 0.85 >= rank - 1e-9 for rank in ranks)


def whole(own: Captioner, picture: cnnfix.Picture, words: list[str], step: int) -> cnnfix.Trace:
    """The walk of one word on one tape, from the score to the pixels."""
    numbers = [own.vocabulary.number(word) for word in words]
    embedded = own.module.decoder.embed(torch.tensor([[own.vocabulary.start, *numbers]]))
    tape = cnnfix.record(own.module, own.inputs(picture), embedded)
    return cnnfix.unravel(tape, (0, step + 1, [*numbers, own.vocabulary.end][step]))


@pytest.mark.parametrize("seed", range(3))
def test_walking_on_from_the_embedding_is_one_walk(seed: int) -> None:
    own, picture, words = captioner(network(seed)), cnnfix.open_picture(noise(30, 40)), ["a", "dog", "runs"]
    for step, word in enumerate(explain_caption(own, picture, words).words):
        trace = whole(own, picture, words, step)
        assert word.picture == pytest.approx(trace.fixations.evidence.sum(), abs=1e-9)
        reached = trace.fixations_of(1)
        wanted = [reached.evidence[reached.index[:, 1] == place].sum() for place in range(step + 1)]
        assert word.before == pytest.approx(wanted, abs=1e-9)
        if word.fixations is not None:
            assert len(word.fixations) <= len(trace.fixations)
            assert word.fixations.evidence.sum() == pytest.approx(trace.fixations.evidence.sum())


def test_a_word_as_the_class_of_a_model() -> None:
    own, picture = captioner(network(1)), cnnfix.open_picture(noise(30, 40))
    model = own.next_word(["a", "dog"])
    told = Seen(own, picture).tell(["a", "dog", "runs"])
    said = cnnfix.explain(model, picture, "runs")
    scores = own.module(own.inputs(picture), own.module.decoder.embed(torch.tensor([[WORDS.start, 4, 5]])))[0, -1]
    assert said.target.score == pytest.approx(float(scores[6]), abs=1e-5)
    assert {word for word, _ in told.choices(2, 9)} == {"a", "dog", "runs", "<end>"}
    with pytest.raises(TargetError, match="does not know the word 'zebra'"):
        own.next_word(["zebra"])


def test_one_word_rather_than_another_is_a_walk_from_the_difference() -> None:
    """Through stack and fully connected layer: what speaks for both cancels, as in a layer of that one score."""
    own, picture = captioner(network(2)), cnnfix.open_picture(noise())
    seen = Seen(own, picture)
    found = seen.tell(["a", "dog"]).origin(1, "evidence", "runs")
    linear = own.module.decoder.linear
    with torch.no_grad():
        linear.weight[5] -= linear.weight[6]
        linear.bias[5] -= linear.bias[6]
    wanted = Seen(own, picture).tell(["a", "dog"]).origin(1, "evidence")
    assert found.picture == pytest.approx(wanted.picture, abs=1e-6)
    assert found.before == pytest.approx(wanted.before, abs=1e-6)


def test_what_sets_a_word_apart_is_its_map_less_the_mean_of_the_others() -> None:
    maps = [np.array([[0.5, 0.5, 0.0]]), np.array([[0.5, 0.0, 0.5]]), np.array([[0.5, 0.25, 0.25]])]
    apart = set_apart(maps)
    np.testing.assert_allclose(apart[0], [[0, 0.375, 0]])
    np.testing.assert_allclose(apart[1], [[0, 0, 0.375]])
    np.testing.assert_allclose(apart[2], [[0, 0, 0]])


@pytest.mark.parametrize("beginning", [["a"], ["dog", "runs"]])
def test_captions_go_on_from_given_words(beginning: list[str]) -> None:
    own = captioner(network(3))
    found = own.describe(noise(), beginning=beginning)
    picture = own.module.encoder(own.inputs(cnnfix.open_picture(noise())))
    for one in found:
        assert list(one.words[: len(beginning)]) == beginning
        if len(one.words) < 20:
            numbers = tuple(WORDS.number(word) for word in one.words)
            assert one.log_probability == pytest.approx(log_probability(own.module, picture, numbers), abs=1e-4)
    with pytest.raises(TargetError, match="does not know the word '<unk>'"):
        own.describe(noise(), beginning=["<unk>"])


def test_a_caption_without_words_is_refused() -> None:
    with pytest.raises(TargetError, match="no words"):
        explain_caption(captioner(network()), noise(), "  ")


def test_a_vocabulary_of_another_size_is_refused() -> None:
    with pytest.raises(ModelError, match="knows 9 words, but its vocabulary has 7"):
        captioner(network(words=9))


# --- the shipped captioner --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def shipped() -> Captioner:
    return load_captioner()


def test_the_shipped_captioner_is_small_and_whole(shipped: Captioner) -> None:
    assert captions_shipped.FLICKR8K.file("safetensors").stat().st_size < 15_000_000
    assert len(shipped.vocabulary) > 2000
    assert not any(module.training for module in shipped.module.modules())
    assert all(p.dtype == torch.float32 and not p.requires_grad for p in shipped.module.parameters())


@pytest.mark.parametrize("content", [b"", b"{}"])
def test_a_damaged_or_missing_captioner_is_said(
    content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(captions_shipped, "FOLDER", tmp_path)
    with pytest.raises(ModelError, match="missing from assets/captions"):
        load_captioner()
    (tmp_path / "flickr8k-01234567.safetensors").write_bytes(content)
    with pytest.raises(ModelError, match="damaged"):
        load_captioner()


def test_the_captioner_of_scenes_names_what_is_there() -> None:
    """Scenes that neither learning nor the card's score used; the card says 97.5 % of the words."""
    own = load_captioner("scenes")
    pairs = list(itertools.combinations(range(len(CLASSES)), 2))
    right = 0
    for number, (one, other) in enumerate(pairs[:30]):
        scene = compose(HELD_OUT + 400_000 + number, one, other=other)
        first, second = sorted((CLASSES[one], CLASSES[other]))
        right += own.describe(scene.picture)[0].words == ("a", first, "and", "a", second)
    assert right >= 22
    with pytest.raises(ModelError, match="no captioner 'films'; choose one of flickr8k, scenes"):
        load_captioner("films")


# --- captioners from elsewhere ----------------------------------------------------------------------------------------


def saved(state: dict[str, Tensor]) -> bytes:
    file = io.BytesIO()
    torch.save(state, file)
    return file.getvalue()


@pytest.fixture(scope="module")
def elsewhere() -> tuple[nn.Module, nn.Module]:
    """Encoder and decoder as the common layout has them, with random weights."""

    class EncoderCNN(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.resnet = nn.Sequential(*list(torchvision.models.resnet18(weights=None).children())[:-1])
            self.linear, self.bn = nn.Linear(512, 6), nn.BatchNorm1d(6, momentum=0.01)

        def forward(self, pictures: Tensor) -> Tensor:
            found: Tensor = self.bn(self.linear(self.resnet(pictures).flatten(1)))
            return found

    class DecoderRNN(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embed, self.lstm = nn.Embedding(len(WORDS), 6), nn.LSTM(6, 5, 2, batch_first=True)
            self.linear = nn.Linear(5, len(WORDS))

    torch.manual_seed(0)
    return EncoderCNN().eval(), DecoderRNN().eval()


def test_a_captioner_of_the_common_layout(elsewhere: tuple[nn.Module, nn.Module]) -> None:
    encoder, decoder = elsewhere
    parts = [saved(part.state_dict()) for part in elsewhere]
    preprocess = Preprocessing((64, 64), crop_pct=1.0)
    own = open_captioner(*parts, WORDS.to_json(), preprocessing=preprocess)
    picture, words = torch.randn(1, 3, 64, 64), torch.tensor([[WORDS.start, 4, 5]])
    with torch.no_grad():
        inputs = torch.cat([encoder(picture)[:, None], decoder.embed(words)], dim=1)  # type: ignore[operator]
        wanted = decoder.linear(decoder.lstm(inputs)[0])  # type: ignore[operator]
        found = own.module(picture, own.module.decoder.embed(words))
    torch.testing.assert_close(found, wanted, atol=1e-5, rtol=1e-4)
    explained = explain_caption(own, noise(40, 50), "a dog")
    assert all(0 < word.picture + sum(word.before) <= 1 + 1e-6 for word in explained.words)


@pytest.mark.parametrize(
    ("encoder", "decoder", "message"),
    [
        ({"x": torch.zeros(1)}, None, "The encoder has no matrix linear.weight"),
        (None, {"x": torch.zeros(1)}, "The decoder has no matrix linear.weight"),
        (None, {"linear.weight": torch.zeros(7, 5)}, "The decoder has no lstm"),
        ({"linear.weight": torch.zeros(6, 512)}, None, "one of torchvision's ResNets"),
        (None, {"linear.weight": torch.zeros(7, 5), "lstm.weight_ih_l0": torch.zeros(20, 6)}, "they lack"),
    ],
)
def test_files_of_another_layout(
    elsewhere: tuple[nn.Module, nn.Module],
    encoder: dict[str, Tensor] | None,
    decoder: dict[str, Tensor] | None,
    message: str,
) -> None:
    given = (encoder, decoder)
    parts = [saved(part.state_dict() if one is None else one) for one, part in zip(given, elsewhere, strict=True)]
    with pytest.raises(ModelError, match=message):
        open_captioner(*parts, WORDS.to_json())


def test_nothing_in_the_files_is_run(elsewhere: tuple[nn.Module, nn.Module], tmp_path: Path) -> None:
    class Hostile:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (tmp_path / "ran",))

    with pytest.raises(ModelError):
        open_captioner(pickle.dumps(Hostile()), saved(elsewhere[1].state_dict()), WORDS.to_json())
    assert not (tmp_path / "ran").exists()


def test_the_shipped_captioner_reaches_the_picture_and_the_words(shipped: Captioner) -> None:
    picture = load_sample("cat-and-dog").read()
    found = explain_caption(shipped, picture, "a brown dog")
    assert [word.text for word in found.words] == ["a", "brown", "dog", "<end>"]
    for word in found.words:
        assert word.picture + sum(word.before) > 0.9
        assert word.fixations is not None
    # What follows "a brown" is likelier a dog than a brown child, and a dog is likelier said than a car.
    others = [explain_caption(shipped, picture, f"a brown {word}").words[2].probability for word in ("car", "child")]
    assert found.words[2].probability > max(others)


# --- regions ----------------------------------------------------------------------------------------------------------


def listed(found: Fixations) -> list[tuple[tuple[int, int], float]]:
    """Each fixation's place and evidence."""
    return [((x, y), float(e)) for (x, y), e in zip(found.xy.tolist(), found.evidence, strict=True)]


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("part", [(3, 5, 26, 27), (0, 0, 39, 29), (22, 2, 39, 29)])
def test_a_regions_caption_is_that_of_the_part_cut_out_by_hand(seed: int, part: tuple[int, int, int, int]) -> None:
    pixels = noise(30, 40)
    x0, y0, x1, y1 = part
    own = captioner(network(seed))
    by_hand = explain_caption(own, pixels[y0 : y1 + 1, x0 : x1 + 1])
    found = explain_caption(own.within(part), pixels)
    assert found.part == part
    assert found.caption.text == by_hand.caption.text == own.within(part).describe(pixels)[0].text
    for word, alone in zip(found.words, by_hand.words, strict=True):
        assert word.probability == pytest.approx(alone.probability, abs=1e-6)
        assert word.before == pytest.approx(alone.before, abs=1e-6)
        assert (word.fixations is None) == (alone.fixations is None)
        if word.fixations is not None and alone.fixations is not None:
            shifted = {(x + x0, y + y0): evidence for (x, y), evidence in listed(alone.fixations)}
            assert dict(listed(word.fixations)) == pytest.approx(shifted, abs=1e-6)
            assert (word.fixations.width, word.fixations.height) == (40, 30)


def test_a_regions_words_are_classes_of_a_model_that_sees_the_region() -> None:
    own, pixels, part = captioner(network(1)), noise(30, 40), (4, 6, 29, 25)
    after = own.within(part).next_word(["a"])
    alone = own.next_word(["a"])
    cut = pixels[6:26, 4:30]
    assert cnnfix.explain(after, pixels, "dog").target.score == pytest.approx(
        cnnfix.explain(alone, cut, "dog").target.score, abs=1e-5
    )
    map_ = cnnfix.attribute(after, pixels, "dog")
    assert map_.shape == (30, 40)
    outside = np.ones_like(map_, bool)
    outside[6:26, 4:30] = False
    assert not map_[outside].any()
    np.testing.assert_allclose(map_[6:26, 4:30], cnnfix.attribute(alone, cut, "dog"), atol=1e-6)


@pytest.mark.parametrize(
    ("part", "message"),
    [
        ((0, 0, 9, 29), "too small to see anything: draw one of at least 16 x 16"),
        ((0, 0, 40, 29), "does not fit into the picture, which has 40 x 30 pixels"),
        ((-1, 0, 30, 29), "does not fit"),
        ((30, 0, 3, 29), "does not fit"),
    ],
)
def test_boxes_in_which_nothing_can_be_seen(part: tuple[int, int, int, int], message: str) -> None:
    own = captioner(network()).within(part)
    with pytest.raises(PictureError, match=message):
        own.describe(noise(30, 40))
    with pytest.raises(PictureError, match=message):
        explain_caption(own, noise(30, 40), "a dog")
    with pytest.raises(PictureError, match=message):
        cnnfix.explain(own.next_word(), noise(30, 40), "dog")


def test_files_say_which_part_was_captioned() -> None:
    picture, own = cnnfix.open_picture(noise(30, 40)), captioner(network())
    for part in (None, (4, 6, 29, 25)):
        found = explain_caption(own.within(part), picture, "a dog")
        assert json.loads(caption_json(picture, found))["part"] == (list(part) if part else None)
        assert caption_figure(picture, found).startswith(b"\x89PNG")
