"""Pictures of the pages, as a phone and a desk show them: `python -m tests.browser.shoot`.

Writes docs/screens/NAME-WIDTH.png for each page of `walk`, and those of the error states that
docs/portal.md shows; the folder given instead gets all of them.
"""

import shutil
import socket
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.browser.screen import DESK, MISSING, PHONE, Screen, browser
from tests.browser.walk import walk
from tests.portal.conftest import City

SHOWN = Path(__file__).parents[2] / "docs" / "screens"
#: Error states that stand in the documents beside the pages.
ERRORS = {"dang-nhap-sai", "dang-nhap-cho", "giay-to-sai", "da-thay", "loi-404"}
NO_PAGES = ("-sai", "-trong", "-ten", "-cu", "-cho", "-ban", "-de-doan", "-hien", "-da-luu")


def is_shown(name):
    """Whether it is a page, or an error state of the documents."""
    return name in ERRORS or not (name.endswith(NO_PAGES) or name.startswith("loi-"))


def shoot(folder, wanted):
    """Go through all pages, and write down those that are wanted."""
    with TemporaryDirectory() as name, socket.socket() as reserved:
        reserved.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        reserved.bind(("127.0.0.1", 0))
        city = City(Path(name), reserved.getsockname()[1])
        city.start()
        url = f"http://127.0.0.1:{city.port}"
        screen = Screen(Path(name) / "chromium", url, scripts=True)
        try:
            for page in filter(wanted, walk(screen, city)):
                for size in (PHONE, DESK):
                    picture = folder / f"{page}-{size[0]}.png"
                    picture.write_bytes(screen.size(*size).shoot())
                screen.size(*DESK)
        finally:
            screen.close()
            city.stop()
            city.house.store.close()


def main(folder=None):
    if browser() is None:
        return MISSING
    if folder is None and shutil.which("pngquant") is None:
        return "there is no pngquant, which makes the pictures small (apt install pngquant)"
    target = SHOWN if folder is None else Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    for old in target.glob("*.png"):
        old.unlink()
    shoot(target, is_shown if folder is None else lambda _: True)
    pictures = sorted(target.glob("*.png"))
    if folder is None:
        smaller = ["pngquant", "--force", "--ext", ".png", "--strip", "--speed", "1", "16"]
        subprocess.run([*smaller, *pictures], check=True)
    print(f"{len(pictures)} pictures in {target}")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
