"""A real browser. Where none is installed every test here says so and is skipped."""

import shutil

import pytest

from tests.browser import screen, w3m
from tests.browser.screen import Screen, browser
from tests.portal.conftest import city, free_port, make_city

__all__ = ["city", "free_port", "make_city"]


@pytest.fixture(autouse=True)
def needs(request):
    """Skips what cannot be tried here, before anything else is started for it."""
    if "make_screen" in request.fixturenames and browser() is None:
        pytest.skip(screen.MISSING)
    if "w3m" in request.fixturenames and shutil.which("w3m") is None:
        pytest.skip(w3m.MISSING)


@pytest.fixture
def make_screen(tmp_path):
    """`make_screen(url)`: a browser that was never here before, without scripts."""
    screens = []

    def make(url=None, *, scripts=False, letters=16):
        folder = tmp_path / f"chromium{len(screens)}"
        screens.append(Screen(folder, url, scripts=scripts, letters=letters))
        return screens[-1]

    yield make
    for each in screens:
        each.close()
