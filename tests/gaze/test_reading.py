"""Points in tables, as eye trackers and people write them."""

from __future__ import annotations

import pytest

from cnnfix_core.gaze import GazeError, read_gaze


def test_columns_are_found_by_name_in_any_order() -> None:
    found = read_gaze(
        b"Subject,Fixation_Y,Fixation X,Duration,trial,Image\nanna,20,10,300,1,a/cat.JPG\nben,5,6,100,1,dog.png\n"
    )
    first, second = found.points
    assert (first.x, first.y, first.weight, first.observer, first.picture) == (10, 20, 300, "anna", "a/cat")
    assert (second.line, second.picture) == (3, "dog")
    assert found.pictures == ("a/cat", "dog")
    assert not found.complaints


def test_x_and_y_are_enough() -> None:
    (point,) = read_gaze(b"x;y\n10,5;3,25\n").points
    assert (point.x, point.y, point.weight, point.observer, point.picture) == (10.5, 3.25, 1, "", "")


def test_bad_rows_are_left_out_with_their_line() -> None:
    found = read_gaze(b"x,y,weight\n1,2,1\nabc,2,1\n,2,1\n3,4,0\n5,6,-1\n7,8,\n9,9,2\n")
    assert [(one.x, one.y) for one in found.points] == [(1, 2), (9, 9)]
    assert found.complaints == (
        "Line 3 is left out: x is “abc”, no number.",
        "Line 4 is left out: x is empty.",
        "Line 5 is left out: the weight is 0, but must be more than 0.",
        "Line 6 is left out: the weight is -1, but must be more than 0.",
        "Line 7 is left out: the weight is empty.",
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "The first line must name the columns"),
        (b"1,2\n3,4\n", "The first line must name the columns, x and y at least; it is “1, 2”"),
        (b"x,weight\n1,2\n", "x and y at least"),
        (b"x,px,y\n1,2,3\n", "two columns for the same: x, px"),
        (b"x,y\n", "has no point"),
        (b"x,y\na,b\n", "has no point. Line 2 is left out: x is “a”, no number"),
        (b"x,y\n0,1\n1,0\n", "pixels or shares"),
        (b"x,y,picture\n1,2,\n", "it names no picture"),
        (b"\x89PNG\r\n\x1a\n\0\0", "not a text file"),
        (b'x,y\n"1,2\n', "has no point"),
    ],
)
def test_tables_that_cannot_be_used(content: bytes, words: str) -> None:
    with pytest.raises(GazeError, match=words):
        read_gaze(content)


def test_shares_of_the_picture() -> None:
    gaze = read_gaze(b"x,y\n0.5,0.25\n1,1\n")
    (seen,), outside = gaze.observers((200, 100))
    assert seen.xy.tolist() == [[100, 25]]
    assert outside == ("Line 3 is left out: (1, 1) lies outside the picture, which has 200 x 100 pixels.",)


def test_points_are_given_to_observers_and_pictures() -> None:
    gaze = read_gaze(
        b"x,y,observer,picture\n1,2,anna,one.png\n3,4,ben,one.png\n5,6,anna,one.png\n7,8,anna,deep/two.png\n900,1,ben,one.png\n"
    )
    anna, ben = gaze.on("one.jpg").observers((10, 10))[0]
    assert anna.xy.tolist() == [[1, 2], [5, 6]]
    assert len(ben) == 1
    assert len(gaze.on("pictures/deep/two.png").points) == 1
    assert len(gaze.on("two").points) == 1
    assert not gaze.on("three").points
