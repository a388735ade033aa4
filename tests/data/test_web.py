"""Files of a web server on the loopback: by ranges or whole, changed, refused, cut short, busy."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import numpy as np
import pyarrow as pa
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest

import gramian as gm
from data.reading import everything
from gramian.data.libraries import web
from gramian.data.source import source_of
from gramian.errors import DataError

RNG = np.random.default_rng(4)
TABLE = pa.table({name: RNG.normal(size=20_000) for name in ["y", *(f"x{j}" for j in range(19))]})


@dataclass
class Site:
    """What a server has, how it answers, and the bytes of data that it has sent."""

    address: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    ranges: bool = True
    failures: list[int] = field(default_factory=list)  # statuses of the next answers; 0: the body breaks off
    sent: list[int] = field(default_factory=list)

    def put(self, name: str, content: bytes, version: str = "1") -> str:
        self.files[name], self.versions[name] = content, version
        return f"{self.address}/{name}"


def handler_of(site: Site) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            name = self.path.partition("?")[0].lstrip("/")
            status = site.failures.pop(0) if site.failures else 200
            if status not in (0, 200):
                self.send_error(status)
            elif name not in site.files:
                self.send_error(404)
            else:
                self.answer(name, whole=status == 200)

        def answer(self, name: str, *, whole: bool) -> None:
            body = content = site.files[name]
            asked = re.fullmatch(r"bytes=(\d+)-(\d+)", self.headers.get("Range", ""))
            if asked and site.ranges:
                first, last = int(asked[1]), min(int(asked[2]), len(content) - 1)
                if first >= len(content):
                    return self.send_error(416)
                body = content[first : last + 1]
                self.send_response(206)
                self.send_header("Content-Range", f"bytes {first}-{last}/{len(content)}")
            else:
                self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Type", "text/html" if name.endswith("html") else "application/octet-stream")
            if site.versions[name]:
                self.send_header("ETag", f'"{site.versions[name]}"')
            self.end_headers()
            self.wfile.write(body if whole else body[: len(body) // 2])
            site.sent.append(len(body))
            return None

        def log_message(self, *_: object) -> None:
            pass

    return Handler


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """Nothing: a client may close an answer before its end."""


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A server that ends with the test; nobody waits before a further try, or asks another server."""
    monkeypatch.setattr(web, "WAIT", 0.0)
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    found = Site()
    with Server(("127.0.0.1", 0), handler_of(found)) as server:
        found.address = f"http://127.0.0.1:{server.server_port}"
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield found
        server.shutdown()
        thread.join()


def parquet(table: pa.Table = TABLE) -> bytes:
    sink = io.BytesIO()
    pq.write_table(table, sink, row_group_size=4000, compression=None, use_dictionary=False)
    return sink.getvalue()


def text(table: pa.Table = TABLE) -> bytes:
    sink = io.BytesIO()
    pc.write_csv(table, sink)
    return sink.getvalue()


def fit(data: object) -> list[float]:
    return gm.ols("y ~ x1 + x2", data).coefficients.tolist()


@pytest.mark.parametrize("ranges", [True, False])
def test_files_of_a_server_yield_the_table(site: Site, ranges: bool) -> None:
    site.ranges = ranges
    halves = [TABLE.slice(0, 8000), TABLE.slice(8000)]
    parts = [site.put(f"k={at}/t.parquet", parquet(half)) for at, half in enumerate(halves)]
    assert everything(source_of(parts), TABLE.column_names) == TABLE.to_pydict()
    assert fit(parts) == fit(TABLE)
    assert gm.ols("y ~ factor(k)", parts).rows == 20_000
    assert fit(site.put("t.csv", text())) == fit(pc.read_csv(io.BytesIO(text())))
    # the name of a file may stand in what is asked for alone; then its first bytes say what it is
    assert fit(site.put("download", parquet()) + "?id=t&part=*") == fit(TABLE)


def test_only_the_columns_that_are_needed_are_sent(site: Site) -> None:
    everything(source_of(site.put("t.parquet", parquet())), ["y", "x1", "x2"])
    columns = 3 * 8 * TABLE.num_rows
    assert columns < sum(site.sent) < 1.2 * columns + 3 * 2**16  # and the footer, a few times


def test_a_source_reads_the_same_rows_twice(site: Site) -> None:
    source = source_of(site.put("t.parquet", parquet(), version="v7"))
    assert everything(source, ["x3"]) == everything(source, ["x3"])
    (entry,) = source.inputs
    assert (entry.size, entry.rows) == (len(parquet()), 20_000)
    assert entry.identity == f'{site.address}/t.parquet:{len(parquet())}:"v7"'


@pytest.mark.parametrize("name", ["t.parquet", "t.csv"])
@pytest.mark.parametrize("change", ["version", "size", "gone"])
def test_a_file_that_changes_between_passes_is_named(site: Site, name: str, change: str) -> None:
    content = parquet() if name.endswith("parquet") else text()
    source = source_of(site.put(name, content, "1" if change == "version" else ""))
    if change == "gone":
        del site.files[name]
    else:
        site.put(name, content if change == "version" else content + b"\n", "2" if change == "version" else "")
    with pytest.raises(DataError, match=f"/{name}: has changed while it was being read"):
        fit(source)


def test_a_server_that_is_busy_or_breaks_off_is_asked_again(site: Site) -> None:
    address = site.put("t.parquet", parquet())
    site.failures += [503, 200, 429, 200, 0, 0, 200, 502]
    assert fit(address) == fit(TABLE)
    assert not site.failures
    address = site.put("t.csv", text())
    site.failures += [500, 0, 200]
    assert gm.ols("y ~ x1", address).rows == 20_000


@pytest.mark.parametrize(
    ("failures", "message"),
    [
        ([404], "no such file or folder"),
        ([403], r"t.csv: the server refuses it \(403 Forbidden\); check the address, and whether it needs a signature"),
        ([500] * 4, r"the server refuses it \(500 Internal Server Error\)"),
        ([200, 0], r"has \d+ bytes, \d+ came: the copy is cut short"),
    ],
)
def test_what_a_server_refuses_is_named(site: Site, failures: list[int], message: str) -> None:
    site.failures, site.ranges = failures, len(failures) != 2
    with pytest.raises(DataError, match=message):
        source_of(site.put("t.csv", text()))


def test_what_is_no_file_of_data_is_named(site: Site) -> None:
    with pytest.raises(DataError, match="a web server does not list its files; give the address of each"):
        source_of(f"{site.address}/*.parquet")
    with pytest.raises(DataError, match=r"is a page of a web server \(text/html\), no file of data"):
        source_of(site.put("index.html", b"<p>hello"))
    with pytest.raises(DataError, match="cannot be read from the server, tried 4 times"):
        source_of("http://127.0.0.1:9/t.parquet")
    with pytest.raises(DataError, match="damaged or not what its name says"):
        source_of(site.put("t.parquet", b""))
