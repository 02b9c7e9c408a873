"""Writes spec/data/image: a picture, what Pillow and OpenCV make of it, and PNG and JPEG files of
every kind with the pixels that they hold.

usage: make_image_reference.py [DIR], with the packages pillow (below 13, which runs the passes of
some resizes in another order), opencv-python-headless and numpy."""
import io
import os
import struct
import sys
import zlib

import cv2
import numpy as np
from PIL import Image, ImageOps

OUT = sys.argv[1] if len(sys.argv) > 1 else "spec/data/image"
MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}
rng = np.random.default_rng(2024)
blobs = {"u8": [], "u16": [], "f32": []}
sizes = {"u8": 0, "u16": 0, "f32": 0}
sections = {}


def keep(values):
    """Appends to the blob of the element type; its 1-based place."""
    kind = {"uint8": "u8", "uint16": "u16", "float32": "f32"}[str(values.dtype)]
    at = sizes[kind] + 1
    blobs[kind].append(values.reshape(-1))
    sizes[kind] += values.size
    return kind, at


def case(section, values, **fields):
    if values.ndim == 2:
        values = values[:, :, None]
    kind, at = keep(values)
    shape = "{ %s }" % ", ".join(map(str, values.shape))
    parts = ['%s = %s' % (k, '"%s"' % v if isinstance(v, str) else str(v).lower())
             for k, v in fields.items()]
    parts += ['dtype = "%s"' % kind, "at = %d" % at, "shape = " + shape]
    sections.setdefault(section, []).append("{ %s }" % ", ".join(parts))


def picture(height, width):
    """Waves, hard edges, noise, and alpha with holes."""
    y, x = np.mgrid[0:height, 0:width]
    planes = [np.sin(x / 3.1 + k) * 60 + np.cos(y / 2.7 - k) * 60 + 128 + rng.integers(-7, 8, x.shape)
              for k in range(4)]
    a = np.stack(planes, -1)
    a[height // 3:height // 2, width // 4:width // 2, :3] = (255, 0, 128)
    a[:, :, 3] = np.clip((x + y) * 6 - 60, 0, 255)
    return np.clip(a, 0, 255).astype(np.uint8)


def pil(a):
    a = np.ascontiguousarray(a)
    return Image.fromarray(a[:, :, 0] if a.shape[2] == 1 else a, MODES[a.shape[2]])


# ---- resizing, rotation, colours ---------------------------------------------------------------------

PIL_FILTERS = {"nearest": Image.NEAREST, "box": Image.BOX, "bilinear": Image.BILINEAR,
               "hamming": Image.HAMMING, "bicubic": Image.BICUBIC, "lanczos": Image.LANCZOS}
CV_FILTERS = {"nearest": cv2.INTER_NEAREST, "linear": cv2.INTER_LINEAR, "cubic": cv2.INTER_CUBIC,
              "area": cv2.INTER_AREA, "lanczos4": cv2.INTER_LANCZOS4}
# Sizes, and the numbers of channels to try with each.
TARGETS = {(13, 17): (1, 3, 4), (31, 53): (3,), (40, 9): (1,), (7, 41): (4,), (1, 1): (1, 3, 4)}


def resizing(source):
    for (height, width), all_channels in TARGETS.items():
        for name, f in PIL_FILTERS.items():
            for channels in all_channels:
                im = pil(source[:, :, :channels])
                case("resize", np.asarray(im.resize((width, height), f)), filter="pil-" + name,
                     channels=channels)
        for name, f in CV_FILTERS.items():
            channels = max(all_channels)
            a = np.ascontiguousarray(source[:, :, :channels])
            case("resize", cv2.resize(a, (width, height), interpolation=f).reshape(
                height, width, channels), filter="cv-" + name, channels=channels)
            gray = np.ascontiguousarray(source[:, :, 0]).astype(np.float32) / np.float32(255)
            case("resize", cv2.resize(gray, (width, height), interpolation=f), filter="cv-" + name,
                 channels=1)
    gray = Image.fromarray(source[:, :, 0].astype(np.float32) / np.float32(255), "F")
    for name, f in PIL_FILTERS.items():
        case("resize", np.asarray(gray.resize((17, 13), f)), filter="pil-" + name, channels=1)


def rotation(source):
    source = source[:15, :21]
    for degrees in (30, -45, 90, 180, 200.5):
        for expand in (False, True):
            for channels in (1, 4):
                im = pil(source[:, :, :channels])
                fill = 0 if channels == 1 else (0, 0, 0, 0)
                for name, f in (("bilinear", Image.BILINEAR), ("nearest", Image.NEAREST)):
                    if channels == 4 and name == "nearest":
                        continue
                    r = im.rotate(degrees, f, expand=expand, fillcolor=fill)
                    case("rotate", np.asarray(r), degrees=degrees, expand=expand, filter=name,
                         channels=channels)


def colors():
    # Corners, edges and noise of the colour cube.
    steps = np.array([0, 1, 64, 127, 128, 200, 254, 255], np.uint8)
    cube = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), -1).reshape(16, 32, 3)
    case("cube", cube)
    rgb = Image.fromarray(cube, "RGB")
    case("color", np.asarray(rgb.convert("L")), from_mode="rgb", mode="gray", convention="pil")
    case("color", cv2.cvtColor(cube, cv2.COLOR_RGB2GRAY), from_mode="rgb", mode="gray",
         convention="cv")
    case("color", np.asarray(rgb.convert("HSV")), from_mode="rgb", mode="hsv", convention="pil")
    case("color", np.asarray(rgb.convert("YCbCr")), from_mode="rgb", mode="ycbcr", convention="pil")
    # The cube's values taken as hue, saturation, value and as luminance, chrominance.
    case("color", np.asarray(Image.frombytes("HSV", rgb.size, cube.tobytes()).convert("RGB")),
         from_mode="hsv", mode="rgb", convention="pil")
    case("color", np.asarray(Image.frombytes("YCbCr", rgb.size, cube.tobytes()).convert("RGB")),
         from_mode="ycbcr", mode="rgb", convention="pil")


