"""Pictures as pixels or PDF: the same layout as the SVG, painted by matplotlib."""

import io
import warnings

from hornbeam.utils.drawing import text
from hornbeam.utils.drawing.diagram import BACKGROUND, COLOURS, GROUP_FILLS, GROUP_LINE, INK, LINES, PAD, row_height
from hornbeam.utils.drawing.layout import FRAME_PAD, FRAME_TITLE, lay_out
from hornbeam.utils.drawing.svg import box_radius, head_points
from hornbeam.utils.optional import require

MOST_PIXELS = 60_000  # along a side; the painter cannot do 65536

# Fonts with the letters that DejaVu Sans lacks, above all the ideographs, on the usual systems.
FALLBACKS = (
    "Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans SC", "Source Han Sans SC", "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei", "Microsoft YaHei", "SimHei", "PingFang SC", "Hiragino Sans", "Hiragino Sans GB", "Yu Gothic",
    "Malgun Gothic", "Apple SD Gothic Neo", "Arial Unicode MS", "Droid Sans Fallback", "Noto Sans", "Segoe UI Emoji",
)  # fmt: skip
# No setting of the user's may change sizes, of which the layout is sure.
_SETTINGS = {
    "text.usetex": False, "savefig.bbox": None, "savefig.transparent": False, "axes.unicode_minus": False,
    "figure.constrained_layout.use": False, "figure.autolayout": False, "path.sketch": None, "path.effects": [],
    "text.hinting": "none",
}  # fmt: skip


def to_image(diagram, rankdir="TB", file_format="png", dpi=96):
    """The picture as the bytes of a file.

    Args:
        diagram: a :class:`Diagram`.
        rankdir: 'TB', 'BT', 'LR' or 'RL'.
        file_format: 'png', 'pdf', or another that matplotlib writes.
        dpi: dots an inch.

    Raises:
        ImportError: matplotlib is not installed.
    """
    matplotlib = require("matplotlib", f"plot_model into a .{file_format} file (an .svg file needs nothing)")
    fonts = _fonts(diagram)
    layout = lay_out(diagram.with_texts(lambda words: _with_glyphs(words, fonts)), rankdir)
    longest = max(layout.width, layout.height) / 72
    if file_format not in ("pdf", "svg", "eps", "ps") and longest * dpi > MOST_PIXELS:
        fitting = int(MOST_PIXELS / longest)
        warnings.warn(
            f"plot_model: at dpi={dpi} the picture would be {longest * dpi:.0f} pixels long, and {MOST_PIXELS} is the "
            f"most. It was drawn with dpi={fitting}. An .svg or .pdf file is sharp at any size.",
            stacklevel=3,
        )
        dpi = fitting
    stream = io.BytesIO()
    with matplotlib.rc_context(_SETTINGS):
        figure = _paint(layout, [name for name, _ in fonts])
        metadata = {"CreationDate": None} if file_format == "pdf" else None
        figure.savefig(stream, format=file_format, dpi=dpi, facecolor=BACKGROUND, metadata=metadata)
    return stream.getvalue()


# --- Fonts ---


def _fonts(diagram):
    """[(name, font)]: DejaVu Sans, and the fallbacks that the diagram's letters ask for."""
    from matplotlib import font_manager

    fonts = [("DejaVu Sans", _load("DejaVu Sans"))]
    missing = {c for c in _letters(diagram) if not _has(fonts[0][1], c)}
    if missing:
        installed = {entry.name for entry in font_manager.fontManager.ttflist}
        for name in FALLBACKS:
            font = _load(name) if name in installed else None
            if font is not None and any(_has(font, c) for c in missing):
                fonts.append((name, font))
                missing = {c for c in missing if not _has(font, c)}
    return fonts


def _load(name):
    from matplotlib import font_manager

    return font_manager.get_font(font_manager.findfont(name, fallback_to_default=True))


def _has(font, character):
    return font.get_char_index(ord(character)) != 0


def _letters(diagram):
    found = set()

    def collect(words):
        found.update(words)
        return words

    diagram.with_texts(collect)
    return found


def _with_glyphs(words, fonts):
    """`words` with escapes for letters that no font has, instead of a warning and a hollow box for each."""
    return "".join(c if any(_has(font, c) for _, font in fonts) else text.escaped(c) for c in words)


# --- Painting ---


