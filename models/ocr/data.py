"""Synthetic text lines for the perigee line reader: texts, fonts, rendering, degradation.

Everything is drawn with Pillow from the TrueType/OpenType fonts installed on the machine; no
image or text collection is needed. The same seed, fonts and package versions give the same lines.

The module has no command line of its own; see train.py.
"""
import functools
import glob
import io
import json
import math
import os
import random

import numpy as np
from fontTools.ttLib import TTFont
from PIL import Image, ImageDraw, ImageFilter, ImageFont

HEIGHT = 32
CHARS = "".join(chr(c) for c in range(0x20, 0x7F))
LABELS = ["<blank>"] + list(CHARS)
FONT_DIRS = ("/usr/share/fonts", "/usr/share/texmf/fonts")
HERE = os.path.dirname(os.path.abspath(__file__))

# Fonts that cannot serve as ground truth: small capitals drawn for lower case, symbols, key caps,
# mathematical and script faces.
SKIP = ("D050000L", "Standard Symbols", "Go Smallcaps", "Latin Modern Math", "Linux Biolinum Keyb",
        "Latin Modern Roman Caps", "Latin Modern Mono Caps", "Latin Modern Roman Dunhill",
        "Monoisome", "Romande ADF Script", "Berenis ADF Pro Math", "STIX Math", "Tiresias Keyfont",
        "DejaVu Math", "Romande ADF Style", "Fanwood", "Linden Hill", "CMU Serif Upright",
        "CMU Classical")


# ---------------------------------------------------------------------------------------- fonts

def held_out_families(path=os.path.join(HERE, "heldout_fonts.txt")):
    """Family-name prefixes that are never trained on."""
    with open(path, encoding="utf-8") as f:
        return [s.strip() for s in f if s.strip() and not s.startswith("#")]


def find_fonts(dirs=FONT_DIRS):
    """Maps family name -> sorted font files that hold every printable ASCII glyph."""
    families = {}
    paths = [p for d in dirs for p in glob.glob(d + "/**/*.[to]tf", recursive=True)]
    for path in sorted(paths):
        try:
            font = TTFont(path, lazy=True)
            cmap, names = font.getBestCmap() or {}, font["name"]
            if any(ord(c) not in cmap for c in CHARS):
                continue
            family = names.getDebugName(16) or names.getDebugName(1) or ""
            style = names.getDebugName(4) or ""
            if not family or family.startswith(SKIP) or "Caps" in style or "SmallCap" in path:
                continue
            # Noto has one family per script; their Latin is that of Noto Sans and Noto Serif.
            if family.startswith(("Noto Sans ", "Noto Serif ")):
                continue
            families.setdefault(family, []).append(path)
        except Exception:  # a broken font file is no reason to stop
            continue
    return families


def split_fonts(families, held_out=None):
    """Two maps of families: those to train on and those held out."""
    prefixes = tuple(held_out if held_out is not None else held_out_families())
    train = {k: v for k, v in families.items() if not k.startswith(prefixes)}
    test = {k: v for k, v in families.items() if k.startswith(prefixes)}
    return train, test


@functools.lru_cache(maxsize=1024)
def load_font(path, size):
    # The basic layout engine draws one glyph per character: no ligatures, so labels stay exact.
    return ImageFont.truetype(path, size, layout_engine=ImageFont.Layout.BASIC)


# ---------------------------------------------------------------------------------------- texts

ONSETS = ("b c d f g h j k l m n p qu r s t v w y z bl br ch cl cr dr fl fr gl gr pl pr sc sh sk "
          "sl sm sn sp st str sw th tr tw wh").split() + [""]
NUCLEI = "a e i o u a e i o ai au ea ee ie io oa oo ou y".split()
CODAS = "b d g k l ll m n nd ng nt p r rd rk rt s ss st t tt x ck ct ff sh th".split() + [""] * 12
FIELDS = ("Total Subtotal Amount Date Invoice Order Serial No. Ref Tel Fax Price Qty Tax VAT Item "
          "Name Page Model Type Batch Lot Room Gate Flight Seat Code Weight Size Net Due Paid Cash "
          "Change Balance Account Customer Part Version Rev Exp").split()
