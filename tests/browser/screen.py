"""Debian's chromium in front of a page: what a citizen sees of it, and does with mouse or keys."""

import base64
import json
import os
import shutil
import time
from urllib.parse import urlsplit

from selenium.common import WebDriverException
from selenium.webdriver import ActionChains, Chrome, ChromeOptions, ChromeService, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select

MISSING = "there is no browser here (apt install chromium chromium-driver)"
PATIENCE = 30  # seconds; a deadline, not a delay

#: CSS pixels. 1280 at 400 % are 320 by 256, each of them four pixels wide (WCAG 2.2, 1.4.10).
PHONE, DESK, NARROW, ZOOMED = (360, 780, 1), (1280, 800, 1), (320, 640, 1), (320, 256, 4)


def browser():
    """(chromium, chromedriver), of the same version; None: not both are there."""
    found = (shutil.which("chromium"), shutil.which("chromedriver"))
    return found if all(found) else None


class Screen:
    """One browser with its own cookies."""

    def __init__(self, folder, url, *, scripts, letters=16):
        """Open one.

        Args:
            folder: where it keeps what it keeps.
            url: of the portal.
            scripts: whether pages may run any; axe-core must.
            letters: how many pixels high its owner wants them to be.
        """
        self.url = url
        chromium, driver = browser()
        options = ChromeOptions()
        options.binary_location = chromium
        for switch in (
            "--headless=new",
            "--no-sandbox",  # root has none, and the pages are our own
            "--disable-dev-shm-usage",
            "--disable-gpu",
            "--disable-extensions",
            "--disable-background-networking",  # it asks nobody but the portal
            "--disable-component-update",
            "--hide-scrollbars",
            "--disable-lcd-text",  # letters in shades of grey make small pictures
            "--no-first-run",
            "--font-render-hinting=none",
            f"--user-data-dir={folder}",
        ):
            options.add_argument(switch)
        preferences = {"webkit.webprefs.default_font_size": letters}
        if not scripts:
            preferences["profile.managed_default_content_settings.javascript"] = 2
        options.add_experimental_option("prefs", preferences)
        options.set_capability("goog:loggingPrefs", {"performance": "ALL"})
        environment = dict(os.environ, SE_OFFLINE="true", LANGUAGE="vi")
        self.driver = Chrome(options, ChromeService(driver, env=environment))
        self.driver.set_page_load_timeout(PATIENCE)
        self.size(*DESK)

    def close(self):
        self.driver.quit()

    # --- what is seen ---------------------------------------------------------------------------

    @property
    def path(self):
        """Where it is, without the portal's own address."""
        return self.driver.current_url.removeprefix(self.url)

    @property
    def title(self):
        return self.driver.title

    @property
    def heading(self):
        return self._one("h1").text

    @property
    def words(self):
        return " ".join(self._one("body").text.split())

    @property
    def notice(self):
        found = self._all(".notice")
        return found[0].text if found else None

    @property
    def faults(self):
        """The lines of the error summary: field -> text."""
        links = self._all(".summary a")
        return {urlsplit(a.get_attribute("href")).fragment: a.text for a in links}

    def value(self, name):
        return self.driver.find_element(By.NAME, name).get_attribute("value")

    @property
    def focused(self):
        """What the keys go to."""
        return self.driver.switch_to.active_element

    # --- what is done ---------------------------------------------------------------------------

    def open(self, path):
        self.driver.get(self.url + path)
        return self

    def fill(self, **fields):
        """Type, choose and tick, by the names of fields."""
        for name, value in fields.items():
            found = self.driver.find_elements(By.NAME, name)
            kind = found[0].get_attribute("type")
            if found[0].tag_name == "select":
                Select(found[0]).select_by_value(value)
            elif kind in ("radio", "checkbox"):
                [one] = [each for each in found if each.get_attribute("value") == value]
                if not one.is_selected():
                    one.click()
            else:
                found[0].clear()
                found[0].send_keys(value)
        return self

    def press(self, label=None):
        """Press the button that says *label*, or the first one, and wait for the page after it."""
        buttons = self._all("main button")
        [button, *_] = [each for each in buttons if label in (None, each.text)]
        return self._leave(button.click)

    def follow(self, words):
        """Follow the first link that says *words*, or the only one at that address."""
        [link, *_] = [
            each
            for each in self._all("a")
            if words in (each.text, each.get_attribute("pathname"), each.get_dom_attribute("href"))
        ]
        return self._leave(link.click)

    def keys(self, *keys):
        ActionChains(self.driver, duration=0).send_keys(*keys).perform()
        return self

    def enter(self, key=Keys.ENTER):
        """A key that leads to another page."""
        return self._leave(lambda: self.keys(key))

    def put(self, name, value):
        """Put *value* into a field that no citizen can type into, or not so much of it."""
        field = self.driver.find_element(By.NAME, name)
        self.driver.execute_script("arguments[0].value = arguments[1]", field, value)
        return self

    def _leave(self, act):
        before = self._one("html")
        act()
        deadline = time.monotonic() + PATIENCE
        while self._is_there(before):
            assert time.monotonic() < deadline, f"still at {self.path}: {self.words}"
            time.sleep(0.005)
        return self

    @staticmethod
    def _is_there(element):
        try:
            return element.is_enabled()
        except WebDriverException:  # stale, or of no document any more
            return False

    def _one(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def _all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    # --- its window -----------------------------------------------------------------------------

    def size(self, width, height, scale=1):
        """CSS pixels, and how many of the screen's each of them is wide."""
        window = {"width": width, "height": height, "deviceScaleFactor": scale, "mobile": False}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", window)
        return self

    def overhang(self):
        """By how many CSS pixels one must scroll sideways."""
        metrics = self.driver.execute_cdp_cmd("Page.getLayoutMetrics", {})
        return metrics["cssContentSize"]["width"] - metrics["cssLayoutViewport"]["clientWidth"]

    def shoot(self):
        """The whole page as a PNG, below the window's edge too."""
        size = self.driver.execute_cdp_cmd("Page.getLayoutMetrics", {})["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        asked = {"format": "png", "captureBeyondViewport": True, "clip": clip}
        return base64.b64decode(
            self.driver.execute_cdp_cmd("Page.captureScreenshot", asked)["data"]
        )

    def documents(self):
        """(address, status, headers) of each page that has come since this was last asked for."""
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] != "Network.responseReceived":
                continue
            told, response = message["params"], message["params"]["response"]
            if told["type"] == "Document" and response["url"].startswith(self.url):
                headers = {name.lower(): text for name, text in response["headers"].items()}
                yield response["url"], response["status"], headers
