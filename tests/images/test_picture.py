"""Decoding of pictures from strangers, and views with their way back."""

import hashlib
import io
import re
import struct
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import PIL
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageCms, ImageOps
from torchvision.transforms import v2

from cnnfix_core.images import picture as module
from cnnfix_core.images.picture import Picture, PictureError, open_picture
from cnnfix_core.images.view import View, views

RNG = np.random.default_rng(7)
COLOURS = RNG.integers(0, 256, (6, 9, 3), dtype=np.uint8)
GREYS = np.arange(54, dtype=np.uint8).reshape(6, 9) * 4


def encoded(image: Image.Image, kind: str, **options: object) -> bytes:
    stream = io.BytesIO()
    # Copies, since Pillow leaves encoder settings in the images that it saves.
    if "append_images" in options:
        options["append_images"] = [frame.copy() for frame in options["append_images"]]
    image.copy().save(stream, kind, **options)
    return stream.getvalue()


def smooth(width: int, height: int) -> Image.Image:
    """A picture without noise or edges, whose corners all differ."""
    y, x = np.mgrid[0:height, 0:width]
    across, down = x / max(width - 1, 1), y / max(height - 1, 1)
    channels = [255 * across, 255 * down, 127 + 120 * np.sin(3 * across + 2 * down)]
    return Image.fromarray(np.stack(channels, -1).round().astype(np.uint8))