COMMON = ("the of and to a in is it you that was for on are with as I his they be at one have this "
          "from or had by not but what some we can out other were all there when up use your how "
          "said an each she which do their time if will way about many then them would like so "
          "these her long make thing see him two has look more day could go come did my no most "
          "who over know than call first people may down been now find any new work part take get "
          "place made where after back only our under name very through just form great think say "
          "help low line before turn cause same mean differ move right boy old too does tell its "
          "In It If I'll Is All Ill Iron Island Illinois will till still fill null until").split()
CURRENCIES = ["$", "$", "USD ", "EUR ", "GBP ", "CHF ", "JPY "]
MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
MONTHS_LONG = ("January February March April May June July August September October November "
               "December").split()


class TextMaker:
    """Draws random line texts; words come from a word list if there is one, else are made up."""

    def __init__(self, rng, words="/usr/share/dict/words"):
        self.rng = rng
        self.words = []
        if words and os.path.exists(words):
            with open(words, encoding="utf-8", errors="ignore") as f:
                self.words = [w for w in f.read().split() if w.isascii() and len(w) < 13]

    def made_up(self):
        r = self.rng
        count = r.choice((1, 1, 2, 2, 2, 3))
        return "".join(r.choice(ONSETS) + r.choice(NUCLEI) + r.choice(CODAS) for _ in range(count))

    def word(self):
        x = self.rng.random()
        if x < 0.2:
            return self.rng.choice(COMMON)
        if x < 0.25:
            return self.rng.choice(FIELDS)
        if self.words and x < 0.7:
            return self.rng.choice(self.words)
        return self.made_up()

    def digits(self, low, high):
        return "".join(self.rng.choice("0123456789") for _ in range(self.rng.randint(low, high)))

    def prose(self):
        r = self.rng
        words = [self.word() for _ in range(r.randint(1, 7))]
        style = r.choice("llllccttuum")
        if style == "c":
            words[0] = words[0].capitalize()
        elif style == "t":
            words = [w.capitalize() for w in words]
        elif style == "u":
            words = [w.upper() for w in words]
        elif style == "m":
            words = ["".join(r.choice((c.upper(), c.lower())) for c in w) for w in words]
        for i, w in enumerate(words):
            if r.random() < 0.25:
                words[i] = r.choice(("{},", "{}.", "{};", "{}:", "{}!", "{}?", "({})", '"{}"',
                                     "'{}'", "{}-", "[{}]", "{}'s", "{}...", "*{}", "{} -", "& {}",
                                     "{} /")).format(w)
            elif r.random() < 0.08:
                words[i] = self.number()
        return " ".join(words)

    def number(self):
        r = self.rng
        n = r.randint(0, 10 ** r.randint(1, 8))
        return r.choice((str(n), f"{n:,}", f"{n / 100:.2f}", f"{n / 100:,.2f}", f"-{n}", f"+{n}",
                         f"{n % 1000}%", f"{n % 1000 / 10}%", f"#{n}", f"{n:05d}", f"~{n}",
                         f"{n % 100}/{n % 37 + 1}", f"{n}x{n % 97}", f"<{n}", f"{n % 1000}^2",
                         f"0x{n:X}", f"{n / 1000:.3e}", f"{n % 1000} {r.choice(UNITS)}"))

    def price(self):
        r = self.rng
        cents = r.randint(1, 10 ** r.randint(3, 7))
        text = r.choice(CURRENCIES) + r.choice((f"{cents / 100:.2f}", f"{cents / 100:,.2f}"))
        if r.random() < 0.4:
            text = r.choice(FIELDS + [self.word()]) + r.choice((": ", " ", " ... ")) + text
        return text

    def date(self):
        r = self.rng
        y, m, d = r.randint(1950, 2049), r.randint(1, 12), r.randint(1, 28)
        date = r.choice((f"{y}-{m:02}-{d:02}", f"{d:02}.{m:02}.{y}", f"{d:02}/{m:02}/{y % 100:02}",
                         f"{m}/{d}/{y}", f"{d} {MONTHS[m - 1]} {y}",
                         f"{MONTHS_LONG[m - 1]} {d}, {y}",
                         f"{d:02}-{MONTHS[m - 1].upper()}-{y}"))
        if r.random() < 0.35:
            h, mi, s = r.randint(0, 23), r.randint(0, 59), r.randint(0, 59)
            clock = r.choice((f"{h:02}:{mi:02}", f"{h:02}:{mi:02}:{s:02}",
                              f"{h % 12 + 1}:{mi:02} " + r.choice(("AM", "PM", "am", "pm"))))
            date = r.choice((clock, date + " " + clock, date + "T" + clock))
        if r.random() < 0.25:
            date = r.choice(("Date: ", "Due ", "Exp. ", "Printed ")) + date
        return date

    def serial(self):
        r = self.rng
        alphabet = r.choice(("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789", "0123456789ABCDEF",
                             "0123456789abcdef", "0123456789",
                             "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"))
        parts = ["".join(r.choice(alphabet) for _ in range(r.randint(1, 6)))
                 for _ in range(r.randint(1, 5))]
        text = r.choice("-- /._:").join(parts)
        if r.random() < 0.35:
            text = r.choice(FIELDS) + r.choice((": ", " ", " #", " no. ", "=")) + text
        return text

    def address(self):
        """E-mail addresses, URLs, host names, paths, phone numbers."""
        r = self.rng
        w = [self.made_up() for _ in range(4)]
        tld = r.choice(("com", "org", "net", "io", "de", "co.uk", "fr", "edu"))
        return r.choice((f"{w[0]}@{w[1]}.{tld}", f"{w[0]}.{w[1]}{r.randint(0, 99)}@{w[2]}.{tld}",
                         f"https://{w[0]}.{tld}/{w[1]}", f"http://www.{w[0]}.{tld}/?{w[1]}={w[2]}",
                         f"www.{w[0]}-{w[1]}.{tld}", f"/{w[0]}/{w[1]}/{w[2]}.{r.choice(EXTS)}",
                         f"C:\\{w[0]}\\{w[1]}.{r.choice(EXTS)}", f"~/{w[0]}_{w[1]}/{w[2]}",
                         f"{w[0]}.{tld}:{self.digits(2, 5)}",
                         f"+{self.digits(1, 3)} {self.digits(3, 4)} {self.digits(4, 7)}",
                         f"({self.digits(3, 3)}) {self.digits(3, 3)}-{self.digits(4, 4)}",
                         f"{self.digits(1, 3)}.{self.digits(1, 3)}."
                         f"{self.digits(1, 3)}.{self.digits(1, 3)}"))

    def code(self):
        r = self.rng
        a, b, c = (self.made_up() if r.random() < 0.6 else r.choice("abcdefghijklmnopqrstuvwxyz")
                   for _ in range(3))
        n = r.randint(0, 10 ** r.randint(0, 3))
        op = r.choice(("+", "-", "*", "/", "%", "&", "|", "^", "<<", ">>", "==", "!=", "<=", ">=",
                       "&&", "||", "->", "=>", ":=", "+="))
        return r.choice((f"{a}({b}, {n});", f"if ({a} {op} {b}) {{", f"{a}[{n}] = {b}{op}{c};",
                         f"#define {a.upper()}_{b.upper()} {n}",
                         f"$ {a} --{b}={c} -{r.choice(CHARS[65:91])}",
                         f"<{a} {b}=\"{c}\">", f"</{a}>", f"{{\"{a}\": {n}, \"{b}\": []}}",
                         f"{a} | {b} > {c}.{r.choice(EXTS)}", f"`{a}` ~ '{b}'", f"${{{a}}}/{b}",
                         f"@{a}.{b}({c}=*{n})", f"{a}_{b} {op} {n}", f"# {a} {b}", f"\\{a}{{{b}}}",
                         f"for {a} in {b}[{n}:]:", f"for ({a} = {n}; {a} < {b}; {a}++) {{",
                         f"{a} = {b} {op} {c}", f"{a} {op} {n} {op} {b}", f"while ({a} {op} {b})",
                         f"let {a} = [{n}, {b}, {c}];", f"}} else if ({a}) {{",
                         f"$ {a} -{c[0]} {b} | {c}", f"$ cd /{a}/{b} && {c} -{a[0]}", f"% {a} {b}",
                         f"{a}, {b} = {c}({n})", f"// {a} {b} {c}", f"({a}) - ({b}) / {{{c}}}",
                         f"return !{a} ? {b} : {c};", f"{a}::{b}<{c}>"))

    def noise(self):
        """Characters without any context; the only kind that shows rare punctuation evenly."""
        r = self.rng
        alphabet = r.choice((CHARS, CHARS, CHARS[1:], CHARS[1:16] + CHARS[26:33] + CHARS[59:65],
                             CHARS[16:26] + CHARS[33:59] + CHARS[65:91], CHARS[1:33] + CHARS[59:65]
                             + CHARS[91:]))
        return "".join(r.choice(alphabet) for _ in range(r.randint(1, 24)))

    def line(self, low=1, high=40):
        r = self.rng
        kinds, weights = zip((self.prose, 40), (self.number, 7), (self.price, 7), (self.date, 7),
                             (self.serial, 9), (self.address, 8), (self.code, 8), (self.noise, 14))
        while True:
            text = r.choices(kinds, weights)[0]()
            if r.random() < 0.12:
                text += " " + r.choices(kinds, weights)[0]()
            if r.random() < 0.03:
                text = text[:r.randint(1, 3)]
            text = " ".join(text[:high].split())
            if len(text) >= low:
                return text