# ---- PNG: an encoder of its own, since Pillow writes few kinds ------------------------------------------

ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2)]


def chunk(name, data):
    body = name + data
    return struct.pack(">I", len(data)) + body + struct.pack(">I", zlib.crc32(body))


def pack_rows(samples, depth):
    """Rows of samples [H,W,C] as the bytes of a PNG, each behind filter 0."""
    out = b""
    for row in samples:
        flat = row.reshape(-1)
        if depth == 16:
            data = flat.astype(">u2").tobytes()
        else:
            bits = ((flat[:, None] >> np.arange(depth - 1, -1, -1)) & 1).astype(np.uint8)
            data = np.packbits(bits.reshape(-1)).tobytes()
        out += b"\0" + data
    return out


def png(samples, depth, kind, interlaced=False, extra=b""):
    height, width = samples.shape[:2]
    if interlaced:
        passes = [samples[y::dy, x::dx] for x, y, dx, dy in ADAM7]
        raw = b"".join(pack_rows(p, depth) for p in passes if p.size)
    else:
        raw = pack_rows(samples, depth)
    head = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, int(interlaced))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + extra + chunk(b"IDAT", zlib.compress(raw, 9))
            + chunk(b"IEND", b""))


def scale(samples, depth):
    """To 8 bits: 16 by rounding, fewer by stretching."""
    v = samples.astype(np.uint32)
    return ((v * 255 + (2 ** depth - 1) // 2) // (2 ** depth - 1)).astype(np.uint8)


def write(name, data):
    with open(os.path.join(OUT, name), "wb") as f:
        f.write(data)


def png_case(name, data, expected, deep=None):
    write(name, data)
    case("png", expected, file=name)
    if deep is not None:
        case("png", deep.astype(np.uint16), file=name, deep=True)


def with_alpha(colors_, opaque, top):
    return np.concatenate([colors_, np.where(opaque, top, 0)[:, :, None].astype(colors_.dtype)], -1)


def png_files():
    height, width = 11, 13
    for inter in (False, True):
        tail = "_interlaced.png" if inter else ".png"
        for depth in (1, 2, 4, 8, 16):
            top = 2 ** depth - 1
            a = rng.integers(0, top + 1, (height, width, 1))
            deep = a if depth == 16 else None
            png_case("gray%d%s" % (depth, tail), png(a, depth, 0, inter), scale(a, depth), deep)
            if not inter:  # one grey is transparent
                key = int(a[0, 0, 0])
                extra = chunk(b"tRNS", struct.pack(">H", key))
                png_case("gray%d_key.png" % depth, png(a, depth, 0, False, extra),
                         with_alpha(scale(a, depth), a[:, :, 0] != key, 255))
        for depth in (1, 2, 4, 8):
            n = min(2 ** depth, 200)
            table = rng.integers(0, 256, (n, 3)).astype(np.uint8)
            a = rng.integers(0, n, (height, width, 1))
            plte = chunk(b"PLTE", table.tobytes())
            png_case("palette%d%s" % (depth, tail), png(a, depth, 3, inter, plte), table[a[:, :, 0]])
            if not inter:  # the first half of the colours has an alpha
                alpha = rng.integers(0, 256, (n + 1) // 2).astype(np.uint8)
                full = np.concatenate([alpha, np.full(n - len(alpha), 255, np.uint8)])
                png_case("palette%d_alpha.png" % depth,
                         png(a, depth, 3, False, plte + chunk(b"tRNS", alpha.tobytes())),
                         np.concatenate([table, full[:, None]], 1)[a[:, :, 0]])
        for depth in (8, 16):
            for kind, channels, name in ((2, 3, "rgb"), (4, 2, "graya"), (6, 4, "rgba")):
                a = rng.integers(0, 2 ** depth, (height, width, channels))
                deep = a if depth == 16 else None
                png_case("%s%d%s" % (name, depth, tail), png(a, depth, kind, inter), scale(a, depth),
                         deep)
            if not inter:
                a = rng.integers(0, 2 ** depth, (height, width, 3))
                a[2:5, 3:9] = a[0, 0]
                extra = chunk(b"tRNS", struct.pack(">HHH", *map(int, a[0, 0])))
                png_case("rgb%d_key.png" % depth, png(a, depth, 2, False, extra),
                         with_alpha(scale(a, depth), (a != a[0, 0]).any(-1), 255))
    check_with_pillow()
    # Compressed in earnest, with all row filters: what encoders write.
    smooth = picture(40, 50)[:, :, :3]
    buffer = io.BytesIO()
    Image.fromarray(smooth, "RGB").save(buffer, "PNG")
    png_case("filters.png", buffer.getvalue(), smooth)


def check_with_pillow():
    """The encoder above against a reader that is not perigee's."""
    for name in sorted(os.listdir(OUT)):
        # Pillow keeps 16 bits of grey, and looks for a transparent grey of few bits after stretching.
        if not name.endswith(".png") or "16" in name or name in (
                "gray1_key.png", "gray2_key.png", "gray4_key.png"):
            continue
        im = Image.open(os.path.join(OUT, name))
        line = next(c for c in sections["png"] if '"%s"' % name in c)
        shape = eval(line.split("shape = ")[1].replace("{", "(").replace("}", ")")[:-1])
        at = int(line.split("at = ")[1].split(",")[0]) - 1
        n = shape[0] * shape[1] * shape[2]
        want = np.concatenate(blobs["u8"])[at:at + n].reshape(shape)
        got = np.asarray(im.convert(MODES[shape[2]])).reshape(shape)
        assert (got == want).all(), name


# ---- JPEG ---------------------------------------------------------------------------------------------

def jpeg_case(name, im, **options):
    exif = options.pop("orientation", None)
    if exif:
        tags = Image.Exif()
        tags[0x112] = exif
        options["exif"] = tags
    buffer = io.BytesIO()
    im.save(buffer, "JPEG", quality=options.pop("quality", 85), **options)
    write(name, buffer.getvalue())
    back = ImageOps.exif_transpose(Image.open(buffer))
    case("jpeg", np.asarray(back.convert("RGB") if back.mode == "CMYK" else back), file=name)


def jpeg_files():
    a = picture(19, 27)
    rgb = Image.fromarray(np.ascontiguousarray(a[:, :, :3]), "RGB")
    jpeg_case("gray.jpg", rgb.convert("L"))
    jpeg_case("rgb.jpg", rgb)
    jpeg_case("rgb444.jpg", rgb, subsampling=0)
    jpeg_case("progressive.jpg", rgb, progressive=True)
    jpeg_case("cmyk.jpg", Image.fromarray(a, "CMYK"))
    for k in range(1, 9):
        jpeg_case("orientation%d.jpg" % k, rgb, orientation=k, quality=60)


def main():
    os.makedirs(OUT, exist_ok=True)
    source = picture(29, 41)
    case("source", source)
    resizing(source)
    rotation(source)
    colors()
    png_files()
    jpeg_files()
    for kind, parts in blobs.items():
        np.save(os.path.join(OUT, "values_%s.npy" % kind), np.concatenate(parts))
    with open(os.path.join(OUT, "cases.lua"), "w", encoding="ascii") as f:
        f.write("-- Written by spec/support/make_image_reference.py: where each case's pixels lie in\n"
                "-- values_TYPE.npy, and what they are of.\nreturn {\n")
        for name, lines in sections.items():
            f.write("  %s = {\n" % name)
            for line in lines:
                f.write("    %s,\n" % line)
            f.write("  },\n")
        f.write("}\n")


main()