def over_white(colour: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    share = alpha[..., None] / 255
    return colour * share + 255 * (1 - share)


def difference(a: object, b: object) -> int:
    return int(np.abs(np.asarray(a, dtype=float) - np.asarray(b, dtype=float)).max())


def refusal(source: object) -> str:
    with pytest.raises(PictureError) as caught:
        open_picture(source)  # type: ignore[arg-type]
    sentence = str(caught.value)
    assert sentence[0].isupper() or sentence[0] == "“"
    assert sentence.endswith(".")
    assert "\n" not in sentence
    return sentence


@pytest.fixture(autouse=True)
def silence(capsys: pytest.CaptureFixture[str]):
    """Nothing may be printed or warned of. (Lines that libtiff itself writes about damaged data are out of reach.)"""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        yield
    assert not caught
    assert capsys.readouterr() == ("", "")


# Formats


@pytest.mark.parametrize(
    ("kind", "options"),
    [("PNG", {}), ("WEBP", {"lossless": True}), ("TIFF", {}), ("TIFF", {"compression": "tiff_lzw"}), ("BMP", {})],
)
def test_lossless_formats_keep_every_pixel(kind, options):
    picture = open_picture(encoded(Image.fromarray(COLOURS), kind, **options))
    assert np.array_equal(picture.pixels, COLOURS)
    assert (picture.width, picture.height) == (9, 6)
    assert picture.pixels.dtype == np.uint8
    assert not picture.pixels.flags.writeable


@pytest.mark.parametrize(
    ("kind", "options"), [("JPEG", {}), ("JPEG", {"progressive": True}), ("AVIF", {}), ("WEBP", {})]
)
def test_lossy_formats_stay_close(kind, options):
    picture = open_picture(encoded(smooth(64, 48), kind, quality=95, **options))
    assert difference(picture.pixels, smooth(64, 48)) < 12


def test_first_frame_of_gif_mpo_webp_apng_avif_and_tiff():
    frames = [Image.new("RGB", (8, 5), colour) for colour in ("red", "blue", "lime")]
    for kind in ("GIF", "MPO", "WEBP", "PNG", "AVIF", "TIFF"):
        picture = open_picture(encoded(frames[0], kind, save_all=True, append_images=frames[1:]))
        assert difference(picture.pixels, frames[0]) < 4, kind
        assert (picture.width, picture.height) == (8, 5)


def test_broken_later_frames_do_not_matter():
    frames = [Image.fromarray(RNG.integers(0, 256, (20, 30), dtype=np.uint8)) for _ in range(3)]
    for kind in ("GIF", "PNG", "MPO"):
        data = encoded(frames[0].convert("RGB"), kind, save_all=True, append_images=frames[1:])
        whole = open_picture(data)
        assert np.array_equal(open_picture(data[: len(data) * 2 // 3]).pixels, whole.pixels), kind
    data = bytearray(encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True))
    whole = open_picture(bytes(data))
    data[-400:-20] = bytes(380)
    assert np.array_equal(open_picture(bytes(data)).pixels, whole.pixels)


def test_content_counts_not_the_name(tmp_path: Path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(encoded(Image.fromarray(COLOURS), "PNG"))
    for source in (path, str(path)):
        assert np.array_equal(open_picture(source).pixels, COLOURS)


# Modes


def test_greyscale_palette_and_one_bit():
    grey = Image.fromarray(GREYS)
    for source in (encoded(grey, "PNG"), encoded(grey, "GIF"), encoded(grey.convert("P"), "PNG"), grey):
        assert np.array_equal(open_picture(source).pixels, np.stack([GREYS] * 3, -1))
    palette = Image.fromarray(COLOURS).quantize(200)
    assert np.array_equal(open_picture(encoded(palette, "PNG")).pixels, np.asarray(palette.convert("RGB")))
    bits = Image.fromarray(GREYS > 100)
    for kind in ("PNG", "TIFF", "BMP"):
        assert np.array_equal(open_picture(encoded(bits, kind)).pixels[..., 0], (GREYS > 100) * np.uint8(255))


@pytest.mark.parametrize("mode", ["RGBA", "RGBa", "LA", "La", "PA"])
def test_alpha_is_flattened_on_white(mode):
    alpha = GREYS + 20
    rgba = Image.fromarray(np.dstack([COLOURS, alpha]))
    colour = COLOURS
    if mode in ("LA", "La"):
        colour = np.stack([GREYS] * 3, -1)
        image = Image.merge("LA", [Image.fromarray(GREYS), Image.fromarray(alpha)]).convert(mode)
    elif mode == "PA":
        image = Image.fromarray(COLOURS).quantize(200).convert("PA")
        colour = np.asarray(image.convert("RGB"))
        image.putalpha(Image.fromarray(alpha))
    else:
        image = rgba.convert(mode)
    tolerance = 8 if mode in ("RGBa", "La") else 1  # premultiplied bytes lose colour where alpha is low
    assert difference(open_picture(image).pixels, over_white(colour, alpha)) <= tolerance
    if mode in ("RGBA", "LA"):
        for kind in ("PNG", "TIFF"):
            assert difference(open_picture(encoded(image, kind)).pixels, over_white(colour, alpha)) <= 1


def test_transparent_colours():
    palette = Image.new("P", (2, 1))
    palette.putpalette([10, 20, 30, 200, 100, 0])
    palette.putpixel((1, 0), 1)
    half = over_white(np.array([10, 20, 30]), np.array([128]))[0]
    for transparency, first in ((0, (255, 255, 255)), (bytes([128, 255]), half)):
        pixels = open_picture(encoded(palette, "PNG", transparency=transparency)).pixels
        assert difference(pixels, [[first, (200, 100, 0)]]) <= 1
    assert open_picture(encoded(palette, "GIF", transparency=1)).pixels.tolist() == [[[10, 20, 30], [255] * 3]]
    plain = Image.fromarray(COLOURS)
    pixels = open_picture(encoded(plain, "PNG", transparency=tuple(COLOURS[2, 3].tolist()))).pixels
    assert (pixels[2, 3] == 255).all()
    assert np.array_equal(pixels[3:], COLOURS[3:])
    assert open_picture(encoded(Image.fromarray(GREYS), "PNG", transparency=8)).pixels[0, 2].tolist() == [255] * 3


@pytest.mark.parametrize("mode", ["I;16", "I;16L", "I;16B", "I;16N"])
def test_16_bit_grey_is_scaled_not_clipped(mode):
    values = np.array([[0, 257, 128 * 257, 65535], [1000, 40000, 128, 129]], dtype=np.uint16)
    expected = np.round(values / 257)
    order = ">u2" if mode == "I;16B" else "<u2"
    image = Image.frombytes(mode, (4, 2), values.astype(order).tobytes())
    assert np.array_equal(open_picture(image).pixels[..., 0], expected)
    if mode in ("I;16", "I;16B"):
        assert np.array_equal(open_picture(encoded(image, "TIFF")).pixels[..., 2], expected)
    if mode == "I;16":
        assert np.array_equal(open_picture(encoded(image, "PNG")).pixels[..., 1], expected)


def test_16_bit_grey_with_a_transparent_level():
    image = Image.fromarray(np.array([[0, 300, 65535]], dtype=np.uint16))
    data = encoded(image, "PNG")
    ihdr_end = 8 + 25
    trns = png_chunk(b"tRNS", struct.pack(">H", 300))
    assert open_picture(data[:ihdr_end] + trns + data[ihdr_end:]).pixels[0, :, 0].tolist() == [0, 255, 255]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (np.array([[0, 32896, 65535]], np.int32), [0, 128, 255]),
        (np.array([[0, 128, 255]], np.int32), [0, 128, 255]),
        (np.array([[-1000, 0, 1000]], np.int32), [0, 128, 255]),
        (np.array([[0, 2**30, 2**31 - 1]], np.int32), [0, 128, 255]),
        (np.array([[0, 0.5, 1]], np.float32), [0, 128, 255]),
        (np.array([[0, 127.6, 255]], np.float32), [0, 128, 255]),
        (np.array([[0, 32896, 65535]], np.float32), [0, 128, 255]),
        (np.array([[np.nan, np.inf, 1]], np.float32), [0, 0, 255]),
        (np.array([[-3e38, 0, 3e38]], np.float32), [0, 128, 255]),
        (np.array([[0, 0, 0]], np.float32), [0, 0, 0]),
    ],
)
def test_32_bit_and_floating_point_grey(values, expected):
    image = Image.fromarray(values)
    for source in (image, encoded(image, "TIFF")):
        assert difference(open_picture(source).pixels[0, :, 0], expected) <= 1


def test_cmyk_ycbcr_hsv_and_lab():
    for mode in ("CMYK", "YCbCr", "HSV", "RGBX"):
        image = smooth(30, 20).convert(mode)
        assert np.array_equal(open_picture(image).pixels, np.asarray(image.convert("RGB")))
    files = [("CMYK", "TIFF"), ("CMYK", "JPEG")]
    if int(PIL.__version__.split(".")[0]) >= 13:  # older ones cannot read what they wrote
        files.append(("YCbCr", "TIFF"))
    for mode, kind in files:
        picture = open_picture(
            encoded(smooth(30, 20).convert(mode), kind, **({"quality": 95} if kind == "JPEG" else {}))
        )
        assert difference(picture.pixels, smooth(30, 20)) < 12, (mode, kind)
    rgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    image = ImageCms.buildTransform(rgb, lab, "RGB", "LAB").apply(Image.fromarray(COLOURS))
    for source in (image, encoded(image, "TIFF")):
        assert np.abs(open_picture(source).pixels.astype(int) - COLOURS).mean() < 3  # 8-bit LAB is coarse


# EXIF


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "AVIF", "TIFF", "PIL", "MPO"])
def test_exif_orientation(orientation, kind):
    image = smooth(48, 24)
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.getexif()[0x0112] = orientation
    upright = ImageOps.exif_transpose(image)
    picture = open_picture(image if kind == "PIL" else encoded(image, kind, exif=exif))
    assert (picture.width, picture.height) == upright.size
    assert difference(picture.pixels, upright) < 40
    assert np.abs(picture.pixels.astype(int) - np.asarray(upright)).mean() < 4