UNITS = "kg g mm cm m km s ms Hz kHz MHz V mA W kW ml l in ft lb oz C F K dB MB GB px pcs".split()
EXTS = "txt c h lua py jpg png csv pdf tar.gz log conf html json".split()


# ------------------------------------------------------------------------------------ rendering

def to_input(image):
    """What every user of the model does: grey, height 32 with the aspect ratio kept, bilinear."""
    grey = image.convert("L")
    width = max(8, round(grey.width * HEIGHT / grey.height))
    return np.asarray(grey.resize((width, HEIGHT), Image.BILINEAR))


def draw_mask(rng, text, font, size, spread=0.0, underline=False, stroke=0):
    """Ink coverage of a text (0..255) with its margins; always at least as tall as a capital."""
    em = size
    left, top, right, bottom = font.getbbox(text, anchor="ls", stroke_width=stroke)
    _, cap, _, _ = font.getbbox("H", anchor="ls")
    top, bottom = min(top, cap), max(bottom, 0)
    if rng.random() < 0.45:  # the line box of a layout engine
        ascent, descent = font.getmetrics()
        top, bottom = min(top, -ascent), max(bottom, descent)
        margin = [rng.uniform(0, 0.15) for _ in range(2)] + [rng.uniform(0, 0.6) for _ in range(2)]
    else:                    # a crop around the ink
        loose = rng.choice((0.08, 0.2, 0.35))
        margin = [rng.uniform(0.02, loose) for _ in range(2)]
        margin += [rng.uniform(0.02, loose * 2) for _ in range(2)]
    mt, mb, ml, mr = (max(1, round(m * em)) for m in margin)
    track = spread * em
    width = right - left + round(track * (len(text) - 1))
    canvas = Image.new("L", (max(4, width + ml + mr), max(8, bottom - top + mt + mb)), 0)
    draw = ImageDraw.Draw(canvas)
    x, y = ml - left, mt - top
    if track:
        for c in text:
            draw.text((x, y), c, 255, font, anchor="ls", stroke_width=stroke)
            x += font.getlength(c) + track
    else:
        draw.text((x, y), text, 255, font, anchor="ls", stroke_width=stroke)
    if underline:
        uy = y + round(em * rng.uniform(0.1, 0.2))
        draw.line((ml, uy, canvas.width - mr, uy), 255, max(1, round(em * rng.uniform(0.03, 0.08))))
    return canvas


