"""Draw docs/report.png: the top of the report page on scikit-learn's breast cancer table.

python docs/report_picture.py        # needs chromium
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from sklearn.datasets import load_breast_cancer

TARGET = Path(__file__).with_name("report.png")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
WIDTH, HEIGHT = 1000, 860


def write_table(path: Path) -> None:
    """Write the table as a CSV file, with the diagnosis as a word."""
    table = load_breast_cancer(as_frame=True)
    names = table.target.map(dict(enumerate(table.target_names)))
    table.data.assign(diagnosis=names).to_csv(path, index=False)


def twolayer(folder: Path, *words: str) -> None:
    """Run a command in that folder."""
    code = "import sys; from twolayer.cli.main import main; main(sys.argv[1:])"
    subprocess.run([sys.executable, "-c", code, *words], cwd=folder, check=True)


def take_picture(page: Path, picture: Path) -> None:
    """Take a picture of the top of a page with a browser that shows no window."""
    browser = next(filter(None, map(shutil.which, BROWSERS)), None)
    if browser is None:
        sys.exit("chromium is not installed")
    options = ["--headless", "--no-sandbox", "--hide-scrollbars", f"--window-size={WIDTH},{HEIGHT}"]
    subprocess.run([browser, *options, f"--screenshot={picture}", page.as_uri()], check=True)


def main() -> None:
    """Fit, report, and take the picture."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_table(folder / "biopsies.csv")
        twolayer(folder, "fit", "biopsies.csv", "--target", "diagnosis")
        twolayer(folder, "report", "biopsies.twolayer.safetensors", "biopsies.csv", "--out", "page")
        take_picture(folder / "page" / "report.html", TARGET)


if __name__ == "__main__":
    main()
