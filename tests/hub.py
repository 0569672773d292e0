"""A hub on this machine: the few routes that fetching a file takes, over real HTTP."""

import hashlib
import json
import re
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
        files = (path for path in folder.rglob("*") if path.is_file())
        content = {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}
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

    def describe(self, repo, revision, token, *, as_tree):
        """The same about a repository at a revision: which files it has, as JSON."""
        status, code, commit, _ = self.look_up(repo, revision, "", token)
        if code != "EntryNotFound":
            return status, code, None, b""
        files = self.files[repo][commit]
        tree = [
            {"type": "file", "path": name, "size": len(body), "oid": hashlib.sha1(body).hexdigest()}
            for name, body in files.items()
        ]
        summary = {"id": repo, "sha": commit, "siblings": [{"rfilename": name} for name in files]}
        return 200, None, commit, json.dumps(tree if as_tree else summary).encode()


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
        if path.startswith("/api/models/"):
            # /api/models/ORG/REPO/revision/REVISION and /api/models/ORG/REPO/tree/REVISION?...
            named = path.removeprefix("/api/models/").partition("?")[0]
            repo, what, revision = re.split("/(revision|tree)/", named)
            answer = hub.describe(repo, revision, token, as_tree=what == "tree")
            self._send(*answer, with_body=with_body)
            return
        # /ORG/REPO/resolve/REVISION/FILE; a repository without an organisation has one part less.
        repo, _, rest = path.removeprefix("/").partition("/resolve/")
        revision, _, name = rest.partition("/")
        self._send(*hub.look_up(repo, revision, name, token), with_body=with_body)

    def _send(self, status, code, commit, body, *, with_body):
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