def test_a_passed_image_stays_as_it_is():
    image = smooth(module.WORKING_SIDE + 100, 10)
    image.getexif()[0x0112] = 6
    before = image.tobytes()
    picture = open_picture(image)
    assert (picture.width, picture.height) == (10, module.WORKING_SIDE + 100)
    assert image.size == (module.WORKING_SIDE + 100, 10)
    assert image.tobytes() == before
    assert image.getexif()[0x0112] == 6


@pytest.mark.parametrize("broken", [b"Exif\0\0", b"Exif\0\0garbage!", b"Exif\0\0II*\0\xff\xff\xff\xff", b"no exif"])
def test_broken_exif_is_ignored(broken):
    picture = open_picture(encoded(smooth(40, 30), "JPEG", exif=broken))
    assert (picture.width, picture.height) == (40, 30)
    image = smooth(40, 30)
    image.info["exif"] = broken
    assert np.array_equal(open_picture(image).pixels, np.asarray(smooth(40, 30)))


# Arrays and digests


def test_arrays():
    assert np.array_equal(open_picture(COLOURS).pixels, COLOURS)
    assert np.array_equal(open_picture(COLOURS[:, ::-1]).pixels, COLOURS[:, ::-1])
    assert np.array_equal(open_picture(GREYS).pixels, np.stack([GREYS] * 3, -1))
    rgba = np.dstack([COLOURS, GREYS])
    assert difference(open_picture(rgba).pixels, over_white(COLOURS, GREYS)) <= 1


