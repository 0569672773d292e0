"""A PostgreSQL server for the tests, started once a session and thrown away after it."""

import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

SERVER_USER = "postgres"
FAST = "-c fsync=off -c full_page_writes=off -c synchronous_commit=off"


def server_programs():
    """Folder of initdb and pg_ctl; None where PostgreSQL is not installed."""
    found = [*Path("/usr/lib/postgresql").glob("*/bin/initdb")]
    if found:
        return max(found, key=lambda path: float(path.parts[-3])).parent
    on_path = shutil.which("initdb")
    return Path(on_path).parent if on_path else None


@pytest.fixture(scope="session")
def postgres_server():
    """URL of an empty database; skipped where the server programs cannot be found."""
    programs = server_programs()
    if programs is None:
        pytest.skip("no PostgreSQL server programs: install the package `postgresql`")
    # initdb refuses to run as root, and its user must reach the folder: not so below /root.
    as_user = ["runuser", "-u", SERVER_USER, "--"] if os.geteuid() == 0 else []
    folder = Path(tempfile.mkdtemp(prefix="polyseek-pg-", dir="/tmp"))
    if as_user:
        shutil.chown(folder, SERVER_USER)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]

    def run(program, *arguments):
        command = [*as_user, str(programs / program), *arguments]
        subprocess.run(command, check=True, capture_output=True, timeout=60, cwd=folder)

    try:
        run(
            *("initdb", "-D", f"{folder}/data", "-U", "app", "-A", "trust", "-E", "UTF8"),
            *("--locale=C.UTF-8", "--no-sync"),
        )
        options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}"
        log = ("-l", f"{folder}/server.log")
        run(
            "pg_ctl",
            "-D",
            f"{folder}/data",
            "-w",
            "-t",
            "30",
            *log,
            "-o",
            f"{options} {FAST}",
            "start",
        )
        run("createdb", "-h", str(folder), "-p", str(port), "-U", "app", "app")
        yield f"postgresql://app:secret@127.0.0.1:{port}/app"
    finally:
        if (folder / "data" / "postmaster.pid").exists():
            run("pg_ctl", "-D", f"{folder}/data", "-m", "immediate", "-w", "stop")
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def catalogue_url(request):
    """None for SQLite, and the URL of a real PostgreSQL that all collections of a session share."""
    if request.param == "sqlite":
        return None
    return request.getfixturevalue("postgres_server")
