"""The page in a real browser: a file is chosen, and its prediction and heat map are seen."""

import asyncio
import io
import json
import shutil
import subprocess
import threading
import time
import urllib.request

import pytest

from medjax.serve import server, tokens
from medjax.serve.app import Limits, Service
from medjax.serve.page import Page

CHROMIUM = next(
  filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'google-chrome'))), ''
)
SHOWN = """(() => ({
  state: document.body.dataset.state || '', line: document.getElementById('line').textContent,
  text: document.body.innerText, titles: [...document.querySelectorAll('.case h2')].map(
    (e) => e.textContent), bold: document.querySelectorAll('.case b').length,
  images: [...document.querySelectorAll('.case img')].map((e) => e.naturalWidth),
  wide: document.documentElement.scrollWidth,
}))()"""


def test_a_page_runs_nothing_but_its_own_script(served_images, served_table):
  for served in (served_images, served_table):
    page = Page(served, guarded=True)
    policy = page.headers['Content-Security-Policy']
    assert "default-src 'none'" in policy
    assert 'unsafe' not in policy
    assert policy.count('sha256-') == page.html.count('<style>') + page.html.count('<script>')
    for word in ('http:', 'https:', 'innerHTML', 'onclick', ' style='):
      assert word not in page.html
    assert 'For research, not for diagnosis.' in page.html
    assert 'Trained on simulated data' in page.html
    assert 'id="token"' in page.html
    # Whoever has no token learns neither the model's name nor its columns.
    names = [served.name, 'blood_pressure', 'cholesterol']
    own = page.html.split('</style>')[-1].split('<script>')[0]
    assert [name for name in names if name in own] == []
    assert served.name in Page(served, guarded=False).html


class Browser:
  """A page of a headless Chromium, by its debugging protocol."""

  def __init__(self, connection):
    self._connection, self._number = connection, 0
    self.logged = []

  async def ask(self, method, **parameters):
    self._number += 1
    await self._connection.send(
      json.dumps({'id': self._number, 'method': method, 'params': parameters})
    )
    while True:
      told = json.loads(await asyncio.wait_for(self._connection.recv(), 60))
      if told.get('method') == 'Log.entryAdded':
        self.logged.append(told['params']['entry']['text'])
      if told.get('id') == self._number:
        assert 'error' not in told, told
        return told['result']

  async def run(self, script):
    told = await self.ask('Runtime.evaluate', expression=script, returnByValue=True)
    return told['result'].get('value')

  async def until_done(self):
    for _ in range(300):
      shown = await self.run(SHOWN)
      if shown['state'] == 'done':
        return shown
      await asyncio.sleep(0.1)
    raise AssertionError(shown)


def browse(folder, url, steps):
  """What ``steps(browser)`` gives on the page."""
  websockets = pytest.importorskip('websockets')
  process = subprocess.Popen(
    [
      CHROMIUM, '--headless', '--no-sandbox', '--disable-gpu', '--remote-debugging-port=0',
      '--no-first-run', '--disable-background-networking', '--window-size=1200,1600',
      f'--user-data-dir={folder / "browser"}', 'about:blank',
    ],
    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
  )  # fmt: skip

  async def drive():
    told = folder / 'browser' / 'DevToolsActivePort'
    for _ in range(300):
      if told.exists() and told.read_text().count('\n'):
        break
      await asyncio.sleep(0.1)
    port = told.read_text().split()[0]
    with urllib.request.urlopen(f'http://127.0.0.1:{port}/json/list') as answer:
      (target,) = (one for one in json.load(answer) if one['type'] == 'page')
    async with websockets.connect(target['webSocketDebuggerUrl'], max_size=2**26) as connection:
      browser = Browser(connection)
      for domain in ('Page', 'DOM', 'Log', 'Runtime'):
        await browser.ask(f'{domain}.enable')
      await browser.ask('Page.navigate', url=url)
      for _ in range(100):
        if await browser.run('document.readyState') == 'complete' and await browser.run(
          "!!document.getElementById('drop')"
        ):
          break
        await asyncio.sleep(0.1)
      return await steps(browser)

  try:
    return asyncio.run(drive())
  finally:
    process.terminate()
    process.wait(30)


