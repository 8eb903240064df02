"""Pages and their parts from templates, with the same filters and macros everywhere."""

import base64
import io
import pathlib
from typing import Any

import jinja2
import markupsafe
import PIL.Image

_HERE = pathlib.Path(__file__).parent


def render(template: pathlib.Path, **context: Any) -> markupsafe.Markup:
  """A template filled in; text is escaped, and a name that is not there is an error.

  Args:
    template: a Jinja file; it may import from 'macros.html', which lies beside this module, and
      include files beside it.
    context: what it shows.

  Raises:
    jinja2.TemplateError: the template is missing, or uses a name that is not given.
  """
  engine = jinja2.Environment(
    loader=jinja2.FileSystemLoader([template.parent, _HERE]),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
  )
  engine.filters |= {'count': count_text, 'number': number_text, 'duration': duration_text}
  return markupsafe.Markup(engine.get_template(template.name).render(context))


def png_uri(picture: PIL.Image.Image) -> str:
  """A picture as a data URI, in PNG."""
  file = io.BytesIO()
  picture.save(file, format='PNG', optimize=True)
  return 'data:image/png;base64,' + base64.b64encode(file.getvalue()).decode()


def svg_uri(element: str) -> str:
  """An SVG element as a data URI."""
  return f'data:image/svg+xml;base64,{base64.b64encode(element.encode()).decode()}'


def number_text(number: float | None) -> str:
  """Four digits, or a dash for None."""
  return '–' if number is None else f'{number:.4g}'


def count_text(number: int) -> str:
  """A whole number with thin spaces between thousands."""
  return f'{number:,}'.replace(',', '\N{THIN SPACE}')


def duration_text(seconds: float) -> str:
  """Hours and minutes, or minutes and seconds.

  Example:
    >>> duration_text(3723)
    '1 h 2 min'
  """
  minutes, remainder = divmod(round(seconds), 60)
  hours, minutes = divmod(minutes, 60)
  if hours:
    return f'{hours} h {minutes} min'
  return f'{minutes} min {remainder} s' if minutes else f'{remainder} s'
