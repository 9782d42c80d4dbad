"""The words of docs/benchmark.md; the numbers are measured when it is written."""

INTRODUCTION = """# Benchmark

`{command}` wrote this page: composed scenes, in which every part has a known place, and the small networks that come
with this project. Nothing is downloaded. It took {seconds} with {processors} processors; {versions}.

{pictures} scenes of {side} x {side} pixels, one object of ten classes each, on textured grounds with distractors; no
network was trained on them, and no rule for boxes was chosen on them. Every method sees the same scenes and is asked
about their class.
{slow}
## Methods x networks

Each number is a mean over scenes, with its 95 % interval (bootstrap, 1,000 resamples of the scenes). **Bold**: better
than every other method, with the interval of each paired difference on one side of 0. Where nothing is bold, the
scenes do not tell the best apart. Centre (a blob in the middle) and random (smooth noise) know nothing of the
network: what is not clearly better than they says nothing. *Of n*: measured on so few scenes that there is no interval.
"""

BEHIND = """## Where fixations lose

Methods whose paired difference to fixations (evidence, balanced) is on the better side of 0 with its whole interval:
"""

HANS = """## The clever Hans

{network} was trained with a tell-tale mark in the lower left corner of every picture of one class, “{marked}”, and
learnt the mark; {honest} is the same network, trained without it. On {count} marked scenes of that class:

{behaviour}

So accuracy on marked pictures hides what the map shows. Share of each method's map on the mark (which covers {area}
of a scene) and on the object, and how often its peak is on the mark, asked about “{marked}”:

{maps}

A method exposes the clever Hans where the mark holds much of its map on the first network and next to nothing on the
second. On the second, the mark means nothing, and a share there is an error of the method.
"""

SANITY = """## Does the map change when the network forgets?

All weights shuffled, the same pictures and classes ({count} scenes a network): the rank correlation of each method's
map with its map before. 1 means that what the network learnt plays no part; near 0 is as it should be. The baselines
are the proof of the first. (Adebayo et al., Sanity Checks for Saliency Maps, NeurIPS 2018.)

{table}
"""

READING = """## How to read it

- **Localization error, top-1**: the prediction is wrong, or the IoU of the method's box with the object's box is
  below 0.5. **Class given**: the same, whatever was predicted. Predictions are of the whole picture squeezed to the
  network's input, the same for all methods. Each method's box is drawn by the rule that suited it best on other
  scenes ([boxes.md](boxes.md)), so that none loses by a threshold. On photographs each method has the usual rule.
- **Pointing**: the strongest place of the map lies on the truth; ties count only where all of them do, and a map of
  zeros, or of one value, is a miss. **Energy**: share of the map on the truth.
- **Insertion, deletion** (RISE): mean probability of the class while pixels are put into a blurred picture, or taken
  out to grey, in the order of the map, in {steps} steps. They reward maps that find what moves the score, wherever
  that is: what the network uses is not always the object.
- **Seconds**: the median time of one map, on the machine and the networks above.
- Small drawn scenes are not photographs. The table says how methods find known evidence in small networks, and no
  more.

## Photographs, and the paper's table

```
cnnfix benchmark FOLDER --boxes BOXES --models vgg16,googlenet --methods fixations,published,gradcam --out results
```

measures any folder of pictures whose truth is known: BOXES is a folder of XML files as ImageNet and PASCAL VOC have
them, a folder of PNG masks (non-zero is the object; a file labels.csv, image,label, may name the classes), or a CSV
file, either image,label,x0,y0,x1,y1 or ImageId,PredictionString. Labels are WordNet numbers, names or class numbers;
without one the predicted class is asked about. Pixels count from 0 and boxes include both ends; VOC counts from 1, a
pixel that is not taken off. Results come line by line into `results/results.csv`; after an interruption the same
command goes on; `results/tables.md` has the tables, `--against gradcam` adds paired differences, `--limit 500 --seed
1` takes some.

The paper's weakly supervised localization is ILSVRC-2012's validation set: 50,000 photographs and their boxes.
Register at https://image-net.org/download.php, accept the terms, and get `ILSVRC2012_img_val.tar` (6.3 GB) and
`ILSVRC2012_bbox_val_v3.tgz`; unpack both. (Kaggle's “ImageNet Object Localization Challenge” has the same as
`ILSVRC/Data/CLS-LOC/val` and `LOC_val_solution.csv`.) Then:

```
cnnfix benchmark ILSVRC2012_img_val --boxes val --models alexnet,vgg16,googlenet,resnet101 \\
  --methods published,fixations,gradcam --steps 0 --out ilsvrc
```

The paper's own numbers (top-1 localization error in %; label right and IoU of at least 0.5 with any box of it),
worked out again from the boxes that its authors published; and, for scale, a centred box of 0.8 of width and height
with the same labels:

| | AlexNet | VGG-16 | GoogLeNet | ResNet-101 |
| --- | ---: | ---: | ---: | ---: |
| CNN Fixations | 65.70 | 55.22 | 57.53 | 54.31 |
| a centred box | 67.08 | 59.34 | 61.90 | 57.46 |

The margin over a trivial answer is small: half of ImageNet's boxes cover more than half of their picture. So read no
number without the centre's beside it.

## What was not tried here

- ILSVRC's validation set: it cannot be had without registration, and none of the paper's networks has its trained
  weights on the machine on which this was written. So no number above can be set beside the paper's.
- Photographs with boxes: a folder of them was run in the tests only.
- Other settings of methods (layers, steps, numbers of masks) than those that the page takes by itself; other seeds of
  training.
"""
