"""The frame that all figures share, and the SVG that is made of it.

Figures are drawn without pyplot, which keeps a global list of figures and may ask for a display.
Matplotlib takes a second to load, so it is loaded where the first figure is drawn.
"""

import io
from typing import TYPE_CHECKING

if TYPE_CHECKING:
  from matplotlib.axes import Axes
  from matplotlib.figure import Figure

# Okabe and Ito's colours, which people with any common colour blindness tell apart.
COLORS = ('#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000')
GREY = '#767676'
# Small, so that the text is still readable when a phone shows the figure at its own width.
SIZE_INCHES = (4.8, 3.5)


def new_figure(xlabel: str, ylabel: str) -> 'tuple[Figure, Axes]':
  """An empty figure with a light grid."""
  from matplotlib.figure import Figure

  figure = Figure(figsize=SIZE_INCHES, layout='constrained')
  axes = figure.add_subplot()
  axes.set_xlabel(xlabel, fontsize=11)
  axes.set_ylabel(plain(ylabel), fontsize=11)
  axes.tick_params(labelsize=10, color=GREY)
  axes.spines[['top', 'right']].set_visible(False)
  axes.spines[['left', 'bottom']].set_color(GREY)
  axes.grid(color='#e6e6e6', linewidth=0.8)
  axes.set_axisbelow(True)
  return figure, axes


def legend(figure: 'Figure', columns: int = 2) -> None:
  """A legend below the axes, where it covers nothing; the figure grows by its rows."""
  handles, labels = figure.axes[0].get_legend_handles_labels()
  rows = -(-len(handles) // columns)
  figure.set_size_inches(SIZE_INCHES[0], SIZE_INCHES[1] + 0.22 * rows)
  figure.legend(
    handles, labels, loc='outside lower center', ncols=columns, frameon=False, fontsize=10
  )


def plain(text: str) -> str:
  """Keeps a dollar sign in a name from starting a formula."""
  return text.replace('$', r'\$')


def svg(figure: 'Figure', title: str) -> str:
  """The figure as an SVG element for a page; ``title`` is what a screen reader says."""
  import matplotlib

  file = io.StringIO()
  # Text stays text (searchable, in the page's font); the salt keeps the ids of two figures on one
  # page apart and makes the same run give the same file.
  with matplotlib.rc_context({'svg.fonttype': 'none', 'svg.hashsalt': title}):
    figure.savefig(file, format='svg', transparent=True, metadata={'Date': None})
  text = file.getvalue()
  text = text[text.index('<svg') :]
  start, end = text.find('<metadata>'), text.find('</metadata>')
  if start >= 0:
    text = text[:start] + text[end + len('</metadata>') :]
  return text.replace('<svg', f'<svg role="img" aria-label="{_attribute(title)}"', 1)


def _attribute(text: str) -> str:
  for character, entity in (('&', '&amp;'), ('<', '&lt;'), ('"', '&quot;')):
    text = text.replace(character, entity)
  return text
