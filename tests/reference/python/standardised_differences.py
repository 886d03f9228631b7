"""Standardised differences of levels by the package tableone, of the tables in `stored/counts_data.csv`.

    python standardised_differences.py FOLDER

R has no package for it in Debian. tableone (pip install tableone) computes it for itself, after Yang and Dalton.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path

import pandas as pd
from tableone.statistics import Statistics

Z = 1.959963984540054
STORED = Path(__file__).resolve().parent.parent / "stored"


def main(folder: Path) -> None:
    """Write estimate and interval of every table of two groups."""
    data = pd.read_csv(STORED / "counts_data.csv")
    with (folder / "tableone_results.csv").open("w", encoding="utf-8", newline="") as lines:
        written = csv.writer(lines, lineterminator="\n")
        written.writerow(["dataset", "statistic", "value"])
        for dataset, part in data.groupby("dataset", sort=False):
            counts = part.pivot_table(index="level", columns="group", values="count")
            if counts.shape[1] == 2:
                sizes, shares = counts.sum(), counts / counts.sum()
                smd, error = Statistics()._cat_smd(shares[1], shares[2], sizes[1], sizes[2])
                for name, value in (("", smd), ("_low", smd - Z * error), ("_high", smd + Z * error)):
                    written.writerow([dataset, f"smd_of_levels{name}", f"{value:.17g}"])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
