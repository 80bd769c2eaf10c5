"""A real browser. Where none is installed every test here says so and is skipped."""

import pytest

from tests.browser.screen import MISSING, Screen, browser
from tests.portal.conftest import city, free_port, make_city

__all__ = ["city", "free_port", "make_city"]


@pytest.fixture
def make_screen(tmp_path):
    """`make_screen(scripts=False)`: a browser that was never here before."""
    if browser() is None:
        pytest.skip(MISSING)
    screens = []

    def make(url=None, *, scripts=False, letters=16):
        folder = tmp_path / f"chromium{len(screens)}"
        screen = Screen(folder, scripts=scripts, letters=letters)
        screen.url = url
        screens.append(screen)
        return screen

    yield make
    for screen in screens:
        screen.close()