@pytest.fixture
def address(monkeypatch):
  """``address(served, known)`` serves it in a thread of this process and gives its page's URL."""
  running = []

  def begin(served, known=None):
    found = server.listen('127.0.0.1', 0)
    service = Service(served, Limits(), known and (lambda: known), io.StringIO())
    own = {}
    original = server._Server.__init__

    def remember(self, config):
      original(self, config)
      own['server'] = self

    monkeypatch.setattr(server._Server, '__init__', remember)
    monkeypatch.setattr(server.signal, 'signal', lambda *_: None)  # of the main thread alone
    thread = threading.Thread(target=server.run, args=(service, [found], 5, '', ''))
    thread.start()
    running.append((thread, own, found))
    while not service.ready:
      assert service.problem is None
      time.sleep(0.05)
    return f'http://127.0.0.1:{found.getsockname()[1]}/'

  yield begin
  for thread, own, found in running:
    own['server'].should_exit = True
    thread.join(30)
    found.close()
    assert not thread.is_alive()


async def choose(browser, *paths):
  document = await browser.ask('DOM.getDocument')
  node = await browser.ask(
    'DOM.querySelector', nodeId=document['root']['nodeId'], selector='#files'
  )
  await browser.ask('DOM.setFileInputFiles', files=list(map(str, paths)), nodeId=node['nodeId'])


@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM, reason='Chromium is not installed')
def test_a_chosen_file_shows_prediction_set_decision_and_heat_map(
  address, served_images, pictures, tmp_path
):
  odd = tmp_path / '<b>bold<img src=x onerror=alert(1)>.png'
  odd.write_bytes(next(iter(pictures.values())))
  bad = tmp_path / 'bad.png'
  bad.write_bytes(b'no image')

  async def steps(browser):
    await choose(browser, next(iter(pictures)), odd)
    good = await browser.until_done()
    picture = await browser.ask('Page.captureScreenshot')
    await browser.run('delete document.body.dataset.state; 1')
    await choose(browser, bad)
    return good, await browser.until_done(), picture, browser.logged

  good, wrong, picture, logged = browse(tmp_path, address(served_images), steps)
  assert 'For research, not for diagnosis.' in good['text']
  assert good['titles'] == ['scan 0.png', 'b_bold_img src_x onerror_alert_1__.png'] or (
    good['titles'][0] == 'scan 0.png' and '<' not in good['titles'][1]
  )
  assert good['bold'] == 0
  for word in ('probability', 'call', 'set', 'decision'):
    assert f'\n{word}\t' in good['text'] or word in good['text'].split()
  assert len(good['images']) == 2
  assert all(width > 32 for width in good['images'])
  assert good['line'] == '2 cases'
  assert good['wide'] <= 1200
  assert wrong['titles'] == []
  assert 'bad.png: not an image that can be read' in wrong['line']
  assert [line for line in logged if 'Content Security Policy' in line] == []
  assert len(picture['data']) > 10_000


@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM, reason='Chromium is not installed')
def test_written_rows_are_predicted(address, served_table, tmp_path):
  cases = json.dumps([dict.fromkeys(served_table.reader.parts, 1)])

  async def steps(browser):
    await browser.run(f"document.getElementById('cases').value = {json.dumps(cases)}; 1")
    await browser.run("document.getElementById('send').click()")
    return await browser.until_done()

  shown = browse(tmp_path, address(served_table), steps)
  assert shown['titles'] == ['case 1']
  assert len(shown['images']) == 1
  assert 'adds' not in shown['line']


@pytest.mark.slow
@pytest.mark.skipif(not CHROMIUM, reason='Chromium is not installed')
def test_the_page_names_the_model_once_it_has_a_token(address, served_table, tmp_path):
  token, line = tokens.new('predict,explain')
  known = {line.split()[0].removeprefix('sha256:').encode(): frozenset(['predict', 'explain'])}
  names = """[document.getElementById('model').textContent, document.title,
    document.getElementById('cases').placeholder, document.getElementById('line').textContent]"""

  async def give(browser, text):
    await browser.run(f"document.getElementById('token').value = {json.dumps(text)}; 1")
    await browser.run("document.getElementById('token').dispatchEvent(new Event('change')); 1")
    await asyncio.sleep(1)
    return await browser.run(names)

  async def steps(browser):
    return [await browser.run(names), await give(browser, 'x'), await give(browser, token)]

  before, wrong, after = browse(tmp_path, address(served_table, known), steps)
  assert before == ['medjax', 'medjax', '', '']
  assert wrong == ['medjax', 'medjax', '', 'Authorization: the token is not known']
  assert after[:2] == [served_table.name, f'medjax: {served_table.name}']
  assert after[2].startswith('[{"age": ..., "sex": ..., "blood_pressure": ..., ')
  assert after[3] == ''