def warp(rng, mask, em):
    """A small rotation, shear and perspective as one projective map of the four corners."""
    w, h = mask.size
    lift = rng.uniform(-1, 1) * min(math.tan(math.radians(4)) * w, 0.45 * em)
    shear = rng.uniform(-0.2, 0.2) * h if rng.random() < 0.4 else 0
    jitter = 0.09 * em if rng.random() < 0.6 else 0
    pad_x, pad_y = round(abs(shear) / 2 + jitter), round(abs(lift) / 2 + jitter * 0.8)
    source = [(0, 0), (w, 0), (w, h), (0, h)]
    target = []
    for x, y in source:
        dx = (shear if y == 0 else -shear) / 2 + rng.uniform(-jitter, jitter) * 2
        dy = (lift if x else -lift) / 2 + rng.uniform(-jitter, jitter)
        target.append((x + dx + pad_x, y + dy + pad_y))
    rows, rhs = [], []
    for (sx, sy), (tx, ty) in zip(source, target):
        rows += [[tx, ty, 1, 0, 0, 0, -sx * tx, -sx * ty], [0, 0, 0, tx, ty, 1, -sy * tx, -sy * ty]]
        rhs += [sx, sy]
    coefficients = np.linalg.solve(np.array(rows, float), np.array(rhs, float))
    size = (w + 2 * pad_x, h + 2 * pad_y)
    return mask.transform(size, Image.PERSPECTIVE, tuple(coefficients), Image.BICUBIC)


