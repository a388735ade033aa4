"""A real server that speaks S3, on the loopback: `moto_server`, where it is installed."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing
from http import HTTPStatus
from http.client import HTTPConnection
from time import monotonic, sleep

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import gramian as gm
from gramian.errors import DataError

SERVER = shutil.which("moto_server")
ROWS = 4000
KEYS = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_DEFAULT_REGION": "us-east-1"}
KEYS |= {"AWS_EC2_METADATA_DISABLED": "true"}  # nobody is asked for credentials
pytestmark = pytest.mark.skipif(SERVER is None, reason="moto_server is not installed (pip install 'moto[server]')")


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    """Host and port of a server that ends with the tests."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command, known = [str(SERVER), "-H", "127.0.0.1", "-p", str(port)], os.environ | KEYS
    with subprocess.Popen(command, env=known, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            _wait(port)
            yield f"127.0.0.1:{port}"
        finally:
            server.terminate()


def _wait(port: int) -> None:
    """Return when somebody listens at a port."""
    end = monotonic() + 60.0
    while monotonic() < end:
        try:
            socket.create_connection(("127.0.0.1", port), 1.0).close()
        except OSError:
            sleep(0.1)
        else:
            return
    pytest.fail("the server did not start within a minute")


@pytest.fixture(scope="module")
def table(address: str) -> pa.Table:
    """A table that lies in two folders of a bucket, which are keys."""
    rng = np.random.default_rng(1)
    table = pa.table({name: rng.normal(size=ROWS) for name in ("x1", "x2", "y")})
    put(address, "/bucket")
    for key, part in enumerate((table.slice(0, ROWS // 2), table.slice(ROWS // 2))):
        file = pa.BufferOutputStream()
        pq.write_table(part, file, row_group_size=500)
        put(address, f"/bucket/k={key}/p.parquet", file.getvalue().to_pybytes())
    return table


def put(address: str, path: str, content: bytes = b"") -> None:
    """Create a bucket or an object; versions of Arrow differ in how they write one."""
    with closing(HTTPConnection(address, timeout=60.0)) as connection:
        connection.request("PUT", path, content)
        assert connection.getresponse().status == HTTPStatus.OK


@pytest.fixture(autouse=True)
def credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("path", ["bucket", "bucket/*/*.parquet", "bucket/k=?/p.parquet"])
def test_a_bucket_yields_the_table(address: str, table: pa.Table, path: str) -> None:
    fit = gm.ols("y ~ x1 + x2", f"s3://{path}?endpoint_override={address}&scheme=http")
    assert fit.coefficients.tolist() == gm.ols("y ~ x1 + x2", table).coefficients.tolist()
    assert gm.ols("y ~ factor(k)", f"s3://{path}?endpoint_override={address}&scheme=http").rows == ROWS


def test_an_object_that_is_not_there_is_named(address: str, table: pa.Table) -> None:
    with pytest.raises(DataError, match="no such file or folder"):
        gm.ols("y ~ x1", f"s3://bucket/none.parquet?endpoint_override={address}&scheme=http")
