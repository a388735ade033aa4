from __future__ import annotations

import lesson_browser as chromium
import pytest

import gramian as gm


@pytest.fixture(scope="session")
def browser():
    pytest.importorskip("playwright.sync_api", reason="no playwright to start a browser with")
    if chromium.executable() is None:
        pytest.skip(f"no browser is here: none of {', '.join(chromium.NAMES)}")
    with chromium.started() as running:
        yield running


@pytest.fixture(scope="session")
def page_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("lesson") / "lesson.html"
    gm.lesson().save(path)
    return path


@pytest.fixture(scope="session")
def windows(browser, page_file):
    """The lesson in windows of several kinds, each opened once."""
    opened = {}

    def window(path=page_file, **options):
        key = (path, repr(sorted(options.items())))
        if key not in opened:
            opened[key] = chromium.opened(browser, path, **options)
        return opened[key]

    yield window
    for one in opened.values():
        one.page.close()


@pytest.fixture
def lesson(windows):
    """Goes to a place of the lesson; afterwards nothing was wrong on its console, and nothing asked of a network."""
    used = []

    def go(fragment="", **options):
        used.append(windows(**options))
        used[-1].faults.clear()
        used[-1].go(fragment)
        return used[-1]

    yield go
    assert [fault for opened in used for fault in opened.faults] == []
