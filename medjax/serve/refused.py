"""Why a request is not answered as it was meant."""

from collections.abc import Mapping


class RefusedError(Exception):
  """A request that gets an error as its answer.

  Attributes:
    status: of HTTP.
    line: one line that names the field and says what was expected.
    headers: further ones of the answer.
  """

  def __init__(self, status: int, line: str, headers: Mapping[str, str] | None = None):
    super().__init__(line)
    self.status, self.line, self.headers = status, line, dict(headers or {})


def busy(line: str) -> RefusedError:
  """503 of a server that has too much to do, or is not ready yet."""
  return RefusedError(503, line, {'Retry-After': '1'})