@pytest.mark.parametrize(
    "array",
    [
        COLOURS / 255,
        COLOURS.astype(int),
        COLOURS[..., :2],
        COLOURS[None],
        COLOURS[0, 0],
        np.uint8(3) + GREYS[:1, 0][0:0],
    ],
)
def test_other_arrays_are_refused(array):
    assert "H x W x 3" in refusal(array)


def test_digest():
    data = encoded(Image.fromarray(COLOURS), "PNG")
    assert open_picture(data).digest == hashlib.sha256(data).hexdigest()
    assert open_picture(COLOURS).digest == open_picture(Image.fromarray(COLOURS)).digest
    palette = Image.fromarray(GREYS).convert("P")
    other = palette.copy()
    other.putpalette(RNG.integers(0, 256, 768, dtype=np.uint8).tobytes())
    turned = Image.fromarray(COLOURS)
    turned.getexif()[0x0112] = 3
    reshaped = COLOURS.reshape(9, 6, 3)
    digests = {open_picture(source).digest for source in (COLOURS, palette, other, turned, reshaped, GREYS[:3])}
    assert len(digests) == 6


# Sizes


@pytest.mark.parametrize("size", [(1, 1), (1, 5000), (5000, 1), (2048, 3), (2049, 2), (4100, 300)])
def test_sizes(size):
    image = smooth(*size)
    for source in (image, encoded(image, "JPEG", quality=90, subsampling=0)):
        picture = open_picture(source)
        height, width = picture.pixels.shape[:2]
        assert (picture.width, picture.height) == size
        assert max(width, height) == min(max(size), module.WORKING_SIDE)
        assert min(width, height) == max(1, round(min(size) * max(width, height) / max(size)))
        assert difference(picture.pixels, image.resize((width, height))) < 12


def test_a_huge_turned_jpeg_is_reduced_while_it_is_decoded(monkeypatch):
    exif = Image.Exif()
    exif[0x0112] = 6
    loaded = []
    rgb_or_rgba = module._rgb_or_rgba
    monkeypatch.setattr(module, "_rgb_or_rgba", lambda image: loaded.append(image.size) or rgb_or_rgba(image))
    for kind in ("JPEG", "MPO"):
        picture = open_picture(encoded(Image.new("RGB", (8200, 4100)), kind, exif=exif))
        assert (picture.width, picture.height) == (4100, 8200)
        assert picture.pixels.shape == (2048, 1024, 3)
    assert loaded == [(2050, 1025)] * 2


def png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png_header(width: int, height: int) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", header) + png_chunk(b"IDAT", zlib.compress(bytes(100)))


def resized_header(kind: str, width: int, height: int) -> bytes:
    """A small file of this kind whose header claims another size."""
    data = bytearray(encoded(Image.new("RGB", (16, 16)), kind))
    if kind == "BMP":
        data[18:26] = struct.pack("<II", width, height)
    elif kind == "GIF":
        data[6:10] = struct.pack("<HH", width, height)
    elif kind == "JPEG":
        start = data.index(b"\xff\xc0") + 5
        data[start : start + 4] = struct.pack(">HH", height, width)
    return bytes(data)


