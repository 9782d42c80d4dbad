"""Truths of pictures, read from every format, and from files that mean harm."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import cnnfix_core as cnnfix
from cnnfix_core.benchmark.datasets.annotation import Annotation, AnnotationError, together
from cnnfix_core.benchmark.datasets.items import digest, matched, sample_items
from cnnfix_core.benchmark.datasets.labels import class_of
from cnnfix_core.benchmark.datasets.reading import read_annotations
from cnnfix_core.errors import TargetError
from cnnfix_core.images import without_ending
from cnnfix_core.zoo.labels import imagenet_labels, numbered

VOC = """<annotation><folder>x</folder><filename>other.jpg</filename>
<size><width>40</width><height>30</height><depth>3</depth></size>
<object><name>n01440764</name><bndbox><xmin>1</xmin><ymin>2</ymin><xmax>10</xmax><ymax>20</ymax></bndbox>
<part><name>fin</name><bndbox><xmin>3</xmin><ymin>3</ymin><xmax>4</xmax><ymax>4</ymax></bndbox></part></object>
<object><name>dog</name><bndbox><xmin>5.4</xmin><ymin>5</ymin><xmax>7</xmax><ymax>8</ymax></bndbox></object>
<object><name>n01440764</name><bndbox><xmax>30</xmax><xmin>20</xmin><ymin>2</ymin><ymax>3</ymax></bndbox></object>
</annotation>"""
OBJECT = "<object><name>{}</name><bndbox><xmin>0</xmin><ymin>0</ymin><xmax>1</xmax><ymax>1</ymax></bndbox></object>"


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return path


def picture(path: Path, width: int = 40, height: int = 30) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (width, height), "grey").save(path)
    return path


# --- XML --------------------------------------------------------------------------------------------------------------


def test_xml_gives_one_annotation_a_label_with_all_its_boxes(tmp_path: Path) -> None:
    write(tmp_path / "n01440764" / "fish.xml", VOC)
    assert read_annotations(tmp_path).found == (
        Annotation("n01440764/fish", "n01440764", ((1, 2, 10, 20), (20, 2, 30, 3)), size=(40, 30)),
        Annotation("n01440764/fish", "dog", ((5, 5, 7, 8),), size=(40, 30)),
    )


LAUGHS = '<!DOCTYPE a [<!ENTITY b "ha">' + "".join(
    f'<!ENTITY b{n} "{f"&b{n - 1 or str()};" * 10}">' for n in range(1, 10)
)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"{LAUGHS}]><annotation>{OBJECT.format('&b9;')}</annotation>", "declares a document type"),
        (
            '<!DOCTYPE a [<!ENTITY s SYSTEM "file:///etc/passwd">]><annotation>'
            + OBJECT.format("&s;")
            + "</annotation>",
            "declares a document type",
        ),
        ('<!DOCTYPE annotation SYSTEM "http://127.0.0.1:9/x.dtd"><annotation/>', "declares a document type"),
        ("<annotation>" + OBJECT.format("&unknown;") + "</annotation>", "line 1 is not XML"),
        ("<annotation>\n<object>", "line 2 is not XML"),
        ("", "line 1 is not XML"),
        ('<?xml version="1.0" encoding="nonsense"?><annotation/>', "is left out"),
        ("<annotation/>", "names no object"),
        ("<annotation><object><name>a</name></object></annotation>", "four numbers"),
        ("<annotation>" + OBJECT.format("a").replace("<xmin>0", "<xmin>9") + "</annotation>", "ends before it starts"),
        ("<annotation>" + OBJECT.format("a").replace("<xmin>0", "<xmin>nan") + "</annotation>", "four numbers"),
        ("<annotation>" + OBJECT.format("a").replace("<xmax>1", "<xmax>1e300") + "</annotation>", "four numbers"),
        ("<annotation>" + OBJECT.format("a") * 1001 + "</annotation>", "more than 1000 objects"),
        ("<annotation>" + " " * 1_000_000 + "</annotation>", "larger than 1 MB"),
        ("<a>" * 200_000, "is not XML"),
    ],
)
def test_xml_that_is_broken_or_means_harm_is_left_out(tmp_path: Path, text: str, words: str) -> None:
    write(tmp_path / "good.xml", VOC)
    bad = write(tmp_path / "bad.xml", text)
    read = read_annotations(tmp_path)
    assert {one.picture for one in read.found} == {"good"}
    (complaint,) = read.complaints
    assert complaint.startswith(f"{bad} ")
    assert words in complaint
    assert complaint.endswith(".")
    assert "\n" not in complaint


def test_a_document_type_is_found_in_every_encoding(tmp_path: Path) -> None:
    write(tmp_path / "good.xml", VOC)
    (tmp_path / "bad.xml").write_bytes(f"{LAUGHS}]><annotation>{OBJECT.format('&b9;')}</annotation>".encode("utf-16"))
    assert "document type" in read_annotations(tmp_path).complaints[0]


# --- CSV --------------------------------------------------------------------------------------------------------------


def test_csv_of_boxes(tmp_path: Path) -> None:
    file = write(
        tmp_path / "boxes.csv",
        "\ufeffimage,label,x0,y0,x1,y1\r\na.jpg,281,1,2,3,4\r\nb/c.PNG,,0,0,5,5\r\na.jpg,281,6,7,8,9\r\n"
        'a.jpg,"crane, bird",1,1,2,2\r\n',
    )
    read = read_annotations(file)
    assert read.complaints == ()
    assert read.found == (
        Annotation("a", "281", ((1, 2, 3, 4), (6, 7, 8, 9))),
        Annotation("b/c", "", ((0, 0, 5, 5),)),
        Annotation("a", "crane, bird", ((1, 1, 2, 2),)),
    )


TEN = Annotation("a", "cat", ((10, 20, 30, 40),))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("x0;x1;y0;y1;label;image\n10;30;20;40;cat;a.jpg\n", TEN),
        ("image\tlabel\tx0\ty0\tx1\ty1\na.jpg\tcat\t10,2\t19,9\t30,0\t40,4\n", TEN),
        ("\nImage Name,Class,X Min,Y Min,X Max,Y Max,score\na.jpg,cat,10,20,30,40,0.9\n", TEN),
        (
            "filename,width,height,class,xmin,ymin,xmax,ymax\na.jpg,80,60,cat,10,20,30,40\n",
            Annotation("a", "cat", ((10, 20, 30, 40),), size=(80, 60)),
        ),
        ("image_id,x1,y1,x2,y2\na.jpg,10,20,30,40\n", Annotation("a", "", ((10, 20, 30, 40),))),
        ("image,label,x,y,w,h\na.jpg,cat,10,20,21,21\n", TEN),
        ("image,label,left,top,width,height\na.jpg,cat,10,20,21,21\n", TEN),
        (
            "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded\na,x,/m/01,1,0.25,0.75,0,0.5,0\n",
            Annotation("a", "/m/01", shares=((0.25, 0, 0.75, 0.5),)),
        ),
        ("image;x;y;w;h\na;0,25;0;0,5;0,5\n", Annotation("a", "", shares=((0.25, 0, 0.75, 0.5),))),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_csv_of_others(tmp_path: Path, text: str, wanted: Annotation, encoding: str) -> None:
    (tmp_path / "boxes.csv").write_bytes(text.encode(encoding))
    read = read_annotations(tmp_path / "boxes.csv")
    assert (read.found, read.complaints) == ((wanted,), ())


def test_boxes_in_shares_of_the_picture(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    file = write(tmp_path / "boxes.csv", "image,x0,y0,x1,y1\na,0.25,0,0.75,0.5\na,0.9,0.9,1.004,1\na,0.5,0,0.1,1\n")
    read = read_annotations(file)
    assert "line 4, is left out: the box 0.5,0,0.1,1 ends before it starts" in read.complaints[0]
    (item,) = matched(tmp_path, read.found).items
    assert item.read()[1].boxes == ((10, 0, 29, 14), (36, 27, 39, 29))


def test_json_of_coco(tmp_path: Path) -> None:
    file = write(
        tmp_path / "instances.json",
        """{"images": [{"id": 7, "file_name": "b/a.jpg", "width": 80, "height": 60}],
        "categories": [{"id": 3, "name": "cat"}], "annotations": [
        {"image_id": 7, "category_id": 3, "bbox": [10, 20.2, 21, 20.6], "iscrowd": 0},
        {"image_id": 7, "category_id": 4, "bbox": [1, 2, 3, 4]}, {"image_id": 7, "category_id": 3, "bbox": [1, 2, 3]},
        {"image_id": 7, "category_id": 3, "bbox": [1, 2, -3, 4]}]}""",
    )
    read = read_annotations(file)
    assert read.found == (Annotation("b/a", "cat", ((10, 20, 30, 40),), size=(80, 60)),)
    reasons = ("annotation 1, is left out: it lacks", "2, is left out: not enough values", "ends before it starts")
    assert all(words in complaint for words, complaint in zip(reasons, read.complaints, strict=True))


def test_json_of_labelme(tmp_path: Path) -> None:
    write(
        tmp_path / "b" / "a.json",
        """{"imagePath": "..\\\\x.jpg", "imageWidth": 80, "imageHeight": 60, "imageData": null, "shapes": [
        {"label": "cat", "shape_type": "rectangle", "points": [[30.0, 41], [10, 20.5]]},
        {"label": "big  dog", "shape_type": "circle", "points": [[20, 20], [20, 25]]},
        {"label": "cat", "shape_type": "polygon", "points": [[1, 2], [5, 1.2], [4, 7]]},
        {"label": "cat", "shape_type": "point", "points": [[1, 2]]}, {"shape_type": "line"}]}""",
    )
    write(tmp_path / "notes.json", "[]")
    picture(tmp_path / "b" / "a.png", 80, 60)  # LabelMe writes beside the pictures
    read = read_annotations(tmp_path)
    assert read.found == (
        Annotation("b/a", "cat", ((10, 20, 29, 40), (1, 1, 4, 6)), size=(80, 60)),
        Annotation("b/a", "big dog", ((15, 15, 24, 24),), size=(80, 60)),
    )
    reasons = ("shape 3, is left out: it is a point", "shape 4, is left out: it lacks", "notes.json is left out: it is")
    assert all(words in complaint for words, complaint in zip(reasons, read.complaints, strict=True))


@pytest.mark.parametrize("number", ["1e999", "NaN", "9" * 400, "1e300"])
def test_numbers_that_are_none_cost_their_own_box_only(number: str, tmp_path: Path) -> None:
    image = '"images": [{"id": 1, "file_name": "a.png"}], "categories": [{"id": 1, "name": "cat"}]'
    boxes = ", ".join(f'{{"image_id": 1, "category_id": 1, "bbox": [1, 2, {width}, 4]}}' for width in (number, 3))
    coco = write(tmp_path / "boxes.json", f'{{{image}, "annotations": [{boxes}]}}')
    shapes = ", ".join(
        f'{{"label": "cat", "shape_type": "{kind}", "points": [[1, 2], [{x}, 6]]}}'
        for kind, x in (("rectangle", number), ("circle", number), ("rectangle", 4))
    )
    write(tmp_path / "labelme" / "a.json", f'{{"shapes": [{shapes}]}}')
    for path in (coco, tmp_path / "labelme"):
        read = read_annotations(path)
        assert [one.boxes for one in read.found] == [((1, 2, 3, 5),)]
        assert all("number" in one for one in read.complaints)


@pytest.mark.parametrize("named", ["classes.txt", "labels/obj.names", ""])
def test_text_files_of_yolo(tmp_path: Path, named: str) -> None:
    picture(tmp_path / "images" / "a.jpg", 100, 50)
    write(
        tmp_path / "labels" / "a.txt",
        "1 0.5 0.5 0.2 0.4\n0 0.05 0.1 0.1 0.2 0.93\n\n1 0.1 0.2 0.3 0.4 0.2 0.9\n2 0.5 0.5 0.1 0.1 0.1 0.1 0.1\n"
        "1 10 20 30 40\ncat 0.5 0.5 0.1 0.1\n",
    )
    write(tmp_path / "labels" / "without.txt", "")
    if named:
        write(tmp_path / named, "cat\nbig  dog\n")
    read = read_annotations(tmp_path / "labels")
    first, second = ("big dog", "cat") if named else ("1", "0")
    assert [(one.picture, one.label) for one in read.found] == [("a", first), ("a", second)]
    reasons = ("line 5, is left out: a line is", "line 6, is left out: its numbers", "line 7, is left out: a line is")
    assert all(words in complaint for words, complaint in zip(reasons, read.complaints, strict=True))
    boxes = [item.read()[1].boxes for item in matched(tmp_path / "images", read.found).items]
    assert boxes == [((40, 15, 59, 34), (10, 10, 29, 44)), ((0, 0, 9, 9),)]


def test_names_of_yolo_that_are_not_text(tmp_path: Path) -> None:
    write(tmp_path / "a.txt", f"{'9' * 5000} 0.5 0.5 0.2 0.4\n0 0.5 0.5 0.2 0.4\n")
    (complaint,) = read_annotations(tmp_path).complaints
    assert "a line is a class number" in complaint
    (tmp_path / "classes.txt").write_bytes(b"\xff\xfe")
    with pytest.raises(AnnotationError, match=r"names of classes in .*classes.txt cannot be read: it is not a text"):
        read_annotations(tmp_path)


def test_sizes_that_are_none(tmp_path: Path) -> None:
    for width in ("0", "9" * 5000, "-3", "x"):
        file = write(tmp_path / "boxes.csv", f"image,label,x0,y0,x1,y1,width,height\na,cat,1,2,3,4,{width},9\n")
        assert read_annotations(file).found == (Annotation("a", "cat", ((1, 2, 3, 4),)),)


def test_many_boxes_of_one_class_cost_time_in_proportion() -> None:
    one = Annotation("a", "cat", ((1, 2, 3, 4),))
    started = time.process_time()
    (found,) = together([one] * 200_000)  # quadratic: half a minute
    assert len(found.boxes) == 200_000
    assert time.process_time() - started < 10


def test_csv_of_imagenet(tmp_path: Path) -> None:
    file = write(
        tmp_path / "LOC_val_solution.csv",
        "ImageId,PredictionString\nval_1,n01440764 10 20 200 300 n01440764 1 2 3 4 \nval_2,n01443537 0 0 9 9\n",
    )
    assert read_annotations(file).found == (
        Annotation("val_1", "n01440764", ((10, 20, 200, 300), (1, 2, 3, 4))),
        Annotation("val_2", "n01443537", ((0, 0, 9, 9),)),
    )


@pytest.mark.parametrize(
    ("header", "row", "words"),
    [
        ("image,label,x0,y0,x1,y1", "a,cat,1,2,3", "four numbers, and column 6 (y1) is empty"),
        ("image,label,x0,y0,x1,y1", "a,cat,,2,3,4", "four numbers, and column 3 (x0) is empty"),
        ("image,label,x0,y0,x1,y1", "a,cat,1,2,NA,4", "four numbers, and column 5 (x1) holds “NA”"),
        ("image,label,x0,y0,x1,y1", "a,cat,0.1,0.2,0.3,0.4", "from 0 to 1, and must be pixels"),
        ("image,label,x0,y0,x1,y1", "a,cat,1,2,3,four", "four numbers"),
        ("image,label,x0,y0,x1,y1", ",cat,1,2,3,4", "names no picture"),
        ("image,label,x0,y0,x1,y1", "a,cat,3,2,1,4", "ends before it starts"),
        ("ImageId,PredictionString", "a,", "a label and four numbers"),
        ("ImageId,PredictionString", "a,n01440764 1 2 3", "a label and four numbers"),
        ("ImageId,PredictionString", "a,n01440764 1 2 3 x", "four numbers"),
    ],
)
def test_a_bad_row_is_left_out_and_named(tmp_path: Path, header: str, row: str, words: str) -> None:
    good = "good,cat,1,2,3,4" if header.startswith("image") else "good,cat 1 2 3 4"
    file = write(tmp_path / "boxes.csv", f"{header}\n{good}\n{row}\n")
    read = read_annotations(file)
    assert read.found == (Annotation("good", "cat", ((1, 2, 3, 4),)),)
    (complaint,) = read.complaints
    assert complaint.startswith(f"{file}, line 3, is left out: ")
    assert words in complaint


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("boxes.csv", "", "first line"),
        ("boxes.csv", "picture,box\na,1\n", "image,label,x0,y0,x1,y1 or ImageId,PredictionString"),
        ("boxes.csv", "image,label,x0,y0,x1,y1\n", "no usable annotation"),
        ("boxes.csv", "image,label,x0,y0,x1,y1\na,b,c,d,e,f\n", "line 2"),
        ("boxes.csv", 'image,label,x0,y0,x1,y1\n"' + "a" * 200_000, "is not CSV"),
        ("boxes.csv", "\0\1\2\n", "not a text file"),
        ("boxes.csv", "image,label,x0,xmin,y0,x1,y1\na,b,0,0,0,9,9\n", "two columns for the same: x0, xmin"),
        ("boxes.csv", "image,label,x0,y0,x1\na,b,0,0,9\n", "first line"),
        ("boxes.csv", "image,x0,y0,x1,y1\na,0,0,1,1\n", "pixels, or shares"),
        ("boxes.csv", 'image,x0,y0,x1,y1\na,0,0,"1,234","1,500"\n', "Line 2, column 4: “1,234” may be 1.234 or 1234"),
        ("boxes.json", "{", "line 1, is not JSON as COCO"),
        ("boxes.json", "[]", "is not JSON as COCO"),
        ("boxes.json", '{"images": [], "annotations": [{"bbox": [0, 0, 1, 1]}]}', "lacks an image"),
        ("folder/readme.rst", "", "no XML, JSON or text files and no PNG masks"),
        ("folder/readme.txt", "About these pictures", "line 1, is left out: a line is"),
        ("folder/notes.json", "{}", "not JSON as LabelMe"),
        ("folder/deep.json", "[" * 100_000, "not JSON as LabelMe"),
        ("folder/bad.xml", "<a>", "line 1 is not XML"),
    ],
)
def test_nothing_that_can_be_used_is_one_clear_error(tmp_path: Path, name: str, text: str, words: str) -> None:
    path = write(tmp_path / name, text)
    with pytest.raises(AnnotationError, match=words) as caught:
        read_annotations(path if path.parent == tmp_path else path.parent)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("stem", ["Screenshot 10.30\u202fAM", "two  spaces", "a\ttab", " lead", "a.jpg", "a"])
def test_a_mask_belongs_to_the_picture_of_its_name_whatever_that_is(stem: str, tmp_path: Path) -> None:
    picture(tmp_path / "pictures" / f"{stem}.png", 9, 9)
    picture(tmp_path / "masks" / f"{stem}.png", 9, 9)
    found = matched(tmp_path / "pictures", read_annotations(tmp_path / "masks").found)
    assert (len(found.items), found.bare, found.missing) == (1, (), ())


def test_annotations_that_are_not_there(tmp_path: Path) -> None:
    with pytest.raises(AnnotationError, match="There is no"):
        read_annotations(tmp_path / "none.csv")


# --- pictures and their truth -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("a.jpg", "a"),
        ("a.b.JPEG", "a.b"),
        ("a.b", "a.b"),
        ("x\\y.png", "x/y"),
        ("./a", "a"),
        (".png", ".png"),
        ("two\nlines.png", "two lines"),
    ],
)
def test_names_are_compared_without_endings(name: str, wanted: str) -> None:
    assert without_ending(name) == wanted


def test_pictures_are_found_by_path_or_by_a_name_that_is_only_theirs(tmp_path: Path) -> None:
    for name in ("a.png", "b/c.jpg", "b/same.png", "d/same.png", "bare.png"):
        picture(tmp_path / name)
    (tmp_path / "notes.txt").write_text("no picture")
    boxes = ((0, 0, 4, 4),)
    found = matched(
        tmp_path, [Annotation(name, "cat", boxes) for name in ("a", "c", "d/same", "same", "missing", "missing")]
    )
    assert [item.picture for item in found.items] == ["a", "b/c", "d/same"]
    assert found.bare == ("b/same", "bare")
    assert found.missing == ("same", "missing")
    opened, truth = found.items[0].read()
    assert (opened.width, opened.height) == (40, 30)
    assert truth.covered == pytest.approx(25 / 1200)


@pytest.mark.parametrize("content", ["nothing", "text", "no folder"])
def test_a_folder_in_which_nothing_matches(tmp_path: Path, content: str) -> None:
    folder = tmp_path / "pictures"
    if content != "no folder":
        folder.mkdir()
    if content == "text":
        picture(folder / "other.png")
    words = {"nothing": "no picture in", "text": "None of the 1 pictures", "no folder": "not a folder"}[content]
    with pytest.raises(AnnotationError, match=words):
        matched(folder, [Annotation("a", "cat", ((0, 0, 1, 1),))])


@pytest.mark.parametrize(
    ("annotation", "words"),
    [
        (Annotation("a", "", ((50, 50, 60, 60),)), "truth is empty"),
        (Annotation("a", "", ((0, 0, 4, 4),), size=(80, 60)), "drawn for a picture of 80 x 60"),
    ],
)
def test_a_truth_that_does_not_fit_its_picture(tmp_path: Path, annotation: Annotation, words: str) -> None:
    picture(tmp_path / "a.png")
    (item,) = matched(tmp_path, [annotation]).items
    with pytest.raises(AnnotationError, match=words):
        item.read()


def test_masks_with_labels_beside_them(tmp_path: Path) -> None:
    masks, pictures = tmp_path / "masks", tmp_path / "pictures"
    for name in ("a", "b"):
        picture(pictures / f"{name}.jpg")
    masks.mkdir()
    inside = np.zeros((30, 40), np.uint8)
    inside[5:10, 2:4] = 1
    Image.fromarray(inside).save(masks / "a.png")
    palette = Image.fromarray(inside)
    palette.putpalette([0, 0, 0, 128, 0, 0])  # as PASCAL VOC has them
    palette.save(masks / "b.png")
    write(masks / "labels.csv", "image,label\nb.jpg,dog\n,cat\n")
    read = read_annotations(masks)
    assert [(one.picture, one.label) for one in read.found] == [("a", ""), ("b", "dog")]
    assert "line 3" in read.complaints[0]
    for item in matched(pictures, read.found).items:
        _, truth = item.read()
        np.testing.assert_array_equal(truth.on((30, 40)), inside > 0)


def test_a_mask_of_another_size(tmp_path: Path) -> None:
    picture(tmp_path / "pictures" / "a.png")
    picture(tmp_path / "masks" / "a.png", 20, 15)
    (item,) = matched(tmp_path / "pictures", read_annotations(tmp_path / "masks").found).items
    with pytest.raises(AnnotationError, match="20 x 15 pixels, and its picture 40 x 30"):
        item.read()


def test_some_of_the_pictures_are_the_same_for_the_same_seed(tmp_path: Path) -> None:
    for n in range(9):
        picture(tmp_path / f"{n}.png")
    items = matched(tmp_path, [Annotation(str(n), "cat", ((0, 0, 1, 1),)) for n in range(9)]).items
    chosen = [[item.picture for item in sample_items(items, 4, seed)] for seed in (0, 0, 1)]
    assert chosen[0] == chosen[1] != chosen[2]
    assert len(set(chosen[0])) == 4
    assert chosen[0] == sorted(chosen[0])
    assert sample_items(items, 20, 0) == items
    assert digest(items) != digest(items[:8])


# --- labels -----------------------------------------------------------------------------------------------------------


def test_labels_of_annotations() -> None:
    labels = imagenet_labels()
    assert class_of(labels, "n01440764") == 0
    assert class_of(labels, "n15075141") == 999
    assert class_of(labels, "281") == class_of(labels, "n02123045") == class_of(labels, "tabby")
    # Two classes are called crane, which WordNet's numbers tell apart.
    assert class_of(labels, "n02012849") == 134
    assert class_of(labels, "n03126707") == 517


@pytest.mark.parametrize(
    ("label", "words"),
    [("n00000001", "not one of ImageNet's"), ("n01440764", "not ImageNet's"), ("cat", "no class called")],
)
def test_labels_that_a_model_does_not_have(label: str, words: str) -> None:
    with pytest.raises(TargetError, match=words):
        class_of(numbered(1000), label)


def test_reading_pictures_is_left_to_their_decoder(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    (tmp_path / "a.png").write_bytes(b"no picture")
    (item,) = matched(tmp_path, [Annotation("a", "cat", ((0, 0, 1, 1),))]).items
    with pytest.raises(cnnfix.PictureError):
        item.read()
