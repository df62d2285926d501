"""Makes docs/images/web-*.png from the running product: `make screenshots`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
CHROMIUM = "/usr/bin/chromium"
FLOWS = [sys.executable, "-m", "esi_flows.cli.app"]
SIZE = {"width": 1240, "height": 800}
FAULTS = (
    {"kind": "fail", "stack": "port_*", "action": "CREATE", "reason": "Quota exceeded for port"},
    {"kind": "slow", "stack": "subnet_*", "action": "CREATE", "seconds": 4.0},
)


@contextmanager
def started(*words: str, environment: Mapping[str, str], until: str) -> Iterator[list[str]]:
    """A command of ours, from the line that has ``until`` on; what it has said by then."""
    process = subprocess.Popen(
        [*FLOWS, *words],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line)
            if until in line:
                break
        yield said
    finally:
        process.terminate()
        process.wait(30)


def exported(lines: list[str]) -> dict[str, str]:
    """The variables that the sandbox prints."""
    found = [re.match(r"export (\w+)='?([^'\n]*)", line) for line in lines]
    return {match[1]: match[2] for match in found if match}


def add_faults(environment: Mapping[str, str]) -> None:
    """Tell the cloud what is to go wrong."""
    url = environment["ESI_FLOWS_MONITOR_URL"].removesuffix("/monitor") + "/sandbox/faults"
    for fault in FAULTS:
        request = urllib.request.Request(url, json.dumps(fault).encode(), method="POST")
        urllib.request.urlopen(request, timeout=10).close()


def shoot(page: Page, address: str, name: str) -> None:
    """One picture of a page that is live."""
    page.goto(address)
    page.get_by_text("Live", exact=True).wait_for()
    page.screenshot(path=str(IMAGES / f"web-{name}.png"))


def pictures(browser: Browser, site: str, environment: Mapping[str, str]) -> None:
    """Deploy something that fails, and take the pictures on the way."""
    page = browser.new_page(viewport=SIZE, color_scheme="light")
    folder = str(ROOT / "flows" / "deployments" / "logical_network")
    subprocess.run([*FLOWS, "apply", folder], cwd=ROOT, env=environment, check=True)
    page.goto(site)
    page.locator("main .sign.running").first.wait_for()
    shoot(page, site, "live")
    page.locator("main .card .failed, main .card .reverted").first.wait_for(timeout=60_000)
    shoot(page, site, "deployments")
    shoot(page, f"{site}/deployments/logical_network", "deployment")
    shoot(page, f"{site}/groups?fold=none", "groups")
    page.goto(f"{site}/groups?phase=reverted")
    failed = page.locator("a.name").first.get_attribute("href")
    shoot(page, f"{site}{failed}", "group")
    dark = browser.new_page(viewport=SIZE, color_scheme="dark")
    shoot(dark, f"{site}{failed}", "group-dark")


def main() -> None:
    """Run the sandbox and the pages, and take the pictures."""
    with ExitStack() as stack:
        data = stack.enter_context(tempfile.TemporaryDirectory())
        lines = stack.enter_context(
            started(
                *("sandbox", "--data", data, "--speed", "20"),
                environment=dict(os.environ),
                until="# data",
            )
        )
        environment = {**os.environ, **exported(lines)}
        add_faults(environment)
        port = "18292"
        stack.enter_context(
            started("web", "--port", port, environment=environment, until="pages are served")
        )
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        pictures(browser, f"http://127.0.0.1:{port}", environment)
        browser.close()


if __name__ == "__main__":
    main()
