"""Flower's own processes on loopback: a server with TLS, sites with keys, and who must stay out."""

import contextlib
import datetime
import ipaddress
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

BIN = pathlib.Path(sys.executable).parent
_READY = 'Starting Flower SuperExec'  # which starts the app of a run
ROOT = pathlib.Path(__file__).parents[2]


def write_certificates(folder, name='server'):
  """An authority and a certificate of localhost that it signed, as PEM files."""
  now = datetime.datetime.now(datetime.UTC)
  keys = [ec.generate_private_key(ec.SECP384R1()) for _ in range(2)]
  subjects = [
    x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)]) for text in (f'{name} CA', name)
  ]
  files = []
  for key, subject, is_authority in zip(keys, subjects, (True, False), strict=True):
    built = (
      x509.CertificateBuilder()
      .subject_name(subject)
      .issuer_name(subjects[0])
      .public_key(key.public_key())
      .serial_number(x509.random_serial_number())
      .not_valid_before(now - datetime.timedelta(days=1))
      .not_valid_after(now + datetime.timedelta(days=1))
      .add_extension(x509.BasicConstraints(is_authority, None), critical=True)
      .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
      .add_extension(
        x509.AuthorityKeyIdentifier.from_issuer_public_key(keys[0].public_key()), critical=False
      )
    )
    if not is_authority:
      names = [x509.DNSName('localhost'), x509.IPAddress(ipaddress.ip_address('127.0.0.1'))]
      built = built.add_extension(x509.SubjectAlternativeName(names), critical=False)
    path = folder / f'{name}-{"ca" if is_authority else "own"}.crt'
    signed = built.sign(keys[0], hashes.SHA256())
    path.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    files.append(path)
  path = folder / f'{name}.key'
  path.write_bytes(
    keys[1].private_bytes(
      serialization.Encoding.PEM,
      serialization.PrivateFormat.TraditionalOpenSSL,
      serialization.NoEncryption(),
    )
  )
  return (*files, path)


def write_key(folder, name):
  """A site's key pair, as ssh-keygen -t ecdsa -b 384 makes it."""
  key = ec.generate_private_key(ec.SECP384R1())
  private, public = folder / name, folder / f'{name}.pub'
  private.write_bytes(
    key.private_bytes(
      serialization.Encoding.PEM,
      serialization.PrivateFormat.OpenSSH,
      serialization.NoEncryption(),
    )
  )
  public.write_bytes(
    key.public_key().public_bytes(
      serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
  )
  return private, public


def free_port():
  with socket.socket() as one:
    one.bind(('127.0.0.1', 0))
    return one.getsockname()[1]


def descendants(pid):
  """Numbers of the processes that a process started, and those that these started."""
  told = subprocess.run(['ps', '-eo', 'pid=,ppid='], capture_output=True, text=True, check=True)
  parents = [tuple(map(int, line.split())) for line in told.stdout.splitlines()]
  found = [pid]
  for one in found:
    found += [child for child, parent in parents if parent == one]
  return found[1:]


class Processes:
  """Commands of Flower, all of which end with the test."""

  def __init__(self, folder):
    self.folder, self._all = folder, []
    (folder / 'flwr').mkdir()
    self.ca, self.certificate, self.key = write_certificates(folder)
    self.port = free_port()
    (folder / 'flwr' / 'config.toml').write_text(
      '[superlink]\ndefault = "study"\n\n[superlink.study]\n'
      f'address = "127.0.0.1:{self.port}"\nroot-certificates = "{self.ca}"\n'
    )
    self.environment = {
      **os.environ,
      'PATH': f'{BIN}:{os.environ["PATH"]}',
      'PYTHONPATH': f'{ROOT}:{folder}',
      'FLWR_HOME': str(folder / 'flwr'),
      'FLWR_TELEMETRY_ENABLED': '0',
      'FLWR_DISABLE_UPDATE_CHECK': '1',
      'JAX_PLATFORMS': 'cpu',
      'JAX_COMPILATION_CACHE_DIR': str(folder / 'compiled'),
      'PYTHONUNBUFFERED': '1',
    }

  def start(self, name, *words):
    log = open(self.folder / f'{name}.log', 'a')  # noqa: SIM115 - of the process
    process = subprocess.Popen(
      [BIN / words[0], *map(str, words[1:])],
      stdout=log,
      stderr=subprocess.STDOUT,
      env=self.environment,
      cwd=self.folder,
    )
    log.close()
    self._all.append(process)
    return process

  def log(self, name):
    return (self.folder / f'{name}.log').read_text()

  def run(self, *words):
    done = subprocess.run(
      [BIN / words[0], *map(str, words[1:])],
      capture_output=True,
      text=True,
      env=self.environment,
      cwd=self.folder,
      timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout

  def server(self):
    """Starts the server, and waits until it takes connections and can run apps."""
    path = self.folder / 'server.log'
    before = self.log('server').count(_READY) if path.exists() else 0
    process = self.start(
      'server',
      'flower-superlink',
      f'--ssl-ca-certfile={self.ca}',
      f'--ssl-certfile={self.certificate}',
      f'--ssl-keyfile={self.key}',
      '--enable-supernode-auth',
      '--disable-runtime-dependency-installation',
      '--host=127.0.0.1',
      f'--port={self.port}',
      f'--database={self.folder / "server.db"}',
    )
    for _ in range(300):
      with contextlib.suppress(OSError), socket.create_connection(('127.0.0.1', self.port), 1):
        if self.log('server').count(_READY) > before:
          return process
      time.sleep(0.2)
    pytest.fail(self.log('server'))

  def site(self, name, source, *, ca=None, register=True):
    private, public = write_key(self.folder, name)
    if register:
      self.run('flwr', 'supernode', 'register', public, 'study', f'--name={name}')
    return self.start(
      name,
      'flower-supernode',
      f'--superlink=127.0.0.1:{self.port}',
      f'--root-certificates={ca or self.ca}',
      f'--auth-supernode-private-key={private}',
      f'--port={free_port()}',
      f'--node-config=source="{source}" workdir="{self.folder / "sites" / name}"',
    )

  def kill(self, process):
    """Ends a command and all that it started, at once, as where a machine loses its power."""
    for pid in (process.pid, *descendants(process.pid)):
      with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    process.wait()

  def close(self):
    for process in self._all:
      self.kill(process)
