"""A hub on this machine: the few routes that fetching a file takes, over real HTTP."""

import hashlib
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

COMMIT = "0123456789abcdef0123456789abcdef01234567"
OTHER_COMMIT = "89abcdef0123456789abcdef0123456789abcdef"


class Hub:
    """Repositories by name, each with files by revision.

    Attributes:
        files: {repository: {commit: {name: bytes}}}.
        branches: {repository: {branch: commit}}.
        gated: repositories that want a token.
        requests: method, path and token of what was asked, in order.
        url: where it listens.
    """

    token = "hf_let_me_in"

    def __init__(self):
        self.files = {}
        self.branches = {}
        self.gated = set()
        self.requests = []
        self.url = ""

    def add(self, repo, folder, *, commit=COMMIT, branch="main"):
        """Publish the files of a folder."""
        content = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
        self.files.setdefault(repo, {})[commit] = content
        self.branches.setdefault(repo, {})[branch] = commit

    def look_up(self, repo, revision, name, token):
        """Status, error code and, for a file that is there, its commit and bytes."""
        if repo not in self.files:
            return 401, "RepoNotFound", None, b""
        if repo in self.gated and token != self.token:
            return 403, "GatedRepo", None, b""
        commit = self.branches[repo].get(revision, revision)
        if commit not in self.files[repo]:
            return 404, "RevisionNotFound", None, b""
        if name not in self.files[repo][commit]:
            return 404, "EntryNotFound", commit, b""
        return 200, None, commit, self.files[repo][commit][name]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_HEAD(self):
        self._answer(with_body=False)

    def do_GET(self):
        self._answer(with_body=True)

    def _answer(self, *, with_body):
        hub = self.server.hub
        path = unquote(self.path)
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        hub.requests.append((self.command, path, token))
        # /ORG/REPO/resolve/REVISION/FILE; a repository without an organisation has one part less.
        repo, _, rest = path.removeprefix("/").partition("/resolve/")
        revision, _, name = rest.rpartition("/")
        status, code, commit, body = hub.look_up(repo, revision, name, token)
        self.send_response(status)
        if code:
            self.send_header("X-Error-Code", code)
            self.send_header("X-Error-Message", code)
        if commit:
            self.send_header("X-Repo-Commit", commit)
        self.send_header("ETag", f'"{hashlib.sha256(body).hexdigest()}"')
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def log_message(self, *_):
        pass


@contextmanager
def serving():
    """A hub without repositories, that answers until the block ends."""
    hub = Hub()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    server.hub = hub
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
