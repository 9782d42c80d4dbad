"""The words of docs/benchmark.md; the numbers are measured when it is written."""

INTRODUCTION = """# Benchmark

`{command}` wrote this page. It uses composed scenes, in which the place of every part is known, and the small networks
that come with this project. Nothing is downloaded. It took {seconds} with {processors} processors; {versions}.

{pictures} scenes of {side} x {side} pixels, each with one object of one of ten classes, on a textured background with
distractors. No network was trained on them, and no box rule was chosen on them. Every method sees the same scenes and
is asked about their class.
{slow}
## Methods x networks

Each number is a mean over scenes, with its 95 % interval (bootstrap, 1,000 resamples of the scenes). **Bold**: better
than every other method, where the interval of each paired difference excludes 0. Where nothing is bold, the scenes do
not show which method is best. Centre (a blob in the middle) and random (smooth noise) know nothing of the network: a
method that is not clearly better than both shows nothing. *Of n*: measured on n scenes, too few for an interval.
"""

UNSEEN = """# Objects of unseen classes

`{command}` wrote this page. It took {seconds} with {processors} processors; {versions}.

A network that never learnt a class still names one of its own. {pictures} scenes of {side} x {side} pixels each show
one object of a shape that no network was trained on ({shapes}), among the usual background and distractors. Every
method is asked about the class that the network predicts; the ground truth is the place of the object. So the numbers
say whether the object, or something else, made the network name that class.
{slow}
## What they are taken for

{taken}

## Where the evidence lies

The measures are those of the [benchmark](benchmark.md), where the classes are known; each method's box is drawn by the
rule that was chosen there. *Class given* is here the class that the network predicts. There is no top-1 error, since no
prediction can be right.
"""

BEHIND = """## Where fixations lose

Methods that are clearly better than fixations (evidence, balanced): the whole interval of the paired difference lies on
the better side of 0.
"""

PAIRS = """## Two objects

A method must also tell classes apart. {scenes} more scenes have two objects each, of two classes, and each method is
asked about both. Energy on the *other* object should be low. Slow methods saw the first questions only. A network's
first answer is right for one of the two questions at best.
"""

ALONE = "### Asked about each class\n"
CONTRAST = "### Asked about each class rather than the other\n"
PAIRS_BEHIND = "Clearly better than fixations:\n"

HANS = """## The clever Hans

A clever Hans gives the right answer for the wrong reason. {network} was trained with a tell-tale mark in the lower left
corner of every picture of one class, “{marked}”, and learnt the mark; {honest} is the same network, trained without it.
On {count} marked scenes of that class:

{behaviour}

So accuracy on marked pictures hides the problem; a map can show it. The table has the share of each method's map on the
mark (which covers {area} of a scene) and on the object, and how often its peak is on the mark, asked about “{marked}”:

{maps}

A method exposes the clever Hans if the mark holds much of its map on the first network and next to nothing on the
second. For the second network the mark means nothing, so a share there is an error of the method.
"""

SANITY = """## Weight randomisation test

All weights are shuffled; pictures and classes stay the same ({count} scenes per network). The table has the rank
correlation of each method's maps before and after. 1 means that what the network learnt plays no part, as for the two
baselines; a good method is near 0. (Adebayo et al., Sanity Checks for Saliency Maps, NeurIPS 2018.) What part of it is
the picture's own edges: [what was tried](what-was-tried.md#weight-randomisation).

{table}
"""

READING = """## How to read it

- **Localization error, top-1**: the prediction is wrong, or the IoU of the method's box with the object's box is
  below 0.5. **Class given**: the same, whatever was predicted. The prediction is for the whole picture resized to the
  network's input, the same for all methods. Each method's box is drawn by the rule that suited it best on other
  scenes ([boxes.md](boxes.md)), so that none is put at a disadvantage by its threshold. On photographs each method has
  its usual rule.
- **Pointing**: the strongest place of the map lies on the object. If several are equally strong, all must lie on it; a
  map of zeros, or of one value, is a miss. **Energy**: the share of the map on the object, or on the other object.
- **Insertion, deletion** (RISE): the mean probability of the class while pixels are put into a blurred picture, or
  replaced by grey, in the order of the map, in {steps} steps. They reward maps that find what changes the score,
  wherever that is: what the network uses is not always the object.
- **Seconds**: the median time of one map, on the machine and the networks above.
- Small drawn scenes are not photographs. The tables show how well methods find known evidence in small networks, and no
  more. The same measures on photographs: [photographs](photographs.md).

## Photographs, and the paper's table

```
cnnfix benchmark FOLDER --boxes BOXES --models vgg16,googlenet --methods fixations,published,gradcam --out results
```

measures any folder of pictures with known ground truth. BOXES is one of these:

- a folder of XML files in the format of ImageNet and PASCAL VOC;
- a folder of PNG masks, where non-zero is the object; a file labels.csv (image,label) may name the classes;
- a table whose first line names its columns, in any order: image, label and the corners x0, y0, x1, y1 (or xmin,
  x_min, left and so on), or a corner and a size x, y, w, h; or ImageNet's ImageId, PredictionString. Boxes are in
  pixels or, if all numbers are from 0 to 1, in shares of the picture, as in Open Images. Semicolons, tabs, decimal
  commas and UTF-16 are understood;
- JSON as COCO writes it.

Labels are WordNet numbers, names or class numbers; without a label, the predicted class is asked about. Pixels count
from 0 and boxes include both ends; VOC counts from 1, and that one pixel is not subtracted. Results are appended line
by line to `results/results.csv`; after an interruption, the same command resumes. `results/tables.md` has the tables,
with objects under half of the picture apart; `--against gradcam` adds paired differences; `--limit 500 --seed 1` takes
a random sample.

The paper measures weakly supervised localization on ILSVRC-2012's validation set: 50,000 photographs and their boxes.
Register at https://image-net.org/download.php, accept the terms, download `ILSVRC2012_img_val.tar` (6.3 GB) and
`ILSVRC2012_bbox_val_v3.tgz`, and unpack both. (Kaggle's “ImageNet Object Localization Challenge” has the same data as
`ILSVRC/Data/CLS-LOC/val` and `LOC_val_solution.csv`.) Then:

```
cnnfix benchmark ILSVRC2012_img_val --boxes val --models alexnet,vgg16,googlenet,resnet101 \\
  --methods published,fixations,gradcam --steps 0 --out ilsvrc
```

The paper's own numbers, computed again from the boxes that its authors published, and what was measured here by the
same rule: [the paper's tables](paper.md). Their margin over a centred box is small, since half of ImageNet's boxes
cover more than half of their picture. So always compare a number with that of the centre.

## What was not tested here

- ILSVRC's whole validation set, and the paper's networks: the photographs are not available without registration, and
  the trained weights were not on the machine where this was written. So no measured number above can be compared with
  the paper's. 320 of the photographs, with EfficientNet-Lite0: [photographs](photographs.md).
- Settings of methods (layers, steps, numbers of masks) other than the defaults; other training seeds.
"""