def _paint(layout, fonts):
    from matplotlib.figure import Figure

    figure = Figure(figsize=(layout.width / 72, layout.height / 72))
    axes = figure.add_axes((0.0, 0.0, 1.0, 1.0))
    axes.set_axis_off()
    axes.set_xlim(0, layout.width)
    axes.set_ylim(layout.height, 0)
    painter = _Painter(axes, fonts)
    for place in layout.frames:
        fill = GROUP_FILLS[place.depth % 2]
        painter.rectangle(place.x, place.y, place.width, place.height, 6, fill, GROUP_LINE)
    for curve in layout.curves:
        painter.curve(curve)
    for place in layout.boxes:
        painter.box(place)
    for place in layout.frames:
        painter.frame_title(place)
    return figure


class _Painter:
    """Puts shapes and texts on axes whose unit is the point; each lies over those before it."""

    def __init__(self, axes, fonts):
        self.axes = axes
        self.fonts = fonts
        self.layer = 1.0

    def _add(self, patch):
        self.layer += 1.0
        patch.set_zorder(self.layer)
        patch.set_clip_on(False)
        self.axes.add_artist(patch)

    def path(self, points, codes, fill, line, width=0.8):
        """A shape of matplotlib path codes."""
        from matplotlib.patches import PathPatch
        from matplotlib.path import Path

        path = Path(points, codes)
        self._add(PathPatch(path, facecolor=fill, edgecolor=line, linewidth=width, capstyle="butt", joinstyle="round"))

    def rectangle(self, x, y, width, height, radius, fill, line=None, only_top=False):
        """A rectangle with round corners; `only_top` leaves the lower ones sharp."""
        r, right, bottom = radius, x + width, y + height
        low = 0.0 if only_top else r
        points = [
            (x + r, y), (right - r, y), (right, y), (right, y + r), (right, bottom - low), (right, bottom),
            (right - low, bottom), (x + low, bottom), (x, bottom), (x, bottom - low), (x, y + r), (x, y), (x + r, y),
        ]  # fmt: skip
        codes = [1, 2, 3, 3, 2, 3, 3, 2, 3, 3, 2, 3, 3]  # move, line, quadratic corner ...
        self.path(points, codes, fill, line or "none")

    def curve(self, curve):
        """A curve and its arrow head."""
        points, codes = [curve.start], [1]
        for part in curve.parts:
            points += part
            codes += [2] if len(part) == 1 else [4, 4, 4]
        self.path(points, codes, "none", LINES, 1.1)
        if curve.head is not None:
            corners = head_points(curve)
            self.path([*corners, corners[0]], [1, 2, 2, 79], LINES, "none")

    def line(self, start, end, colour):
        """A thin straight line."""
        self.path([start, end], [1, 2], "none", colour, 0.5)

    def words(self, words, x, y, align="left", bold=False):
        """Text whose lines' middle is at y."""
        self.layer += 1.0
        self.axes.text(
            x, y + 0.36 * text.SIZE, words, fontsize=text.SIZE, fontfamily=self.fonts, color=INK, ha=align,
            va="baseline", fontweight="bold" if bold else "normal", fontstyle="normal", parse_math=False,
            zorder=self.layer, clip_on=False,
        )  # fmt: skip

    def frame_title(self, place):
        """The name of a group, over what passes behind it."""
        words = place.node.title
        x, y = place.x + FRAME_PAD, place.y + FRAME_TITLE / 2 + 1
        fill = GROUP_FILLS[place.depth % 2]
        self.rectangle(x - 4, y - 7, text.width(words, bold=True) + 8, 14, 0, fill)
        self.words(words, x, y, bold=True)

    def box(self, place):
        """A box with its title and rows."""
        box = place.node
        fill, line = COLOURS[box.kind]
        radius, x, y = box_radius(place), place.x, place.y
        self.rectangle(x, y, place.width, place.height, radius, BACKGROUND if box.rows else fill, line)
        if box.rows:
            self.rectangle(x, y, place.width, box.title_height, radius, fill, line, only_top=True)
        for i, runs in enumerate(box.title):
            at = x + (place.width - sum(text.width(t, bold) for t, bold in runs)) / 2
            for words, bold in runs:
                self.words(words, at, y + PAD / 2 + (i + 0.5) * text.LINE, bold=bold)
                at += text.width(words, bold)
        self._rows(place, line)

    def _rows(self, place, line):
        box, top = place.node, place.y + place.node.title_height
        for label, lines in box.rows:
            height = row_height(lines)
            if label != box.rows[0][0]:
                self.line((place.x, top), (place.x + place.width, top), line)
            split = place.x + box.label_width
            self.line((split, top), (split, top + height), line)
            self.words(label, place.x + PAD, top + height / 2)
            middle = (split + place.x + place.width) / 2
            for i, words in enumerate(lines):
                self.words(words, middle, top + PAD / 4 + (i + 0.5) * text.LINE, "center")
            top += height
