"""Small pictures in the formats of c/format/picture.c with the pixels that Pillow reads from them:
python spec/support/make_picture_files.py writes spec/data/pictures/NAME and NAME.npy."""
import os
import struct

import numpy as np
from PIL import Image

here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "data", "pictures")
rng = np.random.default_rng(7)
H, W = 9, 13


def smooth(channels):
    y, x = np.mgrid[0:H, 0:W]
    planes = [(x * (7 + 5 * c) + y * (11 - 3 * c) + 20 * c) % 256 for c in range(channels)]
    return np.stack(planes, 2).astype(np.uint8)


def keep(name, pixels=None, mode=None):
    if pixels is None:
        image = Image.open(os.path.join(here, name))
        pixels = np.asarray(image.convert(mode) if mode else image)
        if pixels.dtype == bool:
            pixels = pixels.astype(np.uint8) * 255
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    np.save(os.path.join(here, name + ".npy"), np.ascontiguousarray(pixels))


def write(name, data):
    with open(os.path.join(here, name), "wb") as f:
        f.write(data)


def save(image, name, mode=None, **options):
    image.save(os.path.join(here, name), **options)
    keep(name, mode=mode)


rgb, rgba, gray = Image.fromarray(smooth(3)), Image.fromarray(smooth(4)), Image.fromarray(smooth(1)[:, :, 0])
palette = rgb.quantize(16)
bits = gray.point(lambda v: 255 * (v > 90)).convert("1")

save(rgb, "rgb.bmp")
save(rgba, "rgba.bmp")
save(gray, "gray.bmp")
save(palette, "palette.bmp", mode="RGB")
save(bits, "bits.bmp")

# What Pillow doesn't write: run lengths, 16 bits, 4 bits, top-down, the oldest header.
def info(width, height, depth, compression, colors=0):
    return struct.pack("<IiiHHIIiiII", 40, width, height, 1, depth, compression, 0, 0, 0, colors, 0)


def bmp(header, table, pixels):
    offset = 14 + len(header) + len(table)
    return struct.pack("<2sIHHI", b"BM", offset + len(pixels), 0, 0, offset) + header + table + pixels


colors = rng.integers(0, 256, (16, 3)).astype(np.uint8)
table4 = b"".join(bytes([c[2], c[1], c[0], 0]) for c in colors)
indices = np.array([[1, 1, 1, 1, 2], [3, 4, 5, 6, 7], [8, 8, 0, 0, 15]])
runs8 = bytes([2, 8, 2, 0, 1, 15, 0, 0, 0, 5, 3, 4, 5, 6, 7, 0, 0, 0, 4, 1, 1, 2, 0, 1])
write("runs8.bmp", bmp(info(5, 3, 8, 1, 16), table4, runs8))
keep("runs8.bmp", colors[indices])
runs4 = bytes([2, 0x88, 2, 0, 1, 0xF0, 0, 0, 0, 5, 0x34, 0x56, 0x70, 0, 0, 0, 4, 0x11, 1, 0x20, 0, 1])
write("runs4.bmp", bmp(info(5, 3, 4, 2, 16), table4, runs4))
keep("runs4.bmp", colors[indices])
rows = b"".join(bytes([r[0] << 4 | r[1], r[2] << 4 | r[3], r[4] << 4, 0]) for r in indices)
write("four.bmp", bmp(info(5, -3, 4, 0, 16), table4, rows))
keep("four.bmp", colors[indices])
table3 = b"".join(bytes([c[2], c[1], c[0]]) for c in colors)
core = struct.pack("<IHHHH", 12, 5, 3, 1, 4)
core_rows = b"".join(bytes([r[0] << 4 | r[1], r[2] << 4 | r[3], r[4] << 4, 0]) for r in indices[::-1])
write("core.bmp", bmp(core, table3, core_rows))
keep("core.bmp", colors[indices])
words = rng.integers(0, 65536, (3, 4)).astype("<u2")
write("fields.bmp", bmp(info(4, -3, 16, 3), struct.pack("<III", 0xF800, 0x7E0, 0x1F), words.tobytes()))
keep("fields.bmp", np.stack([((words >> 11) * 255 + 15) // 31, ((words >> 5 & 63) * 255 + 31) // 63,
                             ((words & 31) * 255 + 15) // 31], 2).astype(np.uint8))

save(bits, "bits.pbm")
save(gray, "gray.pgm")
save(rgb, "rgb.ppm")
plain = smooth(3)
write("plain.ppm", b"P3\n# a comment\n13 9\n255\n" + b"\n".join(b" ".join(b"%d" % v for v in row.ravel()) for row in plain))
keep("plain.ppm", plain)
write("plain.pbm", b"P1 4 2\n0110 1 0 0 1")
keep("plain.pbm", np.array([[255, 0, 0, 255], [0, 255, 255, 0]], np.uint8))
write("four.pam", b"P7\nWIDTH 13\nHEIGHT 9\nDEPTH 4\nMAXVAL 255\nTUPLTYPE RGB_ALPHA\nENDHDR\n" + smooth(4).tobytes())
keep("four.pam", smooth(4))
deep = rng.integers(0, 1001, (9, 13)).astype(">u2")
write("deep.pgm", b"P5 13 9 1000\n" + deep.tobytes())
keep("deep.pgm", ((deep.astype(np.int64) * 255 + 500) // 1000).astype(np.uint8))

save(rgb, "lossy.webp", quality=80)
save(rgb, "lossless.webp", lossless=True)
save(rgba, "alpha.webp", lossless=True, exact=True)
save(rgb, "plain.tif")
save(rgb, "lzw.tif", compression="tiff_lzw")
save(gray, "gray.tif", compression="packbits")
save(rgba, "rgba.tif", compression="tiff_deflate")
save(bits, "bits.tif", compression="group4")
save(palette, "palette.tif", mode="RGB")
turned = {274: 6}
rgb.save(os.path.join(here, "turned.tif"), tiffinfo=turned)
keep("turned.tif", np.rot90(smooth(3), -1))
save(rgb, "rgb.jp2")
save(rgba, "rgba.jp2")
save(gray, "gray.j2k")
