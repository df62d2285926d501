"""``python -m benchmarks.views``: a table of what laying out and writing graphs takes."""

from __future__ import annotations

from benchmarks.views.measure import measure

SIZES = (100, 1_000, 2_000, 5_000)


def main() -> None:
    """Measure and print."""
    print("| jobs | groups | edges | seconds | SVG KiB |\n|---:|---:|---:|---:|---:|")
    for jobs in SIZES:
        found = measure(jobs)
        counts = f"{found.jobs:,} | {found.groups:,} | {found.edges:,}"
        print(f"| {counts} | {found.seconds:.2f} | {found.size / 1024:,.0f} |")


if __name__ == "__main__":
    main()