@pytest.mark.parametrize("side", [9000, 9400, 12000, 30000, 65000])  # Pillow's own limits are in between
@pytest.mark.parametrize("kind", ["PNG", "BMP", "GIF", "JPEG"])
def test_too_many_pixels_are_refused_before_decoding(side, kind, monkeypatch):
    monkeypatch.setattr("PIL.ImageFile.ImageFile.load", lambda self: pytest.fail("decoded"))
    data = png_header(side, side) if kind == "PNG" else resized_header(kind, side, side)
    assert refusal(data) == "The picture has more than 80 million pixels: shrink it first."


def test_limits(monkeypatch, tmp_path):
    assert "80 million" in refusal(png_header(100_000, 100_000))
    assert "80 million" in refusal(np.broadcast_to(np.uint8(0), (100_000, 1000)))
    monkeypatch.setattr(module, "MAX_PIXELS", 53)
    refusal(Image.fromarray(COLOURS))
    monkeypatch.setattr(module, "MAX_PIXELS", 54)
    assert open_picture(COLOURS).width == 9
    data = encoded(Image.fromarray(COLOURS), "PNG")
    path = tmp_path / "x.png"
    path.write_bytes(data)
    monkeypatch.setattr(module, "MAX_PICTURE_BYTES", len(data))
    assert open_picture(path).width == 9
    monkeypatch.setattr(module, "MAX_PICTURE_BYTES", len(data) - 1)
    monkeypatch.setattr(Path, "read_bytes", lambda self: pytest.fail("read"))
    assert "larger than" in refusal(path)
    assert "larger than" in refusal(data)


# Bad files

HEIC = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200)
DAMAGED = "The picture is damaged or incomplete: save it again or upload it again."
BAD_FILES = {
    "empty": (b"", "The file is empty: save the picture again or upload it again."),
    "text": (b"hello, I am a text file", "This is not a supported picture format"),
    "zeros": (bytes(5000), "This is not a supported picture format"),
    "html": (b"\xef\xbb\xbf\n<!DOCTYPE html><html><svg></svg></html>", "This is a web page"),
    "svg": (b'<?xml version="1.0"?>\n<!-- x --><svg xmlns="http://www.w3.org/2000/svg"/>', "save it as PNG"),
    "pdf": (b"%PDF-1.7\n%\xe2\xe3", "This is a PDF document"),
    "heic": (HEIC, "export it as JPEG"),
    "heic as mif1": (HEIC.replace(b"ftypheic", b"ftypmif1"), "export it as JPEG"),
    "video": (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + bytes(200), "This is a video"),
    "eps": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n", "not a supported picture format"),
    "ppm": (b"P6 1 1 255\n\0\0\0", "not a supported picture format"),
    "header only": (b"\x89PNG\r\n\x1a\n", DAMAGED),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_bad_files(name, tmp_path):
    data, sentence = BAD_FILES[name]
    path = tmp_path / "photo.png"
    path.write_bytes(data)
    assert sentence in refusal(data)
    assert sentence in refusal(path)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "AVIF", "TIFF", "BMP", "GIF"])
@pytest.mark.parametrize("part", [0.1, 0.5, 0.9])
def test_truncated_files(kind, part):
    noise = Image.fromarray(RNG.integers(0, 256, (40, 60, 3), dtype=np.uint8))
    data = encoded(noise, kind)[: int(len(encoded(noise, kind)) * part)]
    if (kind, part) == ("JPEG", 0.9):
        assert "lacks its end" in open_picture(data).notes[0]
    else:
        assert refusal(data) == DAMAGED


@pytest.mark.parametrize("options", [{}, {"progressive": True}])
def test_a_jpeg_without_its_end(options):
    whole = encoded(smooth(300, 200), "JPEG", **options)
    for cut, rows in ((1, 200), (2, 200), (20, 176)):
        picture = open_picture(whole[:-cut])
        if cut < 20 or not options:
            assert (picture.pixels[:rows] == open_picture(whole).pixels[:rows]).all()
        assert picture.notes == ("The file lacks its end: a part of the picture may be missing.",)
    assert open_picture(whole + bytes(100)).notes == ()