def wave(rng, mask, em):
    """Moves the columns up and down along a slow sine."""
    amplitude = rng.uniform(0.02, 0.07) * em
    a = np.asarray(mask)
    pad = math.ceil(amplitude)
    a = np.pad(a, ((pad, pad), (0, 0)))
    x = np.arange(a.shape[1])
    shift = np.round(amplitude * np.sin(x * 2 * np.pi / (rng.uniform(4, 20) * em)
                                        + rng.uniform(0, 6.3))).astype(int)
    rows = np.clip(np.arange(a.shape[0])[:, None] + shift[None], 0, a.shape[0] - 1)
    return Image.fromarray(np.take_along_axis(a, rows, 0))


def uneven(rng, nrng, h, w):
    """A slow brightness field around 0 with a range of about 1: gradient, blotches or both."""
    field = np.zeros((h, w), np.float32)
    if rng.random() < 0.7:
        gx, gy = rng.uniform(-1, 1), rng.uniform(-0.5, 0.5)
        field += np.linspace(-gx, gx, w, dtype=np.float32)[None] / 2
        field += np.linspace(-gy, gy, h, dtype=np.float32)[:, None] / 2
    if rng.random() < 0.5:
        cells = nrng.uniform(-0.5, 0.5, (rng.randint(2, 4), max(2, w // (h * rng.randint(1, 3)))))
        blotches = Image.fromarray(cells.astype(np.float32)).resize((w, h), Image.BICUBIC)
        field += np.asarray(blotches)
    return field


def shades(rng, clean):
    """Ink and paper grey levels."""
    if clean and rng.random() < 0.6:
        ink, paper = 0, 255
    else:
        gap = rng.uniform(90 if clean else 70, 255)
        ink = rng.uniform(0, 255 - gap)
        paper = ink + gap
    return (paper, ink) if rng.random() < 0.22 else (ink, paper)


def render(rng, text, path, clean, size=None):
    """One line as a grey Pillow image at its own resolution."""
    nrng = np.random.default_rng(rng.getrandbits(32))
    size = size or round(math.exp(rng.uniform(math.log(14 if clean else 18), math.log(56))))
    font = load_font(path, size)
    if clean:
        mask = draw_mask(rng, text, font, size, underline=rng.random() < 0.02)
        ink, paper = shades(rng, True)
        a = paper + (ink - paper) * (np.asarray(mask, np.float32) / 255)
        return Image.fromarray(np.round(a).astype(np.uint8))

    spread = rng.uniform(-0.02, 0.16) if rng.random() < 0.15 else 0
    stroke = 1 if size > 30 and rng.random() < 0.08 else 0
    mask = draw_mask(rng, text, font, size, spread, rng.random() < 0.07, stroke)
    if size > 26 and rng.random() < 0.12:  # worn or bleeding print
        kind = ImageFilter.MinFilter if size > 40 and rng.random() < 0.4 else ImageFilter.MaxFilter
        mask = Image.blend(mask, mask.filter(kind(3)), rng.uniform(0.3, 1))
    if rng.random() < 0.12:
        mask = wave(rng, mask, size)
    if rng.random() < 0.45:
        mask = warp(rng, mask, size)

    w, h = mask.size
    ink, paper = shades(rng, False)
    gap = abs(paper - ink)
    coverage = np.asarray(mask, np.float32) / 255
    background = np.full((h, w), paper, np.float32)
    if rng.random() < 0.4:
        background += uneven(rng, nrng, h, w) * rng.uniform(0.1, 0.5) * gap
    if rng.random() < 0.1:   # ruled or striped paper
        period = rng.uniform(0.15, 0.8) * size
        axis = np.arange(h)[:, None] if rng.random() < 0.6 else np.arange(w)[None]
        background += (np.sin(axis * 2 * np.pi / period) > 0.7) * rng.uniform(-0.25, 0.25) * gap
    if rng.random() < 0.15:  # ink that fades
        coverage = coverage * np.clip(0.8 + uneven(rng, nrng, h, w) * 0.6, 0.55, 1)
    a = background + (ink - background) * coverage
    if rng.random() < 0.15:  # light falling on all of it
        a = a * (1 + uneven(rng, nrng, h, w) * rng.uniform(0.1, 0.4))
    image = Image.fromarray(np.clip(a, 0, 255).astype(np.uint8))

    if rng.random() < 0.3:
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.01, 0.06) * size))
    if rng.random() < 0.06:  # a shaky hand
        n = rng.choice((3, 5))
        weights = [0] * (n * n)
        for i in range(n):
            weights[(n // 2) * n + i if rng.random() < 0.8 else i * n + i] = 1
        image = image.filter(ImageFilter.Kernel((n, n), weights)) if n == 3 or size > 30 else image
    low = rng.uniform(10, 20) / size
    if rng.random() < 0.3 and low < 1:  # too few pixels
        small = image.resize((max(8, round(w * low)), max(8, round(h * low))),
                             rng.choice((Image.BILINEAR, Image.BICUBIC, Image.LANCZOS, Image.BOX)))
        image = small
        if rng.random() < 0.5:
            image = small.resize((w, h), rng.choice((Image.BILINEAR, Image.NEAREST, Image.BICUBIC)))
    if rng.random() < 0.35:
        a = np.asarray(image, np.float32)
        sigma = rng.uniform(0.01, 0.13) * gap
        image = Image.fromarray(np.clip(a + nrng.normal(0, sigma, a.shape), 0, 255)
                                .astype(np.uint8))
    if rng.random() < 0.12:
        a = np.array(image)
        hit = nrng.random(a.shape) < rng.uniform(0.002, 0.03)
        a[hit] = nrng.choice(np.array((0, 255), np.uint8), int(hit.sum()))
        image = Image.fromarray(a)
    if rng.random() < 0.05:  # a fax or a bilevel scan
        a = np.asarray(image, np.float32)
        image = Image.fromarray(np.where(a > (ink + paper) / 2, 255, 0).astype(np.uint8))
    if rng.random() < 0.35:
        buffer = io.BytesIO()
        image.save(buffer, "JPEG", quality=rng.randint(15, 85))
        image = Image.open(buffer)
        image.load()
    return image


def pick_font(rng, families):
    """A family first, then a file of it, so that large families do not dominate."""
    family = rng.choice(sorted(families))
    return family, rng.choice(families[family])


def readable(text, width):
    """CTC needs one step per character and one more between equal neighbours."""
    return width // 4 >= len(text) + sum(a == b for a, b in zip(text, text[1:]))


def sample(rng, maker, families, clean, longest=40):
    """One training line: (family, text, uint8 array of height 32)."""
    while True:
        text = maker.line(high=longest)
        family, path = pick_font(rng, families)
        try:
            a = to_input(render(rng, text, path, clean))
        except OSError:  # some fonts fail at some sizes
            continue
        if readable(text, a.shape[1]) and a.shape[1] <= 900:
            return family, text, a


# --------------------------------------------------------------------------------- sets on disk

def write_shard(path, seed, count, families, clean_share=0.3):
    """A pool file: all columns of all lines side by side, the widths and the texts."""
    rng = random.Random(seed)
    maker = TextMaker(rng)
    lines = [sample(rng, maker, families, rng.random() < clean_share) for _ in range(count)]
    pixels = np.concatenate([a for _, _, a in lines], 1)
    widths = np.array([a.shape[1] for _, _, a in lines], np.int32)
    texts = json.dumps([t for _, t, _ in lines])
    partial = path + ".part.npz"
    np.savez(partial, pixels=pixels, widths=widths, texts=np.array(texts))
    os.replace(partial, path)  # a reader never sees half a file


def read_shard(path):
    """The list of (uint8 array, text) of a pool file."""
    with np.load(path) as z:
        pixels, widths, texts = z["pixels"], z["widths"], json.loads(str(z["texts"]))
    ends = np.cumsum(widths)
    return [(pixels[:, e - w:e], t) for e, w, t in zip(ends, widths, texts)]


def write_testset(folder, families, seed, each=150):
    """Clean and degraded lines from held-out families as 8-bit grey PNG, and their labels."""
    os.makedirs(folder, exist_ok=True)
    rng = random.Random(seed)
    maker = TextMaker(rng)
    with open(os.path.join(folder, "labels.tsv"), "w", encoding="utf-8") as f:
        for kind in ("clean", "degraded"):
            for i in range(each):
                family, text, a = sample(rng, maker, families, kind == "clean", 36)
                name = f"{kind}_{i:03}.png"
                Image.fromarray(a).save(os.path.join(folder, name), optimize=True)
                f.write(f"{name}\t{kind}\t{family}\t{text}\n")


# name, text, family, font size, ink, paper, mode, seed of the degradation (None: clean)
SAMPLES = (
    ("label.png", "Serial No. 4471-B", "PT Sans", 26, 0, 255, "L", None),
    ("receipt.png", "TOTAL EUR 128.40", "PT Mono", 30, 40, 225, "L", 11),
    ("invoice_date.jpg", "Invoice date: 2024-03-18", "Cabin", 32, 20, 240, "RGB", None),
    ("url.png", "https://example.org/docs?id=42", "Clear Sans", 24, (20, 60, 160), (255, 255, 255),
     "RGB", None),
    ("email.png", "jane.miller@example.com", "Cantarell", 22, (30, 30, 30), (250, 246, 232), "RGB",
     None),
    ("terminal.png", "$ ls -la /var/log | grep boot", "JetBrains Mono", 28, (110, 230, 130),
     (18, 22, 30), "RGB", None),
    ("heading.jpg", "Chapter 7: The Long Voyage", "Vollkorn", 44, 10, 235, "L", 5),
    ("plate.png", "KX-2093 LM", "Play", 48, (15, 15, 20), (245, 205, 40), "RGB", None),
    ("code.png", "for (i = 0; i < n; i++) {", "Anonymous Pro", 25, 0, 255, "L", None),
    ("button.png", "Save & Close", "Cabin", 20, (255, 255, 255), (40, 90, 200), "RGBA", None),
    ("typewriter.png", "Dear Mr. Hopkins, thank you", "Courier Prime", 30, 35, 215, "L", 8),
    ("phone.jpg", "Tel. +44 20 7946 0958", "Caladea", 36, (50, 45, 40), (225, 220, 205), "RGB", 21),
    ("book.png", "\"Who's there?\" he asked.", "Old Standard TT", 34, 15, 245, "L", None),
    ("price.png", "Only $19.99 - 25% off!", "PT Serif", 36, 190, 30, "L", 30),
)


def plainness(style):
    """Sorts the styles of a family: the upright text weight first."""
    return style not in ("Regular", "Roman", "Book"), len(style)


def write_samples(folder, families):
    """A dozen lines as a user might have them: several sizes, colours, modes and formats."""
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, "labels.tsv"), "w", encoding="utf-8") as f:
        for name, text, family, size, ink, paper, mode, seed in SAMPLES:
            rng = random.Random(seed or name)
            path = min(families[family], key=lambda p: plainness(load_font(p, 20).getname()[1]))
            mask = draw_mask(rng, text, load_font(path, size), size)
            if seed is not None:
                mask = warp(rng, mask, size)
            a = np.asarray(mask, np.float32)[..., None] / 255
            if mode == "RGBA":  # the paper is transparent at the rounded ends
                image = Image.new("RGBA", mask.size, (0, 0, 0, 0))
                draw = ImageDraw.Draw(image)
                draw.rounded_rectangle((0, 0, mask.width - 1, mask.height - 1), 6, paper)
                image.paste(Image.new("RGBA", mask.size, ink), (0, 0), mask)
            else:
                a = np.ones(3) * paper * (1 - a) + np.ones(3) * ink * a
                if seed is not None:
                    nrng = np.random.default_rng(seed)
                    a += uneven(rng, nrng, *a.shape[:2])[..., None] * 40
                    a += nrng.normal(0, 7, a.shape)
                a = np.clip(np.round(a), 0, 255).astype(np.uint8)
                image = Image.fromarray(a[..., 0] if mode == "L" else a)
                if seed is not None:
                    image = image.filter(ImageFilter.GaussianBlur(0.5))
            options = {"quality": 60} if name.endswith("jpg") else {"optimize": True}
            image.save(os.path.join(folder, name), **options)
            f.write(f"{name}\t{text}\n")


def write_labels(path):
    """One class per line in the order of the logits: <blank>, then 0x20..0x7E themselves."""
    with open(path, "w", encoding="utf-8") as f:
        f.write("".join(label + "\n" for label in LABELS))
