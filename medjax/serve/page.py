"""The page of a server, which holds everything itself, and what a browser may do with it."""

import base64
import hashlib
import pathlib
import re
from typing import Any

from medjax.plots import html
from medjax.serve import openapi

_TEMPLATE = pathlib.Path(__file__).parent / 'page.html'


class Page:
  """The page of one model; where tokens are asked for it names neither the model nor its columns.

  A browser that has a token finds them in the document of ``openapi``.

  Attributes:
    html: its text.
    headers: that go with it: scripts and styles run only if they are those of the page itself, it
      talks to this server alone, and shows no picture but from itself.

  Args:
    served: the model.
    guarded: whether tokens are asked for.
  """

  def __init__(self, served: Any, guarded: bool):
    schema = served.reader.json_schema
    self.html = html.render(
      _TEMPLATE,
      title='medjax' if guarded else f'medjax: {served.name}',
      model='medjax' if guarded else served.name,
      simulated=False,  # what is dropped on the page may be of a patient
      trained_on_simulated=served.experiment.data.simulated,
      cases=served.reader.cases,
      written=schema is not None,
      example='' if guarded else openapi.written(schema),
      guarded=guarded,
      explained=served.explainer.method if served.explainer is not None else '',
    )
    styles, scripts = (_digests(tag, self.html) for tag in ('style', 'script'))
    self.headers = {
      'Content-Security-Policy': (
        f"default-src 'none'; script-src {scripts}; style-src {styles}; img-src data: blob:; "
        "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
      )
    }


def _digests(tag: str, page: str) -> str:
  """Sources of a policy that stand for the elements of a page."""
  found = re.findall(rf'<{tag}[^>]*>(.*?)</{tag}>', page, re.DOTALL)
  digests = (base64.b64encode(hashlib.sha256(one.encode()).digest()).decode() for one in found)
  return ' '.join(f"'sha256-{digest}'" for digest in digests) or "'none'"
