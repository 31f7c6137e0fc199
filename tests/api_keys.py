"""Keys of a daemon's data folder, made as people make them, and clients that show one."""
import subprocess

from api_daemon import BUILD, DEADLINE


def key_command(daemon, *words, status=0):
    """Runs `qlstmd key`; returns what it wrote to standard output and to standard error."""
    done = subprocess.run([BUILD / "qlstmd", "key", *words, "--data", daemon.data], capture_output=True, text=True,
                          timeout=DEADLINE)
    assert done.returncode == status, done.stderr
    return done.stdout, done.stderr


def add_key(daemon, name, scope="submit", owner=None, *more):
    """The text of a new key."""
    out, _ = key_command(daemon, "add", name, "--scope", scope, *(["--owner", owner] if owner else []), *more)
    return out.strip()


class Client:
    """The daemon's own client with a key in every request."""

    def __init__(self, daemon, key):
        self.daemon, self.key = daemon, key

    def __getattr__(self, name):
        return getattr(type(self.daemon), name).__get__(self)

    @property
    def url(self):
        return self.daemon.url

    def request(self, method, path, **arguments):
        headers = {**(arguments.pop("headers", None) or {}), "Authorization": f"Bearer {self.key}"}
        return self.daemon.request(method, path, headers=headers, **arguments)