def test_how_much_of_a_jpeg_is_missing():
    noise = Image.fromarray(RNG.integers(0, 256, (320, 160, 3), dtype=np.uint8))
    whole = encoded(noise, "JPEG")
    picture = open_picture(whole[: len(whole) * 3 // 4])
    assert re.fullmatch(r"The file lacks its end: the lowest 2\d % of the picture may be missing\.", picture.notes[0])
    assert (picture.pixels[:200] == open_picture(whole).pixels[:200]).all()
    assert refusal(whole[: len(whole) // 3]) == DAMAGED


def test_a_little_that_is_missing_of_a_jpeg_is_not_called_nothing():
    noise = Image.fromarray(RNG.integers(0, 256, (4000, 32, 3), dtype=np.uint8))
    picture = open_picture(encoded(noise, "JPEG")[:-600])
    assert re.search(r"the lowest 0\.\d\d % of the picture", picture.notes[0])


@pytest.mark.parametrize("bits", [8, 10, 12, 14])
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_of_which_few_are_used(bits, kind):
    top = 2**bits - 1
    values = np.linspace(0, top, 64).astype(np.uint16).reshape(8, 8)
    picture = open_picture(encoded(Image.fromarray(values), kind))
    assert abs(picture.pixels[..., 0] - values / top * 255).max() <= 0.5
    assert picture.notes == (
        f"The picture has 16 bits a pixel and goes only up to {top:,}: {top:,} is shown as white.",
    )


def test_sixteen_bits_of_a_colour_of_which_few_are_used():
    values = np.linspace(0, 4095, 64 * 3).astype(">u2").reshape(8, 8, 3)
    rows = b"".join(b"\0" + row.tobytes() for row in values)
    header = struct.pack(">IIBBBBB", 8, 8, 16, 2, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    chunks = [struct.pack(">I", len(d)) + n + d + struct.pack(">I", zlib.crc32(n + d)) for n, d in parts]
    picture = open_picture(b"\x89PNG\r\n\x1a\n" + b"".join(chunks))
    assert abs(picture.pixels - values / 4095 * 255.0).max() < 18
    assert "brightened, with 16 levels left" in picture.notes[0]


@pytest.mark.parametrize("values", [np.linspace(0, 65535, 64), np.linspace(0, 4095, 64), np.linspace(0, 1, 64)])
def test_tiff_with_white_as_zero(values):
    values = values.astype(np.float32 if values.max() == 1 else np.uint16).reshape(8, 8)
    content = encoded(Image.fromarray(values), "TIFF")
    tag = struct.pack("<HHIHH", 262, 3, 1, 1, 0)
    assert content.count(tag) == 1
    black, white = open_picture(content), open_picture(content.replace(tag, struct.pack("<HHIHH", 262, 3, 1, 0, 0)))
    assert (white.pixels == 255 - black.pixels).all()
    assert black.pixels[0, 0].max() == 0
    assert black.pixels[-1, -1].min() == 255


def test_bad_paths_and_objects(tmp_path):
    assert "There is no file" in refusal(tmp_path / "missing.png")
    assert "save this one and give its file" in refusal("https://example.org/cat.png")
    assert "is a folder" in refusal(tmp_path)
    for path in ("x" * 5000, "a\0b", "/dev/null", ""):
        refusal(path)
    for thing in (None, 3, [1, 2], io.BytesIO(b"")):
        assert "must be a path" in refusal(thing)
    assert "no pixels" in refusal(np.zeros((0, 5, 3), np.uint8))
    assert "no pixels" in refusal(Image.new("RGB", (0, 5)))


def test_a_pil_image_whose_file_is_closed_or_cut():
    stream = io.BytesIO(encoded(Image.fromarray(COLOURS), "PNG"))
    image = Image.open(stream)
    stream.close()
    assert "cannot be read" in refusal(image)
    noise = encoded(Image.fromarray(RNG.integers(0, 256, (40, 60, 3), dtype=np.uint8)), "PNG")
    assert "cannot be read" in refusal(Image.open(io.BytesIO(noise[:4000])))


def seeds() -> list[bytes]:
    exif = Image.Exif()
    exif[0x0112] = 6
    rgb, frames = smooth(20, 12), [Image.new("RGB", (20, 12), "red"), Image.fromarray(COLOURS).resize((20, 12))]
    animated = {"save_all": True, "append_images": frames}
    return [
        *(encoded(rgb, kind, exif=exif) for kind in ("PNG", "JPEG", "WEBP", "TIFF", "AVIF")),
        *(encoded(rgb, kind, **animated) for kind in ("PNG", "GIF", "WEBP", "MPO", "TIFF")),
        *(encoded(rgb, "TIFF", compression=how) for how in ("tiff_lzw", "jpeg", "tiff_adobe_deflate")),
        encoded(rgb, "BMP"),
        encoded(rgb.quantize(20), "PNG", transparency=3),
        encoded(Image.fromarray(np.uint16(300) * GREYS), "PNG"),
        encoded(Image.fromarray(GREYS.astype(np.float32)), "TIFF"),
        encoded(rgb.convert("CMYK"), "JPEG"),
    ]


SEEDS = seeds()


@settings(max_examples=400)
@given(st.data())
def test_mutated_files_raise_nothing_but_picture_errors(data):
    file = bytearray(data.draw(st.sampled_from(SEEDS)))
    for _ in range(data.draw(st.integers(1, 6))):
        start = data.draw(st.integers(0, len(file)))
        length = data.draw(st.integers(0, 4))
        file[start : start + length] = data.draw(st.binary(max_size=8))
    try:
        picture = open_picture(bytes(file))
    except PictureError:
        return
    assert picture.pixels.ndim == 3
    assert picture.pixels.size > 0
    assert picture.width * picture.height <= module.MAX_PIXELS


def test_several_threads_at_once_leave_the_warning_filters_alone():
    before = list(warnings.filters)
    with ThreadPoolExecutor(8) as pool:
        pictures = list(pool.map(open_picture, [COLOURS, GREYS] * 40))
    assert all(picture.width == 9 for picture in pictures)
    assert warnings.filters == before


# Views

SIZES = st.integers(1, 400)
INPUTS = st.one_of(st.integers(1, 64), st.tuples(st.integers(1, 64), st.integers(1, 64)))
CROPS = st.sampled_from(["whole", "centre", "five"])


def blank(width: int, height: int) -> Picture:
    return Picture(np.zeros((height, width, 3), np.uint8), width, height, "")


@given(SIZES, SIZES, CROPS, INPUTS, st.floats(0.3, 1))
def test_views_stay_inside_and_so_does_the_way_back(width, height, crops, size, crop_pct):
    picture = blank(width, height)
    for view in views(picture, crops, size, crop_pct):
        x0, y0, x1, y1 = view.box
        assert 0 <= x0 < x1 <= width + 1e-9
        assert 0 <= y0 < y1 <= height + 1e-9
        y, x = np.indices(view.size)
        xs, ys = view.to_picture(x, y, picture)
        assert xs.dtype == ys.dtype == np.int64
        assert xs.shape == x.shape
        assert xs.min() >= max(0, int(x0))
        assert xs.max() <= min(width - 1, x1)
        assert ys.min() >= max(0, int(y0))
        assert ys.max() <= min(height - 1, y1)
        assert (np.diff(xs, axis=1) >= 0).all()
        assert view.render(picture).size == view.size[::-1]


@given(SIZES, SIZES, INPUTS, st.floats(0.3, 1))
def test_five_crops_cover_the_corners(width, height, size, crop_pct):
    boxes = {view.name: view.box for view in views(blank(width, height), "five", size, crop_pct)}
    assert list(boxes) == ["top left", "top right", "bottom left", "bottom right", "centre"]
    assert boxes["top left"][:2] == (0, 0)
    assert (boxes["top right"][2], boxes["top right"][1]) == pytest.approx((width, 0))
    assert (boxes["bottom left"][0], boxes["bottom left"][3]) == pytest.approx((0, height))
    assert boxes["bottom right"][2:] == pytest.approx((width, height))
    assert boxes["centre"] == views(blank(width, height), "centre", size, crop_pct)[0].box


def test_whole_view_returns_to_the_same_pixel_when_the_input_has_the_picture_size():
    picture = blank(13, 7)
    view = views(picture, "whole", (7, 13))[0]
    assert view == View("whole", (0, 0, 13, 7), (7, 13))
    y, x = np.indices((7, 13))
    xs, ys = view.to_picture(x, y, picture)
    assert np.array_equal(xs, x)
    assert np.array_equal(ys, y)


@pytest.mark.parametrize("crops", ["whole", "centre", "five"])
@pytest.mark.parametrize("size", [(500, 375), (300, 640), (224, 224), (90, 70), (1, 1), (3, 300)])
def test_a_rendered_dot_leads_back_to_where_it_was(crops, size):
    width, height = size
    picture = blank(*size)
    for view in views(picture, crops, 64):
        x0, y0, x1, y1 = view.box
        column, row = int((x0 + x1) / 2), int((y0 + y1) / 2)
        pixels = np.zeros((height, width, 3), np.uint8)
        pixels[row, column] = 255
        seen = np.asarray(view.render(open_picture(pixels)).convert("L"), dtype=float)
        y, x = np.unravel_index(seen.argmax(), seen.shape)
        xs, ys = view.to_picture(np.array([x]), np.array([y]), picture)
        assert abs(xs[0] - column) <= max(1, (x1 - x0) / 64)
        assert abs(ys[0] - row) <= max(1, (y1 - y0) / 64)


@pytest.mark.parametrize("interpolation", ["bicubic", "bilinear"])
@pytest.mark.parametrize("size", [(500, 375), (301, 640), (256, 256), (97, 70), (30, 30)])
def test_views_are_what_resizing_and_cropping_give(size, interpolation):
    image = smooth(*size)
    picture = open_picture(image)
    how = v2.InterpolationMode(interpolation)
    resized = v2.Resize(256, how)(image)
    expected = [v2.CenterCrop(224)(resized), *v2.FiveCrop(224)(resized)]
    seen = [view for crops in ("centre", "five") for view in views(picture, crops, 224, interpolation=interpolation)]
    for view, crop in zip(seen, expected, strict=True):
        assert difference(view.render(picture), crop) <= 2  # ties are rounded differently, once in each direction
    whole = views(picture, "whole", (160, 224), interpolation=interpolation)[0]
    assert difference(whole.render(picture), v2.Resize((160, 224), how)(image)) == 0


def test_a_reduced_picture_renders_like_the_original():
    image = smooth(500, 260).resize((5000, 2600))
    picture = open_picture(image)
    assert picture.pixels.shape == (1065, 2048, 3)
    expected = v2.CenterCrop(224)(v2.Resize(256, v2.InterpolationMode.BICUBIC)(image))
    view = views(picture, "centre", 224)[0]
    assert difference(view.render(picture), expected) <= 2
    xs, ys = view.to_picture(np.array([0, 223]), np.array([0, 223]), picture)
    assert (xs.sum(), ys.sum()) == pytest.approx((5000, 2600), abs=25)


@pytest.mark.parametrize("size", [(1, 5000), (5000, 1), (1, 1), (2, 70_000)])
@pytest.mark.parametrize("crops", ["whole", "centre", "five"])
def test_extreme_shapes(size, crops):
    picture = open_picture(Image.new("RGB", size, (10, 200, 30)))
    for view in views(picture, crops, 224):
        assert difference(view.render(picture), np.full((224, 224, 3), (10, 200, 30))) == 0
        xs, ys = view.to_picture(np.arange(224), np.arange(224), picture)
        assert xs.max() < size[0]
        assert ys.max() < size[1]


def test_views_refuse_what_makes_no_sense():
    with pytest.raises(ValueError, match="crop_pct"):
        views(blank(4, 4), "centre", 8, crop_pct=1.5)
    with pytest.raises(AssertionError, match="sideways"):
        views(blank(4, 4), "sideways", 8)
