"""The report in a real browser, at the width of a desktop and of a phone."""

import html
import json
import re
import shutil
import subprocess

import numpy as np
import PIL.Image
import pytest
from made_run import BINARY, IMAGES, SEVERAL, of_image, write_run

from medjax.outcomes import Classes, class_section
from medjax.report import page

CHROMIUM = next(
  filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))), ''
)
pytestmark = pytest.mark.skipif(not CHROMIUM, reason='Chromium is not installed')

# Shows the report in a frame as wide as a screen and writes down what the browser made of it.
FRAME = """<!DOCTYPE html><body style="margin:0">
<iframe id="frame" src="report.html" width="{width}" height="900" style="border:0"></iframe>
<pre id="found"></pre><script>
window.onload = () => {{
  const page = document.getElementById('frame').contentDocument, root = page.documentElement;
  const all = (query) => [...page.querySelectorAll(query)];
  const box = (element) => element.getBoundingClientRect();
  document.getElementById('found').textContent = JSON.stringify({{
    wide: root.scrollWidth, seen: root.clientWidth, high: root.scrollHeight,
    broken: all('img').filter((img) => !img.complete || !img.naturalWidth).length,
    pictures: all('img').length,
    empty: all('svg, img').filter((e) => !box(e).height).length,
    outside: all('p, h1, h2, figure, .tile').filter(
      (e) => !e.closest('.scroll') && box(e).right > root.clientWidth + 1).length,
    small: all('p, td, th, figcaption, caption, div').filter(
      (e) => e.innerText && parseFloat(getComputedStyle(e).fontSize) < 12).length,
    loaded: performance.getEntriesByType('resource').map((e) => e.name),
    first: page.body.innerText.trim().split('\\n')[0],
  }});
}};
</script>"""


def browse(folder, *arguments):
  """Standard output of headless Chromium."""
  done = subprocess.run(
    [
      CHROMIUM,
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--hide-scrollbars',
      '--allow-file-access-from-files',
      f'--user-data-dir={folder / "browser"}',
      *arguments,
    ],
    capture_output=True,
    text=True,
    timeout=120,
  )
  assert done.returncode == 0, done.stderr[-2000:]
  return done.stdout


def look(folder, width):
  frame = folder / 'frame.html'
  frame.write_text(FRAME.format(width=width))
  dom = browse(folder, '--dump-dom', '--virtual-time-budget=10000', frame.as_uri())
  return json.loads(html.unescape(re.search(r'<pre id="found">(.*?)</pre>', dom, re.S)[1]))


@pytest.mark.slow
@pytest.mark.parametrize('classes', [BINARY, SEVERAL])
def test_the_page_fits_on_a_desktop_and_on_a_phone(tmp_path, classes):
  run = tmp_path / 'run'
  table = write_run(run, classes)
  random = np.random.default_rng(0)
  shown = class_section.choose_examples(table, 6)
  shown = {
    name: of_image(random.integers(0, 256, (64, 64), np.uint8), random.normal(size=(64, 64)))
    for name in shown
  }
  page.write(run, Classes(), IMAGES, pictures=shown, explanation='occlusion')
  for width in (1280, 390):
    found = look(run, width)
    assert found['seen'] == width
    assert found['wide'] <= width, found
    assert found['outside'] == 0, found
    assert found['pictures'] == 12
    assert found['broken'] == 0
    assert found['empty'] == 0
    assert found['small'] == 0
    assert found['first'] == 'SIMULATED DATA'
    assert all(name.startswith(('file:', 'data:')) for name in found['loaded']), found
    picture = tmp_path / f'{width}.png'
    size = f'--window-size={max(width, 500)},1200'  # the browser's own window is no narrower
    browse(tmp_path, f'--screenshot={picture}', size, (run / 'report.html').as_uri())
    pixels = np.asarray(PIL.Image.open(picture).convert('L'))
    assert pixels.shape[0] > 1000
    assert len(np.unique(pixels)) > 50  # text, curves and colours, not an empty page
